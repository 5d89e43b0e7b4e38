//! The write transaction that a closure of [`super::Store::write`] or a planned batch works in.
//!
//! Not here: beginning and committing; that is [`super::Store::write`] and the writer.
//!
//! Invariants: a table is opened once per transaction (redb's opening costs more than its
//! lookups); a transaction reads its own writes (`a_transaction_reads_its_own_writes`); after an
//! error of the store the transaction can no longer be committed
//! (`a_transaction_that_saw_a_failure_never_commits`).

use super::error::StoreError;
use super::keys::KeyRange;
use super::read::{Bytes, Direction, ReadTables, definition, look_up, noted, visit_range};
use super::staged::{Stage, TableChanges};
use super::table::Table;
use redb::WriteTransaction;
use std::cell::{Cell, OnceCell};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

/// Longest key in bytes.
pub const KEY_BYTES_MAX: usize = 4 * 1024;
/// Longest value in bytes.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

type OpenTable<'t> = redb::Table<'t, Bytes, Bytes>;

/// A write transaction under way: in the store itself, or planned in memory for the next one.
pub struct WriteTx<'t> {
    place: Place<'t>,
}

enum Place<'t> {
    Stored(Box<Stored<'t>>),
    Staged(&'t mut Stage),
}

impl<'t> WriteTx<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction, suspect: &'t AtomicBool) -> Self {
        Self { place: Place::Stored(Box::new(Stored::new(transaction, suspect))) }
    }

    pub(super) fn staged(stage: &'t mut Stage) -> Self {
        Self { place: Place::Staged(stage) }
    }

    /// Stores `value` under `key`, over what was there.
    ///
    /// # Errors
    /// If key or value is too long (the transaction may go on) or the store cannot be written.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        match &mut self.place {
            Place::Stored(stored) => stored.put(table, key, value),
            Place::Staged(stage) => stage.put(table, key, value),
        }
    }

    /// Stores and removes many rows of one table.
    ///
    /// # Errors
    /// As [`WriteTx::put`].
    pub fn put_all(&mut self, table: Table, changes: TableChanges) -> Result<(), StoreError> {
        match &mut self.place {
            Place::Stored(stored) => changes.into_iter().try_for_each(|(key, value)| match value {
                Some(value) => stored.put(table, &key, &value),
                None => stored.delete(table, &key).map(drop),
            }),
            Place::Staged(stage) => stage.put_all(table, changes),
        }
    }

    /// Removes `key`; says whether it was there.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        match &mut self.place {
            Place::Stored(stored) => stored.delete(table, key),
            Place::Staged(stage) => stage.delete(table, key),
        }
    }

    /// Whether the store failed below this transaction.
    pub(super) fn has_failed(&self) -> bool {
        match &self.place {
            Place::Stored(stored) => stored.failed.get(),
            Place::Staged(_) => false,
        }
    }
}

impl std::fmt::Debug for WriteTx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteTx").finish_non_exhaustive()
    }
}

impl ReadTables for WriteTx<'_> {
    fn with<R>(&self, table: Table, key: &[u8], look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError> {
        match &self.place {
            Place::Stored(stored) => look_up(stored.table(table)?, key, look).map_err(|error| stored.failure(error)),
            Place::Staged(stage) => stage.with(table, key, look),
        }
    }

    fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        direction: Direction,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        match &self.place {
            Place::Stored(stored) => {
                let open = stored.table(table)?;
                visit_range(open, range, direction, visit).map_err(|error| stored.failure(error))
            }
            Place::Staged(stage) => stage.scan(table, range, direction, visit),
        }
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        use redb::ReadableTableMetadata;
        match &self.place {
            Place::Stored(stored) => stored.table(table)?.len().map_err(|error| stored.failure(error)),
            Place::Staged(stage) => stage.count(table),
        }
    }
}

/// A transaction of redb with the tables that it has opened.
struct Stored<'t> {
    transaction: &'t WriteTransaction,
    tables: [OnceCell<OpenTable<'t>>; Table::ALL.len()],
    suspect: &'t AtomicBool,
    failed: Cell<bool>,
}

impl<'t> Stored<'t> {
    fn new(transaction: &'t WriteTransaction, suspect: &'t AtomicBool) -> Self {
        let tables = std::array::from_fn(|_| OnceCell::new());
        Self { transaction, tables, suspect, failed: Cell::new(false) }
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        let done = self.open(table)?.insert(key, value).map(drop);
        done.map_err(|error| self.failure(error))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        let removed = self.open(table)?.remove(key).map(|value| value.is_some());
        removed.map_err(|error| self.failure(error))
    }

    fn table(&self, table: Table) -> Result<&OpenTable<'t>, StoreError> {
        let slot = &self.tables[table.index()];
        if let Some(open) = slot.get() {
            return Ok(open);
        }
        let opened = self.transaction.open_table(definition(table));
        let open = opened.map_err(|error| self.failure(error))?;
        Ok(slot.get_or_init(|| open))
    }

    fn open(&mut self, table: Table) -> Result<&mut OpenTable<'t>, StoreError> {
        self.table(table)?;
        Ok(self.tables[table.index()].get_mut().expect("invariant: the line above opened it"))
    }

    fn failure(&self, error: impl Into<StoreError>) -> StoreError {
        self.failed.set(true);
        noted(self.suspect, error)
    }
}

pub(super) fn check_lengths(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(StoreError::KeyTooLong { bytes: key.len(), bytes_max: KEY_BYTES_MAX });
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(StoreError::ValueTooLong { bytes: value.len(), bytes_max: VALUE_BYTES_MAX });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sim_disk::SimDisk;
    use super::*;

    #[test]
    fn a_transaction_reads_its_own_writes() {
        let store = SimDisk::new().store();
        let seen = store.write(|tx| {
            tx.put(Table::Rows, b"a", b"1")?;
            tx.put(Table::Rows, b"b", b"2")?;
            tx.put(Table::Rows, b"b", b"3")?;
            assert!(tx.delete(Table::Rows, b"a")?);
            assert!(!tx.delete(Table::Rows, b"a")?);
            let mut seen = Vec::new();
            tx.scan(Table::Rows, &KeyRange::all(), Direction::Forward, |key, value| {
                seen.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })?;
            assert_eq!(tx.count(Table::Rows)?, 1);
            assert_eq!(tx.get(Table::Rows, b"a")?, None);
            Ok::<_, StoreError>(seen)
        });
        assert_eq!(seen.unwrap(), [(b"b".to_vec(), b"3".to_vec())]);
    }

    #[test]
    fn a_key_at_the_limit_is_written_and_one_past_it_refused() {
        let store = SimDisk::new().store();
        let key = [7; KEY_BYTES_MAX + 1];
        let wrote = store.write(|tx| {
            tx.put(Table::Rows, &key[1..], b"")?;
            let refused = tx.put(Table::Rows, &key, b"");
            assert!(matches!(refused, Err(StoreError::KeyTooLong { bytes: 4097, .. })));
            Ok::<_, StoreError>(())
        });
        wrote.unwrap();
        let snapshot = store.read().unwrap();
        assert_eq!(snapshot.count(Table::Rows).unwrap(), 1);
        assert!(snapshot.get(Table::Rows, &key[1..]).unwrap().is_some());
    }

    #[test]
    fn a_value_at_the_limit_is_accepted_and_one_past_it_refused() {
        let value = vec![0; VALUE_BYTES_MAX + 1];
        assert!(check_lengths(b"a", &value[1..]).is_ok());
        let refused = check_lengths(b"a", &value);
        assert!(matches!(refused, Err(StoreError::ValueTooLong { bytes: 16_777_217, .. })));
    }
}
