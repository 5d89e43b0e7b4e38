//! Files in: reads CSV files of orders and products into mapped values, and sets bad rows aside.
//!
//! The way of a row: `source` (bytes, gzip, encoding) → `record` (CSV) → `intake` (header, form, key) → `spool`
//! (sorted by key and row) → `parse` and `map` (typed values) → `orders` or `products`, which hand them out.
//! Not here: documents, ids, the store; a writer takes the mapped values and hands back what it cannot take.
//!
//! Invariants: a row is a line, a reject, or a blank or repeated row, and no row stops the run; memory does not grow
//! with the file; reading the same file again gives the same values in the same order. Proved by
//! `every_row_of_a_file_is_counted_once`, `rows_come_back_sorted_whatever_the_run_size` and
//! `every_error_has_a_code_and_a_remedy`.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub mod cells;
pub mod columns;
pub mod delimiter;
mod intake;
pub mod map;
pub mod orders;
mod parse;
pub mod preset;
pub mod products;
pub mod record;
pub mod rejects;
pub mod source;
pub mod spool;
pub mod summary;

use columns::ColumnsError;
use preset::PlanError;
use record::{ROW_BYTES_MAX, RecordError};
use source::SourceError;
use spool::{RUN_BYTES_MAX, SpoolError};

use crate::store::{NoRoom, is_full};

/// Bytes of content, after decompression.
pub const FILE_BYTES_MAX: u64 = 4 << 30;
/// Rows but for the header and blank ones.
pub const ROWS_MAX: u64 = 10_000_000;
/// Columns.
pub const COLUMNS_MAX: usize = 256;
/// Bytes of a cell as UTF-8.
pub const CELL_BYTES_MAX: usize = 32 << 10;

/// The limits that depend on the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of content, after decompression.
    pub bytes: u64,
    /// Rows but for the header and blank ones.
    pub rows: u64,
    /// Memory of the sorting, in bytes.
    pub run_bytes: usize,
}

impl Limits {
    /// Those of the product.
    pub const STANDARD: Self = Self { bytes: FILE_BYTES_MAX, rows: ROWS_MAX, run_bytes: RUN_BYTES_MAX };
}

/// The files of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFiles {
    /// The CSV file, plain or gzip; it may be read twice.
    pub input: PathBuf,
    /// Where the rejects file goes.
    pub rejects: PathBuf,
    /// The folder of the spool.
    pub temporary: PathBuf,
}

/// Why an import cannot begin or go on.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The file as text.
    #[error(transparent)]
    Source(SourceError),
    /// The mapping of columns.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The rejects file.
    #[error("the rejects file cannot be written: {0}")]
    Rejects(#[source] io::Error),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The first row is no header.
    #[error("row 1, the header, cannot be read: {reason}")]
    HeaderMalformed {
        /// A sentence.
        reason: &'static str,
    },
    /// The header has too many cells.
    #[error("the header has {columns} columns, the limit is {COLUMNS_MAX}")]
    TooManyColumns {
        /// How many it has.
        columns: usize,
    },
    /// The file has too many rows.
    #[error("the file has more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: u64,
    },
    /// A row does not end.
    #[error("row {row} is longer than {ROW_BYTES_MAX} bytes")]
    RowTooLong {
        /// Its number.
        row: u64,
    },
}

impl From<SourceError> for ImportError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<RecordError> for ImportError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Source(error) => Self::Source(error),
            RecordError::RowTooLong { row } => Self::RowTooLong { row },
        }
    }
}

impl ImportError {
    /// What stands against it on the disk, where the disk is full.
    pub fn no_room(&self) -> Option<NoRoom> {
        match self {
            Self::Spool(SpoolError::File(error)) | Self::Rejects(error) | Self::Source(SourceError::Read(error)) => {
                is_full(error.kind()).then(|| NoRoom::told_by(error).unwrap_or(NoRoom::unknown()))
            }
            Self::Plan(_)
            | Self::Source(_)
            | Self::Columns(_)
            | Self::Spool(_)
            | Self::Empty
            | Self::HeaderMalformed { .. }
            | Self::TooManyColumns { .. }
            | Self::TooManyRows { .. }
            | Self::RowTooLong { .. } => None,
        }
    }

    /// The code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Plan(error) => error.code(),
            Self::Source(error) => source_code(error),
            Self::Columns(_) => "import_columns",
            Self::Spool(_) | Self::Rejects(_) => "import_disk",
            Self::Empty | Self::HeaderMalformed { .. } => "import_header",
            Self::TooManyColumns { .. } | Self::TooManyRows { .. } | Self::RowTooLong { .. } => "import_limit",
        }
    }

    /// What a person can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Plan(error) => error.remedy(),
            Self::Columns(error) => error.remedy(),
            Self::Source(error) => source_remedy(error).to_owned(),
            Self::Spool(_) | Self::Rejects(_) => {
                "Free space on the disk, check the folder's permissions, and import again.".to_owned()
            }
            Self::Empty | Self::HeaderMalformed { .. } => "Begin the file with a row of column names.".to_owned(),
            Self::TooManyColumns { .. } => "Leave out columns that are not mapped.".to_owned(),
            Self::TooManyRows { .. } => "Split the file and import the parts; keep each order in one part.".to_owned(),
            Self::RowTooLong { row } => format!("Look for a missing line end or quote in row {row}."),
        }
    }
}

fn source_code(error: &SourceError) -> &'static str {
    match error {
        SourceError::Read(_) => "import_disk",
        SourceError::TooLarge { .. } => "import_limit",
        SourceError::DamagedGzip { .. } => "import_damaged",
        SourceError::NotText { .. } => "import_not_text",
        SourceError::UnknownEncoding { .. } | SourceError::OtherEncoding { .. } => "import_encoding",
    }
}

fn source_remedy(error: &SourceError) -> &'static str {
    match error {
        SourceError::Read(_) => "Check that the file exists and may be read.",
        SourceError::TooLarge { .. } => "Split the file and import the parts; keep each order in one part.",
        SourceError::DamagedGzip { .. } => "Get the file again, or unpack it and import the CSV.",
        SourceError::NotText { .. } => "Save it as CSV UTF-8 (in Excel: Save As, CSV UTF-8) and import that.",
        SourceError::UnknownEncoding { .. } => "Use a label such as utf-8, gbk, gb18030, big5 or windows-1252.",
        SourceError::OtherEncoding { .. } => "Name the encoding with --encoding.",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn all_errors() -> Vec<ImportError> {
        let disk = || io::Error::other("full");
        vec![
            PlanError::ModeMissing.into(),
            ColumnsError::Form { text: "x".to_owned() }.into(),
            SourceError::Read(disk()).into(),
            SourceError::TooLarge { limit: FILE_BYTES_MAX }.into(),
            SourceError::DamagedGzip { bytes: 1 }.into(),
            SourceError::NotText { found: "UTF-16" }.into(),
            SourceError::UnknownEncoding { label: "x".to_owned() }.into(),
            SourceError::OtherEncoding { found: encoding_rs::GB18030 }.into(),
            SpoolError::Damaged { at: 1 }.into(),
            ImportError::Rejects(disk()),
            ImportError::Empty,
            ImportError::HeaderMalformed { reason: "A quote." },
            ImportError::TooManyColumns { columns: 257 },
            ImportError::TooManyRows { limit: ROWS_MAX },
            RecordError::RowTooLong { row: 7 }.into(),
            RecordError::Source(SourceError::DamagedGzip { bytes: 1 }).into(),
        ]
    }

    #[test]
    fn every_error_has_a_code_and_a_remedy() {
        for error in all_errors() {
            assert!(error.code().starts_with("import_"), "{error}");
            assert!(error.remedy().ends_with('.') && !error.to_string().is_empty(), "{error}");
        }
        assert!(ImportError::from(RecordError::RowTooLong { row: 7 }).to_string().contains("row 7"));
    }

    #[test]
    fn a_disk_that_fills_under_an_import_is_told_apart() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert!(ImportError::Rejects(full()).no_room().is_some());
        assert!(ImportError::from(SpoolError::File(full())).no_room().is_some());
        assert!(ImportError::Rejects(io::Error::other("torn")).no_room().is_none());
        assert!(ImportError::Empty.no_room().is_none());
    }

    #[test]
    fn the_limits_are_those_of_the_design() {
        assert_eq!((FILE_BYTES_MAX, ROWS_MAX, COLUMNS_MAX, CELL_BYTES_MAX), (4_294_967_296, 10_000_000, 256, 32_768));
    }
}
