//! The own log: from changes to signed commits, chained per scope, with their index rows.
//!
//! A `Draft` collects changes of one scope and gives out event keys; `commit` signs and stores it. What does not fit one
//! commit rolls over into the next one of the same transaction id.
//!
//! Invariants: sequence numbers of a scope rise by one; a key derives from the commit that carries it; a commit never
//! passes its limits. Proved by `the_own_log_is_contiguous_after_dropped_batches` and
//! `an_order_of_two_thousand_long_lines_is_created_reloaded_and_folded`.

use ed25519_dalek::SigningKey;
use thiserror::Error;

use crdt_model::change::{ScanError, scan};
use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::{
    COMMIT_CHANGES_MAX, CONTROL_HEADS_MAX, Commit, CommitError, Dependency, DocumentChange, SignedCommit,
};
use crdt_model::control::state::{Control, ControlRecord};
use crdt_model::document::DocumentError;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{AuthorId, CommitHash, DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, UserId};
use crdt_model::rows::{RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::{ScopeError, replace_document};
use crdt_model::time::Timestamp;

use super::batch::Batch;
use super::frontier::{Head, read_logs};
use super::history::{control_events, last_hlc, read_history};
use super::parked::parked_documents;
use super::stored::{CommitState, store_commit};
use super::{Memory, NewRow, Replica};
use crate::store::{StoreError, Table};

/// Bytes of changes in one commit; the rest of its limit is left to the envelope.
pub(super) const DRAFT_BYTES_MAX: usize = 192 * 1024;
/// Events in one commit: indexes are 16 bits wide.
const DRAFT_EVENTS_MAX: u32 = 60_000;

/// Name of the row that counts orders numbered by this node.
const LOCAL_ORDERS_NUMBERED: &[u8] = b"orders numbered";

/// Who this node is, for one process start.
pub struct Identity {
    /// Signs commits.
    pub key: SigningKey,
    /// This process start.
    pub session: SessionId,
    /// The organisation.
    pub org: OrgId,
    /// The site of this node.
    pub site: SiteCode,
}

impl Identity {
    /// The author.
    pub fn author_id(&self) -> AuthorId {
        AuthorId(self.key.verifying_key().to_bytes())
    }
}

/// Why the replica cannot go on: the transaction is dropped.
#[derive(Debug, Error)]
pub enum ReplicaError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store is not what was written.
    #[error("a stored row is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// A folded row is damaged.
    #[error("{0}")]
    Scope(ScopeError<StoreError>),
    /// A document cannot be opened or changed.
    #[error("document {id}: {error}")]
    Document {
        /// Which one.
        id: DocumentId,
        /// Why.
        error: DocumentError,
    },
    /// A change of this node breaks a rule of the format: it is not signed.
    #[error("own change of document {id}: {error}")]
    OwnChange {
        /// The document.
        id: DocumentId,
        /// Which rule.
        error: ScanError,
    },
    /// A commit cannot be written.
    #[error("commit: {0}")]
    Commit(#[from] CommitError),
}

impl From<ScopeError<StoreError>> for ReplicaError {
    fn from(error: ScopeError<StoreError>) -> Self {
        Self::Scope(error)
    }
}

/// Changes of one scope that are not signed yet.
pub(super) struct Draft {
    pub scope: Scope,
    seq: u64,
    index: u32,
    bytes: usize,
    changes: Vec<DocumentChange>,
    request: RequestId,
    transaction: TransactionId,
}

impl Draft {
    /// The number of the commit that this draft becomes.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether a further change of about `bytes` with `events` still fits.
    pub fn fits(&self, bytes: usize, events: usize) -> bool {
        self.changes.len() < COMMIT_CHANGES_MAX
            && self.bytes + bytes <= DRAFT_BYTES_MAX
            && self.index + events as u32 <= DRAFT_EVENTS_MAX
    }

    /// Takes a change.
    pub fn push(&mut self, document: DocumentId, chunk: Vec<u8>) {
        self.bytes += chunk.len();
        self.changes.push(DocumentChange { document, chunk });
    }

    /// Whether it holds no change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Replica {
    /// Reads what is remembered between batches.
    pub(super) fn load(&mut self, batch: &Batch<'_, '_>) -> Result<(), ReplicaError> {
        let author = self.identity.author_id();
        let logs = read_logs(batch)?;
        let control = read_control(batch)?;
        let history = read_history(batch)?;
        let numbered = batch.read(Table::Local, LOCAL_ORDERS_NUMBERED)?;
        let orders_numbered = numbered.map(|bytes| Reader::new(&bytes).number("orders numbered")).transpose()?;
        let member = control.members.get(&author);
        self.memory = Some(Memory {
            device_letter: member.map(|member| member.device_letter.to_string()).unwrap_or_default(),
            control,
            hlc: last_hlc(batch, &logs, &author)?,
            logs,
            history,
            views: Default::default(),
            parked: parked_documents(batch)?,
            orders_numbered: orders_numbered.unwrap_or(0),
            journal: None,
            known: Default::default(),
            names: Default::default(),
            loans: Default::default(),
        });
        Ok(())
    }

    fn own_head(&mut self, scope: &Scope) -> Option<Head> {
        let author = self.identity.author_id();
        self.memory().logs.get(scope).and_then(|log| log.heads.get(&author)).copied()
    }

    /// Starts a draft in a scope.
    pub(super) fn draft(&mut self, scope: Scope, request: RequestId, transaction: TransactionId) -> Draft {
        let seq = self.own_head(&scope).map_or(0, |head| head.seq);
        Draft { scope, seq: seq + 1, index: 0, bytes: 0, changes: Vec::new(), request, transaction }
    }

    /// The key of the next event of a draft.
    pub(super) fn next_key(&self, draft: &mut Draft) -> EventKey {
        let key = self.key_at(&draft.scope, draft.seq, draft.index);
        draft.index += 1;
        key
    }

    /// The key of the `index`-th event of a commit of this session.
    pub(super) fn key_at(&self, scope: &Scope, seq: u64, index: u32) -> EventKey {
        let index = u16::try_from(index).expect("invariant: a draft holds at most DRAFT_EVENTS_MAX events");
        EventKey::derive(&self.identity.author_id(), &self.identity.session, scope, seq, index)
    }

    /// The index that the next event of a draft gets.
    pub(super) fn next_index(draft: &Draft) -> u32 {
        draft.index
    }

    /// Commits a draft if something is in it, and starts the next one in its place.
    pub(super) fn roll(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        at: Timestamp,
    ) -> Result<(), ReplicaError> {
        let next = self.draft(draft.scope.clone(), draft.request, draft.transaction);
        let full = std::mem::replace(draft, next);
        self.commit(batch, full, at)?;
        draft.seq = self.own_head(&draft.scope.clone()).map_or(1, |head| head.seq + 1);
        Ok(())
    }

    /// Signs and stores a draft.
    pub(super) fn commit(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: Draft,
        at: Timestamp,
    ) -> Result<(), ReplicaError> {
        if draft.is_empty() {
            return Ok(());
        }
        for DocumentChange { document, chunk } in &draft.changes {
            scan(chunk).map_err(|error| ReplicaError::OwnChange { id: *document, error })?;
        }
        let author = self.identity.author_id();
        let deps = self.memory().logs.get(&draft.scope).map(|log| log.unseen(&author)).unwrap_or_default();
        self.sign(batch, draft, deps, at)
    }

    /// Signs and stores a draft with what it says to have seen of others.
    pub(super) fn sign(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: Draft,
        deps: Vec<Dependency>,
        at: Timestamp,
    ) -> Result<(), ReplicaError> {
        let prev = self.own_head(&draft.scope).map_or(CommitHash::ZERO, |head| head.hash);
        let hlc = self.memory().hlc.tick(at);
        let control_heads = match draft.scope {
            Scope::Control => Vec::new(),
            Scope::Catalogue | Scope::Customers(_) | Scope::Site(_) | Scope::Lane(..) => self.control_heads(),
        };
        let commit = Commit {
            org: self.identity.org,
            author: self.identity.author_id(),
            session: self.identity.session,
            scope: draft.scope,
            seq: draft.seq,
            prev,
            deps,
            control_heads,
            hlc,
            user: UserId::ZERO,
            request: draft.request,
            transaction: draft.transaction,
            kind_flags: 0,
            changes: draft.changes,
        };
        let signed = SignedCommit::sign(commit, &self.identity.key)?;
        let all: Vec<usize> = (0..signed.commit().changes.len()).collect();
        self.memory().hlc = hlc;
        self.store(batch, &signed, CommitState::Applied, &all)
    }

    /// Stores a commit of any author behind the last one of its scope, and remembers it.
    pub(super) fn store(
        &mut self,
        batch: &mut Batch<'_, '_>,
        signed: &SignedCommit,
        state: CommitState,
        applied: &[usize],
    ) -> Result<(), ReplicaError> {
        let commit = signed.commit();
        let log = self.memory().logs.entry(commit.scope.clone()).or_default();
        log.advance(commit.author, commit.seq, signed.hash());
        let arrival = log.arrivals;
        store_commit(batch, signed, arrival, state, applied)?;
        if commit.scope == Scope::Control {
            let events = control_events(signed, applied)?;
            self.memory().history.add(signed, events);
        }
        self.written += 1;
        Ok(())
    }

    /// The heads of `control` that a commit cites: all of them, or the first eight where head office has yet to join them.
    fn control_heads(&self) -> Vec<CommitHash> {
        let Some(memory) = &self.memory else { return Vec::new() };
        let mut heads = memory.history.heads();
        heads.truncate(CONTROL_HEADS_MAX);
        heads
    }

    /// Puts the folded rows of changed documents in their place.
    pub(super) fn fold_in(
        &mut self,
        batch: &mut Batch<'_, '_>,
        scope: &Scope,
        rows: Vec<NewRow>,
    ) -> Result<(), ReplicaError> {
        for (id, row) in rows {
            replace_document(batch, scope, id, row)?;
        }
        if *scope == Scope::Control {
            self.read_control_again(batch)?;
        }
        Ok(())
    }

    /// Brings the remembered `control` up to date with its rows.
    pub(super) fn read_control_again(&mut self, batch: &Batch<'_, '_>) -> Result<(), ReplicaError> {
        let control = read_control(batch)?;
        let member = control.members.get(&self.identity.author_id());
        let letter = member.map(|member| member.device_letter.to_string()).unwrap_or_default();
        let memory = self.memory();
        (memory.control, memory.device_letter) = (control, letter);
        Ok(())
    }

    /// The next number of an order taken here: `SH01-A-000123`.
    pub(super) fn next_order_label(&mut self, batch: &mut Batch<'_, '_>) -> String {
        let site = self.identity.site.clone();
        let memory = self.memory();
        memory.orders_numbered += 1;
        let label = format!("{site}-{}-{:06}", memory.device_letter, memory.orders_numbered);
        let mut writer = Writer::new();
        writer.number(memory.orders_numbered);
        batch.write(Table::Local, LOCAL_ORDERS_NUMBERED.to_vec(), writer.finish());
        label
    }
}

/// Folds the control scope from its rows.
pub(super) fn read_control(batch: &Batch<'_, '_>) -> Result<Control, ReplicaError> {
    let prefix = row_key(&Scope::Control, RowKind::Document, &[]);
    let mut records: Vec<(DocumentId, ControlRecord)> = Vec::new();
    for (key, value) in batch.list(Table::Rows, prefix.as_bytes())? {
        let id = Reader::new(&key[prefix.as_bytes().len()..]).array("document id")?;
        if let DocumentRow::Control(record) = DocumentRow::decode(&value)? {
            records.push((DocumentId(id), record));
        }
    }
    Ok(Control::fold(records.iter().map(|(id, record)| (*id, record))))
}
