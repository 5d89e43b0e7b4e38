//! The seam between folds and whatever keeps their results: tables of bytes with ordered keys.
//!
//! The model names the tables and lays out the keys; the node keeps them in its store, tests in a map. Every key begins
//! with its scope.
//!
//! Invariant: a key of one scope is never a prefix of another scope's. Proved by `keys_of_two_scopes_never_mix`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use crate::id::DocumentId;
use crate::sales::SalesSums;
use crate::scope::Scope;
use crate::scope_state::ScopeError;
use crate::time::{BusinessDate, Timestamp};

/// A table of folded rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewTable {
    /// (scope, row kind, id) -> row. The table that digests cover.
    Rows,
    /// (scope, order time, document).
    OrdersByTime,
    /// (scope, status, order time, document).
    OrdersByStatus,
    /// (scope, customer, order time, document).
    OrdersByCustomer,
    /// (scope, channel, external number, document).
    OrdersByExternal,
    /// (scope, request, document).
    OrdersByRequest,
    /// (scope, label, document); in lanes the fulfilments of an order's number.
    OrdersByNumber,
    /// (scope, row kind, SKU): items with a product document or a stock row.
    ItemsBySku,
    /// (scope, day, item) -> sums.
    SalesByItem,
    /// (scope, day, region) -> sums.
    SalesByCountry,
    /// (scope, day, customer) -> sums.
    SalesByCustomer,
    /// (scope, day) -> sums.
    SalesByDay,
    /// (scope, counter) -> number.
    Counters,
    /// (lane, shipper, status, time, document); under status 0 those for which its keeper has something to do.
    FulfilmentsByStatus,
    /// (scope of a site, item) -> stock row: what its goods did in lanes. Outside the digest: it sums other scopes.
    StockOverLanes,
    /// (scope, case id) -> case that only several scopes together show. Outside the digest.
    CasesAcross,
    /// (scope, item, place) -> movement: the ledger of an item. Outside the digest: it repeats what rows of documents say.
    MovementsByItem,
    /// (scope, bar code as it is looked up, item).
    ItemsByBarcode,
}

/// What a row of [`ViewTable::Rows`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// A folded document, by document id.
    Document = 1,
    /// Stock of an item, by item id.
    Stock = 2,
    /// A stock fact with its bookings, by event id and item id.
    Fact = 3,
    /// An open case, by case id.
    Case = 4,
    /// A loan, by loan id and item id.
    Loan = 5,
    /// A loan with a balance, by item id, holder and loan id.
    OpenLoan = 6,
    /// What left with an order without rights, and the burns for it, by document id and item id.
    Uncovered = 7,
    /// What the keeper has still to book, by event id (the key zero for an order) and item id.
    Unbooked = 8,
    /// An item that is another name of a catalogue item, by item id.
    Alias = 9,
}

/// A counter of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Folded documents.
    Documents = 1,
    /// Of them, orders of any purpose.
    Orders = 2,
    /// Open cases.
    Cases = 3,
}

/// Called with each row of a scan.
pub type RowVisitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Where folded rows are kept.
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Reads a row.
    fn get(&self, table: ViewTable, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Writes a row.
    fn put(&mut self, table: ViewTable, key: &[u8], value: &[u8]) -> Result<(), Self::Error>;
    /// Removes a row.
    fn delete(&mut self, table: ViewTable, key: &[u8]) -> Result<(), Self::Error>;
    /// Visits the rows whose key begins with `prefix`, in key order.
    fn scan(&self, table: ViewTable, prefix: &[u8], each: &mut RowVisitor<'_>) -> Result<(), Self::Error>;
    /// Adds to the sums of a sales table's row; sums of zero leave no row. Every later read shows it.
    fn add_sums(&mut self, table: ViewTable, key: Vec<u8>, change: &SalesSums) -> Result<(), ScopeError<Self::Error>> {
        let held = self.get(table, &key).map_err(ScopeError::Rows)?;
        let mut sums = held.map(|bytes| SalesSums::decode(&bytes)).transpose()?.unwrap_or_default();
        sums.add(change);
        match sums.is_zero() {
            true => self.delete(table, &key),
            false => self.put(table, &key, &sums.encode()),
        }
        .map_err(ScopeError::Rows)
    }
}

/// Rows in memory: what tests and pure folds use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryRows {
    /// Every row by table and key.
    pub rows: BTreeMap<(ViewTable, Vec<u8>), Vec<u8>>,
}

impl Rows for MemoryRows {
    type Error = Infallible;

    fn get(&self, table: ViewTable, key: &[u8]) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.rows.get(&(table, key.to_vec())).cloned())
    }

    fn put(&mut self, table: ViewTable, key: &[u8], value: &[u8]) -> Result<(), Infallible> {
        self.rows.insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, table: ViewTable, key: &[u8]) -> Result<(), Infallible> {
        self.rows.remove(&(table, key.to_vec()));
        Ok(())
    }

    fn scan(&self, table: ViewTable, prefix: &[u8], each: &mut RowVisitor<'_>) -> Result<(), Infallible> {
        for ((at, key), value) in self.rows.range((table, prefix.to_vec())..) {
            if *at != table || !key.starts_with(prefix) || each(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A key in the making: parts that sort as their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey(Vec<u8>);

impl RowKey {
    /// Starts with the scope, length first.
    pub fn of(scope: &Scope) -> Self {
        let bytes = scope.to_bytes();
        let mut key = Vec::with_capacity(bytes.len() + 40);
        key.push(bytes.len() as u8);
        key.extend_from_slice(&bytes);
        Self(key)
    }

    /// Adds one byte.
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds bytes of a length that every key of the table has.
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a document id.
    pub fn document(self, id: &DocumentId) -> Self {
        self.fixed(id.as_bytes())
    }

    /// Adds a text, length first.
    pub fn text(self, text: &str) -> Self {
        self.fixed(&(text.len() as u16).to_be_bytes()).fixed(text.as_bytes())
    }

    /// Adds an instant so that earlier sorts first.
    pub fn time(self, at: Timestamp) -> Self {
        self.fixed(&((at.0 as u64) ^ (1 << 63)).to_be_bytes())
    }

    /// Adds a day so that earlier sorts first.
    pub fn day(self, day: BusinessDate) -> Self {
        self.fixed(&((day.days() as u32) ^ (1 << 31)).to_be_bytes())
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The day that a key of a sales table holds behind `prefix_length` bytes.
pub fn day_in_key(key: &[u8], prefix_length: usize) -> Option<BusinessDate> {
    let bytes: [u8; 4] = key.get(prefix_length..prefix_length + 4)?.try_into().ok()?;
    BusinessDate::from_days((u32::from_be_bytes(bytes) ^ (1 << 31)) as i32).ok()
}

/// Key of a row of [`ViewTable::Rows`].
pub fn row_key(scope: &Scope, kind: RowKind, id: &[u8]) -> RowKey {
    RowKey::of(scope).byte(kind as u8).fixed(id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_of_two_scopes_never_mix() {
        let keys: Vec<Vec<u8>> = ["control", "site/SH0", "site/SH01", "customers/SH0", "lane/AA~BB"]
            .iter()
            .map(|text| RowKey::of(&text.parse().unwrap()).into_bytes())
            .collect();
        for (at, key) in keys.iter().enumerate() {
            let prefixed = keys.iter().enumerate().filter(|(other, _)| *other != at).any(|(_, o)| o.starts_with(key));
            assert!(!prefixed, "{key:?}");
        }
    }

    #[test]
    fn a_scan_ends_with_its_table() {
        let mut rows = MemoryRows::default();
        for table in [ViewTable::CasesAcross, ViewTable::MovementsByItem] {
            rows.put(table, b"a1", &[]).unwrap();
        }
        let mut found = 0;
        let mut count = |_: &[u8], _: &[u8]| {
            found += 1;
            ControlFlow::Continue(())
        };
        rows.scan(ViewTable::CasesAcross, b"a", &mut count).unwrap();
        assert_eq!(found, 1);
    }

    #[test]
    fn days_and_times_sort_as_time_passes() {
        let scope = Scope::Catalogue;
        let day = |days| RowKey::of(&scope).day(BusinessDate::from_days(days).unwrap());
        assert!(day(-1).as_bytes() < day(0).as_bytes() && day(0).as_bytes() < day(1).as_bytes());
        let prefix = RowKey::of(&scope).into_bytes().len();
        assert_eq!(day_in_key(day(-5).as_bytes(), prefix).unwrap().days(), -5);
        let time = |ms| RowKey::of(&scope).time(Timestamp(ms));
        assert!(time(-1).as_bytes() < time(0).as_bytes() && time(0).as_bytes() < time(1).as_bytes());
    }
}
