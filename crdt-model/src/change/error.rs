//! Why a change was refused: one variant per rule, carrying the numbers and no prose.
//!
//! Not an error of the machine: a refusal depends on the bytes alone and is the same on every
//! node. Offsets (`at`) count from the first byte of the chunk, operations (`op`) from 0.
//! Proved by `envelope_refusals_name_their_rule`, `header_refusals_name_their_rule`,
//! `column_refusals_name_their_rule`, `row_refusals_name_their_rule`,
//! `pred_refusals_name_their_rule` and `limits_hold_at_and_one_past`.

use super::columns::Column;
use super::{
    ACTOR_BYTES, BYTES_VALUE_MAX, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_OTHER_ACTORS_MAX,
    CHANGE_PREDS_MAX, DOCUMENT_OPS_MAX, KEY_BYTES_MAX, STRING_BYTES_MAX,
};

/// The rule that a chunk breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Too short to have a chunk type.
    #[error("{len} bytes are too few for a chunk")]
    ChunkTooShort {
        /// Bytes found or declared.
        len: usize,
    },
    /// A document, compressed change, bundle or unknown chunk.
    #[error("chunk type {found} is not a raw change (1)")]
    ChunkType {
        /// What the change says.
        found: u8,
    },
    /// Larger than one change may be.
    #[error("chunk of {len} bytes, at most {CHANGE_BYTES_MAX}")]
    ChunkTooLarge {
        /// Bytes found or declared.
        len: usize,
    },
    /// Not an Automerge chunk.
    #[error("chunk starts with {found:02x?}")]
    Magic {
        /// What the change says.
        found: [u8; 4],
    },
    /// The declared length is not the length held.
    #[error("chunk declares {declared} bytes of contents and holds {held}")]
    ChunkLength {
        /// What the chunk says.
        declared: u64,
        /// Bytes there are.
        held: usize,
    },
    /// The checksum is not the start of the hash.
    #[error("checksum {declared:02x?}, contents have {computed:02x?}")]
    Checksum {
        /// What the chunk says.
        declared: [u8; 4],
        /// What its contents have.
        computed: [u8; 4],
    },
    /// A field ends after the bytes that should hold it.
    #[error("at byte {at}: {needed} bytes declared, {left} left")]
    Truncated {
        /// Offset in the chunk.
        at: usize,
        /// Bytes declared.
        needed: u64,
        /// Bytes there are.
        left: usize,
    },
    /// A number written with more bytes than it needs.
    #[error("at byte {at}: number is not in its shortest form")]
    NumberOverlong {
        /// Offset in the chunk.
        at: usize,
    },
    /// A number beyond 64 bits.
    #[error("at byte {at}: number exceeds 64 bits")]
    NumberTooLarge {
        /// Offset in the chunk.
        at: usize,
    },
    /// Text that is not UTF-8.
    #[error("at byte {at}: text is not UTF-8")]
    NotUtf8 {
        /// Offset in the chunk.
        at: usize,
    },
    /// More dependencies than allowed.
    #[error("{count} dependencies, at most {CHANGE_DEPS_MAX}")]
    TooManyDeps {
        /// How many, as declared or counted so far.
        count: u64,
    },
    /// A dependency not greater than the one before it.
    #[error("dependency {index} is out of order or repeated")]
    DepsUnsorted {
        /// Which one, from 0.
        index: u64,
    },
    /// An actor id of another length; `index` 0 is the author.
    #[error("actor {index} has {len} bytes, must have {ACTOR_BYTES}")]
    ActorLength {
        /// Which one, from 0.
        index: usize,
        /// Bytes found or declared.
        len: u64,
    },
    /// A change number of 0, or more changes than operations before them.
    #[error("change number {seq} cannot start at operation {start_op}")]
    SeqOutOfRange {
        /// The change number.
        seq: u64,
        /// The first operation number.
        start_op: u64,
    },
    /// A first operation number outside the document's range.
    #[error("first operation {start_op} is not within 1..={DOCUMENT_OPS_MAX}")]
    StartOpOutOfRange {
        /// The first operation number.
        start_op: u64,
    },
    /// The last operation number outside the document's range.
    #[error("{ops} operations from {start_op} on exceed {DOCUMENT_OPS_MAX}")]
    DocumentTooLong {
        /// The first operation number.
        start_op: u64,
        /// How many operations.
        ops: u64,
    },
    /// A timestamp other than 0.
    #[error("timestamp {found}, must be 0")]
    Timestamp {
        /// What the change says.
        found: i64,
    },
    /// A message.
    #[error("message of {len} bytes, must be empty")]
    Message {
        /// Bytes found or declared.
        len: u64,
    },
    /// More foreign actors than allowed.
    #[error("{count} other actors, at most {CHANGE_OTHER_ACTORS_MAX}")]
    TooManyActors {
        /// How many, as declared or counted so far.
        count: u64,
    },
    /// A foreign actor not greater than the one before it.
    #[error("actor {index} is out of order or repeated")]
    ActorsUnsorted {
        /// Which one, from 0.
        index: usize,
    },
    /// The author named again as a foreign actor.
    #[error("actor {index} is the author")]
    ActorIsAuthor {
        /// Which one, from 0.
        index: usize,
    },
    /// A foreign actor that no predecessor needs.
    #[error("actor {index} is not used")]
    ActorUnused {
        /// Which one, from 0.
        index: usize,
    },
    /// A compressed column.
    #[error("column {spec} is compressed")]
    ColumnDeflated {
        /// The number of the column.
        spec: u64,
    },
    /// Operations on a nested object.
    #[error("column {spec} places operations in a nested object")]
    NestedObject {
        /// The number of the column.
        spec: u64,
    },
    /// Operations on elements of a sequence.
    #[error("column {spec} addresses elements of a sequence")]
    ElementKey {
        /// The number of the column.
        spec: u64,
    },
    /// Marks on text.
    #[error("column {spec} holds marks")]
    Mark {
        /// The number of the column.
        spec: u64,
    },
    /// A column that no change has.
    #[error("column {spec} is unknown")]
    ColumnUnknown {
        /// The number of the column.
        spec: u64,
    },
    /// A column not greater than the one before it.
    #[error("column {spec} is out of order or repeated")]
    ColumnsUnsorted {
        /// The number of the column.
        spec: u64,
    },
    /// A column listed without data.
    #[error("{column} column is listed but empty")]
    ColumnEmpty {
        /// Which column.
        column: Column,
    },
    /// A column that every change with operations has.
    #[error("{column} column is missing")]
    ColumnMissing {
        /// Which column.
        column: Column,
    },
    /// Bytes after the last column.
    #[error("{len} bytes after the last column")]
    ExtraBytes {
        /// Bytes found or declared.
        len: usize,
    },
    /// No operation at all.
    #[error("change without operations")]
    NoOps,
    /// More operations than allowed; counting stopped at `counted`.
    #[error("at least {counted} operations, at most {CHANGE_OPS_MAX}")]
    TooManyOps {
        /// Operations counted before stopping.
        counted: u64,
    },
    /// A column with fewer rows than there are operations.
    #[error("{column} column ends at row {rows}")]
    ColumnShort {
        /// Which column.
        column: Column,
        /// Rows read.
        rows: u64,
    },
    /// A column with more rows than there are operations.
    #[error("{column} column goes on after row {rows}")]
    ColumnLong {
        /// Which column.
        column: Column,
        /// Rows read.
        rows: u64,
    },
    /// A run of nulls where none can be.
    #[error("at byte {at}: nulls in the {column} column")]
    NullRun {
        /// Which column.
        column: Column,
        /// Offset in the chunk.
        at: usize,
    },
    /// A run that has a shorter or other canonical form.
    #[error("at byte {at}: run of the {column} column is not canonical")]
    RunNotCanonical {
        /// Which column.
        column: Column,
        /// Offset in the chunk.
        at: usize,
    },
    /// Operations that insert into a sequence.
    #[error("insert column says {found}, {ops} operations on a map")]
    Inserts {
        /// What the change says.
        found: u64,
        /// How many operations.
        ops: u64,
    },
    /// Make, increment, mark or an unknown action.
    #[error("operation {op}: action {action} is neither put (1) nor delete (3)")]
    ActionForbidden {
        /// Which operation, from 0.
        op: u64,
        /// The number of the action.
        action: u64,
    },
    /// An empty key.
    #[error("at byte {at}: empty key")]
    KeyEmpty {
        /// Offset in the chunk.
        at: usize,
    },
    /// A key longer than allowed.
    #[error("at byte {at}: key of {len} bytes, at most {KEY_BYTES_MAX}")]
    KeyTooLong {
        /// Offset in the chunk.
        at: usize,
        /// Bytes found or declared.
        len: u64,
    },
    /// Float (5), counter (8), timestamp (9) or an unknown kind of value.
    #[error("operation {op}: value kind {kind} is not allowed")]
    ValueKind {
        /// Which operation, from 0.
        op: u64,
        /// The number of the kind of value.
        kind: u8,
    },
    /// A value whose declared length is not the length of its kind.
    #[error("operation {op}: {len} bytes for value kind {kind}")]
    ValueLength {
        /// Which operation, from 0.
        op: u64,
        /// The number of the kind of value.
        kind: u8,
        /// Bytes found or declared.
        len: u64,
    },
    /// A text longer than allowed.
    #[error("operation {op}: text of {len} bytes, at most {STRING_BYTES_MAX}")]
    StringTooLong {
        /// Which operation, from 0.
        op: u64,
        /// Bytes found or declared.
        len: u64,
    },
    /// A bytes value longer than allowed.
    #[error("operation {op}: value of {len} bytes, at most {BYTES_VALUE_MAX}")]
    BytesTooLong {
        /// Which operation, from 0.
        op: u64,
        /// Bytes found or declared.
        len: u64,
    },
    /// A delete that carries a value.
    #[error("operation {op}: delete with value descriptor {meta}")]
    DeleteWithValue {
        /// Which operation, from 0.
        op: u64,
        /// Kind and length of the value.
        meta: u64,
    },
    /// A delete that replaces nothing; no saved document could hold it.
    #[error("operation {op}: delete without predecessor")]
    DeleteWithoutPred {
        /// Which operation, from 0.
        op: u64,
    },
    /// More predecessors than allowed.
    #[error("operation {op}: {count} predecessors so far, at most {CHANGE_PREDS_MAX}")]
    TooManyPreds {
        /// Which operation, from 0.
        op: u64,
        /// How many, as declared or counted so far.
        count: u64,
    },
    /// A predecessor by an actor the change does not name.
    #[error("operation {op}: predecessor by actor {actor} of {actors}")]
    PredActor {
        /// Which operation, from 0.
        op: u64,
        /// Index of the actor, 0 is the author.
        actor: u64,
        /// Actors the change names.
        actors: usize,
    },
    /// A predecessor number that cannot lie in the operation's past.
    #[error("operation {op}: predecessor number {counter} is not in its past")]
    PredCounter {
        /// Which operation, from 0.
        op: u64,
        /// The operation number it names.
        counter: i64,
    },
    /// A predecessor in the same change that is no put on the same key.
    #[error("operation {op}: predecessor {counter} of this change is no put on its key")]
    PredKey {
        /// Which operation, from 0.
        op: u64,
        /// The operation number it names.
        counter: u32,
    },
    /// A predecessor not greater than the one before it.
    #[error("operation {op}: predecessor {counter} is out of order or repeated")]
    PredsUnsorted {
        /// Which operation, from 0.
        op: u64,
        /// The operation number it names.
        counter: u32,
    },
    /// Not the actor that author and session derive.
    #[error("actor {found:02x?}, expected {expected:02x?}")]
    ActorUnexpected {
        /// What it must be.
        expected: [u8; ACTOR_BYTES],
        /// What the change says.
        found: [u8; ACTOR_BYTES],
    },
    /// Not the author's next change.
    #[error("change number {found}, expected {expected}")]
    SeqUnexpected {
        /// What it must be.
        expected: u64,
        /// What the change says.
        found: u64,
    },
    /// Not the operation number after those of the dependencies.
    #[error("first operation {found}, expected {expected}")]
    StartOpUnexpected {
        /// What it must be.
        expected: u64,
        /// What the change says.
        found: u64,
    },
    /// Not the dependencies of the commit; the counts may be equal.
    #[error("{found} dependencies differ from the {expected} expected")]
    DepsUnexpected {
        /// What it must be.
        expected: usize,
        /// What the change says.
        found: usize,
    },
}
