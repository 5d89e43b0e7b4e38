//! Parked documents: read-only, with the changes that are kept behind them, until a later program or a retry takes them.
//!
//! A row of the store's `parked` table names the reason and every change behind the document with what its author had
//! seen. A retry happens at each start and with each rebuild.
//!
//! Invariant: nothing behind a parked document is lost, and a retry judges it as it would have been judged on arrival.
//! Proved by `a_newer_event_parks_its_document_alone`.

use std::collections::BTreeSet;

use crdt_model::codec::{Reader, Writer};
use crdt_model::commit::SignedCommit;
use crdt_model::control::history::Clock;
use crdt_model::id::{CommitHash, DocumentId};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;

use super::batch::Batch;
use super::frontier::{decode_clock, encode_clock};
use super::history::read_commit;
use super::judge::{Fault, permitted};
use super::stored::{CommitState, refer, write_set_aside};
use super::taking::{Demand, Scratch};
use super::{Replica, ReplicaError};
use crate::store::Table;

/// Bytes of a reason's code and words, at most.
const REASON_BYTES_MAX: usize = 64 * 1024;
/// Changes behind one document, at most: its limit of operations is the same.
const BEHIND_MAX: usize = 1 << 20;

/// A change that is kept behind a parked document.
pub(super) struct Behind {
    hash: CommitHash,
    position: usize,
    clock: Clock,
}

impl Behind {
    /// The change of a commit whose author has seen `clock`.
    pub fn of(signed: &SignedCommit, position: usize, clock: &Clock) -> Self {
        Self { hash: signed.hash(), position, clock: clock.clone() }
    }
}

/// A row of the table.
struct Row {
    code: Vec<u8>,
    detail: Vec<u8>,
    behind: Vec<Behind>,
}

impl Row {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.blob(&self.code).blob(&self.detail).list(&self.behind, |w, behind| {
            w.fixed(&behind.hash.0).byte(behind.position as u8);
            encode_clock(&behind.clock, w);
        });
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ReplicaError> {
        let mut reader = Reader::new(bytes);
        let code = reader.blob("reason", REASON_BYTES_MAX)?.to_vec();
        let detail = reader.blob("reason", REASON_BYTES_MAX)?.to_vec();
        let count = reader.number_up_to("changes", BEHIND_MAX as u64)?;
        let mut behind = Vec::new();
        for _ in 0..count {
            let hash = CommitHash::decode("commit", &mut reader)?;
            let position = usize::from(reader.byte("position")?);
            behind.push(Behind { hash, position, clock: decode_clock(&mut reader)? });
        }
        reader.end()?;
        Ok(Self { code, detail, behind })
    }
}

fn parked_key(scope: &Scope, id: &DocumentId) -> Vec<u8> {
    RowKey::of(scope).document(id).into_bytes()
}

/// Every parked document.
pub(super) fn parked_documents(batch: &Batch<'_, '_>) -> Result<BTreeSet<(Scope, DocumentId)>, ReplicaError> {
    let mut parked = BTreeSet::new();
    for (key, _) in batch.list(Table::Parked, &[])? {
        let mut reader = Reader::new(&key);
        let scope = Scope::from_bytes(reader.blob("scope", 64)?)?;
        parked.insert((scope, DocumentId::decode("document", &mut reader)?));
    }
    Ok(parked)
}

impl Replica {
    /// Whether a document is read-only.
    pub(super) fn is_parked(&self, scope: &Scope, id: DocumentId) -> bool {
        let parked = self.memory.as_ref().map(|memory| &memory.parked);
        parked.is_some_and(|parked| !parked.is_empty() && parked.contains(&(scope.clone(), id)))
    }

    /// Parks a document, or keeps further changes behind one that is parked.
    pub(super) fn park(
        &mut self,
        batch: &mut Batch<'_, '_>,
        scope: &Scope,
        id: DocumentId,
        fault: &Fault,
        behind: Vec<Behind>,
    ) -> Result<(), ReplicaError> {
        let key = parked_key(scope, &id);
        let mut row = match batch.read(Table::Parked, &key)? {
            Some(bytes) => Row::decode(&bytes)?,
            None => Row { code: fault.code.into(), detail: fault.detail.clone().into_bytes(), behind: Vec::new() },
        };
        row.behind.extend(behind);
        batch.write(Table::Parked, key, row.encode());
        self.memory().parked.insert((scope.clone(), id));
        Ok(())
    }

    /// Tries every parked document again.
    pub(super) fn retry_parked(&mut self, batch: &mut Batch<'_, '_>) -> Result<(), ReplicaError> {
        let parked = std::mem::take(&mut self.memory().parked);
        if parked.is_empty() {
            return Ok(());
        }
        let mut tried = BTreeSet::new();
        for (scope, id) in &parked {
            tried.extend(self.retry(batch, scope, *id)?);
        }
        let mut still = BTreeSet::new();
        for (_, row) in batch.list(Table::Parked, &[])? {
            still.extend(Row::decode(&row)?.behind.into_iter().map(|behind| behind.hash));
        }
        for hash in tried.difference(&still) {
            let parked = vec![CommitState::Parked as u8];
            if batch.read(Table::CommitStates, &hash.0)? == Some(parked) {
                batch.write(Table::CommitStates, hash.0.to_vec(), vec![CommitState::Applied as u8]);
            }
        }
        if parked.iter().any(|(scope, _)| *scope == Scope::Control) {
            self.load(batch)?;
        }
        Ok(())
    }

    /// Tries what is held of a document and each change behind it; gives the commits of those changes.
    fn retry(
        &mut self,
        batch: &mut Batch<'_, '_>,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Vec<CommitHash>, ReplicaError> {
        let key = parked_key(scope, &id);
        let Some(bytes) = batch.read(Table::Parked, &key)? else { return Ok(Vec::new()) };
        batch.remove(Table::Parked, key.clone());
        let row = Row::decode(&bytes)?;
        let hashes = row.behind.iter().map(|behind| behind.hash).collect();
        let mut scratch = self.scratch_of(batch, scope, id)?;
        scratch.fold_held();
        let mut left = Vec::new();
        for behind in row.behind {
            let signed = read_commit(batch, &behind.hash)?;
            match self.retry_change(&mut scratch, &signed, &behind) {
                Err(fault) => {
                    write_set_aside(batch, &signed, fault.code, &fault.detail);
                    batch.write(Table::CommitStates, behind.hash.0.to_vec(), vec![CommitState::SetAside as u8]);
                }
                Ok(()) if scratch.parked.is_some() => left.push(behind),
                Ok(()) => refer(batch, key.clone(), &behind.hash, behind.position)?,
            }
        }
        if let Some(fault) = &scratch.parked {
            self.park(batch, scope, id, fault, left)?;
        }
        if let Some(folded) = scratch.row.take() {
            self.keep_scratch(scope, id, scratch);
            replace_document(batch, scope, id, folded)?;
        }
        Ok(hashes)
    }

    fn retry_change(&mut self, scratch: &mut Scratch, signed: &SignedCommit, behind: &Behind) -> Result<(), Fault> {
        let view = self.memory().view(signed);
        let changes = permitted(signed, &view, self.identity.org)?;
        match changes.get(behind.position) {
            Some(change) => scratch.try_change(&Demand::of(signed, &behind.clock), change),
            None => Ok(()),
        }
    }
}
