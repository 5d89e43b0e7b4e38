//! Rows that concern this node alone: peers, invitations, settings. Durable like any command, but no commit.
//!
//! Invariant: nothing outside the three local tables is touched. Proved by `local_rows_are_kept_without_a_commit`.

use super::batch::Batch;
use super::command::Outcome;
use crate::store::Table;

/// A table of this node alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalTable {
    /// Other nodes: addresses, last exchange.
    Peers,
    /// Invitations that were given out.
    Invites,
    /// Settings and counters.
    Local,
}

impl LocalTable {
    /// The store's table.
    pub fn table(self) -> Table {
        match self {
            Self::Peers => Table::Peers,
            Self::Invites => Table::Invites,
            Self::Local => Table::Local,
        }
    }
}

/// A change of a local row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalChange {
    /// Writes a row.
    Put {
        /// Where.
        table: LocalTable,
        /// Its key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// Removes a row.
    Delete {
        /// Where.
        table: LocalTable,
        /// Its key.
        key: Vec<u8>,
    },
}

/// Makes the changes in their order.
pub(super) fn remember(batch: &mut Batch<'_, '_>, changes: &[LocalChange]) -> Outcome {
    for change in changes {
        match change {
            LocalChange::Put { table, key, value } => batch.write(table.table(), key.clone(), value.clone()),
            LocalChange::Delete { table, key } => batch.remove(table.table(), key.clone()),
        }
    }
    Outcome::Remembered
}
