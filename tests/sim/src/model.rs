//! The naive model: what a set of commits means, told a second time in plain maps, from the merge rules and not from the fold.
//!
//! It reads events out of the raw changes, keeps no state between two sets, and looks at no row. What it says of orders
//! and of stock on hand is compared with what the product says. It does not model rights: those are checked as a bank.
//!
//! Invariant: the order of the commits does not matter. Proved by `the_model_reads_a_set` over every run's commits.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::change::{OpAction, Scalar, scan};
use crdt_model::commit::SignedCommit;
use crdt_model::control::state::Control;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{CommitHash, DocumentId, EventKey};
use crdt_model::order::event::{Line, LineSelection, Placed};
use crdt_model::order::state::{Confirmation, OrderState};
use crdt_model::rows::RowKind;
use crdt_model::scope::{Scope, SiteCode};
use node::store::{ReadTables, Snapshot, Table};

use crate::machine::{document, rows_in};

type Document = BTreeMap<EventKey, Event>;

/// What commits mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Orders by scope and document.
    pub orders: BTreeMap<(Scope, DocumentId), Order>,
    /// Thousandths of an item at a site.
    pub on_hand: BTreeMap<(SiteCode, String), i128>,
    /// Commits that write what their author may not.
    pub aside: BTreeSet<CommitHash>,
}

/// An order, told naively.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// SKU, thousandths ordered and price by line.
    pub lines: Vec<(String, i128, i64)>,
    /// Thousandths that left from here, by line.
    pub shipped: Vec<i128>,
    /// Largest wish to cancel, by line.
    pub cancelled: Vec<i128>,
    /// Sum of payments.
    pub paid: i128,
    /// Whether the header that counts is confirmed.
    pub is_confirmed: bool,
    /// Whether lines were sent elsewhere.
    pub is_sent: bool,
}

impl Model {
    /// Reads a set of commits.
    pub fn of(commits: &[SignedCommit], control: &Control) -> Self {
        let mut model = Self::default();
        let mut documents: BTreeMap<(Scope, DocumentId), Document> = BTreeMap::new();
        for signed in commits {
            let commit = signed.commit();
            let events: Vec<(DocumentId, EventKey, Event)> = commit
                .changes
                .iter()
                .flat_map(|change| {
                    events_of(&change.chunk).into_iter().map(|(key, event)| (change.document, key, event))
                })
                .collect();
            if events.iter().any(|(_, _, event)| !may_book(event, &commit.scope, signed, control)) {
                model.aside.insert(signed.hash());
                continue;
            }
            for (id, key, event) in events {
                documents.entry((commit.scope.clone(), id)).or_default().insert(key, event);
            }
        }
        for ((scope, id), events) in &documents {
            model.read(scope, *id, events);
        }
        model
    }

    fn read(&mut self, scope: &Scope, id: DocumentId, events: &Document) {
        if let (Scope::Site(site), Some((key, placed, lines))) = (scope, header(events)) {
            let order = order(events, &key, &placed, &lines);
            for (line, shipped) in order.lines.iter().zip(&order.shipped) {
                *self.on_hand.entry((site.clone(), line.0.clone())).or_default() -= shipped;
            }
            self.orders.insert((scope.clone(), id), order);
        }
        let mut skus: BTreeMap<u16, String> = BTreeMap::new();
        for event in events.values() {
            match (event, scope) {
                (Event::Opening(fact) | Event::Receipt(fact) | Event::Adjustment(fact), Scope::Site(site)) => {
                    *self.on_hand.entry((site.clone(), fact.sku.to_string())).or_default() +=
                        i128::from(fact.quantity.thousandths());
                }
                (Event::FulfilmentLine(line), _) => {
                    skus.insert(line.number, line.sku.to_string());
                }
                (_, _) => {}
            }
        }
        for event in events.values() {
            if let Event::FulfilmentShipped(left) = event {
                for line in &left.lines {
                    let sku = skus.get(&line.line).cloned().unwrap_or_default();
                    *self.on_hand.entry((left.site.clone(), sku)).or_default() -=
                        i128::from(line.quantity.thousandths());
                }
            }
        }
    }

    /// Compares with the rows of a store.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, snapshot: &Snapshot, site: &SiteCode) -> Result<(), String> {
        for ((scope, id), order) in &self.orders {
            match document(snapshot, scope, *id).map_err(|error| error.to_string())? {
                Some(DocumentRow::Order(row)) => order.compare(&row).map_err(|why| format!("order {id}: {why}"))?,
                other => return Err(format!("order {id} of {scope} has the row {other:?}")),
            }
        }
        let rows =
            rows_in(snapshot, &Scope::Site(site.clone()), RowKind::Document).map_err(|error| error.to_string())?;
        let is_order = |value: &[u8]| matches!(DocumentRow::decode(value), Ok(DocumentRow::Order(_)));
        let there = rows.iter().filter(|(_, value)| is_order(value)).count();
        let told = self.orders.keys().filter(|(scope, _)| *scope == Scope::Site(site.clone())).count();
        if there != told {
            return Err(format!("{told} orders by the model, {there} rows"));
        }
        for ((at, sku), units) in self.on_hand.iter().filter(|((at, _), _)| at == site) {
            let there = crate::check::units_at(snapshot, at, sku).map_err(|error| error.detail)?;
            if there != *units {
                return Err(format!("{sku} at {at}: {units} by the model, {there} by the rows"));
            }
        }
        let aside = snapshot.count(Table::SetAside).map_err(|error| error.to_string())?;
        if aside != self.aside.len() as u64 {
            return Err(format!("{} commits to set aside by the model, {aside} are", self.aside.len()));
        }
        Ok(())
    }
}

impl Order {
    fn compare(&self, row: &OrderState) -> Result<(), String> {
        let lines: Vec<(String, i128, i64)> = row
            .lines
            .iter()
            .map(|line| (line.sku.to_string(), i128::from(line.quantity.thousandths()), line.price.millionths()))
            .collect();
        let shipped: Vec<i128> = row.lines.iter().map(|line| line.shipped).collect();
        let cancelled: Vec<i128> = row.lines.iter().map(|line| line.cancel_asked).collect();
        let told = Self {
            lines,
            shipped,
            cancelled,
            paid: row.paid,
            is_confirmed: row.confirmed == Confirmation::Given,
            is_sent: !row.sent.is_empty(),
        };
        if *self == told { Ok(()) } else { Err(format!("{self:?} by the model, {told:?} by the row")) }
    }
}

/// The events that a change puts.
fn events_of(chunk: &[u8]) -> Vec<(EventKey, Event)> {
    let Ok(change) = scan(chunk) else { return Vec::new() };
    let event = |put: &crdt_model::change::ScannedOp<'_>| match put.action {
        OpAction::Put(Scalar::Bytes(bytes)) => Some((EventKey::from_map_key(put.key)?, Event::decode(bytes).ok()?)),
        OpAction::Put(_) | OpAction::Delete => None,
    };
    change.puts.iter().filter_map(event).collect()
}

/// Rights are made and taken by the keeper of the epoch alone.
fn may_book(event: &Event, scope: &Scope, signed: &SignedCommit, control: &Control) -> bool {
    match (event, scope) {
        (Event::Mint(booking) | Event::Burn(booking), Scope::Site(site)) => {
            control.keeper(site, booking.epoch) == Some(signed.commit().author)
        }
        (_, _) => true,
    }
}

/// The lowest header that has all its lines.
fn header(events: &Document) -> Option<(EventKey, Placed, BTreeMap<u16, Line>)> {
    events.iter().find_map(|(key, event)| {
        let placed = match event {
            Event::Placed(placed) | Event::CreditPlaced(placed) | Event::AdjustmentPlaced(placed) => placed,
            _other => return None,
        };
        let mut lines = BTreeMap::new();
        for event in events.values() {
            if let Event::Line(line) = event
                && line.placed == *key
            {
                lines.entry(line.number).or_insert_with(|| line.clone());
            }
        }
        let is_whole = lines.len() == usize::from(placed.line_count);
        is_whole.then(|| (*key, placed.clone(), lines))
    })
}

fn order(events: &Document, key: &EventKey, _placed: &Placed, lines: &BTreeMap<u16, Line>) -> Order {
    let of_line =
        |line: &Line| (line.sku.to_string(), i128::from(line.quantity.thousandths()), line.price.millionths());
    let mut order = Order {
        lines: lines.values().map(of_line).collect(),
        shipped: vec![0; lines.len()],
        cancelled: vec![0; lines.len()],
        ..Order::default()
    };
    for event in events.values() {
        match event {
            Event::Shipped(shipped) => {
                for (at, quantity) in selected(&shipped.lines, lines) {
                    order.shipped[at] += quantity;
                }
            }
            Event::Cancelled(cancelled) => {
                for (at, quantity) in selected(&cancelled.lines, lines) {
                    order.cancelled[at] = order.cancelled[at].max(quantity);
                }
            }
            Event::Paid(paid) => order.paid += i128::from(paid.amount.minor()),
            Event::Confirmed(confirmed) => order.is_confirmed |= confirmed.placed == *key,
            Event::Sent(_) => order.is_sent = true,
            _other => {}
        }
    }
    order
}

fn selected(selection: &LineSelection, lines: &BTreeMap<u16, Line>) -> Vec<(usize, i128)> {
    match selection {
        LineSelection::All => {
            lines.values().enumerate().map(|(at, line)| (at, i128::from(line.quantity.thousandths()))).collect()
        }
        LineSelection::Some(some) => some
            .iter()
            .filter(|of| usize::from(of.line) <= lines.len())
            .map(|of| (usize::from(of.line) - 1, i128::from(of.quantity.thousandths())))
            .collect(),
    }
}
