//! The own log: from changes to signed commits, chained per scope, with their index rows.
//!
//! A `Draft` collects changes of one scope and gives out event keys; `commit` signs and stores it. What does not fit one
//! commit rolls over into the next one of the same transaction id.
//!
//! Invariants: sequence numbers of a scope rise by one; a key derives from the commit that carries it; a commit never
//! passes its limits. Proved by `the_own_log_is_contiguous_after_dropped_batches` and
//! `an_order_of_two_thousand_long_lines_is_created_reloaded_and_folded`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ed25519_dalek::SigningKey;
use thiserror::Error;

use crdt_model::change::{ScanError, scan};
use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::{COMMIT_CHANGES_MAX, Commit, CommitError, DocumentChange, SignedCommit};
use crdt_model::control::event::Genesis;
use crdt_model::control::state::{Control, ControlRecord};
use crdt_model::document::{Document, DocumentError, Put};
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::event::Event;
use crdt_model::id::{
    AuthorId, CommitHash, DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, UserId, actor_of,
};
use crdt_model::rows::{RowKey, RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::{ScopeError, replace_document};
use crdt_model::time::{Hlc, Timestamp};

use super::batch::Batch;
use super::documents::content_of;
use super::{Memory, NewRow, Replica};
use crate::store::{Direction, KeyRange, ReadTables, StoreError, Table, WriteTx};

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

/// The own log of one scope.
#[derive(Clone, Copy, Default)]
pub(super) struct Head {
    seq: u64,
    hash: Option<CommitHash>,
    arrivals: u64,
}

/// The own log of each scope.
pub(super) type Heads = BTreeMap<Scope, Head>;

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
    pub(super) fn load(&mut self, tx: &mut WriteTx<'_>) -> Result<(), ReplicaError> {
        let author = self.identity.author_id();
        let (heads, control_heads_of_others) = read_heads(tx, &author)?;
        let batch = Batch::new(tx);
        let control = read_control(&batch)?;
        let numbered = batch.read(Table::Local, LOCAL_ORDERS_NUMBERED)?;
        let orders_numbered = numbered.map(|bytes| Reader::new(&bytes).number("orders numbered")).transpose()?;
        let member = control.members.get(&author);
        self.memory = Some(Memory {
            device_letter: member.map(|member| member.device_letter.to_string()).unwrap_or_default(),
            control,
            heads,
            control_heads_of_others,
            hlc: Hlc::default(),
            orders_numbered: orders_numbered.unwrap_or(0),
            journal: None,
            known: Default::default(),
            names: Default::default(),
        });
        Ok(())
    }

    /// Starts a draft in a scope.
    pub(super) fn draft(&mut self, scope: Scope, request: RequestId, transaction: TransactionId) -> Draft {
        let head = self.memory().heads.get(&scope).copied().unwrap_or_default();
        Draft { scope, seq: head.seq + 1, index: 0, bytes: 0, changes: Vec::new(), request, transaction }
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
        draft.seq = self.memory().heads.get(&draft.scope).map_or(1, |head| head.seq + 1);
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
        let head = self.memory().heads.get(&draft.scope).copied().unwrap_or_default();
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
            prev: head.hash.unwrap_or(CommitHash::ZERO),
            deps: Vec::new(),
            control_heads,
            hlc,
            user: UserId::ZERO,
            request: draft.request,
            transaction: draft.transaction,
            kind_flags: 0,
            changes: draft.changes,
        };
        let signed = SignedCommit::sign(commit, &self.identity.key)?;
        let head = Head { seq: draft.seq, hash: Some(signed.hash()), arrivals: head.arrivals + 1 };
        store_commit(batch, &signed, head.arrivals)?;
        self.written += 1;
        let memory = self.memory();
        memory.heads.insert(signed.commit().scope.clone(), head);
        memory.hlc = hlc;
        Ok(())
    }

    fn control_heads(&self) -> Vec<CommitHash> {
        let Some(memory) = &self.memory else { return Vec::new() };
        let own = memory.heads.get(&Scope::Control).and_then(|head| head.hash);
        let mut heads: Vec<CommitHash> = memory.control_heads_of_others.iter().copied().chain(own).collect();
        heads.sort_unstable();
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
            self.memory().control = read_control(batch)?;
        }
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

/// Stores a commit with its index rows; the documents' rows are the caller's.
fn store_commit(batch: &mut Batch<'_, '_>, signed: &SignedCommit, arrival: u64) -> Result<(), ReplicaError> {
    let commit = signed.commit();
    let hash = signed.hash();
    let scope = RowKey::of(&commit.scope);
    let frontier = [&commit.seq.to_be_bytes()[..], &hash.0].concat();
    batch.write(Table::Commits, hash.0.to_vec(), signed.bytes().to_vec());
    let log = [&commit.author.0[..], scope.as_bytes(), &commit.seq.to_be_bytes()].concat();
    batch.write(Table::AuthorLog, log, log_entry(signed, arrival));
    batch.write(Table::CommitOrder, scope.clone().fixed(&arrival.to_be_bytes()).into_bytes(), hash.0.to_vec());
    batch.write(Table::CommitStates, hash.0.to_vec(), vec![CommitState::Applied as u8]);
    batch.write(Table::Frontier, scope.clone().fixed(&commit.author.0).into_bytes(), frontier);
    for (at, change) in commit.changes.iter().enumerate() {
        let key = scope.clone().document(&change.document).into_bytes();
        let mut references = batch.read(Table::Documents, &key)?.unwrap_or_default();
        references.extend_from_slice(&hash.0);
        references.push(at as u8);
        batch.write(Table::Documents, key, references);
    }
    Ok(())
}

/// The row of a commit in its author's log: hash, arrival in its scope, length in bytes.
fn log_entry(signed: &SignedCommit, arrival: u64) -> Vec<u8> {
    let length = signed.bytes().len() as u32;
    [&signed.hash().0[..], &arrival.to_be_bytes(), &length.to_be_bytes()].concat()
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CommitState {
    /// Its changes are in the documents.
    Applied = 1,
    /// Stored and counted, shown with its reason.
    SetAside = 2,
    /// Its documents wait for a newer program.
    Parked = 3,
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

/// The own head of each scope, and what others wrote last in `control`.
fn read_heads(tx: &impl ReadTables, author: &AuthorId) -> Result<(Heads, Vec<CommitHash>), ReplicaError> {
    let mut frontier = Vec::new();
    tx.scan(Table::Frontier, &KeyRange::all(), Direction::Forward, |key, value| {
        frontier.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    let (mut heads, mut others) = (Heads::new(), Vec::new());
    for (key, value) in frontier {
        let mut reader = Reader::new(&key);
        let scope = Scope::from_bytes(reader.blob("scope", 64)?)?;
        let owner = AuthorId::decode("author", &mut reader)?;
        let arrivals = last_arrival(tx, &scope)?;
        let mut entry = Reader::new(&value);
        let seq = u64::from_be_bytes(entry.array("seq")?);
        let hash = CommitHash::decode("head", &mut entry)?;
        if owner != *author && scope == Scope::Control {
            others.push(hash);
        }
        let head = heads.entry(scope).or_default();
        head.arrivals = arrivals;
        if owner == *author {
            (head.seq, head.hash) = (seq, Some(hash));
        }
    }
    Ok((heads, others))
}

/// What an organisation begins with.
pub struct GenesisDraft {
    /// Its genesis event.
    pub genesis: Genesis,
    /// The first author's key.
    pub key: SigningKey,
    /// This process start.
    pub session: SessionId,
    /// Now.
    pub now: Timestamp,
    /// Random bytes of the document id.
    pub random: [u8; 10],
}

/// Writes the genesis commit into an empty store; its hash is the organisation.
pub fn write_genesis(tx: &mut WriteTx<'_>, draft: GenesisDraft) -> Result<OrgId, ReplicaError> {
    let author = AuthorId(draft.key.verifying_key().to_bytes());
    let id = DocumentId::random(draft.now, draft.random);
    let key = EventKey::derive(&author, &draft.session, &Scope::Control, 1, 0);
    let events = vec![(key, Event::Genesis(draft.genesis))];
    let puts = events.iter().map(|(key, event)| Put::event(*key, event)).collect();
    let created = Document::create(actor_of(&author, &draft.session), puts);
    let (_, chunk) = created.map_err(|error| ReplicaError::Document { id, error })?;
    let commit = Commit {
        org: OrgId::ZERO,
        author,
        session: draft.session,
        scope: Scope::Control,
        seq: 1,
        prev: CommitHash::ZERO,
        deps: Vec::new(),
        control_heads: Vec::new(),
        hlc: Hlc::default().tick(draft.now),
        user: UserId::ZERO,
        request: RequestId::ZERO,
        transaction: TransactionId::ZERO,
        kind_flags: 0,
        changes: vec![DocumentChange { document: id, chunk }],
    };
    let signed = SignedCommit::sign(commit, &draft.key)?;
    let mut batch = Batch::new(tx);
    store_commit(&mut batch, &signed, 1)?;
    replace_document(&mut batch, &Scope::Control, id, fold_document(&content_of(events)))?;
    batch.flush()?;
    Ok(signed.org())
}

/// The last arrival number of a scope, read without listing it all.
fn last_arrival(tx: &impl ReadTables, scope: &Scope) -> Result<u64, StoreError> {
    let prefix = RowKey::of(scope);
    let mut last = 0;
    tx.scan(Table::CommitOrder, &KeyRange::prefix(prefix.as_bytes()), Direction::Backward, |key, _| {
        let tail = key[prefix.as_bytes().len()..].try_into();
        last = tail.map_or(0, u64::from_be_bytes);
        ControlFlow::Break(())
    })?;
    Ok(last)
}
