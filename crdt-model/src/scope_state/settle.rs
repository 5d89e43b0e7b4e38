//! Replaces a document's row and settles what it shares with others.
//!
//! Invariant: after every call the rows equal those of a rebuild from the same document rows. Proved by
//! `any_order_of_updates_gives_the_same_rows` in `merge_laws` and by the node's rebuild test.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::claims::{claimants, claims_of_row, survivor};
use super::contribution::{Contribution, OverLanes};
use super::rights::{exchange_facts, exchange_loans, exchange_uncovered};
use super::skus::{StockEntry, index_stock};
use super::views::{Views, orders_of};
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
    let (before, after) = (contribution(old), contribution(new));
    let own = (Views::of(rows, scope, id, old)?, Views::of(rows, scope, id, new)?);
    let orders: BTreeSet<(Scope, DocumentId)> = [old, new].into_iter().filter_map(orders_of).collect();
    let of_orders = Views::of_orders(rows, &orders)?;
    let key = row_key(scope, RowKind::Document, &id.0);
    match new {
        Some(row) => rows.put(ViewTable::Rows, key.as_bytes(), &row.encode()),
        None => rows.delete(ViewTable::Rows, key.as_bytes()),
    }
    .map_err(ScopeError::Rows)?;
    count_rows(rows, scope, old, new)?;
    exchange_index(rows, &before, &after)?;
    own.0.exchange(rows, scope, own.1)?;
    let of_orders_now = Views::of_orders(rows, &orders)?;
    for (((scope, _), before), after) in orders.iter().zip(of_orders).zip(of_orders_now) {
        before.exchange(rows, scope, after)?;
    }
    exchange_cases(rows, scope, &before.cases, &after.cases)?;
    let mut stock = stock_change(before.stock, after.stock);
    exchange_facts(rows, scope, &before.facts, &after.facts, &mut stock)?;
    exchange_uncovered(rows, scope, id, (&before.uncovered, &after.uncovered), &mut stock)?;
    exchange_loans(rows, scope, &before.loans, &after.loans, &mut stock)?;
    for (item, (sku, sums)) in stock {
        add_stock(rows, scope, item, &sku, &sums)?;
    }
    exchange_over_lanes(rows, before.over_lanes, after.over_lanes)
}

/// Brings the stock of sites up to date with what their goods did in lanes.
fn exchange_over_lanes<R: Rows>(rows: &mut R, before: OverLanes, after: OverLanes) -> Settled<(), R> {
    let mut change = after;
    for (at, (sku, sums)) in before {
        change.entry(at).or_insert((sku, StockSums::default())).1.subtract(&sums);
    }
    for ((site, item), (sku, change)) in change.into_iter().filter(|(_, (_, sums))| *sums != StockSums::default()) {
        let scope = Scope::Site(site);
        let old = read_over_lanes(rows, &scope, &item)?;
        let mut row = StockRow { sku, sums: old.clone() };
        row.sums.add(&change);
        let key = RowKey::of(&scope).document(&item);
        match row.sums == StockSums::default() {
            true => rows.delete(ViewTable::StockOverLanes, key.as_bytes()),
            false => rows.put(ViewTable::StockOverLanes, key.as_bytes(), &row.encode()),
        }
        .map_err(ScopeError::Rows)?;
        let local = read_stock(rows, &scope, &item)?;
        let cases = [&old, &row.sums].map(|over| across_cases(item, &row.sku, &local, over));
        exchange_cases_of(rows, &scope, ViewTable::CasesAcross, &cases[0], &cases[1])?;
    }
    Ok(())
}

/// What the goods of a site did in the lanes that are held; zero for most items.
pub fn read_over_lanes<R: Rows>(rows: &R, scope: &Scope, item: &DocumentId) -> Settled<StockSums, R> {
    let bytes =
        rows.get(ViewTable::StockOverLanes, RowKey::of(scope).document(item).as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| StockRow::decode(&bytes)).transpose()?.map_or_else(StockSums::default, |row| row.sums))
}

/// Cases of an item that its site's scope alone does not show.
fn across_cases(item: DocumentId, sku: &Text, local: &StockSums, over: &StockSums) -> BTreeMap<CaseId, CaseRow> {
    if *over == StockSums::default() {
        return BTreeMap::new();
    }
    let mut whole = local.clone();
    whole.add(over);
    let known: BTreeSet<CaseId> = stock_cases(item, sku, local).map(|case| case.id()).collect();
    let cases = stock_cases(item, sku, &whole).filter(|case| !known.contains(&case.id()));
    cases.map(|case| (case.id(), case)).collect()
}

/// Cases of an item's stock.
fn stock_cases(item: DocumentId, sku: &Text, sums: &StockSums) -> impl Iterator<Item = CaseRow> {
    let case =
        |kind, amount| CaseRow { kind, subject: item, key: EventKey::ZERO, label: sku.clone(), other: None, amount };
    let negative = (sums.on_hand < 0).then(|| case(CaseKind::NegativeStock, sums.on_hand));
    let missing = sums.secured - sums.on_hand.max(0);
    let uncovered = sums.promises_uncovered().then(|| case(CaseKind::PromisesUncovered, missing));
    negative.into_iter().chain(uncovered)
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

/// Opens and closes cases that came and went.
pub(super) fn exchange_cases<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    before: &BTreeMap<CaseId, CaseRow>,
    after: &BTreeMap<CaseId, CaseRow>,
) -> Settled<(), R> {
    exchange_cases_of(rows, scope, ViewTable::Rows, before, after)
}

/// Opens and closes cases in the table of a scope's own cases or in that of those across scopes.
pub(super) fn exchange_cases_of<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    table: ViewTable,
    before: &BTreeMap<CaseId, CaseRow>,
    after: &BTreeMap<CaseId, CaseRow>,
) -> Settled<(), R> {
    for case in before.values().filter(|case| !after.contains_key(&case.id())) {
        set_case(rows, scope, table, case, CaseState::Closed)?;
    }
    for case in after.values().filter(|case| before.get(&case.id()) != Some(case)) {
        set_case(rows, scope, table, case, CaseState::Open)?;
    }
    Ok(())
}

/// Whether a case is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseState {
    Open,
    Closed,
}

/// The key of a case in one of the two tables of cases.
pub fn case_key(scope: &Scope, table: ViewTable, id: &CaseId) -> RowKey {
    match table {
        ViewTable::CasesAcross => RowKey::of(scope).fixed(id),
        _rows => row_key(scope, RowKind::Case, id),
    }
}

fn set_case<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    table: ViewTable,
    case: &CaseRow,
    state: CaseState,
) -> Settled<(), R> {
    let key = case_key(scope, table, &case.id());
    let held = rows.get(table, key.as_bytes()).map_err(ScopeError::Rows)?.is_some();
    match state {
        CaseState::Open => rows.put(table, key.as_bytes(), &case.encode()).map_err(ScopeError::Rows)?,
        CaseState::Closed => rows.delete(table, key.as_bytes()).map_err(ScopeError::Rows)?,
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
    let cases = |sums: &StockSums| stock_cases(item, sku, sums).map(|case| (case.id(), case)).collect();
    exchange_cases(rows, scope, &cases(&before), &cases(&sums))?;
    let over = read_over_lanes(rows, scope, &item)?;
    let across = [&before, &sums].map(|local| across_cases(item, sku, local, &over));
    exchange_cases_of(rows, scope, ViewTable::CasesAcross, &across[0], &across[1])
}
