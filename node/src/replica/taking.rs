//! Taking a judged commit into the documents: each change on a scratch copy, then everything at once or nothing.
//!
//! A document that cannot take a change for a reason inside Automerge, or that holds what a later program wrote, is
//! *parked*: it stays as it is, read-only, and further changes of it are kept behind it (`parked`). The other documents of
//! the commit go on.
//!
//! Invariant: a panic inside Automerge or a fold harms the one document only, and nothing of a commit that is set aside
//! reaches a document. Proved by `each_bad_commit_has_its_outcome_and_code` and
//! `a_newer_event_parks_its_document_alone`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crdt_model::commit::SignedCommit;
use crdt_model::control::history::Clock;
use crdt_model::document::held::{HeldChanges, Origin};
use crdt_model::document::{Content, Document, DocumentError};
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::id::{DocumentId, actor_of};
use crdt_model::intake::{ReadChange, first_content};
use crdt_model::scope::Scope;

use super::batch::Batch;
use super::documents::Open;
use super::judge::Fault;
use super::{Replica, ReplicaError};

/// Changes of a document up to which each foreign change is tried by loading all of them as they will be stored.
pub(super) const RELOAD_CHANGES_MAX: usize = 32;

/// What is held of a document while a commit is tried.
pub(super) enum Holding {
    /// Its changes as they are stored, [`RELOAD_CHANGES_MAX`] at most, not opened.
    Few { chunks: Vec<Vec<u8>>, held: HeldChanges },
    /// Opened.
    Open(Box<Open>),
}

/// A document that a commit touches.
#[derive(Default)]
pub(super) struct Scratch {
    holding: Option<Holding>,
    /// Its folded row after the commit, where a change was applied.
    pub row: Option<Option<DocumentRow>>,
    /// Why it is parked, if it is.
    pub parked: Option<Fault>,
}

/// What a commit does to the documents.
#[derive(Default)]
pub(super) struct Taken {
    /// Positions of the changes that were applied.
    pub applied: Vec<usize>,
    /// Positions of the changes that are kept behind a parked document.
    pub behind: Vec<usize>,
    /// Every document that it touches.
    pub documents: BTreeMap<DocumentId, Scratch>,
}

/// A commit as its place in the causal past demands its changes to be.
pub(super) struct Demand<'a> {
    pub scope: &'a Scope,
    pub origin: Origin,
    pub actor: [u8; 16],
    /// What its author has seen of others.
    pub clock: &'a Clock,
}

impl<'a> Demand<'a> {
    /// Of a commit whose author has seen `clock`.
    pub fn of(signed: &'a SignedCommit, clock: &'a Clock) -> Self {
        let commit = signed.commit();
        let origin = Origin { author: commit.author, seq: commit.seq };
        Self { scope: &commit.scope, origin, actor: actor_of(&commit.author, &commit.session), clock }
    }

    /// Whether its author had seen a commit.
    pub fn saw(&self, other: &Origin) -> bool {
        match other.author == self.origin.author {
            true => other.seq <= self.origin.seq,
            false => self.clock.get(&other.author).is_some_and(|seq| *seq >= other.seq),
        }
    }
}

impl Replica {
    /// Tries every change; a fault sets the whole commit aside.
    pub(super) fn take(
        &mut self,
        batch: &Batch<'_, '_>,
        demand: &Demand<'_>,
        changes: &[ReadChange<'_>],
    ) -> Result<Result<Taken, Fault>, ReplicaError> {
        let mut taken = Taken::default();
        for (position, change) in changes.iter().enumerate() {
            let mut scratch = match taken.documents.remove(&change.document) {
                Some(scratch) => scratch,
                None => self.scratch_of(batch, demand.scope, change.document)?,
            };
            if let Err(fault) = scratch.try_change(demand, change) {
                return Ok(Err(fault));
            }
            match scratch.parked {
                Some(_) => taken.behind.push(position),
                None => taken.applied.push(position),
            }
            taken.documents.insert(change.document, scratch);
        }
        Ok(Ok(taken))
    }

    pub(super) fn scratch_of(
        &mut self,
        batch: &Batch<'_, '_>,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Scratch, ReplicaError> {
        if self.is_parked(scope, id) {
            let parked = Some(Fault { code: "parked", detail: "the document is parked".to_owned() });
            return Ok(Scratch { parked, ..Scratch::default() });
        }
        match self.scratch(batch, scope, id) {
            Ok(holding) => Ok(Scratch { holding, ..Scratch::default() }),
            Err(error @ (ReplicaError::Document { .. } | ReplicaError::OwnChange { .. })) => {
                let parked = Some(Fault { code: "document", detail: error.to_string() });
                Ok(Scratch { parked, ..Scratch::default() })
            }
            Err(other) => Err(other),
        }
    }

    /// Keeps what was opened for a commit that is stored, in the place of what was open before it.
    pub(super) fn keep_scratch(&mut self, scope: &Scope, id: DocumentId, scratch: Scratch) {
        match scratch.holding {
            Some(Holding::Open(open)) => self.keep_open(scope, id, *open),
            Some(Holding::Few { .. }) | None => self.close_document(scope, id),
        }
    }
}

impl Scratch {
    /// The folded row of what is held, as it is.
    pub fn fold_held(&mut self) {
        let Some(holding) = &self.holding else { return };
        match guarded(|| Ok(fold_document(&holding.content()?))) {
            Ok(row) => self.row = Some(row),
            Err(error) => self.parked = Some(inside(&error)),
        }
    }

    /// Applies a change, or parks the document; a fault is the commit's.
    pub fn try_change(&mut self, demand: &Demand<'_>, change: &ReadChange<'_>) -> Result<(), Fault> {
        if self.parked.is_some() {
            return Ok(());
        }
        if let Some(newer) = change.newer {
            let detail = format!("event kind {:#06x} version {} is newer than this program", newer.kind, newer.version);
            self.parked = Some(Fault { code: "newer_event", detail });
            return Ok(());
        }
        let none = HeldChanges::default();
        let held = self.holding.as_ref().map_or(&none, Holding::held);
        let checked = held.check(&change.scanned, &demand.actor, |origin| demand.saw(origin));
        checked.map_err(|misplaced| Fault { code: misplaced.code(), detail: misplaced.to_string() })?;
        let before = self.holding.take();
        match guarded(|| apply(before.as_ref(), demand, change)) {
            Ok((holding, row)) => (self.holding, self.row) = (Some(holding), Some(row)),
            Err(error) => (self.holding, self.parked) = (before, Some(inside(&error))),
        }
        Ok(())
    }
}

impl Holding {
    fn held(&self) -> &HeldChanges {
        match self {
            Self::Few { held, .. } => held,
            Self::Open(open) => {
                open.held.as_ref().expect("invariant: a document for a foreign change is opened with its commits")
            }
        }
    }

    fn content(&self) -> Result<Content, DocumentError> {
        match self {
            Self::Few { chunks, .. } => Document::load(chunks.iter().map(Vec::as_slice))?.content(),
            Self::Open(open) => Ok(open.content.clone()),
        }
    }
}

fn inside(error: &DocumentError) -> Fault {
    Fault { code: "document", detail: error.to_string() }
}

/// Runs what may break off inside Automerge or a fold.
fn guarded<T>(work: impl FnOnce() -> Result<T, DocumentError>) -> Result<T, DocumentError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(DocumentError::Automerge("a panic".to_owned())))
}

/// What is held with one more change, and its folded row; what was held before is left as it is.
fn apply(
    before: Option<&Holding>,
    demand: &Demand<'_>,
    change: &ReadChange<'_>,
) -> Result<(Holding, Option<DocumentRow>), DocumentError> {
    let mut held = before.map(|before| before.held().clone()).unwrap_or_default();
    held.add(&change.scanned, demand.origin);
    let (document, content) = match before {
        None => {
            let row = fold_document(&first_content(change));
            return Ok((Holding::Few { chunks: vec![change.chunk.to_vec()], held }, row));
        }
        Some(Holding::Few { chunks, .. }) => {
            let mut chunks = chunks.clone();
            chunks.push(change.chunk.to_vec());
            let document = Document::load(chunks.iter().map(Vec::as_slice))?;
            let content = document.content()?;
            if chunks.len() <= RELOAD_CHANGES_MAX {
                return Ok((Holding::Few { chunks, held }, fold_document(&content)));
            }
            (document, content)
        }
        Some(Holding::Open(open)) => {
            let mut document = open.document.clone();
            document.apply(change.chunk)?;
            let content = document.content()?;
            (document, content)
        }
    };
    let row = fold_document(&content);
    Ok((Holding::Open(Box::new(Open { document, content, held: Some(held) })), row))
}
