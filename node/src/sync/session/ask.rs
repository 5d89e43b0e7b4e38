//! ASK and TOLD: whether all that the peer held at a moment has come.
//!
//! Who waits for an exchange asks; the peer answers behind the last commit of what it held when it read the question. A
//! commit is pushed as soon as it is durable, so without the question nobody could tell "all is here" from "not yet sent".
//!
//! Invariant: TOLD follows every commit that the peer held at the ASK. Proved by
//! `an_answer_follows_all_that_was_held_at_the_question`.

use crdt_model::scope::Scope;

use super::reason::{Reason, Stop};
use super::{Session, Stage, View};
use crate::sync::frame::FrameKind;
use crate::sync::log::{Head, Log};
use crate::sync::message::{decode_ask, encode_ask};

/// Bit of the features in HELLO: the speaker answers ASK.
pub(super) const FEATURE_ASK: u64 = 1;

/// Questions of this session, both ways.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// What HELLO said of the peer.
    pub is_answered_there: bool,
    /// The last question that is wanted, that was sent, and that was answered.
    wanted: u64,
    asked: u64,
    pub told: u64,
    /// The peer's last question.
    heard: u64,
    /// What must be sent before it is answered.
    owed: Option<Vec<(Scope, Vec<Head>)>>,
}

impl Asking {
    /// Whether the peer owes an answer.
    pub(super) fn is_open(&self) -> bool {
        self.asked > self.told
    }
}

impl Session {
    /// Asks the peer to tell when all that it holds was sent; `number` rises from question to question.
    ///
    /// Once the status says `told >= number` and `is_complete`, all of that is durable here. A peer that does not know
    /// the question counts as having answered.
    pub fn ask(&mut self, number: u64, log: &impl Log, grants: &crate::sync::Grants) -> Vec<super::Effect> {
        self.step(|session| {
            session.asking.wanted = session.asking.wanted.max(number);
            session.go_on(&View { log, grants })
        })
    }

    /// Sends the question that is wanted.
    pub(super) fn send_ask(&mut self) -> Result<(), Stop> {
        let number = self.asking.wanted;
        if number <= self.asking.asked {
            return Ok(());
        }
        self.asking.asked = number;
        if !self.asking.is_answered_there {
            self.asking.told = number;
            return Ok(());
        }
        self.send(FrameKind::Ask, &encode_ask(number))
    }

    /// Notes what is held now: the answer follows all of it.
    pub(super) fn on_ask<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let number = decode_ask(body)?;
        if number <= self.asking.heard {
            let detail = format!("question {number} after {}", self.asking.heard);
            return Err(Stop::new(Reason::BadFrame, detail));
        }
        self.asking.heard = number;
        let mut owed = Vec::new();
        for scope in super::compare::shared_scopes(view)? {
            let heads = view.log.frontier(&scope)?;
            owed.push((scope, heads));
        }
        self.asking.owed = Some(owed);
        self.take_news(view)
    }

    /// Answers, once all that was held at the question is on its way.
    pub(super) fn send_told<L: Log>(&mut self, view: &View<'_, L>) -> Result<(), Stop> {
        let Some(owed) = &self.asking.owed else { return Ok(()) };
        let lanes = &self.lanes;
        let is_sent = |(scope, heads): &(Scope, Vec<Head>)| {
            !view.grants.shares(scope) || lanes.get(scope).is_some_and(|lane| lane.is_sent(heads))
        };
        if self.stage != Stage::Open || !owed.iter().all(is_sent) {
            return Ok(());
        }
        self.asking.owed = None;
        self.send(FrameKind::Told, &encode_ask(self.asking.heard))
    }

    pub(super) fn on_told(&mut self, body: &[u8]) -> Result<(), Stop> {
        let number = decode_ask(body)?;
        if number <= self.asking.told || number > self.asking.asked {
            let detail = format!("answer {number}, of {} asked and {} answered", self.asking.asked, self.asking.told);
            return Err(Stop::new(Reason::BadFrame, detail));
        }
        self.asking.told = number;
        Ok(())
    }
}
