//! Reading: the trait that snapshots and write transactions share, and the snapshot.
//!
//! Not here: what the bytes mean.
//!
//! Invariants: a snapshot never changes while others write (`a_snapshot_never_changes`); a table
//! is opened once per snapshot; a table that was never written is empty, not an error
//! (`a_table_never_written_is_empty`).

use super::error::StoreError;
use super::keys::KeyRange;
use super::table::Table;
use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Order in which a scan visits keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Lowest key first.
    Forward,
    /// Highest key first.
    Backward,
}

/// Reads of tables, the same on a [`Snapshot`] and inside a [`super::WriteTx`].
pub trait ReadTables {
    /// Calls `look` with the value under `key`, without copying it; `None` if there is none.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn with<R>(&self, table: Table, key: &[u8], look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError>;

    /// Visits the pairs of `range` in order until `visit` breaks.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        direction: Direction,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Returns the number of pairs in `table`, without visiting them.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn count(&self, table: Table) -> Result<u64, StoreError>;

    /// Returns a copy of the value under `key`.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(table, key, <[u8]>::to_vec)
    }
}

/// Every table has this type for redb; its meaning is ours alone.
pub(super) type Bytes = &'static [u8];

/// The definition of `table` for redb.
pub(super) const fn definition(table: Table) -> TableDefinition<'static, Bytes, Bytes> {
    TableDefinition::new(table.name())
}

/// Looks one key up.
pub(super) fn look_up<R>(
    table: &impl ReadableTable<Bytes, Bytes>,
    key: &[u8],
    look: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>, redb::StorageError> {
    Ok(table.get(key)?.map(|value| look(value.value())))
}

/// Visits a range of one table.
pub(super) fn visit_range(
    table: &impl ReadableTable<Bytes, Bytes>,
    range: &KeyRange,
    direction: Direction,
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), redb::StorageError> {
    let mut pairs = table.range::<&[u8]>(range.bounds())?;
    let mut next = || match direction {
        Direction::Forward => pairs.next(),
        Direction::Backward => pairs.next_back(),
    };
    while let Some(pair) = next() {
        let (key, value) = pair?;
        if visit(key.value(), value.value()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Turns an error into ours and remembers in `suspect` whether the handle is of no more use.
pub(super) fn noted(suspect: &AtomicBool, error: impl Into<StoreError>) -> StoreError {
    let error = error.into();
    if error.needs_reopen() {
        suspect.store(true, Ordering::Release);
    }
    error
}

type OpenTable = redb::ReadOnlyTable<Bytes, Bytes>;

/// The store as it was at one moment; owned, readable from any thread.
///
/// A snapshot keeps the pages that it sees: hold it for a request or an export, not for ever. A
/// reopen below it ends it with [`StoreError::Closed`].
pub struct Snapshot {
    transaction: ReadTransaction,
    /// `None` inside: the table was never written.
    tables: Box<[OnceLock<Option<OpenTable>>]>,
    suspect: Arc<AtomicBool>,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction, suspect: Arc<AtomicBool>) -> Self {
        let tables = Table::ALL.iter().map(|_| OnceLock::new()).collect();
        Self { transaction, tables, suspect }
    }

    fn table(&self, table: Table) -> Result<Option<&OpenTable>, StoreError> {
        let slot = &self.tables[table.index()];
        if let Some(open) = slot.get() {
            return Ok(open.as_ref());
        }
        let open = match self.transaction.open_table(definition(table)) {
            Ok(open) => Some(open),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(noted(&self.suspect, error)),
        };
        Ok(slot.get_or_init(|| open).as_ref())
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl ReadTables for Snapshot {
    fn with<R>(&self, table: Table, key: &[u8], look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError> {
        let Some(open) = self.table(table)? else { return Ok(None) };
        look_up(open, key, look).map_err(|error| noted(&self.suspect, error))
    }

    fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        direction: Direction,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let Some(open) = self.table(table)? else { return Ok(()) };
        visit_range(open, range, direction, visit).map_err(|error| noted(&self.suspect, error))
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        use redb::ReadableTableMetadata;
        let Some(open) = self.table(table)? else { return Ok(0) };
        open.len().map_err(|error| noted(&self.suspect, error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::keys::Key;
    use super::super::sim_disk::{SimDisk, put_all};
    use super::*;

    fn listed(reader: &impl ReadTables, range: &KeyRange, direction: Direction) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let visit = |key: &[u8], _: &[u8]| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        };
        reader.scan(Table::Rows, range, direction, visit).unwrap();
        keys
    }

    #[test]
    fn a_snapshot_is_owned_and_may_be_read_from_any_thread() {
        fn owned<T: Send + Sync + 'static>() {}
        owned::<Snapshot>();
    }

    #[test]
    fn a_snapshot_never_changes() {
        let store = SimDisk::new().store();
        put_all(&store, Table::Rows, &[(b"a", b"1")]);
        let before = store.read().unwrap();
        put_all(&store, Table::Rows, &[(b"a", b"2"), (b"b", b"3")]);
        assert_eq!(before.get(Table::Rows, b"a").unwrap().unwrap(), b"1");
        assert_eq!(before.get(Table::Rows, b"b").unwrap(), None);
        assert_eq!(before.count(Table::Rows).unwrap(), 1);
        let after = store.read().unwrap();
        assert_eq!(after.get(Table::Rows, b"a").unwrap().unwrap(), b"2");
        assert_eq!(after.count(Table::Rows).unwrap(), 2);
    }

    #[test]
    fn a_table_never_written_is_empty() {
        let store = SimDisk::new().store();
        let snapshot = store.read().unwrap();
        assert_eq!(snapshot.get(Table::Local, b"a").unwrap(), None);
        assert_eq!(snapshot.count(Table::Local).unwrap(), 0);
        assert!(listed(&snapshot, &KeyRange::all(), Direction::Forward).is_empty());
    }

    #[test]
    fn a_scan_goes_both_ways_and_stops_when_told() {
        let store = SimDisk::new().store();
        put_all(&store, Table::Rows, &[(b"a", b""), (b"b", b""), (b"c", b"")]);
        let snapshot = store.read().unwrap();
        let all = KeyRange::all();
        assert_eq!(listed(&snapshot, &all, Direction::Forward), [b"a", b"b", b"c"]);
        assert_eq!(listed(&snapshot, &all, Direction::Backward), [b"c", b"b", b"a"]);
        let mut visited = 0;
        let visit = |_: &[u8], _: &[u8]| {
            visited += 1;
            ControlFlow::Break(())
        };
        snapshot.scan(Table::Rows, &all, Direction::Forward, visit).unwrap();
        assert_eq!(visited, 1);
    }

    #[test]
    fn a_prefix_scan_ends_at_the_edge_of_byte_ff() {
        let store = SimDisk::new().store();
        let keys: [&[u8]; 7] =
            [&[0xFE], &[0xFE, 0xFF], &[0xFE, 0xFF, 0xFF], &[0xFF], &[0xFF, 0], &[0xFF; 2], &[0xFF; 3]];
        let pairs: Vec<(&[u8], &[u8])> = keys.iter().map(|key| (*key, b"".as_slice())).collect();
        put_all(&store, Table::Rows, &pairs);
        let snapshot = store.read().unwrap();
        for prefix in keys.iter().chain([&b"".as_slice()]) {
            let expected: Vec<_> = keys.into_iter().filter(|key| key.starts_with(prefix)).collect();
            let range = Key::new().bytes(prefix).range();
            assert_eq!(listed(&snapshot, &range, Direction::Forward), expected, "{prefix:?}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        let store = SimDisk::new().store();
        put_all(&store, Table::Rows, &[(b"a", b""), (b"b", b""), (b"c", b"")]);
        let snapshot = store.read().unwrap();
        for range in [
            KeyRange::between(b"c", b"a"),
            KeyRange::between(b"b", b"b"),
            KeyRange::prefix(b"a").after(b"b"),
            KeyRange::all().after(b"b").before(b"b"),
        ] {
            assert!(listed(&snapshot, &range, Direction::Forward).is_empty(), "{range:?}");
            assert!(listed(&snapshot, &range, Direction::Backward).is_empty(), "{range:?}");
        }
        assert_eq!(listed(&snapshot, &KeyRange::between(b"a", b"c"), Direction::Forward), [b"a", b"b"]);
    }
}
