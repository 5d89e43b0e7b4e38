//! At rest: what the cluster holds is the sum of what callers were told, no order more, no unit less, no cent else.

use std::collections::BTreeMap;

use crdt_model::document_row::DocumentRow;
use crdt_model::id::DocumentId;
use crdt_model::order::state::OrderState;
use crdt_model::rows::{RowKey, RowKind};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::StockRow;
use node::store::{ReadTables, Snapshot, Table};

use super::{Check, Violation};
use crate::ledger::KnownOrder;
use crate::machine::rows_in;
use crate::node::frontier_of;
use crate::world::World;

impl World {
    /// Compares the callers' books with what head office holds.
    pub(super) fn check_books(&mut self, head_office: &Snapshot) -> Result<(), Violation> {
        let orders = orders_of(head_office)?;
        let (files, taken): (Vec<_>, Vec<_>) = orders.iter().partition(|(_, order)| order.header.external.is_some());
        for (key, order) in &taken {
            let Some(known) = self.ledger.orders.get(key) else {
                return Err(Violation::of(Check::Twice, format!("order {} of {} was taken for nobody", key.1, key.0)));
            };
            check_order(key, order, known)?;
        }
        if taken.len() != self.ledger.orders.len() {
            let detail = format!("{} orders were acknowledged, {} are there", self.ledger.orders.len(), taken.len());
            return Err(Violation::of(Check::Durable, detail));
        }
        let counting = files.iter().filter(|(_, order)| order.duplicate_of.is_none()).count();
        if counting != self.ledger.imported.len() {
            let detail = format!("{} numbers were imported, {counting} orders count", self.ledger.imported.len());
            return Err(Violation::of(Check::Twice, detail));
        }
        for ((site, sku), units) in &self.ledger.on_hand {
            let there = on_hand(head_office, site, sku)?;
            if there != *units {
                let detail = format!("{sku} at {site}: {units} by the callers' books, {there} by the stock");
                return Err(Violation::of(Check::Effect, detail));
            }
        }
        Ok(())
    }
}

/// Every order of every site that a node holds.
pub(super) fn orders_of(snapshot: &Snapshot) -> Result<BTreeMap<(Scope, DocumentId), OrderState>, Violation> {
    let mut orders = BTreeMap::new();
    let mut scopes: Vec<Scope> = frontier_of(snapshot).into_keys().map(|(scope, _)| scope).collect();
    scopes.dedup();
    for scope in scopes.into_iter().filter(|scope| matches!(scope, Scope::Site(_))) {
        for (key, value) in rows_in(snapshot, &scope, RowKind::Document)? {
            let row = DocumentRow::decode(&value).map_err(|error| Violation::of(Check::Works, error.to_string()))?;
            if let (DocumentRow::Order(order), Ok(id)) = (row, key[key.len() - 16..].try_into()) {
                orders.insert((scope.clone(), DocumentId(id)), *order);
            }
        }
    }
    Ok(orders)
}

fn check_order(key: &(Scope, DocumentId), order: &OrderState, known: &KnownOrder) -> Result<(), Violation> {
    let wrong = |what: &str| {
        Err(Violation::of(Check::Effect, format!("{what} of order {} in {}: {known:?}, but {order:?}", key.1, key.0)))
    };
    let lines = order.lines.iter().map(|line| (line.sku.to_string(), i128::from(line.quantity.thousandths())));
    if !lines.eq(known.lines.iter().cloned()) {
        return wrong("the lines");
    }
    if !order.lines.iter().map(|line| line.price.millionths()).eq(known.prices.iter().copied()) {
        return wrong("the prices");
    }
    if order.paid != known.paid {
        return wrong("the payments");
    }
    for (at, line) in order.lines.iter().enumerate() {
        let number = at as u16 + 1;
        if line.shipped != known.shipped.get(&number).copied().unwrap_or_default() {
            return wrong("what left");
        }
        if order.sent.is_empty() && line.cancel_asked < known.cancels.get(&number).copied().unwrap_or_default() {
            return wrong("the cancel");
        }
    }
    Ok(())
}

/// Units of an item that are at a site, by its own scope and its lanes.
pub(super) fn on_hand(snapshot: &Snapshot, site: &SiteCode, sku: &str) -> Result<i128, Violation> {
    let (scope, item) = (Scope::Site(site.clone()), DocumentId::of_sku(sku));
    let own = crdt_model::rows::row_key(&scope, RowKind::Stock, &item.0);
    let over_lanes = RowKey::of(&scope).fixed(&item.0);
    let mut units = 0;
    for (table, key) in [(Table::Rows, own), (Table::StockOverLanes, over_lanes)] {
        if let Some(row) = snapshot.get(table, key.as_bytes())? {
            let row = StockRow::decode(&row).map_err(|error| Violation::of(Check::Works, error.to_string()))?;
            units += row.sums.on_hand;
        }
    }
    Ok(units)
}
