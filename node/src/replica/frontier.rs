//! The logs of every author as this node holds them: heads, arrivals, and what each author has shown to have seen.
//!
//! Invariant: what is remembered equals what the store holds; it is read again after a dropped transaction. Proved by
//! `the_own_log_is_contiguous_after_dropped_batches`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crdt_model::codec::{Reader, Writer};
use crdt_model::commit::{Commit, Dependency};
use crdt_model::control::history::{Clock, join};
use crdt_model::id::{AuthorId, CommitHash};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;

use super::ReplicaError;
use super::batch::Batch;
use super::history::View;
use crate::store::Table;

/// Authors in the clock of one commit.
const CLOCK_AUTHORS_MAX: usize = 1 << 20;

/// The last commit of an author's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: u64,
    pub hash: CommitHash,
    /// Its number in the order of arrival.
    pub arrival: u64,
}

/// The logs of one scope.
#[derive(Default)]
pub(super) struct ScopeLog {
    /// Commits that arrived.
    pub arrivals: u64,
    /// The head of each author.
    pub heads: BTreeMap<AuthorId, Head>,
    /// The `control` that the head of another author cites, where it came in this session.
    pub cited: BTreeMap<AuthorId, (CommitHash, Arc<View>)>,
    /// What an author has seen of others, where that was asked for already.
    clocks: BTreeMap<AuthorId, Clock>,
}

/// The logs of every scope.
pub(super) type Logs = BTreeMap<Scope, ScopeLog>;

impl ScopeLog {
    /// Heads of others that came after the author's own last commit, sorted by author.
    pub fn unseen(&self, author: &AuthorId) -> Vec<Dependency> {
        let since = self.heads.get(author).map_or(0, |head| head.arrival);
        if since == self.arrivals {
            return Vec::new();
        }
        let others = self.heads.iter().filter(|(other, head)| *other != author && head.arrival > since);
        others.map(|(author, head)| Dependency { author: *author, seq: head.seq, hash: head.hash }).collect()
    }

    /// Moves an author's head on.
    pub fn advance(&mut self, author: AuthorId, seq: u64, hash: CommitHash) {
        self.arrivals += 1;
        self.heads.insert(author, Head { seq, hash, arrival: self.arrivals });
    }

    /// What the author of a commit has seen of others in its scope, that commit included.
    pub fn clock(&mut self, batch: &Batch<'_, '_>, commit: &Commit) -> Result<Clock, ReplicaError> {
        let clock = match self.clocks.get(&commit.author) {
            Some(clock) => clock,
            None => {
                let row = batch.read(Table::Seen, &seen_key(commit))?;
                let clock = row.map(|row| decode_clock(&mut Reader::new(&row))).transpose()?.unwrap_or_default();
                self.clocks.entry(commit.author).or_insert(clock)
            }
        };
        let mut clock = clock.clone();
        join(&mut clock, &commit.deps.iter().map(|dep| (dep.author, dep.seq)).collect());
        Ok(clock)
    }

    /// Keeps what the author of a stored commit has seen.
    pub fn keep_clock(&mut self, batch: &mut Batch<'_, '_>, commit: &Commit, clock: Clock) {
        if !commit.deps.is_empty() {
            let mut writer = Writer::new();
            encode_clock(&clock, &mut writer);
            batch.write(Table::Seen, seen_key(commit), writer.finish());
            self.clocks.insert(commit.author, clock);
        }
    }
}

fn seen_key(commit: &Commit) -> Vec<u8> {
    RowKey::of(&commit.scope).fixed(&commit.author.0).into_bytes()
}

/// Writes a clock: authors with their numbers.
pub(super) fn encode_clock(clock: &Clock, writer: &mut Writer) {
    let entries: Vec<(&AuthorId, &u64)> = clock.iter().collect();
    writer.list(&entries, |w, (author, seq)| {
        w.fixed(&author.0).number(**seq);
    });
}

/// Reads it.
pub(super) fn decode_clock(reader: &mut Reader<'_>) -> Result<Clock, ReplicaError> {
    let entries =
        reader.list("clock", CLOCK_AUTHORS_MAX, |r| Ok((AuthorId::decode("author", r)?, r.number("seq")?)))?;
    Ok(entries.into_iter().collect())
}

/// The key of a commit in its author's log.
pub(super) fn log_key(author: &AuthorId, scope: &Scope, seq: u64) -> Vec<u8> {
    [&author.0[..], RowKey::of(scope).as_bytes(), &seq.to_be_bytes()].concat()
}

/// The commit of an author at a number, if it is held.
pub(super) fn commit_at(
    batch: &Batch<'_, '_>,
    author: &AuthorId,
    scope: &Scope,
    seq: u64,
) -> Result<Option<(CommitHash, u64)>, ReplicaError> {
    let Some(entry) = batch.read(Table::AuthorLog, &log_key(author, scope, seq))? else { return Ok(None) };
    let mut reader = Reader::new(&entry);
    let hash = CommitHash::decode("hash", &mut reader)?;
    Ok(Some((hash, u64::from_be_bytes(reader.array("arrival")?))))
}

/// Reads every head of the store.
pub(super) fn read_logs(batch: &Batch<'_, '_>) -> Result<Logs, ReplicaError> {
    let mut logs = Logs::new();
    for (key, value) in batch.list(Table::Frontier, &[])? {
        let mut reader = Reader::new(&key);
        let scope = Scope::from_bytes(reader.blob("scope", 64)?)?;
        let author = AuthorId::decode("author", &mut reader)?;
        let mut entry = Reader::new(&value);
        let seq = u64::from_be_bytes(entry.array("seq")?);
        let hash = CommitHash::decode("head", &mut entry)?;
        let arrival = commit_at(batch, &author, &scope, seq)?.map_or(0, |(_, arrival)| arrival);
        let log = logs.entry(scope).or_default();
        // The last arrival of a scope is the head of its author.
        log.arrivals = log.arrivals.max(arrival);
        log.heads.insert(author, Head { seq, hash, arrival });
    }
    Ok(logs)
}
