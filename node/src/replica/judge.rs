//! Judging a commit of another author before any of its bytes reach Automerge: its place in the logs, its admission, and
//! whether its author may write what it holds.
//!
//! Every judgement depends on the commit, its causal past and `control` at the heads that it cites, never on the order of
//! arrival.
//!
//! Invariant: each outcome has a stable reason code. Proved by `each_bad_commit_has_its_outcome_and_code`.

use std::sync::Arc;

use crdt_model::codec::DecodeError;
use crdt_model::commit::{Commit, Dependency, SignedCommit};
use crdt_model::control::capability::{Denied, may, may_edit, may_see};
use crdt_model::control::history::covers;
use crdt_model::event::Event;
use crdt_model::id::{CommitHash, OrgId};
use crdt_model::intake::{ReadChange, Unfit, read_changes};
use crdt_model::scope::Scope;

use super::batch::Batch;
use super::frontier::commit_at;
use super::history::{View, read_commit};
use super::{Replica, ReplicaError};
use crate::store::Table;

/// Where a commit stands in the logs.
pub(super) enum Place {
    /// It is held already.
    Held,
    /// Everything that it follows is held: it is the next of its author's log.
    Next,
    /// It waits for this commit.
    Waits(CommitHash),
    /// Its author wrote another commit with this number.
    Fork,
    /// It can never be stored.
    Refused(Fault),
}

/// Why something is refused or set aside: a stable code and the words for people.
#[derive(Debug)]
pub(super) struct Fault {
    pub code: &'static str,
    pub detail: String,
}

impl Fault {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<Unfit> for Fault {
    fn from(unfit: Unfit) -> Self {
        Self::new(unfit.code(), unfit.to_string())
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        Self::new(denied.code(), denied.to_string())
    }
}

/// Whether what a commit names is held.
enum Named {
    Held,
    Missing(CommitHash),
    Wrong(Fault),
}

impl Replica {
    /// Finds the place of a commit.
    pub(super) fn place(&mut self, batch: &Batch<'_, '_>, signed: &SignedCommit) -> Result<Place, ReplicaError> {
        if signed.org() != self.identity.org {
            return Ok(Place::Refused(Fault::new("wrong_org", format!("it belongs to {}", signed.org()))));
        }
        match self.chained(batch, signed)? {
            Place::Next => {}
            other @ (Place::Held | Place::Waits(_) | Place::Fork | Place::Refused(_)) => return Ok(other),
        }
        let commit = signed.commit();
        for dep in &commit.deps {
            match self.named(batch, &commit.scope, dep)? {
                Named::Held => {}
                Named::Missing(hash) => return Ok(Place::Waits(hash)),
                Named::Wrong(fault) => return Ok(Place::Refused(fault)),
            }
        }
        for head in &commit.control_heads {
            match self.named_control(batch, head)? {
                Named::Held => {}
                Named::Missing(hash) => return Ok(Place::Waits(hash)),
                Named::Wrong(fault) => return Ok(Place::Refused(fault)),
            }
        }
        if !commit.is_genesis() && !self.memory().view(signed).control.members.contains_key(&commit.author) {
            let detail = format!("author {} is not a member in the `control` that it cites", commit.author);
            return Ok(Place::Refused(Fault::new("not_a_member", detail)));
        }
        Ok(Place::Next)
    }

    /// Whether the commit is the next of its author's log.
    fn chained(&mut self, batch: &Batch<'_, '_>, signed: &SignedCommit) -> Result<Place, ReplicaError> {
        let commit = signed.commit();
        let head = self.memory().logs.get(&commit.scope).and_then(|log| log.heads.get(&commit.author)).copied();
        let (seq, hash) = head.map_or((0, CommitHash::ZERO), |head| (head.seq, head.hash));
        if commit.seq == seq + 1 && commit.prev == hash {
            return Ok(Place::Next);
        }
        if batch.read(Table::CommitStates, &signed.hash().0)?.is_some() {
            return Ok(Place::Held);
        }
        if commit.seq == 1 {
            return Ok(Place::Fork);
        }
        if batch.read(Table::CommitStates, &commit.prev.0)?.is_none() {
            return Ok(Place::Waits(commit.prev));
        }
        let prev = read_commit(batch, &commit.prev)?;
        let follows = |prev: &Commit| {
            prev.author == commit.author && prev.scope == commit.scope && prev.seq.checked_add(1) == Some(commit.seq)
        };
        Ok(match follows(prev.commit()) {
            true => Place::Fork,
            false => {
                Place::Refused(Fault::new("bad_chain", "the commit before it has another author, scope or number"))
            }
        })
    }

    fn named(&mut self, batch: &Batch<'_, '_>, scope: &Scope, dep: &Dependency) -> Result<Named, ReplicaError> {
        let head = self.memory().logs.get(scope).and_then(|log| log.heads.get(&dep.author)).copied();
        if head.is_some_and(|head| (head.seq, head.hash) == (dep.seq, dep.hash)) {
            return Ok(Named::Held);
        }
        if head.is_some_and(|head| dep.seq <= head.seq)
            && commit_at(batch, &dep.author, scope, dep.seq)?.is_some_and(|(hash, _)| hash == dep.hash)
        {
            return Ok(Named::Held);
        }
        if batch.read(Table::CommitStates, &dep.hash.0)?.is_none() {
            return Ok(Named::Missing(dep.hash));
        }
        let held = read_commit(batch, &dep.hash)?;
        let held = held.commit();
        Ok(match (held.author, held.seq) == (dep.author, dep.seq) && held.scope == *scope {
            true => Named::Held,
            false => Named::Wrong(Fault::new("bad_deps", format!("{} is another commit", dep.hash))),
        })
    }

    fn named_control(&mut self, batch: &Batch<'_, '_>, head: &CommitHash) -> Result<Named, ReplicaError> {
        if self.memory().history.holds(head) {
            return Ok(Named::Held);
        }
        let held = batch.read(Table::CommitStates, &head.0)?.is_some();
        Ok(match held && read_commit(batch, head)?.commit().scope != Scope::Control {
            true => Named::Wrong(Fault::new("bad_control_heads", format!("{head} is no commit of `control`"))),
            false => Named::Missing(*head),
        })
    }

    /// Whether the control heads of a commit cover those of the commits that it follows.
    pub(super) fn covers_past(
        &mut self,
        batch: &Batch<'_, '_>,
        commit: &Commit,
        view: &View,
    ) -> Result<bool, ReplicaError> {
        if commit.scope == Scope::Control {
            return Ok(true);
        }
        let prev = (commit.prev != CommitHash::ZERO).then_some((commit.author, commit.prev));
        for (author, hash) in prev.into_iter().chain(commit.deps.iter().map(|dep| (dep.author, dep.hash))) {
            let log = self.memory().logs.entry(commit.scope.clone()).or_default();
            let covered = match log.cited.get(&author) {
                Some((head, cited)) if *head == hash => {
                    std::ptr::eq(view, Arc::as_ptr(cited)) || covers(&view.clock, &cited.clock)
                }
                Some(_) | None => {
                    let heads = read_commit(batch, &hash)?.commit().control_heads.clone();
                    covers(&view.clock, &self.memory().history.clock(&heads))
                }
            };
            if !covered {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads a commit and checks that its author may write all of it.
pub(super) fn permitted<'a>(signed: &'a SignedCommit, view: &View, org: OrgId) -> Result<Vec<ReadChange<'a>>, Fault> {
    let commit = signed.commit();
    let changes = read_changes(commit)?;
    if commit.is_genesis() {
        return genesis_of(signed, changes, org);
    }
    if changes.is_empty() {
        may_see(&view.control, &commit.author, &commit.scope)?;
    }
    for change in &changes {
        for (_, event) in &change.events {
            may(&view.control, &commit.author, &commit.scope, event)?;
        }
        if change.edits_fields || change.events.is_empty() {
            may_edit(&view.control, &commit.author, &commit.scope).or_else(|denied| match change.newer {
                Some(_) => Ok(()),
                None => Err(denied),
            })?;
        }
    }
    Ok(changes)
}

/// The genesis holds one event, which admits its own author.
fn genesis_of<'a>(
    signed: &SignedCommit,
    changes: Vec<ReadChange<'a>>,
    org: OrgId,
) -> Result<Vec<ReadChange<'a>>, Fault> {
    let first = changes.first().map(|change| change.events.as_slice());
    let own = match first {
        Some([(_, Event::Genesis(genesis))]) => genesis.member.author == signed.commit().author,
        Some(_) | None => false,
    };
    match own && signed.org() == org {
        true => Ok(changes),
        false => Err(Fault::new("genesis", DecodeError::OutOfRange { field: "genesis" }.to_string())),
    }
}
