//! Run-length columns: reads row by row, or counts the rows run by run without expanding them.
//!
//! A run is `count value` for repeats (count >= 2), `-count values` for values that differ from
//! their neighbours, `0 count` for nulls, which no column here may have. Invariants: one accepted
//! encoding for each sequence of values, and constant memory whatever a run declares. Tests
//! `a_sequence_has_one_run_encoding` and `ten_million_declared_ops_are_only_counted`.

use super::columns::Column;
use super::cursor::Cursor;
use super::{KEY_BYTES_MAX, ScanError};

/// A value that run-length columns hold.
pub(super) trait RunValue<'a>: Copy + PartialEq {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ScanError>;
}

impl RunValue<'_> for u64 {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ScanError> {
        cursor.unsigned()
    }
}

impl RunValue<'_> for i64 {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ScanError> {
        cursor.signed()
    }
}

/// Texts in run-length columns are keys.
impl<'a> RunValue<'a> for &'a str {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ScanError> {
        let at = cursor.at();
        let len = cursor.unsigned()?;
        if len == 0 {
            return Err(ScanError::KeyEmpty { at });
        }
        if len > KEY_BYTES_MAX as u64 {
            return Err(ScanError::KeyTooLong { at, len });
        }
        cursor.take(len)?.text()
    }
}

/// The run being read; `left` rows of it are still to come.
#[derive(Debug, Clone, Copy)]
enum Run {
    Start,
    Repeat { left: u64 },
    Literal { left: u64 },
}

impl Run {
    fn left(self) -> u64 {
        match self {
            Run::Start => 0,
            Run::Repeat { left } | Run::Literal { left } => left,
        }
    }
}

/// A reader of one run-length column.
#[derive(Debug, Clone)]
pub(super) struct Runs<'a, V> {
    column: Column,
    cursor: Cursor<'a>,
    run: Run,
    /// The value of the row before the next, and of every row of a repeat.
    before: Option<V>,
}

impl<'a, V: RunValue<'a>> Runs<'a, V> {
    pub(super) fn new(column: Column, cursor: Cursor<'a>) -> Self {
        Runs { column, cursor, run: Run::Start, before: None }
    }

    /// Counts the rows of the column, reading each run once; stops as soon as there are more than
    /// `rows_max`.
    pub(super) fn count(mut self, rows_max: u64) -> Result<u64, ScanError> {
        let mut counted = 0u64;
        while self.open()? {
            counted = counted.saturating_add(self.run.left());
            if counted > rows_max {
                return Err(ScanError::TooManyOps { counted });
            }
            match self.run {
                Run::Start | Run::Repeat { .. } => self.run = Run::Start,
                Run::Literal { left } => (0..left).try_for_each(|_| self.row(0).map(drop))?,
            }
        }
        Ok(counted)
    }

    /// The value of the next row; `rows` is how many were read before, for the error.
    pub(super) fn row(&mut self, rows: u64) -> Result<V, ScanError> {
        let short = ScanError::ColumnShort { column: self.column, rows };
        if self.run.left() == 0 && !self.open()? {
            return Err(short);
        }
        match self.run {
            Run::Start => {}
            Run::Repeat { left } => self.run = Run::Repeat { left: left - 1 },
            Run::Literal { left } => {
                let at = self.cursor.at();
                self.differ(at)?;
                self.run = Run::Literal { left: left - 1 };
            }
        }
        self.before.ok_or(short)
    }

    /// Refuses rows after the last; `rows` is how many were read.
    pub(super) fn end(&self, rows: u64) -> Result<(), ScanError> {
        if self.run.left() > 0 || !self.cursor.is_empty() {
            return Err(ScanError::ColumnLong { column: self.column, rows });
        }
        Ok(())
    }

    /// Opens the next run; false at the end of the column.
    fn open(&mut self) -> Result<bool, ScanError> {
        if self.cursor.is_empty() {
            return Ok(false);
        }
        let at = self.cursor.at();
        let count = self.cursor.signed()?;
        let left = count.unsigned_abs();
        self.run = match (count, self.run) {
            (0, _) => {
                let column = self.column;
                return Err(ScanError::NullRun { column, at });
            }
            (1, _) | (..=-1, Run::Literal { .. }) => return Err(self.not_canonical(at)),
            (..=-1, Run::Start | Run::Repeat { .. }) => Run::Literal { left },
            (2.., _) => {
                self.differ(at)?;
                Run::Repeat { left }
            }
        };
        Ok(true)
    }

    /// Reads the next value, which must differ from the one before or belong to its run.
    fn differ(&mut self, at: usize) -> Result<(), ScanError> {
        let value = V::read(&mut self.cursor)?;
        if self.before == Some(value) {
            return Err(self.not_canonical(at));
        }
        self.before = Some(value);
        Ok(())
    }

    fn not_canonical(&self, at: usize) -> ScanError {
        ScanError::RunNotCanonical { column: self.column, at }
    }
}
