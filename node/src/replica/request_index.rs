//! The request index: a repeated request gets the answer of the first, one with another body is refused.
//!
//! Not the commands that it remembers (`command`).
//!
//! Invariant: the index is written in the transaction of the command itself. Proved by
//! `a_repeated_request_gets_the_first_answer` in `replica/tests.rs`.

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::id::{DocumentId, LoanId};
use crdt_model::scope::Scope;

use super::ReplicaError;
use super::batch::Batch;
use super::command::{CommandError, Outcome, RequestKey};
use crate::store::{ReadTables, Table};

/// Version of an entry.
const ENTRY_VERSION: u8 = 1;

/// The answer of a request that was handled before.
pub fn replay(
    batch: &Batch<'_, '_>,
    request: &RequestKey,
) -> Result<Option<Result<Outcome, CommandError>>, ReplicaError> {
    let Some(bytes) = batch.read(Table::Requests, &request.id.0)? else { return Ok(None) };
    answer_of(&bytes, request).map(Some)
}

/// Keeps the answer of a request.
pub fn remember(batch: &mut Batch<'_, '_>, request: &RequestKey, outcome: &Outcome) -> Result<(), ReplicaError> {
    if let Some(bytes) = encode_entry(&request.body_hash, outcome) {
        batch.write(Table::Requests, request.id.0.to_vec(), bytes);
    }
    Ok(())
}

/// Only outcomes that name a document, a loan or an import are repeated; batches and rebuilds are repeatable by themselves.
fn encode_entry(body_hash: &[u8; 32], outcome: &Outcome) -> Option<Vec<u8>> {
    let (tag, scope, id) = match outcome {
        Outcome::Order { scope, id } => (1, scope.clone(), id),
        Outcome::Product { scope, id } => (2, scope.clone(), id),
        Outcome::Customer { scope, id } => (3, scope.clone(), id),
        Outcome::Channel { id } => (4, Scope::Control, id),
        Outcome::Stock { item } => (5, Scope::Control, item),
        Outcome::Loan { scope, loan } => (6, scope.clone(), &DocumentId(loan.0)),
        Outcome::Import { id } => (7, Scope::Control, id),
        Outcome::Fulfilment { scope, id } => (8, scope.clone(), id),
        Outcome::Refilled(_)
        | Outcome::Imported(_)
        | Outcome::Rebuilt { .. }
        | Outcome::Received(_)
        | Outcome::Admitted { .. }
        | Outcome::Remembered => return None,
    };
    let mut writer = Writer::new();
    writer.byte(ENTRY_VERSION).fixed(body_hash).byte(tag);
    scope.encode(&mut writer);
    id.encode(&mut writer);
    Some(writer.finish())
}

/// Reads an entry of the request index: body hash and outcome.
fn decode_entry(bytes: &[u8]) -> Result<([u8; 32], Outcome), DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.version("request entry", ENTRY_VERSION)?;
    let body_hash = reader.array("body hash")?;
    let tag = reader.byte("outcome")?;
    let scope = Scope::decode("scope", &mut reader)?;
    let id = DocumentId::decode("document", &mut reader)?;
    reader.end()?;
    let outcome = match tag {
        1 => Outcome::Order { scope, id },
        2 => Outcome::Product { scope, id },
        3 => Outcome::Customer { scope, id },
        4 => Outcome::Channel { id },
        5 => Outcome::Stock { item: id },
        6 => Outcome::Loan { scope, loan: LoanId(id.0) },
        7 => Outcome::Import { id },
        8 => Outcome::Fulfilment { scope, id },
        0 | 9..=u8::MAX => return Err(DecodeError::OutOfRange { field: "outcome" }),
    };
    Ok((body_hash, outcome))
}

/// The durable answer of a request, read after a commit whose outcome was unknown.
pub fn request_outcome(
    store: &impl ReadTables,
    request: &RequestKey,
) -> Result<Option<Result<Outcome, CommandError>>, ReplicaError> {
    let Some(bytes) = store.get(Table::Requests, &request.id.0)? else { return Ok(None) };
    answer_of(&bytes, request).map(Some)
}

fn answer_of(bytes: &[u8], request: &RequestKey) -> Result<Result<Outcome, CommandError>, ReplicaError> {
    let (body_hash, outcome) = decode_entry(bytes)?;
    Ok(if body_hash == request.body_hash { Ok(outcome) } else { Err(CommandError::RequestReused) })
}
