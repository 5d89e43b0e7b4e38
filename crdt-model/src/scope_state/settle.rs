//! Replaces a document's row and settles what it shares with others.
//!
//! Invariant: after every call the rows equal those of a rebuild from the same document rows. Proved by
//! `any_order_of_updates_gives_the_same_rows` in `merge_laws` and by the node's rebuild test.

use std::collections::BTreeMap;

use thiserror::Error;

use super::claims::{claimants, claims_of_row, survivor};
use super::contribution::{Contribution, SalesParts};
use super::rights::{exchange_facts, exchange_loans, exchange_uncovered};
use super::skus::{StockEntry, index_stock};
use crate::case::{CaseId, CaseKind, CaseRow};
use crate::codec::{DecodeError, Reader, Writer};
use crate::document_row::DocumentRow;
use crate::id::{DocumentId, EventKey};
use crate::rows::{Counter, RowKey, RowKind, Rows, ViewTable, row_key};
use crate::scope::Scope;
use crate::stock::{StockRow, StockSums};
use crate::text::Text;

/// Why rows could not be brought up to date.
#[derive(Debug, Error)]
pub enum ScopeError<E> {
    /// The rows could not be read or written.
    #[error("rows: {0}")]
    Rows(E),
    /// A row is not what was written: rebuild the views.
    #[error("a folded row is damaged ({0}); run `tradepost rebuild`")]
    Damaged(DecodeError),
}

impl<E> From<DecodeError> for ScopeError<E> {
    fn from(error: DecodeError) -> Self {
        Self::Damaged(error)
    }
}

pub(super) type Settled<T, R> = Result<T, ScopeError<<R as Rows>::Error>>;

/// Reads the row of a document.
pub fn read_document<R: Rows>(rows: &R, scope: &Scope, id: &DocumentId) -> Settled<Option<DocumentRow>, R> {
    let bytes =
        rows.get(ViewTable::Rows, row_key(scope, RowKind::Document, &id.0).as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| DocumentRow::decode(&bytes)).transpose()?)
}

/// Reads the stock sums of an item; zero where nothing moved yet.
pub fn read_stock<R: Rows>(rows: &R, scope: &Scope, item: &DocumentId) -> Settled<StockSums, R> {
    let bytes =
        rows.get(ViewTable::Rows, row_key(scope, RowKind::Stock, &item.0).as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| StockRow::decode(&bytes)).transpose()?.map_or_else(StockSums::default, |row| row.sums))
}

/// Puts `new` in the place of a document's row and settles everything that follows from it.
pub fn replace_document<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    id: DocumentId,
    new: Option<DocumentRow>,
) -> Settled<(), R> {
    let old = read_document(rows, scope, &id)?;
    let mut claims = claims_of_row(scope, new.as_ref());
    let old_claims = claims_of_row(scope, old.as_ref());
    for claim in old_claims.iter().filter(|claim| !claims.contains(claim)) {
        rows.delete(claim.0, &[&claim.1[..], &id.0].concat()).map_err(ScopeError::Rows)?;
    }
    for claim in claims.iter().filter(|claim| !old_claims.contains(claim)) {
        rows.put(claim.0, &[&claim.1[..], &id.0].concat(), &[]).map_err(ScopeError::Rows)?;
    }
    let new = settle_claim(rows, &claims, id, new)?;
    exchange(rows, scope, id, old.as_ref(), new.as_ref())?;
    claims.extend(old_claims.into_iter().filter(|claim| !claims.contains(claim)).collect::<Vec<_>>());
    for claim in &claims {
        for other in claimants(rows, claim).map_err(ScopeError::Rows)? {
            if other != id {
                resettle(rows, scope, other)?;
            }
        }
    }
    Ok(())
}

fn settle_claim<R: Rows>(
    rows: &R,
    claims: &[super::claims::Claim],
    id: DocumentId,
    row: Option<DocumentRow>,
) -> Settled<Option<DocumentRow>, R> {
    let Some(DocumentRow::Order(mut order)) = row else { return Ok(row) };
    order.duplicate_of = survivor(rows, claims, id).map_err(ScopeError::Rows)?;
    Ok(Some(DocumentRow::Order(order)))
}

fn resettle<R: Rows>(rows: &mut R, scope: &Scope, id: DocumentId) -> Settled<(), R> {
    let old = read_document(rows, scope, &id)?;
    let claims = claims_of_row(scope, old.as_ref());
    let new = settle_claim(rows, &claims, id, old.clone())?;
    if new == old { Ok(()) } else { exchange(rows, scope, id, old.as_ref(), new.as_ref()) }
}

fn exchange<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    id: DocumentId,
    old: Option<&DocumentRow>,
    new: Option<&DocumentRow>,
) -> Settled<(), R> {
    let contribution = |row: Option<&DocumentRow>| row.map(|row| Contribution::of(scope, id, row)).unwrap_or_default();
    let (mut before, mut after) = (contribution(old), contribution(new));
    let key = row_key(scope, RowKind::Document, &id.0);
    match new {
        Some(row) => rows.put(ViewTable::Rows, key.as_bytes(), &row.encode()),
        None => rows.delete(ViewTable::Rows, key.as_bytes()),
    }
    .map_err(ScopeError::Rows)?;
    count_rows(rows, scope, old, new)?;
    exchange_index(rows, &before, &after)?;
    exchange_sales(rows, std::mem::take(&mut before.sales), std::mem::take(&mut after.sales))?;
    exchange_cases(rows, scope, &before.cases, &after.cases)?;
    let mut stock = stock_change(before.stock, after.stock);
    exchange_facts(rows, scope, &before.facts, &after.facts, &mut stock)?;
    exchange_uncovered(rows, scope, id, (&before.uncovered, &after.uncovered), &mut stock)?;
    exchange_loans(rows, scope, &before.loans, &after.loans, &mut stock)?;
    for (item, (sku, sums)) in stock {
        add_stock(rows, scope, item, &sku, &sums)?;
    }
    Ok(())
}

fn count_rows<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    old: Option<&DocumentRow>,
    new: Option<&DocumentRow>,
) -> Settled<(), R> {
    let documents = |row: Option<&DocumentRow>| i128::from(row.is_some());
    let orders = |row: Option<&DocumentRow>| i128::from(matches!(row, Some(DocumentRow::Order(_))));
    add_to_counter(rows, scope, Counter::Documents, documents(new) - documents(old))?;
    add_to_counter(rows, scope, Counter::Orders, orders(new) - orders(old))
}

/// Reads a counter of a scope.
pub fn read_counter<R: Rows>(rows: &R, scope: &Scope, counter: Counter) -> Settled<i128, R> {
    let key = RowKey::of(scope).byte(counter as u8);
    let bytes = rows.get(ViewTable::Counters, key.as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| Reader::new(&bytes).wide("counter")).transpose()?.unwrap_or(0))
}

/// Adds to a counter of a scope; zero leaves no row.
pub fn add_to_counter<R: Rows>(rows: &mut R, scope: &Scope, counter: Counter, change: i128) -> Settled<(), R> {
    if change == 0 {
        return Ok(());
    }
    let count = read_counter(rows, scope, counter)? + change;
    let key = RowKey::of(scope).byte(counter as u8);
    let mut writer = Writer::new();
    writer.wide(count);
    match count {
        0 => rows.delete(ViewTable::Counters, key.as_bytes()),
        _ => rows.put(ViewTable::Counters, key.as_bytes(), &writer.finish()),
    }
    .map_err(ScopeError::Rows)
}

fn exchange_index<R: Rows>(rows: &mut R, before: &Contribution, after: &Contribution) -> Settled<(), R> {
    for (table, key) in before.index.keys().filter(|entry| !after.index.contains_key(entry)) {
        rows.delete(*table, key).map_err(ScopeError::Rows)?;
    }
    for ((table, key), value) in after.index.iter().filter(|(entry, value)| before.index.get(entry) != Some(value)) {
        rows.put(*table, key, value).map_err(ScopeError::Rows)?;
    }
    Ok(())
}

fn exchange_sales<R: Rows>(rows: &mut R, before: SalesParts, after: SalesParts) -> Settled<(), R> {
    let mut change = after;
    for (key, sums) in before {
        change.entry(key).or_default().subtract(&sums);
    }
    for ((table, key), sums) in change.into_iter().filter(|(_, sums)| !sums.is_zero()) {
        rows.add_sums(table, key, &sums)?;
    }
    Ok(())
}

/// Opens and closes cases that came and went.
pub(super) fn exchange_cases<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    before: &BTreeMap<CaseId, CaseRow>,
    after: &BTreeMap<CaseId, CaseRow>,
) -> Settled<(), R> {
    for case in before.values().filter(|case| !after.contains_key(&case.id())) {
        set_case(rows, scope, case, CaseState::Closed)?;
    }
    for case in after.values().filter(|case| before.get(&case.id()) != Some(case)) {
        set_case(rows, scope, case, CaseState::Open)?;
    }
    Ok(())
}

/// Whether a case is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CaseState {
    Open,
    Closed,
}

fn case_state(open: bool) -> CaseState {
    if open { CaseState::Open } else { CaseState::Closed }
}

fn set_case<R: Rows>(rows: &mut R, scope: &Scope, case: &CaseRow, state: CaseState) -> Settled<(), R> {
    let key = row_key(scope, RowKind::Case, &case.id());
    let held = rows.get(ViewTable::Rows, key.as_bytes()).map_err(ScopeError::Rows)?.is_some();
    match state {
        CaseState::Open => rows.put(ViewTable::Rows, key.as_bytes(), &case.encode()).map_err(ScopeError::Rows)?,
        CaseState::Closed => rows.delete(ViewTable::Rows, key.as_bytes()).map_err(ScopeError::Rows)?,
    }
    add_to_counter(rows, scope, Counter::Cases, i128::from(state == CaseState::Open) - i128::from(held))
}

/// Changes of stock sums by item.
pub(super) type StockChange = BTreeMap<DocumentId, (Text, StockSums)>;

fn stock_change(before: StockChange, after: StockChange) -> StockChange {
    let mut change = after;
    for (item, (sku, sums)) in before {
        change.entry(item).or_insert((sku, StockSums::default())).1.subtract(&sums);
    }
    change
}

fn add_stock<R: Rows>(rows: &mut R, scope: &Scope, item: DocumentId, sku: &Text, change: &StockSums) -> Settled<(), R> {
    if *change == StockSums::default() {
        return Ok(());
    }
    let before = read_stock(rows, scope, &item)?;
    let mut row = StockRow { sku: sku.clone(), sums: before.clone() };
    row.sums.add(change);
    let key = row_key(scope, RowKind::Stock, &item.0);
    match row.sums == StockSums::default() {
        true => rows.delete(ViewTable::Rows, key.as_bytes()),
        false => rows.put(ViewTable::Rows, key.as_bytes(), &row.encode()),
    }
    .map_err(ScopeError::Rows)?;
    let sums = row.sums;
    let entry = |sums: &StockSums| if *sums == StockSums::default() { StockEntry::Absent } else { StockEntry::There };
    index_stock(rows, scope, sku, [entry(&before), entry(&sums)])?;
    let case =
        |kind, amount| CaseRow { kind, subject: item, key: EventKey::ZERO, label: sku.clone(), other: None, amount };
    if before.on_hand < 0 || sums.on_hand < 0 {
        set_case(rows, scope, &case(CaseKind::NegativeStock, sums.on_hand), case_state(sums.on_hand < 0))?;
    }
    if before.promises_uncovered() || sums.promises_uncovered() {
        let missing = sums.secured - sums.on_hand.max(0);
        set_case(rows, scope, &case(CaseKind::PromisesUncovered, missing), case_state(sums.promises_uncovered()))?;
    }
    Ok(())
}
