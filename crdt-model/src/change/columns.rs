//! The list of columns of a change and the bytes of each.
//!
//! Does not read rows. Invariants: only the columns of flat root operations, none compressed,
//! strictly ascending, none empty, the five that every operation needs present, and nothing after
//! the last. Tests `column_refusals_name_their_rule` and `structures_beyond_a_flat_map_are_refused`.

use std::fmt;

use super::ScanError;
use super::cursor::Cursor;

/// The bit of a column's number that says its data is compressed.
const DEFLATED: u64 = 0b1000;

/// The kinds of column that a change on the flat root map has, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Keys of the root map.
    Key,
    /// Whether an operation inserts into a sequence.
    Insert,
    /// Put or delete.
    Action,
    /// Kind and length of each value.
    ValueMeta,
    /// The bytes of the values.
    Value,
    /// How many predecessors an operation has.
    PredCount,
    /// Who wrote each predecessor.
    PredActor,
    /// The number of each predecessor.
    PredCounter,
}

/// All kinds of column, ascending.
const ALL: [Column; 8] = [
    Column::Key,
    Column::Insert,
    Column::Action,
    Column::ValueMeta,
    Column::Value,
    Column::PredCount,
    Column::PredActor,
    Column::PredCounter,
];

impl Column {
    /// The number that stands for the column in a chunk: 16 * id + type.
    const fn spec(self) -> u64 {
        match self {
            Column::Key => 21,
            Column::Insert => 52,
            Column::Action => 66,
            Column::ValueMeta => 86,
            Column::Value => 87,
            Column::PredCount => 112,
            Column::PredActor => 113,
            Column::PredCounter => 115,
        }
    }

    /// Whether a change with operations always has the column.
    const fn is_required(self) -> bool {
        match self {
            Column::Key | Column::Insert | Column::Action | Column::ValueMeta | Column::PredCount => true,
            Column::Value | Column::PredActor | Column::PredCounter => false,
        }
    }

    fn from_spec(spec: u64) -> Result<Column, ScanError> {
        if spec & DEFLATED != 0 {
            return Err(ScanError::ColumnDeflated { spec });
        }
        let known = ALL.into_iter().find(|column| column.spec() == spec);
        known.ok_or(match spec {
            1 | 2 => ScanError::NestedObject { spec },
            17 | 19 => ScanError::ElementKey { spec },
            148 | 165 => ScanError::Mark { spec },
            _ => ScanError::ColumnUnknown { spec },
        })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Column::Key => "key",
            Column::Insert => "insert",
            Column::Action => "action",
            Column::ValueMeta => "value descriptor",
            Column::Value => "value",
            Column::PredCount => "predecessor count",
            Column::PredActor => "predecessor actor",
            Column::PredCounter => "predecessor number",
        })
    }
}

/// The bytes of each column; a column that is not listed is empty.
pub(super) struct Columns<'a>([Cursor<'a>; ALL.len()]);

impl<'a> Columns<'a> {
    pub(super) fn of(&self, column: Column) -> Cursor<'a> {
        self.0[column as usize]
    }
}

/// Reads the list of columns and cuts their data; nothing may be left.
pub(super) fn read(mut contents: Cursor<'_>) -> Result<Columns<'_>, ScanError> {
    let listed = listed(&mut contents)?;
    let mut columns = Columns([Cursor::new(&[], contents.at()); ALL.len()]);
    for column in ALL {
        match listed[column as usize] {
            Some(0) => return Err(ScanError::ColumnEmpty { column }),
            Some(len) => columns.0[column as usize] = contents.take(len)?,
            None if column.is_required() => return Err(ScanError::ColumnMissing { column }),
            None => {}
        }
    }
    if !contents.is_empty() {
        return Err(ScanError::ExtraBytes { len: contents.left() });
    }
    Ok(columns)
}

/// The declared length of each listed column.
fn listed(contents: &mut Cursor<'_>) -> Result<[Option<u64>; ALL.len()], ScanError> {
    let count = contents.unsigned()?;
    if count == 0 {
        return Err(ScanError::NoOps);
    }
    let mut lengths = [None; ALL.len()];
    let mut before = None;
    for _ in 0..count {
        let spec = contents.unsigned()?;
        let column = Column::from_spec(spec)?;
        if before >= Some(column) {
            return Err(ScanError::ColumnsUnsorted { spec });
        }
        before = Some(column);
        lengths[column as usize] = Some(contents.unsigned()?);
    }
    Ok(lengths)
}
