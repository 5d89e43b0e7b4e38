//! What a session knows of one shared scope.
//!
//! Invariant: `have` only grows while the lane lives, so a commit travels once. Proved by
//! `each_commit_travels_once_in_a_session`.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::id::AuthorId;

use crate::sync::log::{Have, Head, Totals};

/// One scope of one session.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The heads that were last hashed for the peer.
    pub listed: Option<Vec<Head>>,
    /// The peer has named the scope.
    pub is_listed_there: bool,
    /// Our heads were sent.
    pub is_told: bool,
    /// The peer's heads were read.
    pub is_heard: bool,
    /// What the peer has or was sent; nothing is sent before it is known.
    pub have: Option<Have>,
    /// What the peer has on disk.
    pub durable_there: Have,
    /// What the peer says that it has.
    pub announced: Have,
    /// What came in DATA.
    pub received: Have,
    /// Authors with two commits under one number: not exchanged here.
    pub forked: BTreeSet<AuthorId>,
    /// There may be something to send.
    pub is_dirty: bool,
    /// Everything announced is held.
    pub is_complete: bool,
    /// What is to be sent, and up to where it was counted.
    pub left_out: Totals,
    pub counted: Have,
    /// What was announced by HAVE and did not come yet.
    pub left_in: Totals,
}

impl Lane {
    /// Both ends hold the same.
    pub fn open_equal(&mut self, heads: &[Head]) {
        let have: Have = heads.iter().map(|head| (head.author, head.seq)).collect();
        raise_all(&mut self.durable_there, &have);
        raise_all(&mut self.announced, &have);
        raise_all(&mut self.counted, &have);
        raise_all(self.have.get_or_insert_default(), &have);
        self.is_dirty = true;
        self.is_complete = true;
    }

    /// The peer has these.
    pub fn open(&mut self, heads: &[Head]) {
        let have: Have = heads.iter().map(|head| (head.author, head.seq)).collect();
        raise_all(&mut self.durable_there, &have);
        raise_all(&mut self.announced, &have);
        let known = self.have.get_or_insert_default();
        raise_all(known, &self.received);
        raise_all(known, &have);
        self.is_dirty = true;
    }

    /// The peer sent a commit: it has it, on disk.
    pub fn note_received(&mut self, author: AuthorId, seq: u64) {
        for have in [&mut self.received, &mut self.announced, &mut self.durable_there] {
            raise(have, author, seq);
        }
        if let Some(have) = &mut self.have {
            raise(have, author, seq);
        }
    }

    /// Works out whether everything announced is in `held`.
    pub fn weigh(&mut self, held: &[Head]) {
        let held: BTreeMap<AuthorId, u64> = held.iter().map(|head| (head.author, head.seq)).collect();
        self.is_complete = self.have.is_some() && covers(&held, &self.announced, &self.forked);
        if self.is_complete {
            // What another peer brought is not waited for.
            self.left_in = Totals::default();
        }
    }

    /// Whether the peer has or was sent all of `heads`.
    pub fn is_sent(&self, heads: &[Head]) -> bool {
        let wanted = heads.iter().map(|head| (head.author, head.seq)).collect();
        self.have.as_ref().is_some_and(|have| covers(have, &wanted, &self.forked))
    }

    /// Whether the peer has all of `heads` on disk.
    pub fn is_durable_there(&self, heads: &[Head]) -> bool {
        let wanted = heads.iter().map(|head| (head.author, head.seq)).collect();
        covers(&self.durable_there, &wanted, &self.forked)
    }
}

fn covers(held: &Have, wanted: &Have, without: &BTreeSet<AuthorId>) -> bool {
    let mut wanted = wanted.iter().filter(|(author, _)| !without.contains(author));
    wanted.all(|(author, seq)| held.get(author).is_some_and(|held| held >= seq))
}

/// Moves one author up; never down.
pub(super) fn raise(have: &mut Have, author: AuthorId, seq: u64) {
    let entry = have.entry(author).or_insert(0);
    *entry = (*entry).max(seq);
}

/// Moves every author up; never down.
pub(super) fn raise_all(have: &mut Have, by: &Have) {
    by.iter().for_each(|(author, seq)| raise(have, *author, *seq));
}
