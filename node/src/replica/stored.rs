//! The rows of a stored commit: the commit itself, its places in the logs, its state and its documents.
//!
//! Invariant: all rows of a commit are written in one transaction. Proved by `check_log` in the replica's tests, which
//! reads every row of every history.

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::SignedCommit;
use crdt_model::id::CommitHash;
use crdt_model::rows::RowKey;

use super::ReplicaError;
use super::batch::Batch;
use super::frontier::log_key;
use crate::store::Table;

/// Bytes of a reason's code and words, at most.
const REASON_BYTES_MAX: usize = 64 * 1024;

/// Stores a commit with its index rows and the references of its `applied` changes; folded rows are the caller's.
pub(super) fn store_commit(
    batch: &mut Batch<'_, '_>,
    signed: &SignedCommit,
    arrival: u64,
    state: CommitState,
    applied: &[usize],
) -> Result<(), ReplicaError> {
    let commit = signed.commit();
    let hash = signed.hash();
    let scope = RowKey::of(&commit.scope);
    let frontier = [&commit.seq.to_be_bytes()[..], &hash.0].concat();
    batch.write(Table::Commits, hash.0.to_vec(), signed.bytes().to_vec());
    let log = log_key(&commit.author, &commit.scope, commit.seq);
    batch.write(Table::AuthorLog, log, log_entry(signed, arrival));
    batch.write(Table::CommitOrder, scope.clone().fixed(&arrival.to_be_bytes()).into_bytes(), hash.0.to_vec());
    batch.write(Table::CommitStates, hash.0.to_vec(), vec![state as u8]);
    batch.write(Table::Frontier, scope.clone().fixed(&commit.author.0).into_bytes(), frontier);
    for at in applied {
        let Some(change) = commit.changes.get(*at) else { continue };
        refer(batch, scope.clone().document(&change.document).into_bytes(), &hash, *at)?;
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

/// Adds a change to the references of a document's row.
pub(super) fn refer(
    batch: &mut Batch<'_, '_>,
    key: Vec<u8>,
    hash: &CommitHash,
    position: usize,
) -> Result<(), ReplicaError> {
    let mut references = batch.read(Table::Documents, &key)?.unwrap_or_default();
    references.extend_from_slice(&hash.0);
    references.push(position as u8);
    batch.write(Table::Documents, key, references);
    Ok(())
}

/// Writes the row of a commit that is set aside: why.
pub(super) fn write_set_aside(batch: &mut Batch<'_, '_>, signed: &SignedCommit, code: &str, detail: &str) {
    let key = RowKey::of(&signed.commit().scope).fixed(&signed.hash().0).into_bytes();
    batch.write(Table::SetAside, key, encode_reason(code, detail));
}

/// The code and the words of a row of commits set aside.
///
/// # Errors
/// If it was not written by [`encode_reason`].
pub fn decode_reason(row: &[u8]) -> Result<(String, String), DecodeError> {
    let mut reader = Reader::new(row);
    let mut text = || Ok(String::from_utf8_lossy(reader.blob("reason", REASON_BYTES_MAX)?).into_owned());
    Ok((text()?, text()?))
}

/// A reason: code and detail, length first.
pub(super) fn encode_reason(code: &str, detail: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.blob(code.as_bytes()).blob(detail.as_bytes());
    writer.finish()
}
