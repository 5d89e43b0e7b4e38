//! Opening and changing documents: from commits through Automerge to content and row.
//!
//! Own new documents are folded from the events just written; older ones are opened from their commits and kept in a
//! byte-bounded cache with their content.
//!
//! Invariant: the cache never passes its bound and is emptied with a dropped transaction. Proved by
//! `the_own_log_is_contiguous_after_dropped_batches` and `views_equal_a_rebuild_from_commits`.

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crdt_model::change::scan;
use crdt_model::codec::{DecodeError, Reader};
use crdt_model::commit::SignedCommit;
use crdt_model::document::held::{HeldChanges, Origin};
use crdt_model::document::{Content, Document, FieldValue, Put};
use crdt_model::document_row::fold_document;
use crdt_model::event::Event;
use crdt_model::id::{CommitHash, DocumentId, EventKey};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;

use super::batch::Batch;
use super::log::Draft;
use super::taking::{Holding, RELOAD_CHANGES_MAX};
use super::{KeyedEvent, NewRow, Replica, ReplicaError};
use crate::store::Table;

/// Bytes of open documents, about.
const CACHE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What an open document takes beside its content, in bytes, about.
const DOCUMENT_BYTES_BASE: u64 = 8 * 1024;

/// A document with its content.
#[derive(Clone)]
pub(super) struct Open {
    pub document: Document,
    pub content: Content,
    /// Every change with its commit; unknown once this node has written on.
    pub held: Option<HeldChanges>,
}

#[derive(Clone)]
struct ByContent;

impl Weighter<(Scope, DocumentId), Open> for ByContent {
    fn weight(&self, _: &(Scope, DocumentId), open: &Open) -> u64 {
        DOCUMENT_BYTES_BASE + 400 * open.content.events.len() as u64
    }
}

/// Open documents, bounded by bytes.
pub(super) struct DocumentCache {
    cache: Cache<(Scope, DocumentId), Open, ByContent>,
}

impl DocumentCache {
    /// Starts empty.
    pub fn new() -> Self {
        let items = (CACHE_BYTES_MAX / DOCUMENT_BYTES_BASE) as usize;
        Self { cache: Cache::with_weighter(items, CACHE_BYTES_MAX, ByContent) }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

/// Content made of events alone.
pub(super) fn content_of(events: impl IntoIterator<Item = KeyedEvent>) -> Content {
    Content { events: events.into_iter().collect(), fields: Default::default() }
}

/// Reads every commit reference of a document: hash and position.
pub fn references(bytes: &[u8]) -> Result<Vec<(CommitHash, usize)>, ReplicaError> {
    let mut reader = Reader::new(bytes);
    let mut references = Vec::new();
    while reader.remaining() > 0 {
        let hash = CommitHash::decode("commit", &mut reader)?;
        references.push((hash, usize::from(reader.byte("position")?)));
    }
    Ok(references)
}

impl Replica {
    /// Creates a document from events and fields within a draft; gives its folded row.
    pub(super) fn create_document(
        &mut self,
        draft: &mut Draft,
        id: DocumentId,
        events: Vec<KeyedEvent>,
        fields: Vec<(&'static str, FieldValue)>,
    ) -> Result<NewRow, ReplicaError> {
        let mut puts: Vec<Put> = events.iter().map(|(key, event)| Put::event(*key, event)).collect();
        puts.extend(fields.iter().map(|(name, value)| Put::field(name, value.clone())));
        let chunk = Document::first_chunk(self.actor, puts).map_err(|error| ReplicaError::Document { id, error })?;
        draft.push(id, chunk);
        let mut content = content_of(events);
        content.fields = fields.into_iter().map(|(name, value)| (name.to_owned(), vec![value])).collect();
        Ok((id, fold_document(&content)))
    }

    /// Appends events to a document within a draft; gives its folded row.
    pub(super) fn append_events(
        &mut self,
        batch: &Batch<'_, '_>,
        draft: &mut Draft,
        id: DocumentId,
        events: Vec<KeyedEvent>,
    ) -> Result<NewRow, ReplicaError> {
        self.append_to_document(batch, draft, id, events, Vec::new())
    }

    /// As [`Self::append_events`], and edits fields: the new value takes the place of all that stood.
    pub(super) fn append_to_document(
        &mut self,
        batch: &Batch<'_, '_>,
        draft: &mut Draft,
        id: DocumentId,
        events: Vec<KeyedEvent>,
        fields: Vec<(&'static str, FieldValue)>,
    ) -> Result<NewRow, ReplicaError> {
        let mut open = self.open_document(batch, &draft.scope, id)?;
        let mut puts: Vec<Put> = events.iter().map(|(key, event)| Put::event(*key, event)).collect();
        puts.extend(fields.iter().map(|(name, value)| Put::field(name, value.clone())));
        let appended = open.document.append(self.actor, puts);
        draft.push(id, appended.map_err(|error| ReplicaError::Document { id, error })?);
        open.content.events.extend(events);
        open.content.fields.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), vec![value])));
        open.held = None;
        let row = fold_document(&open.content);
        self.documents.cache.insert((draft.scope.clone(), id), open);
        Ok((id, row))
    }

    /// Keys for `events` within a draft, in order.
    pub(super) fn with_keys(&self, draft: &mut Draft, events: Vec<Event>) -> Vec<(EventKey, Event)> {
        events.into_iter().map(|event| (self.next_key(draft), event)).collect()
    }

    /// Every event and field of a document.
    pub(super) fn content_of_document(
        &mut self,
        batch: &Batch<'_, '_>,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Content, ReplicaError> {
        let open = self.open_document(batch, scope, id)?;
        let content = open.content.clone();
        self.documents.cache.insert((scope.clone(), id), open);
        Ok(content)
    }

    fn open_document(&mut self, batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Open, ReplicaError> {
        if let Some((_, open)) = self.documents.cache.remove(&(scope.clone(), id)) {
            return Ok(open);
        }
        let document = load_document(batch, scope, id)?;
        let content = document.content().map_err(|error| ReplicaError::Document { id, error })?;
        Ok(Open { document, content, held: None })
    }

    /// A copy of a document to try a foreign change on; `None` where nothing of it is held.
    pub(super) fn scratch(
        &mut self,
        batch: &Batch<'_, '_>,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Option<Holding>, ReplicaError> {
        let key = (scope.clone(), id);
        if let Some(open) = self.documents.cache.get(&key).filter(|open| open.held.is_some()) {
            return Ok(Some(Holding::Open(Box::new(open.clone()))));
        }
        load_held(batch, scope, id)
    }

    /// Forgets an open document.
    pub(super) fn close_document(&mut self, scope: &Scope, id: DocumentId) {
        self.documents.cache.remove(&(scope.clone(), id));
    }

    /// Keeps a document open.
    pub(super) fn keep_open(&mut self, scope: &Scope, id: DocumentId, open: Open) {
        self.documents.cache.insert((scope.clone(), id), open);
    }
}

/// A change of a document with its commit.
struct Stored {
    origin: Origin,
    chunk: Vec<u8>,
}

fn stored_changes(batch: &Batch<'_, '_>, row: &[u8]) -> Result<Vec<Stored>, ReplicaError> {
    let mut changes = Vec::new();
    for (hash, position) in references(row)? {
        let bytes = batch.read(Table::Commits, &hash.0)?.unwrap_or_default();
        let signed = SignedCommit::decode_trusted(&bytes)?;
        let commit = signed.commit();
        let change = commit.changes.get(position).filter(|_| signed.hash() == hash);
        let change = change.ok_or(DecodeError::OutOfRange { field: "commit reference" })?;
        let origin = Origin { author: commit.author, seq: commit.seq };
        changes.push(Stored { origin, chunk: change.chunk.clone() });
    }
    Ok(changes)
}

/// Loads a document from its commits.
pub(super) fn load_document(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Document, ReplicaError> {
    let key = RowKey::of(scope).document(&id).into_bytes();
    let row = batch.read(Table::Documents, &key)?.unwrap_or_default();
    let changes = stored_changes(batch, &row)?;
    let loaded = Document::load(changes.iter().map(|change| change.chunk.as_slice()));
    loaded.map_err(|error| ReplicaError::Document { id, error })
}

/// Reads a document with the commits of its changes, and opens it where there are many; `None` where nothing is held.
fn load_held(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Option<Holding>, ReplicaError> {
    let key = RowKey::of(scope).document(&id).into_bytes();
    let Some(row) = batch.read(Table::Documents, &key)? else { return Ok(None) };
    let changes = stored_changes(batch, &row)?;
    let mut held = HeldChanges::default();
    for change in &changes {
        let scanned = scan(&change.chunk).map_err(|error| ReplicaError::OwnChange { id, error })?;
        held.add(&scanned, change.origin);
    }
    if changes.len() <= RELOAD_CHANGES_MAX {
        let chunks = changes.into_iter().map(|change| change.chunk).collect();
        return Ok(Some(Holding::Few { chunks, held }));
    }
    let failed = |error| ReplicaError::Document { id, error };
    let document = Document::load(changes.iter().map(|change| change.chunk.as_slice())).map_err(failed)?;
    let content = document.content().map_err(failed)?;
    Ok(Some(Holding::Open(Box::new(Open { document, content, held: Some(held) }))))
}
