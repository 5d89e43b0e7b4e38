//! A write-back view of one transaction: rows are changed in memory and written once, in key order.
//!
//! Rows of sums stay decoded until `flush`, because many documents of a batch add to the same ones.
//!
//! Invariants: a read sees every earlier write of the batch; nothing reaches the transaction before `flush`. Proved by
//! `a_batch_reads_its_own_writes_and_scans_them_in_order` and `sums_of_a_batch_are_read_before_they_are_written`.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use crdt_model::rows::{RowVisitor, Rows, ViewTable};
use crdt_model::sales::SalesSums;
use crdt_model::scope_state::ScopeError;

use crate::store::{Direction, KeyRange, ReadTables, StoreError, Table, TableChanges, WriteTx};

/// Rows of one page.
pub const PAGE_ROWS_MAX: usize = 512;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The transaction with its unwritten changes.
pub struct Batch<'t, 's> {
    tx: &'t mut WriteTx<'s>,
    changes: BTreeMap<Table, TableChanges>,
    /// Rows of sums as they stand; looked up only, so their order shows nowhere.
    sums: BTreeMap<Table, HashMap<Vec<u8>, SalesSums>>,
}

impl<'t, 's> Batch<'t, 's> {
    /// Starts without changes.
    pub fn new(tx: &'t mut WriteTx<'s>) -> Self {
        Self { tx, changes: BTreeMap::new(), sums: BTreeMap::new() }
    }

    /// Reads a row.
    pub fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(sums) = self.sums.get(&table).and_then(|held| held.get(key)) {
            return Ok(row_of(sums));
        }
        match self.changes.get(&table).and_then(|changes| changes.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.tx.get(table, key),
        }
    }

    /// Writes a row.
    pub fn write(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.forget_sums(table, &key);
        self.changes.entry(table).or_default().insert(key, Some(value));
    }

    /// Removes a row.
    pub fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.forget_sums(table, &key);
        self.changes.entry(table).or_default().insert(key, None);
    }

    fn forget_sums(&mut self, table: Table, key: &[u8]) {
        if let Some(held) = self.sums.get_mut(&table) {
            held.remove(key);
        }
    }

    /// Every row whose key begins with `prefix`, in key order.
    pub fn list(&self, table: Table, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        self.tx.scan(table, &KeyRange::prefix(prefix), Direction::Forward, |key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })?;
        let changed = self.changes.get(&table).into_iter().flat_map(|changes| changes.range(prefix.to_vec()..));
        for (key, value) in changed.take_while(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        let summed = self.sums.get(&table).into_iter().flatten().filter(|(key, _)| key.starts_with(prefix));
        for (key, sums) in summed {
            match row_of(sums) {
                Some(row) => rows.insert(key.clone(), row),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().collect())
    }

    /// Removes every row of a table, a page at a time.
    pub fn clear(&mut self, table: Table) -> Result<(), StoreError> {
        self.flush()?;
        loop {
            let page = self.page(table, None)?;
            if page.is_empty() {
                return Ok(());
            }
            for (key, _) in page {
                self.tx.delete(table, &key)?;
            }
        }
    }

    /// The next rows of a table behind a key, in key order, at most [`PAGE_ROWS_MAX`]; hands every change over first.
    pub fn page(&mut self, table: Table, after: Option<&[u8]>) -> Result<Vec<Entry>, StoreError> {
        self.flush()?;
        let range = after.map_or_else(KeyRange::all, |key| KeyRange::all().after(key));
        let mut rows = Vec::new();
        self.tx.scan(table, &range, Direction::Forward, |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            if rows.len() < PAGE_ROWS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    }

    /// How many rows a table has.
    pub fn count(&mut self, table: Table) -> Result<u64, StoreError> {
        self.flush()?;
        self.tx.count(table)
    }

    /// Hands every change to the transaction.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        for (table, held) in std::mem::take(&mut self.sums) {
            let rows = held.into_iter().map(|(key, sums)| (key, row_of(&sums)));
            self.changes.entry(table).or_default().extend(rows);
        }
        std::mem::take(&mut self.changes).into_iter().try_for_each(|(table, changes)| self.tx.put_all(table, changes))
    }
}

/// The row of some sums; zero has none.
fn row_of(sums: &SalesSums) -> Option<Vec<u8>> {
    (!sums.is_zero()).then(|| sums.encode())
}

/// The store's table that keeps a view.
pub fn table_of(view: ViewTable) -> Table {
    match view {
        ViewTable::Rows => Table::Rows,
        ViewTable::OrdersByTime => Table::OrdersByTime,
        ViewTable::OrdersByStatus => Table::OrdersByStatus,
        ViewTable::OrdersByCustomer => Table::OrdersByCustomer,
        ViewTable::OrdersByExternal => Table::OrdersByExternal,
        ViewTable::OrdersByRequest => Table::OrdersByRequest,
        ViewTable::OrdersByNumber => Table::OrdersByNumber,
        ViewTable::ItemsBySku => Table::ItemsBySku,
        ViewTable::SalesByItem => Table::SalesByItem,
        ViewTable::SalesByCountry => Table::SalesByCountry,
        ViewTable::SalesByCustomer => Table::SalesByCustomer,
        ViewTable::SalesByDay => Table::SalesByDay,
        ViewTable::Counters => Table::Counters,
        ViewTable::FulfilmentsByStatus => Table::FulfilmentsByStatus,
        ViewTable::StockOverLanes => Table::StockOverLanes,
        ViewTable::CasesAcross => Table::CasesAcross,
        ViewTable::MovementsByItem => Table::MovementsByItem,
        ViewTable::ItemsByBarcode => Table::ItemsByBarcode,
    }
}

impl Rows for Batch<'_, '_> {
    type Error = StoreError;

    fn get(&self, table: ViewTable, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(table_of(table), key)
    }

    fn put(&mut self, table: ViewTable, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.write(table_of(table), key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, table: ViewTable, key: &[u8]) -> Result<(), StoreError> {
        self.remove(table_of(table), key.to_vec());
        Ok(())
    }

    fn scan(&self, table: ViewTable, prefix: &[u8], each: &mut RowVisitor<'_>) -> Result<(), StoreError> {
        for (key, value) in self.list(table_of(table), prefix)? {
            if each(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn add_sums(&mut self, table: ViewTable, key: Vec<u8>, change: &SalesSums) -> Result<(), ScopeError<StoreError>> {
        let table = table_of(table);
        if let Some(sums) = self.sums.get_mut(&table).and_then(|held| held.get_mut(&key)) {
            sums.add(change);
            return Ok(());
        }
        let held = self.read(table, &key).map_err(ScopeError::Rows)?;
        let mut sums = held.map(|bytes| SalesSums::decode(&bytes)).transpose()?.unwrap_or_default();
        sums.add(change);
        self.sums.entry(table).or_default().insert(key, sums);
        Ok(())
    }
}
