//! The commits of `control` with their causal past: what the organisation was at the heads that a commit cites.
//!
//! Kept in memory, a small clock (last number per author) for each commit. A commit that was set aside is part of the past
//! but adds no event.
//!
//! Invariant: the state at given heads is a function of their causal past, whatever arrived since. Proved by
//! `the_state_at_old_heads_knows_nothing_newer`.

use std::collections::{BTreeMap, BTreeSet};

use crate::commit::SignedCommit;
use crate::control::state::Control;
use crate::event::Event;
use crate::id::{AuthorId, CommitHash, EventId};

/// The last sequence number seen of each author.
pub type Clock = BTreeMap<AuthorId, u64>;

/// Whether `clock` has seen everything that `other` has.
pub fn covers(clock: &Clock, other: &Clock) -> bool {
    other.iter().all(|(author, seq)| clock.get(author).is_some_and(|seen| seen >= seq))
}

/// Takes the later of both for each author.
pub fn join(clock: &mut Clock, other: &Clock) {
    for (author, seq) in other {
        let seen = clock.entry(*author).or_default();
        *seen = (*seen).max(*seq);
    }
}

/// An event with the commit that wrote it.
#[derive(Debug, Clone)]
struct Recorded {
    id: EventId,
    event: Event,
    author: AuthorId,
    seq: u64,
}

/// Every commit of `control` that is held.
#[derive(Debug, Clone, Default)]
pub struct ControlHistory {
    clocks: BTreeMap<CommitHash, Clock>,
    heads: BTreeSet<CommitHash>,
    events: Vec<Recorded>,
}

impl ControlHistory {
    /// Adds a commit whose past is held, with the events that count.
    pub fn add(&mut self, signed: &SignedCommit, events: Vec<(EventId, Event)>) {
        let commit = signed.commit();
        let mut clock = self.past(signed);
        clock.insert(commit.author, commit.seq);
        self.heads.remove(&commit.prev);
        for dep in &commit.deps {
            self.heads.remove(&dep.hash);
        }
        self.heads.insert(signed.hash());
        self.clocks.insert(signed.hash(), clock);
        let (author, seq) = (commit.author, commit.seq);
        self.events.extend(events.into_iter().map(|(id, event)| Recorded { id, event, author, seq }));
    }

    /// The commits that no other commit follows, sorted.
    pub fn heads(&self) -> Vec<CommitHash> {
        self.heads.iter().copied().collect()
    }

    /// Whether a commit of `control` is held.
    pub fn holds(&self, hash: &CommitHash) -> bool {
        self.clocks.contains_key(hash)
    }

    /// What a commit of `control` follows: its past without itself.
    pub fn past(&self, signed: &SignedCommit) -> Clock {
        let commit = signed.commit();
        let mut clock = self.clock(&[commit.prev]);
        for dep in &commit.deps {
            join(&mut clock, &self.clock(&[dep.hash]));
            join(&mut clock, &Clock::from([(dep.author, dep.seq)]));
        }
        clock
    }

    /// What these heads and their past hold; a head that is not held adds nothing.
    pub fn clock(&self, heads: &[CommitHash]) -> Clock {
        let mut clock = Clock::new();
        for past in heads.iter().filter_map(|head| self.clocks.get(head)) {
            join(&mut clock, past);
        }
        clock
    }

    /// The state that a clock has seen.
    pub fn at(&self, clock: &Clock) -> Control {
        let seen = self.events.iter().filter(|event| clock.get(&event.author).is_some_and(|seq| *seq >= event.seq));
        Control::of_events(seen.map(|recorded| (recorded.id, &recorded.event)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::commit::{Commit, Dependency};
    use crate::control::event::Keeper;
    use crate::id::{DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, UserId};
    use crate::scope::{Scope, SiteCode};
    use crate::time::Hlc;

    fn site() -> SiteCode {
        SiteCode::new("SH01").unwrap()
    }

    fn commit(key: u8, last: Option<&SignedCommit>, deps: Vec<Dependency>) -> SignedCommit {
        let key = SigningKey::from_bytes(&[key; 32]);
        let commit = Commit {
            org: OrgId([1; 32]),
            author: AuthorId(key.verifying_key().to_bytes()),
            session: SessionId([0; 8]),
            scope: Scope::Control,
            seq: last.map_or(1, |last| last.commit().seq + 1),
            prev: last.map_or(CommitHash::ZERO, SignedCommit::hash),
            deps,
            control_heads: Vec::new(),
            hlc: Hlc::default(),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: Vec::new(),
        };
        SignedCommit::sign(commit, &key).unwrap()
    }

    fn keeper(epoch: u32, author: AuthorId) -> Vec<(EventId, Event)> {
        let id = DocumentId([epoch as u8; 16]).event(EventKey([1; 8]));
        vec![(id, Event::Keeper(Keeper { site: site(), epoch, author }))]
    }

    #[test]
    fn the_state_at_old_heads_knows_nothing_newer() {
        let mut history = ControlHistory::default();
        let one = commit(1, None, Vec::new());
        let author = one.commit().author;
        let two = commit(1, Some(&one), Vec::new());
        history.add(&one, keeper(1, author));
        history.add(&two, keeper(2, author));
        let at = |head: &SignedCommit| history.at(&history.clock(&[head.hash()])).epoch(&site());
        assert_eq!((at(&one), at(&two)), (1, 2));
        assert_eq!(history.heads(), [two.hash()]);
    }

    #[test]
    fn concurrent_heads_are_all_kept_until_one_follows_them() {
        let mut history = ControlHistory::default();
        let one = commit(1, None, Vec::new());
        let other = commit(2, None, Vec::new());
        history.add(&one, Vec::new());
        history.add(&other, Vec::new());
        assert_eq!(history.heads().len(), 2);
        let dep = Dependency { author: other.commit().author, seq: 1, hash: other.hash() };
        let both = commit(1, Some(&one), vec![dep]);
        history.add(&both, Vec::new());
        assert_eq!(history.heads(), [both.hash()]);
        let clock = history.clock(&[both.hash()]);
        assert!(covers(&clock, &history.clock(&[other.hash()])) && !covers(&history.clock(&[one.hash()]), &clock));
    }
}
