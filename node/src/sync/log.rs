//! What a session reads of a node's commits: one trait over a consistent snapshot.
//!
//! `stored` reads it from the store; tests read it from a map. Nothing is written here.
//!
//! Invariant: what `next_commits` gives has every commit after those that it follows, and costs what is missing, not what
//! is held. Proved by `missing_commits_of_several_authors_merge_by_arrival`.

mod stored;

use std::collections::BTreeMap;

use crdt_model::codec::DecodeError;
use crdt_model::commit::CommitError;
use crdt_model::id::{AuthorId, CommitHash, DocumentId};
use crdt_model::scope::Scope;
use crdt_model::seal::KeyRecord;
use thiserror::Error;

use crate::store::StoreError;

/// The last commit of an author in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// Whose log.
    pub author: AuthorId,
    /// Its number, from 1.
    pub seq: u64,
    /// The commit.
    pub hash: CommitHash,
}

/// How far each author's log of one scope is held or sent; an author that is not there is at 0.
pub type Have = BTreeMap<AuthorId, u64>;

/// How much is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Commits.
    pub commits: u64,
    /// Bytes as stored.
    pub bytes: u64,
}

impl Totals {
    /// Both together.
    pub fn plus(self, more: Self) -> Self {
        Self { commits: self.commits.saturating_add(more.commits), bytes: self.bytes.saturating_add(more.bytes) }
    }

    /// What is left; never below zero.
    pub fn minus(self, less: Self) -> Self {
        Self { commits: self.commits.saturating_sub(less.commits), bytes: self.bytes.saturating_sub(less.bytes) }
    }
}

/// Why the log cannot be read: the session ends.
#[derive(Debug, Error)]
pub enum LogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored row is not what was written.
    #[error("a stored row is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// A stored commit is not what was written.
    #[error("a stored commit is damaged: {0}")]
    Commit(#[from] CommitError),
    /// The author's log names a commit that is not stored.
    #[error("commit {seq} of author {author} is not stored")]
    Gap {
        /// The author.
        author: AuthorId,
        /// Its number.
        seq: u64,
    },
}

/// A consistent snapshot of a node's commits.
pub trait Log {
    /// The scopes in which there is a commit, in their order.
    ///
    /// # Errors
    /// If the log cannot be read; so for all others.
    fn scopes(&self) -> Result<Vec<Scope>, LogError>;

    /// The heads of a scope, by author.
    fn frontier(&self, scope: &Scope) -> Result<Vec<Head>, LogError>;

    /// The commit of an author at a number.
    fn hash_at(&self, scope: &Scope, author: &AuthorId, seq: u64) -> Result<Option<CommitHash>, LogError>;

    /// What the scope holds beyond `have`, for the authors of `frontier`.
    fn totals(&self, scope: &Scope, have: &Have) -> Result<Totals, LogError>;

    /// The first commits beyond `have` in causal order, at most `bytes_max` of them or a single one; `have` moves on.
    /// Authors of `without` are left out.
    fn next_commits(
        &self,
        scope: &Scope,
        have: &mut Have,
        without: &dyn Fn(&AuthorId) -> bool,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, LogError>;

    /// Every key of a subject.
    fn keys(&self, subject: DocumentId) -> Result<Vec<KeyRecord>, LogError>;
}
