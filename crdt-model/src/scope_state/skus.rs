//! The indexes by SKU and by bar code of what a scope says of items: product documents and stock rows.
//!
//! Invariant: an entry stands exactly where its row stands. Proved by `any_order_of_updates_gives_the_same_rows` in
//! `merge_laws` and by the node's rebuild test.

use super::settle::ScopeError;
use crate::product::barcode::lookup_form;
use crate::rows::{RowKey, RowKind, Rows, ViewTable};
use crate::scope::Scope;
use crate::text::Text;

/// The entry of an item in [`ViewTable::ItemsBySku`]; the SKU's bytes come last, so that entries sort as texts.
pub fn sku_key(scope: &Scope, kind: RowKind, sku: &str) -> RowKey {
    RowKey::of(scope).byte(kind as u8).fixed(sku.as_bytes())
}

/// The products of a scope that carry a bar code, in the form in which codes are looked up.
pub fn barcode_key(scope: &Scope, code: &str) -> RowKey {
    RowKey::of(scope).text(&lookup_form(code))
}

/// Whether an item has a stock row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StockEntry {
    /// It has one.
    There,
    /// Nothing moved, or all of it back.
    Absent,
}

/// Brings the entry of an item's stock row up to date.
pub(super) fn index_stock<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    sku: &Text,
    change: [StockEntry; 2],
) -> Result<(), ScopeError<R::Error>> {
    let key = sku_key(scope, RowKind::Stock, sku.as_str());
    match change {
        [StockEntry::Absent, StockEntry::There] => rows.put(ViewTable::ItemsBySku, key.as_bytes(), &[]),
        [StockEntry::There, StockEntry::Absent] => rows.delete(ViewTable::ItemsBySku, key.as_bytes()),
        [StockEntry::Absent, StockEntry::Absent] | [StockEntry::There, StockEntry::There] => Ok(()),
    }
    .map_err(ScopeError::Rows)
}
