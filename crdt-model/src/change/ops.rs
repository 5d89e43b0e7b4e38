//! The operations of a change, read row by row across its columns.
//!
//! Does not know the document: whether foreign predecessors exist is for the caller. Invariants:
//! operations are counted before any row is read, all columns end with the last operation, only
//! puts and deletes of allowed scalars, predecessors ascending and in the operation's past, every
//! named actor used. Tests `scan_reads_what_automerge_reads`, `row_refusals_name_their_rule`,
//! `pred_refusals_name_their_rule` and `limits_hold_at_and_one_past`.

use super::columns::{Column, Columns};
use super::cursor::Cursor;
use super::header::Header;
use super::runs::Runs;
use super::{
    BYTES_VALUE_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX, DOCUMENT_OPS_MAX, OpAction, Pred, STRING_BYTES_MAX, Scalar,
    ScanError, ScannedOp,
};

/// Number of the action that writes a value.
const PUT: u64 = 1;
/// Number of the action that deletes a key.
const DELETE: u64 = 3;
/// Most bytes of an integer value; longer ones are refused before reading.
const INTEGER_BYTES_MAX: u64 = 10;

/// The columns of a change while they are read, and what was read from them.
struct Rows<'a, 'h> {
    header: &'h Header<'a>,
    keys: Runs<'a, &'a str>,
    actions: Runs<'a, u64>,
    value_metas: Runs<'a, u64>,
    values: Cursor<'a>,
    pred_counts: Runs<'a, u64>,
    pred_actors: Runs<'a, u64>,
    pred_deltas: Runs<'a, i64>,
    /// The number of the last predecessor read; the column holds differences.
    pred_counter: i64,
    /// Bit `i` is set when a predecessor named actor `i`.
    actors_used: u128,
    puts: Vec<ScannedOp<'a>>,
    preds: Vec<Pred<'a>>,
}

/// Reads all operations and their predecessors.
pub(super) fn read<'a>(
    columns: &Columns<'a>,
    header: &Header<'a>,
) -> Result<(Vec<ScannedOp<'a>>, Vec<Pred<'a>>), ScanError> {
    let actions = Runs::<u64>::new(Column::Action, columns.of(Column::Action));
    let ops = actions.count(CHANGE_OPS_MAX)?;
    let start_op = header.start_op;
    if start_op + ops > DOCUMENT_OPS_MAX {
        return Err(ScanError::DocumentTooLong { start_op, ops });
    }
    refuse_inserts(columns.of(Column::Insert), ops)?;
    let mut rows = Rows::new(columns, header, ops);
    for op in 0..ops {
        let put = rows.op(op)?;
        rows.puts.push(put);
    }
    rows.end(ops)?;
    Ok((rows.puts, rows.preds))
}

/// The insert column holds one number, how many operations do not insert: all.
fn refuse_inserts(mut column: Cursor<'_>, ops: u64) -> Result<(), ScanError> {
    let found = column.unsigned()?;
    if found != ops {
        return Err(ScanError::Inserts { found, ops });
    }
    if !column.is_empty() {
        return Err(ScanError::ColumnLong { column: Column::Insert, rows: ops });
    }
    Ok(())
}

impl<'a, 'h> Rows<'a, 'h> {
    fn new(columns: &Columns<'a>, header: &'h Header<'a>, ops: u64) -> Self {
        let unsigned = |column| Runs::new(column, columns.of(column));
        Rows {
            header,
            keys: Runs::new(Column::Key, columns.of(Column::Key)),
            actions: unsigned(Column::Action),
            value_metas: unsigned(Column::ValueMeta),
            values: columns.of(Column::Value),
            pred_counts: unsigned(Column::PredCount),
            pred_actors: unsigned(Column::PredActor),
            pred_deltas: Runs::new(Column::PredCounter, columns.of(Column::PredCounter)),
            pred_counter: 0,
            actors_used: 1,
            puts: Vec::with_capacity(ops as usize),
            preds: Vec::new(),
        }
    }

    fn op(&mut self, op: u64) -> Result<ScannedOp<'a>, ScanError> {
        let key = self.keys.row(op)?;
        let action = self.actions.row(op)?;
        let meta = self.value_metas.row(op)?;
        let pred_count = self.pred_count(op)?;
        let action = match action {
            PUT => OpAction::Put(self.value(op, meta)?),
            DELETE if meta != 0 => return Err(ScanError::DeleteWithValue { op, meta }),
            DELETE if pred_count == 0 => return Err(ScanError::DeleteWithoutPred { op }),
            DELETE => OpAction::Delete,
            action => return Err(ScanError::ActionForbidden { op, action }),
        };
        self.op_preds(op, key, pred_count)?;
        Ok(ScannedOp { key, action, pred_count })
    }

    fn value(&mut self, op: u64, meta: u64) -> Result<Scalar<'a>, ScanError> {
        let (kind, len) = ((meta & 0b1111) as u8, meta >> 4);
        match kind {
            0..=2 if len != 0 => Err(ScanError::ValueLength { op, kind, len }),
            0 => Ok(Scalar::Null),
            1 => Ok(Scalar::Bool(false)),
            2 => Ok(Scalar::Bool(true)),
            3 | 4 => self.integer(op, kind, len),
            6 if len > STRING_BYTES_MAX as u64 => Err(ScanError::StringTooLong { op, len }),
            6 => Ok(Scalar::Str(self.values.take(len)?.text()?)),
            7 if len > BYTES_VALUE_MAX as u64 => Err(ScanError::BytesTooLong { op, len }),
            7 => Ok(Scalar::Bytes(self.values.take(len)?.bytes())),
            kind => Err(ScanError::ValueKind { op, kind }),
        }
    }

    /// An integer that fills exactly `len` bytes; kind 3 is unsigned, 4 signed.
    fn integer(&mut self, op: u64, kind: u8, len: u64) -> Result<Scalar<'a>, ScanError> {
        let wrong_length = ScanError::ValueLength { op, kind, len };
        if len == 0 || len > INTEGER_BYTES_MAX {
            return Err(wrong_length);
        }
        let mut bytes = self.values.take(len)?;
        let value = match kind {
            3 => Scalar::Uint(bytes.unsigned()?),
            _ => Scalar::Int(bytes.signed()?),
        };
        if !bytes.is_empty() {
            return Err(wrong_length);
        }
        Ok(value)
    }

    fn pred_count(&mut self, op: u64) -> Result<u32, ScanError> {
        let own = self.pred_counts.row(op)?;
        let count = own.saturating_add(self.preds.len() as u64);
        if count > CHANGE_PREDS_MAX {
            return Err(ScanError::TooManyPreds { op, count });
        }
        // Lossless: bounded by CHANGE_PREDS_MAX.
        Ok(own as u32)
    }

    fn op_preds(&mut self, op: u64, key: &str, count: u32) -> Result<(), ScanError> {
        let first = self.preds.len();
        for _ in 0..count {
            let pred = self.pred(op, key)?;
            let before = self.preds[first..].last();
            if before.is_some_and(|b| (b.counter, b.actor) >= (pred.counter, pred.actor)) {
                let counter = pred.counter;
                return Err(ScanError::PredsUnsorted { op, counter });
            }
            self.preds.push(pred);
        }
        Ok(())
    }

    fn pred(&mut self, op: u64, key: &str) -> Result<Pred<'a>, ScanError> {
        let row = self.preds.len() as u64;
        let actor = self.pred_actors.row(row)?;
        let delta = self.pred_deltas.row(row)?;
        let counter = self.pred_counter.saturating_add(delta);
        self.pred_counter = counter;
        let past = 1..(self.header.start_op + op) as i64;
        if !past.contains(&counter) {
            return Err(ScanError::PredCounter { op, counter });
        }
        // Lossless: below DOCUMENT_OPS_MAX.
        let counter = counter as u32;
        self.refuse_alien_in_own_change(op, key, actor, counter)?;
        let actors = self.header.actors.len();
        let id = usize::try_from(actor).ok();
        let id = id.and_then(|index| self.header.actors.get(index));
        let id = id.ok_or(ScanError::PredActor { op, actor, actors })?;
        self.actors_used |= 1 << actor;
        Ok(Pred { actor: id, counter })
    }

    /// A number from `start_op` on belongs to this change, so it must be a put of its author on
    /// the same key.
    fn refuse_alien_in_own_change(&self, op: u64, key: &str, actor: u64, counter: u32) -> Result<(), ScanError> {
        let Some(index) = u64::from(counter).checked_sub(self.header.start_op) else {
            return Ok(());
        };
        let target = &self.puts[index as usize];
        let is_put = match target.action {
            OpAction::Put(_) => true,
            OpAction::Delete => false,
        };
        if actor != 0 || target.key != key || !is_put {
            return Err(ScanError::PredKey { op, counter });
        }
        Ok(())
    }

    fn end(&self, ops: u64) -> Result<(), ScanError> {
        let preds = self.preds.len() as u64;
        self.keys.end(ops)?;
        self.actions.end(ops)?;
        self.value_metas.end(ops)?;
        self.pred_counts.end(ops)?;
        self.pred_actors.end(preds)?;
        self.pred_deltas.end(preds)?;
        if !self.values.is_empty() {
            return Err(ScanError::ColumnLong { column: Column::Value, rows: ops });
        }
        let unused = (1..self.header.actors.len()).find(|i| self.actors_used >> i & 1 == 0);
        unused.map_or(Ok(()), |index| Err(ScanError::ActorUnused { index }))
    }
}
