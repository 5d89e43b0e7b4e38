//! Commits of other authors: what comes in and what became of it.

use crdt_model::commit::SignedCommit;
use crdt_model::id::CommitHash;
use crdt_model::scope::Scope;
use crdt_model::seal::KeyRecord;
use crdt_model::time::Timestamp;

use super::batch::Batch;
use super::command::Outcome;
use super::{Replica, Stop};

/// What a peer sent: commits whose signatures the caller has verified, in causal order where the peer is honest, and
/// the keys that they use.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The commits.
    pub commits: Vec<SignedCommit>,
    /// The keys of sealed values in them.
    pub keys: Vec<KeyRecord>,
}

/// What became of an arrival; told after it is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Commits stored, whatever their state.
    pub stored: u64,
    /// Commits that were held already.
    pub duplicates: u64,
    /// Commits that wait in memory for others.
    pub waiting: u64,
    /// Of the stored ones, those set aside.
    pub set_aside: u64,
    /// Of the stored ones, those with a parked document.
    pub parked: u64,
    /// The commit that ended the arrival, if one did; what came before it stays.
    pub refused: Option<Refusal>,
    /// Scopes that got a commit.
    pub touched: Vec<Scope>,
}

/// Why a commit is refused: nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The commit.
    pub hash: CommitHash,
    /// Stable reason code.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl Replica {
    pub(super) fn receive(
        &mut self,
        _batch: &mut Batch<'_, '_>,
        _now: Timestamp,
        _arrival: &Arrival,
    ) -> Result<Outcome, Stop> {
        Ok(Outcome::Received(Received::default()))
    }
}
