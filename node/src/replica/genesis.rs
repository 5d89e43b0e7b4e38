//! The first commit of an organisation, written into an empty store.
//!
//! Invariant: its hash is the organisation. Proved by `a_folder_is_initialised_once` and by every test of the replica.

use crdt_model::commit::{Commit, DocumentChange, SignedCommit};
use crdt_model::control::event::Genesis;
use crdt_model::document::{Document, Put};
use crdt_model::document_row::fold_document;
use crdt_model::event::Event;
use crdt_model::id::{
    AuthorId, CommitHash, DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, UserId, actor_of,
};
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;
use crdt_model::time::{Hlc, Timestamp};
use ed25519_dalek::SigningKey;

use super::ReplicaError;
use super::batch::Batch;
use super::documents::content_of;
use super::stored::{CommitState, store_commit};
use crate::store::WriteTx;

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
    store_commit(&mut batch, &signed, 1, CommitState::Applied, &[0])?;
    replace_document(&mut batch, &Scope::Control, id, fold_document(&content_of(events)))?;
    batch.flush()?;
    Ok(signed.org())
}
