//! Finding out what differs: HELLO, FRONT, SCOPES, HEADS.
//!
//! `control` is brought level first, both ways; only then are other scopes named, so both ends work out the same shared
//! scopes. A scope whose hash is equal costs nothing more; of any other each end tells its heads once.
//!
//! Invariant: a scope is opened with what the peer has, never with a guess. Proved by the session's tests.

use crdt_model::id::CommitHash;
use crdt_model::scope::Scope;

use super::ask::FEATURE_ASK;
use super::reason::{Reason, Stop};
use super::{Effect, PROTOCOLS, Session, Stage, View};
use crate::sync::frame::FrameKind;
use crate::sync::log::{Head, Log, LogError};
use crate::sync::message::{
    Front, HEADS_MAX, Hello, Pause, SCOPES_MAX, decode_heads, decode_scopes, encode_have, encode_heads, encode_scopes,
};

/// One hash over the heads of a scope.
pub(super) fn heads_hash(heads: &[Head]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for head in heads {
        hasher.update(&head.author.0).update(&head.seq.to_be_bytes()).update(&head.hash.0);
    }
    *hasher.finalize().as_bytes()
}

impl Session {
    /// Says FRONT from the snapshot of this moment and remembers what it covered.
    pub(super) fn send_front<L: Log>(&mut self, view: &View<'_, L>) -> Result<(), Stop> {
        let mut others = blake3::Hasher::new();
        let mut yours = Vec::new();
        let peer = view.grants.author_of(&self.config.peer);
        let mut control = heads_hash(&[]);
        for scope in shared_scopes(view)? {
            let heads = view.log.frontier(&scope)?;
            let hash = heads_hash(&heads);
            match scope {
                Scope::Control => control = hash,
                Scope::Catalogue | Scope::Customers(_) | Scope::Site(_) | Scope::Lane(..) => {
                    others.update(&scope.to_bytes()).update(&hash);
                }
            }
            let theirs = heads.iter().find(|head| Some(head.author) == peer);
            yours.extend(theirs.map(|head| (scope.clone(), head.seq, head.hash)));
            self.lane(&scope, view)?.listed = Some(heads);
        }
        self.lane(&Scope::Control, view)?.listed.get_or_insert_default();
        self.front = [control, *others.finalize().as_bytes()];
        let front = Front { control, others: self.front[1], yours };
        self.send(FrameKind::Front, &front.encode())
    }

    pub(super) fn on_hello<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let hello = Hello::decode(body)?;
        if hello.org != self.config.org {
            return Err(Stop::new(Reason::WrongOrg, format!("organisation {}", hello.org)));
        }
        if hello.protocols.1 < PROTOCOLS.0 || hello.protocols.0 > PROTOCOLS.1 {
            return Err(Stop::new(Reason::Protocol, format!("{:?} there, {PROTOCOLS:?} here", hello.protocols)));
        }
        if !view.grants.admits(&hello.author, &self.config.peer) {
            let detail = format!("author {} is not admitted for device {}", hello.author, self.config.peer);
            return Err(Stop::new(Reason::NotAdmitted, detail));
        }
        self.asking.is_answered_there = hello.features & FEATURE_ASK != 0;
        self.effects.push(Effect::Greeted { author: hello.author, addresses: hello.addresses });
        self.stage = Stage::Fronting;
        match hello.pause {
            // Its CLOSE says the same; nothing of ours is due any more.
            Pause::Paused => self.on_close(Reason::Paused.code().as_bytes()),
            Pause::Running => Ok(()),
        }
    }

    pub(super) fn on_front<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let front = Front::decode(body)?;
        self.stage = Stage::Open;
        for (scope, seq, hash) in &front.yours {
            self.check_own_head(scope, *seq, *hash, view)?;
        }
        if front.control != self.front[0] {
            return self.tell(&Scope::Control, view);
        }
        self.open_equal(&Scope::Control);
        if front.others == self.front[1] {
            self.is_listed = true;
            self.is_listed_there = true;
            let scopes: Vec<Scope> = self.lanes.keys().cloned().collect();
            scopes.iter().for_each(|scope| self.open_equal(scope));
        }
        Ok(())
    }

    /// A peer that remembers more of this author than this node holds has seen it before a restore.
    fn check_own_head<L: Log>(
        &mut self,
        scope: &Scope,
        seq: u64,
        theirs: CommitHash,
        view: &View<'_, L>,
    ) -> Result<(), Stop> {
        if !view.grants.shares(scope) {
            return Ok(());
        }
        let author = self.config.author;
        let ours = view.log.hash_at(scope, &author, seq)?;
        if ours != Some(theirs) {
            self.effects.push(Effect::Fork { scope: scope.clone(), author, seq, ours, theirs });
        }
        Ok(())
    }

    /// Both ends hold what was last hashed.
    fn open_equal(&mut self, scope: &Scope) {
        let Some(lane) = self.lanes.get_mut(scope) else { return };
        let heads = lane.listed.clone().unwrap_or_default();
        lane.open_equal(&heads);
        self.effects.push(Effect::PeerHas { scope: scope.clone(), heads });
    }

    /// Tells our heads of a scope, once.
    fn tell<L: Log>(&mut self, scope: &Scope, view: &View<'_, L>) -> Result<(), Stop> {
        let lane = self.lane(scope, view)?;
        if lane.is_told {
            return Ok(());
        }
        lane.is_told = true;
        let mut heads = view.log.frontier(scope)?;
        heads.truncate(HEADS_MAX);
        self.send(FrameKind::Heads, &encode_heads(scope, &heads))
    }

    pub(super) fn on_scopes<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        self.is_listed_there = true;
        for (scope, theirs) in decode_scopes(body)? {
            let lane = self.lane(&scope, view)?;
            if std::mem::replace(&mut lane.is_listed_there, true) {
                return Err(Stop::new(Reason::BadFrame, format!("scope {scope} was named twice")));
            }
            if lane.have.is_some() {
                continue;
            }
            if lane.listed.is_none() {
                let heads = view.log.frontier(&scope)?;
                self.lane(&scope, view)?.listed = Some(heads);
            }
            let listed = self.lane(&scope, view)?.listed.as_deref().unwrap_or_default();
            if heads_hash(listed) == theirs { self.open_equal(&scope) } else { self.tell(&scope, view)? }
        }
        Ok(())
    }

    pub(super) fn on_heads<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let (scope, heads) = decode_heads(body)?;
        let lane = self.lane(&scope, view)?;
        if std::mem::replace(&mut lane.is_heard, true) {
            return Err(Stop::new(Reason::BadFrame, format!("heads of {scope} were told twice")));
        }
        lane.open(&heads);
        let mut durable = Vec::new();
        for head in heads {
            if !self.check_fork(&scope, head, view)? {
                durable.push(head);
            }
        }
        self.effects.push(Effect::PeerHas { scope: scope.clone(), heads: durable });
        self.tell(&scope, view)?;
        self.count_what_is_left(&scope, view)?;
        let held = view.log.frontier(&scope)?;
        let lane = self.lane(&scope, view)?;
        lane.weigh(&held);
        let totals = lane.left_out;
        self.send(FrameKind::Have, &encode_have(&scope, totals))
    }

    /// Compares a head of the peer with ours under the same number; tells a fork to both sides.
    pub(super) fn check_fork<L: Log>(&mut self, scope: &Scope, theirs: Head, view: &View<'_, L>) -> Result<bool, Stop> {
        let Head { author, seq, hash } = theirs;
        let Some(ours) = view.log.hash_at(scope, &author, seq)?.filter(|ours| *ours != hash) else { return Ok(false) };
        if self.lane(scope, view)?.forked.insert(author) {
            let fork = Effect::Fork { scope: scope.clone(), author, seq, ours: Some(ours), theirs: hash };
            self.effects.push(fork);
            self.send(FrameKind::Fork, &encode_heads(scope, &[Head { author, seq, hash: ours }]))?;
        }
        Ok(true)
    }

    pub(super) fn on_fork<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let (scope, heads) = decode_heads(body)?;
        self.lane(&scope, view)?;
        for head in heads {
            self.check_fork(&scope, head, view)?;
        }
        let held = view.log.frontier(&scope)?;
        self.lane(&scope, view)?.weigh(&held);
        Ok(())
    }

    /// Names scopes to the peer: all of them once `control` is level, later those that are new.
    pub(super) fn name_scopes<L: Log>(&mut self, view: &View<'_, L>) -> Result<(), Stop> {
        self.lanes.retain(|scope, _| view.grants.shares(scope));
        if !self.is_control_level(view)? {
            return Ok(());
        }
        let mut named = Vec::new();
        for scope in shared_scopes(view)?.into_iter().filter(|scope| *scope != Scope::Control) {
            let lane = self.lanes.get(&scope);
            let is_new = lane.is_none_or(|lane| lane.have.is_none() && !lane.is_told && lane.listed.is_none());
            if !self.is_listed || is_new {
                let heads = match lane.and_then(|lane| lane.listed.clone().filter(|_| lane.is_listed_there)) {
                    Some(listed) => listed,
                    None => view.log.frontier(&scope)?,
                };
                named.push((scope.clone(), heads_hash(&heads)));
                self.lane(&scope, view)?.listed = Some(heads);
            }
        }
        named.truncate(SCOPES_MAX);
        if !std::mem::replace(&mut self.is_listed, true) || !named.is_empty() {
            self.send(FrameKind::Scopes, &encode_scopes(&named))?;
        }
        Ok(())
    }

    /// Whether both ends hold the same of `control`, durably.
    fn is_control_level<L: Log>(&mut self, view: &View<'_, L>) -> Result<bool, LogError> {
        let Some(lane) = self.lanes.get_mut(&Scope::Control) else { return Ok(false) };
        if lane.have.is_none() {
            return Ok(false);
        }
        let held = view.log.frontier(&Scope::Control)?;
        lane.weigh(&held);
        Ok(lane.is_complete && lane.is_durable_there(&held))
    }
}

/// The scopes with a commit that the peer shares, in their order.
pub(super) fn shared_scopes<L: Log>(view: &View<'_, L>) -> Result<Vec<Scope>, LogError> {
    Ok(view.log.scopes()?.into_iter().filter(|scope| view.grants.shares(scope)).collect())
}
