//! Commits that came before what they follow: kept in memory until that arrives, or forgotten.
//!
//! Not stored and not acknowledged: whoever sent them sends them again.
//!
//! Invariant: the buffer never passes its bounds; the oldest goes first. Proved by `the_buffer_forgets_the_oldest`.

use std::collections::{BTreeMap, VecDeque};

use crdt_model::commit::SignedCommit;
use crdt_model::id::CommitHash;

/// Commits that wait, at most.
pub(super) const WAITING_COMMITS_MAX: usize = 1_024;
/// Their bytes, at most.
pub(super) const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

struct Waiter {
    commit: SignedCommit,
    needs: CommitHash,
}

/// The buffer.
#[derive(Default)]
pub(super) struct Waiting {
    by_hash: BTreeMap<CommitHash, Waiter>,
    by_need: BTreeMap<CommitHash, Vec<CommitHash>>,
    oldest: VecDeque<CommitHash>,
    bytes: usize,
}

impl Waiting {
    /// Keeps a commit until `needs` arrives.
    pub fn keep(&mut self, commit: SignedCommit, needs: CommitHash) {
        let hash = commit.hash();
        if self.holds(&hash) {
            return;
        }
        self.bytes += commit.bytes().len();
        self.by_need.entry(needs).or_default().push(hash);
        self.by_hash.insert(hash, Waiter { commit, needs });
        self.oldest.push_back(hash);
        while self.by_hash.len() > WAITING_COMMITS_MAX || self.bytes > WAITING_BYTES_MAX {
            let Some(oldest) = self.oldest.pop_front() else { break };
            self.remove(&oldest);
        }
    }

    /// Whether a commit waits.
    pub fn holds(&self, hash: &CommitHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// Takes out what waited for `arrived`.
    pub fn take(&mut self, arrived: &CommitHash) -> Vec<SignedCommit> {
        let ready = self.by_need.get(arrived).cloned().unwrap_or_default();
        ready.iter().filter_map(|hash| self.remove(hash)).collect()
    }

    fn remove(&mut self, hash: &CommitHash) -> Option<SignedCommit> {
        let Waiter { commit, needs } = self.by_hash.remove(hash)?;
        self.bytes -= commit.bytes().len();
        if let Some(waiting) = self.by_need.get_mut(&needs) {
            waiting.retain(|other| other != hash);
            if waiting.is_empty() {
                self.by_need.remove(&needs);
            }
        }
        // Entries of commits that were taken are dropped when they come to the front, or all at once.
        if self.oldest.len() > 2 * WAITING_COMMITS_MAX {
            self.oldest.retain(|entry| self.by_hash.contains_key(entry));
        }
        Some(commit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::commit::{Commit, DocumentChange};
    use crdt_model::id::{AuthorId, DocumentId, OrgId, RequestId, SessionId, TransactionId, UserId};
    use crdt_model::scope::Scope;
    use crdt_model::time::Hlc;
    use ed25519_dalek::SigningKey;

    use super::*;

    fn commit(seq: u64, bytes: usize) -> SignedCommit {
        let key = SigningKey::from_bytes(&[1; 32]);
        let commit = Commit {
            org: OrgId([1; 32]),
            author: AuthorId(key.verifying_key().to_bytes()),
            session: SessionId([0; 8]),
            scope: Scope::Catalogue,
            seq,
            prev: CommitHash([1; 32]),
            deps: Vec::new(),
            control_heads: vec![CommitHash([1; 32])],
            hlc: Hlc(seq),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: vec![DocumentChange { document: DocumentId([1; 16]), chunk: vec![0; bytes] }],
        };
        SignedCommit::sign(commit, &key).unwrap()
    }

    #[test]
    fn what_waits_is_taken_when_its_need_arrives() {
        let mut waiting = Waiting::default();
        let (one, two) = (commit(2, 1), commit(3, 1));
        waiting.keep(one.clone(), CommitHash([7; 32]));
        waiting.keep(one.clone(), CommitHash([7; 32]));
        waiting.keep(two.clone(), one.hash());
        assert!(waiting.take(&CommitHash([8; 32])).is_empty());
        assert_eq!(waiting.take(&CommitHash([7; 32])), std::slice::from_ref(&one));
        assert_eq!(waiting.take(&one.hash()), [two]);
        assert!(waiting.by_need.is_empty() && waiting.bytes == 0);
    }

    #[test]
    fn the_buffer_forgets_the_oldest() {
        let mut waiting = Waiting::default();
        let hashes: Vec<CommitHash> = (2..WAITING_COMMITS_MAX as u64 + 3)
            .map(|seq| {
                let commit = commit(seq, 1);
                let hash = commit.hash();
                waiting.keep(commit, CommitHash([9; 32]));
                hash
            })
            .collect();
        assert!(!waiting.holds(&hashes[0]) && waiting.holds(&hashes[1]));
        assert_eq!(waiting.by_hash.len(), WAITING_COMMITS_MAX);
        let large: Vec<SignedCommit> = (2..36).map(|seq| commit(seq, 128 * 1024 - 1)).collect();
        for commit in &large {
            waiting.keep(commit.clone(), CommitHash([9; 32]));
        }
        assert!(waiting.bytes <= WAITING_BYTES_MAX);
        assert!(!waiting.holds(&large[0].hash()) && waiting.holds(&large[33].hash()));
    }
}
