//! What an order adds to lists and sums, and the cases that only all of its scopes together show.
//!
//! Goods of an order may leave at other sites, in lanes. A node that holds both sees the whole order here; what it shows
//! sums scopes and stands outside the digest. Each time the order or one of its fulfilments changes, what it added before
//! is exchanged for what it adds now.
//!
//! Invariant: a function of the rows of the order and of its fulfilments, whichever came first. Proved by
//! `a_sent_line_is_whole_in_every_order_of_arrival` and `any_order_of_updates_gives_the_same_rows` in `merge_laws`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::contribution::{label_of, sum_cases};
use super::settle::{ScopeError, Settled, exchange_cases_of, read_document};
use crate::case::{CaseId, CaseRow};
use crate::document_row::DocumentRow;
use crate::fulfilment::state::FulfilmentState;
use crate::fulfilment::whole::whole_order;
use crate::id::DocumentId;
use crate::order::state::OrderState;
use crate::rows::{RowKey, Rows, ViewTable};
use crate::sales::SalesSums;
use crate::scope::Scope;
use crate::text::Text;

/// An order's entries in lists, its sums, and its cases across scopes.
#[derive(Debug, Default)]
pub(super) struct Views {
    index: BTreeSet<(ViewTable, Vec<u8>)>,
    sales: BTreeMap<(ViewTable, Vec<u8>), SalesSums>,
    cases: BTreeMap<CaseId, CaseRow>,
}

/// The fulfilments of an order, as far as they are held and name it: one entry for each of `order.sent`.
pub fn fulfilments_of<R: Rows>(
    rows: &R,
    (scope, id): (&Scope, &DocumentId),
    order: &OrderState,
) -> Settled<Vec<Option<FulfilmentState>>, R> {
    let mut found = Vec::with_capacity(order.sent.len());
    for (_, sent) in &order.sent {
        let lane = lane_of(scope, sent);
        let row = lane.map(|lane| read_document(rows, &lane, &sent.fulfilment)).transpose()?.flatten();
        found.push(match row {
            Some(DocumentRow::Fulfilment(fulfilment)) if fulfilment.is_of(scope, id) => Some(*fulfilment),
            Some(_) | None => None,
        });
    }
    Ok(found)
}

/// The lane in which a fulfilment of an order lies.
pub fn lane_of(scope: &Scope, sent: &crate::order::sent::Sent) -> Option<Scope> {
    match scope {
        Scope::Site(taker) => Scope::lane(taker.clone(), sent.shipper.clone()).ok(),
        Scope::Control | Scope::Catalogue | Scope::Customers(_) | Scope::Lane(..) => None,
    }
}

impl Views {
    /// Of a document's row; only orders add something here.
    pub fn of<R: Rows>(rows: &R, scope: &Scope, id: DocumentId, row: Option<&DocumentRow>) -> Settled<Self, R> {
        let Some(DocumentRow::Order(order)) = row else { return Ok(Self::default()) };
        let whole = match order.sent.is_empty() {
            true => Cow::Borrowed(&**order),
            false => Cow::Owned(whole_order(order, &fulfilments_of(rows, (scope, &id), order)?)),
        };
        let mut views = Self::default();
        views.index_order(scope, id, &whole);
        if whole.duplicate_of.is_none() {
            views.add_sales_of(scope, &whole);
        }
        if !whole.sent.is_empty() {
            views.cases = sum_cases(id, &whole).into_iter().map(|case| (case.id(), case)).collect();
        }
        Ok(views)
    }

    /// Of the orders whose goods a fulfilment's row ships, where they are held.
    pub fn of_orders<R: Rows>(rows: &R, orders: &BTreeSet<(Scope, DocumentId)>) -> Settled<Vec<Self>, R> {
        let of_one = |(scope, id): &(Scope, DocumentId)| {
            let row = read_document(rows, scope, id)?;
            Self::of(rows, scope, *id, row.as_ref())
        };
        orders.iter().map(of_one).collect()
    }

    fn index_order(&mut self, scope: &Scope, id: DocumentId, order: &OrderState) {
        let at = order.header.time.at;
        let mut index = |table, key: RowKey| self.index.insert((table, key.document(&id).into_bytes()));
        index(ViewTable::OrdersByTime, RowKey::of(scope).time(at));
        index(ViewTable::OrdersByStatus, RowKey::of(scope).byte(order.status() as u8).time(at));
        if let Some(customer) = &order.header.customer {
            index(ViewTable::OrdersByCustomer, RowKey::of(scope).document(customer).time(at));
        }
        let label = label_of(order);
        if !label.as_str().is_empty() {
            index(ViewTable::OrdersByNumber, RowKey::of(scope).text(label.as_str()));
        }
    }

    fn add_sales_of(&mut self, scope: &Scope, order: &OrderState) {
        let day = order.header.time.business_date;
        let mut whole = SalesSums::default();
        for line in &order.lines {
            let sums = SalesSums::of_line(order, line);
            let item = DocumentId::of_sku(line.sku.as_str());
            self.add_sales(ViewTable::SalesByItem, RowKey::of(scope).day(day).document(&item), &sums);
            whole.add_line_of_same_order(&sums);
        }
        let region = order.header.region.as_ref().map_or("", Text::as_str);
        let customer = order.header.customer.unwrap_or(DocumentId::ZERO);
        self.add_sales(ViewTable::SalesByDay, RowKey::of(scope).day(day), &whole);
        self.add_sales(ViewTable::SalesByCountry, RowKey::of(scope).day(day).text(region), &whole);
        self.add_sales(ViewTable::SalesByCustomer, RowKey::of(scope).day(day).document(&customer), &whole);
    }

    fn add_sales(&mut self, table: ViewTable, key: RowKey, sums: &SalesSums) {
        if !sums.is_zero() {
            self.sales.entry((table, key.into_bytes())).or_default().add_line_of_same_order(sums);
        }
    }

    /// Puts `after` in the place of what was added before.
    pub fn exchange<R: Rows>(self, rows: &mut R, scope: &Scope, after: Self) -> Settled<(), R> {
        for (table, key) in self.index.difference(&after.index) {
            rows.delete(*table, key).map_err(ScopeError::Rows)?;
        }
        for (table, key) in after.index.difference(&self.index) {
            rows.put(*table, key, &[]).map_err(ScopeError::Rows)?;
        }
        let mut change = after.sales;
        for (key, sums) in self.sales {
            change.entry(key).or_default().subtract(&sums);
        }
        for ((table, key), sums) in change.into_iter().filter(|(_, sums)| !sums.is_zero()) {
            rows.add_sums(table, key, &sums)?;
        }
        exchange_cases_of(rows, scope, ViewTable::CasesAcross, &self.cases, &after.cases)
    }
}

/// The orders whose goods a row ships.
pub(super) fn orders_of(row: Option<&DocumentRow>) -> Option<(Scope, DocumentId)> {
    match row {
        Some(DocumentRow::Fulfilment(fulfilment)) => {
            Some((Scope::Site(fulfilment.header.taker.clone()), fulfilment.header.order))
        }
        Some(_) | None => None,
    }
}
