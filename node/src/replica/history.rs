//! `control` as a history: read from its commits at the start, and the state at the heads that a commit cites.
//!
//! Invariant: events of commits that were set aside or parked do not count. Proved by
//! `a_commit_out_of_bounds_is_set_aside_with_its_code`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crdt_model::codec::{DecodeError, Reader};
use crdt_model::commit::SignedCommit;
use crdt_model::control::history::{Clock, ControlHistory};
use crdt_model::control::state::Control;
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, CommitHash, EventId};
use crdt_model::intake::read_changes;
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use crdt_model::time::Hlc;

use super::batch::Batch;
use super::documents::references;
use super::frontier::Logs;
use super::{Memory, ReplicaError};
use crate::store::Table;

/// States of `control` that are remembered; past it the memory starts anew.
const VIEWS_MAX: usize = 64;

/// What `control` was at some heads.
pub(super) struct View {
    /// The heads and their past.
    pub clock: Clock,
    /// The state there.
    pub control: Control,
}

/// States of `control` by the heads that name them.
pub(super) type Views = BTreeMap<Vec<CommitHash>, Arc<View>>;

impl Memory {
    /// What the organisation was when the author wrote a commit whose past is held.
    pub fn view(&mut self, signed: &SignedCommit) -> Arc<View> {
        let commit = signed.commit();
        if commit.scope == Scope::Control {
            let clock = self.history.past(signed);
            let control = self.history.at(&clock);
            return Arc::new(View { clock, control });
        }
        if let Some(view) = self.views.get(&commit.control_heads) {
            return Arc::clone(view);
        }
        let clock = self.history.clock(&commit.control_heads);
        let view = Arc::new(View { control: self.history.at(&clock), clock });
        if self.views.len() >= VIEWS_MAX {
            self.views.clear();
        }
        self.views.insert(commit.control_heads.clone(), Arc::clone(&view));
        view
    }
}

/// The events of a control commit's applied changes.
pub(super) fn control_events(signed: &SignedCommit, applied: &[usize]) -> Result<Vec<(EventId, Event)>, ReplicaError> {
    let damaged = |_| ReplicaError::Damaged(DecodeError::OutOfRange { field: "control commit" });
    if applied.is_empty() {
        return Ok(Vec::new());
    }
    let changes = read_changes(signed.commit()).map_err(damaged)?;
    let applied = changes.into_iter().enumerate().filter(|(at, _)| applied.contains(at));
    let events = applied.flat_map(|(_, change)| {
        let document = change.document;
        change.events.into_iter().map(move |(key, event)| (document.event(key), event))
    });
    Ok(events.collect())
}

/// Reads every commit of `control` in the order of its arrival.
pub(super) fn read_history(batch: &Batch<'_, '_>) -> Result<ControlHistory, ReplicaError> {
    let scope = RowKey::of(&Scope::Control);
    let mut applied: BTreeSet<(CommitHash, usize)> = BTreeSet::new();
    for (_, row) in batch.list(Table::Documents, scope.as_bytes())? {
        applied.extend(references(&row)?);
    }
    let mut history = ControlHistory::default();
    for (_, hash) in batch.list(Table::CommitOrder, scope.as_bytes())? {
        let hash = CommitHash::decode("commit", &mut Reader::new(&hash))?;
        let signed = read_commit(batch, &hash)?;
        let positions = 0..signed.commit().changes.len();
        let positions: Vec<usize> = positions.filter(|at| applied.contains(&(hash, *at))).collect();
        let events = control_events(&signed, &positions)?;
        history.add(&signed, events);
    }
    Ok(history)
}

/// A commit that the store holds.
pub(super) fn read_commit(batch: &Batch<'_, '_>, hash: &CommitHash) -> Result<SignedCommit, ReplicaError> {
    let bytes = batch.read(Table::Commits, &hash.0)?.unwrap_or_default();
    Ok(SignedCommit::decode_trusted(&bytes)?)
}

/// The highest clock value of the own heads: a restart never goes back behind what it signed.
pub(super) fn last_hlc(batch: &Batch<'_, '_>, logs: &Logs, author: &AuthorId) -> Result<Hlc, ReplicaError> {
    let mut last = Hlc::default();
    for head in logs.values().filter_map(|log| log.heads.get(author)) {
        last = last.max(read_commit(batch, &head.hash)?.commit().hlc);
    }
    Ok(last)
}
