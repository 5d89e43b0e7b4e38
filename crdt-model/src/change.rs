//! The change scanner: reads a raw Automerge change chunk and refuses everything a Tradepost
//! document may not hold, *before* Automerge sees a byte of it.
//!
//! It is not a CRDT and knows no document: whether the predecessors exist in the document, and
//! what keys and values mean, is judged by later steps from what the scan returns. It does no
//! I/O, reads no clock and never expands a run beyond [`CHANGE_OPS_MAX`] rows.
//!
//! Invariants, each with the test that proves it (`change/tests.rs` and `change/refusals.rs`):
//! * what it reads is what Automerge reads: `scan_reads_what_automerge_reads`;
//! * an accepted chunk has exactly one encoding, Automerge writes the same bytes again:
//!   `accepted_bytes_are_the_bytes_automerge_writes`;
//! * no input panics, a changed byte is refused: `one_changed_byte_is_refused`;
//! * declared sizes never cost time or memory: `ten_million_declared_ops_are_only_counted`;
//! * every limit holds at and one past: `limits_hold_at_and_one_past`;
//! * every refusal has its own [`ScanError`]: `row_refusals_name_their_rule` and its siblings for
//!   envelope, header, columns and predecessors.

mod columns;
mod cursor;
mod envelope;
mod error;
mod header;
mod ops;
mod runs;

pub use columns::Column;
pub use error::ScanError;

/// Most bytes of one whole change chunk, header included.
pub const CHANGE_BYTES_MAX: usize = 128 * 1024;
/// Most operations in one change.
pub const CHANGE_OPS_MAX: u64 = 10_000;
/// Most dependencies of one change.
pub const CHANGE_DEPS_MAX: usize = 64;
/// Most actors besides its author that one change may name.
pub const CHANGE_OTHER_ACTORS_MAX: usize = 64;
/// Most predecessors in one change, over all its operations.
pub const CHANGE_PREDS_MAX: u64 = 40_000;
/// Most bytes of one key.
pub const KEY_BYTES_MAX: usize = 128;
/// Most bytes of one text value.
pub const STRING_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of one bytes value.
pub const BYTES_VALUE_MAX: usize = 16 * 1024;
/// Operation numbers of one document stay below this: `start_op` + operations <= this.
pub const DOCUMENT_OPS_MAX: u64 = 1 << 20;
/// Bytes of an actor id, exactly.
pub const ACTOR_BYTES: usize = 16;

/// A change that obeys every rule of the format; borrows from the chunk it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedChange<'a> {
    /// The SHA-256 that Automerge knows this change by.
    pub hash: [u8; 32],
    /// The author's actor id.
    pub actor: &'a [u8; ACTOR_BYTES],
    /// Number of this change among its author's, from 1.
    pub seq: u64,
    /// Number of the first operation, from 1.
    pub start_op: u64,
    /// Number of operations, at least 1; the length of `puts`.
    pub op_count: u64,
    /// Hashes of the changes this one follows, ascending.
    pub deps: Vec<[u8; 32]>,
    /// The operations in order: operation `i` has the number `start_op + i`.
    pub puts: Vec<ScannedOp<'a>>,
    /// The predecessors of all operations, in the order of the operations.
    pub preds: Vec<Pred<'a>>,
}

/// One operation on the root map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScannedOp<'a> {
    /// The key written or deleted, 1 to [`KEY_BYTES_MAX`] bytes.
    pub key: &'a str,
    /// What happens to the key.
    pub action: OpAction<'a>,
    /// How many earlier operations on the key this one replaces; at least 1 for a delete.
    pub pred_count: u32,
}

/// What an operation does to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpAction<'a> {
    /// Writes a value.
    Put(Scalar<'a>),
    /// Removes the replaced values.
    Delete,
}

/// A value that a document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// Text, at most [`STRING_BYTES_MAX`] bytes.
    Str(&'a str),
    /// Bytes, at most [`BYTES_VALUE_MAX`].
    Bytes(&'a [u8]),
}

/// An earlier operation that an operation replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pred<'a> {
    /// Who wrote the earlier operation.
    pub actor: &'a [u8; ACTOR_BYTES],
    /// Its number in the document, from 1.
    pub counter: u32,
}

/// What the receiver knows a change must be, from the commit that carries it and its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The actor derived from author and session.
    pub actor: &'a [u8; ACTOR_BYTES],
    /// The author's next change number in this document.
    pub seq: u64,
    /// 1 + the highest operation number among the dependencies.
    pub start_op: u64,
    /// The dependencies, ascending.
    pub deps: &'a [[u8; 32]],
}

/// Reads one raw change chunk, whole.
///
/// # Errors
/// The first rule the chunk breaks, cheapest rules first.
pub fn scan(chunk: &[u8]) -> Result<ScannedChange<'_>, ScanError> {
    let (hash, mut contents) = envelope::open(chunk)?;
    let header = header::read(&mut contents)?;
    let columns = columns::read(contents)?;
    let (puts, preds) = ops::read(&columns, &header)?;
    Ok(ScannedChange {
        hash,
        actor: header.actors[0],
        seq: header.seq,
        start_op: header.start_op,
        op_count: puts.len() as u64,
        deps: header.deps,
        puts,
        preds,
    })
}

impl<'a> ScannedChange<'a> {
    /// Compares the change with what its place in the log demands.
    ///
    /// # Errors
    /// The first of actor, sequence, first operation and dependencies that differs.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), ScanError> {
        if self.actor != expected.actor {
            return Err(ScanError::ActorUnexpected { expected: *expected.actor, found: *self.actor });
        }
        if self.seq != expected.seq {
            return Err(ScanError::SeqUnexpected { expected: expected.seq, found: self.seq });
        }
        if self.start_op != expected.start_op {
            return Err(ScanError::StartOpUnexpected { expected: expected.start_op, found: self.start_op });
        }
        if self.deps != expected.deps {
            return Err(ScanError::DepsUnexpected { expected: expected.deps.len(), found: self.deps.len() });
        }
        Ok(())
    }

    /// Each operation with the predecessors that belong to it.
    pub fn puts_with_preds(&self) -> impl Iterator<Item = (&ScannedOp<'a>, &[Pred<'a>])> {
        let mut rest = self.preds.as_slice();
        self.puts.iter().map(move |op| {
            let (own, later) = rest.split_at(op.pred_count as usize);
            rest = later;
            (op, own)
        })
    }
}

#[cfg(test)]
mod tests {
    mod agreement;
    pub(in crate::change) mod forge;
    mod refusals;
}
