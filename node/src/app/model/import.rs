//! An import of a file: what is asked and how far it is.
//!
//! Not the import itself. The uploaded file stands beside the request, on disk.
//!
//! Invariant: rows that are done are durable. The counting is proved in `import/`; the words of a state by
//! `every_import_state_has_one_word`.

use std::path::PathBuf;

use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::Request;
use super::order::{EntryKind, words};
use crate::app::error::AppError;

words!(
    /// What a file holds.
    ImportKind {
        /// Orders, one row a line.
        Orders = "orders",
        /// Products.
        Products = "products",
    }
);

words!(
    /// What parts the cells of a file.
    ImportDelimiter {
        /// `,`
        Comma = "comma",
        /// `;`
        Semicolon = "semicolon",
        /// The tab character.
        Tab = "tab",
    }
);

/// Whether an import writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// It writes.
    Write,
    /// It only says what it would do.
    DryRun,
}

/// Which column holds a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMapping {
    /// Our field.
    pub field: Text,
    /// The column's heading.
    pub column: Text,
}

/// An import to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// What makes it repeatable; its hash covers the file.
    pub request: Request,
    /// What the file holds.
    pub kind: ImportKind,
    /// The preset that names columns and rules.
    pub preset: Option<Text>,
    /// The channel of its orders.
    pub channel: Option<Text>,
    /// History or new orders; none where the preset says it.
    pub entry: Option<EntryKind>,
    /// The file's encoding; none is detected.
    pub encoding: Option<Text>,
    /// What parts its cells; none is detected.
    pub delimiter: Option<ImportDelimiter>,
    /// Columns by hand.
    pub mapping: Vec<ColumnMapping>,
    /// Whether it writes.
    pub mode: ImportMode,
    /// The file's name at the sender, for people.
    pub file_name: Option<Text>,
}

words!(
    /// How far an import is.
    ImportState {
        /// It runs.
        Running = "running",
        /// It runs and ends after the batch in hand.
        Cancelling = "cancelling",
        /// It ended; rows may be rejected.
        Done = "done",
        /// It stopped; the error says why.
        Failed = "failed",
        /// Somebody stopped it; what it had written stays.
        Cancelled = "cancelled",
        /// The node ended while it ran; what it had written stays.
        Cut = "cut",
    }
);

impl ImportState {
    /// Whether the import still runs.
    pub fn is_running(self) -> bool {
        match self {
            Self::Running | Self::Cancelling => true,
            Self::Done | Self::Failed | Self::Cancelled | Self::Cut => false,
        }
    }
}

/// Orders of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderCounts {
    /// Orders.
    pub documents: u64,
    /// Their lines.
    pub lines: u64,
    /// Orders with at least one priced line.
    pub with_sales: u64,
    /// Orders whose lines all cost nothing.
    pub zero_price_only: u64,
}

/// Credit orders or adjustments of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DocumentCounts {
    /// Documents.
    pub documents: u64,
    /// Their lines.
    pub lines: u64,
}

/// An import as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportView {
    /// Its identity, for this node.
    pub id: String,
    /// What the file holds.
    pub kind: ImportKind,
    /// How far it is.
    pub state: ImportState,
    /// The file's name at the sender.
    pub file_name: Option<Text>,
    /// The channel of its orders.
    pub channel: Option<Text>,
    /// When this run began.
    pub started: EventTime,
    /// When it ended.
    pub ended: Option<EventTime>,
    /// Rows read.
    pub rows: u64,
    /// Rows whose outcome is durable.
    pub rows_done: u64,
    /// Rows in the file, once known.
    pub rows_total: Option<u64>,
    /// Documents written first by this run.
    pub created: u64,
    /// Documents that this run changed.
    pub updated: u64,
    /// Documents that were already so.
    pub unchanged: u64,
    /// Rows set aside.
    pub rejected: u64,
    /// Lines in accepted documents.
    pub lines: u64,
    /// Orders.
    pub orders: OrderCounts,
    /// Credit orders.
    pub credit_orders: DocumentCounts,
    /// Historical adjustments.
    pub adjustments: DocumentCounts,
    /// Products made on the way.
    pub products_created: u64,
    /// Customers made on the way.
    pub customers_created: u64,
    /// The encoding used, once known.
    pub encoding: Option<String>,
    /// Whether it writes.
    pub mode: ImportMode,
    /// The file of rejected rows; none where there are none.
    pub rejects_file: Option<PathBuf>,
    /// Why it failed.
    pub error: Option<AppError>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_import_state_has_one_word() {
        for state in ImportState::ALL {
            assert_eq!(ImportState::from_word(state.word()), Some(*state));
        }
    }
}
