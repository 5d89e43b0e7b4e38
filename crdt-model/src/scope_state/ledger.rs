//! The ledger of items: the movements that one folded document adds to the index.
//!
//! Not here: what a movement is (`stock::movement`). Rights that are made, taken or entrusted are bookkeeping and in no
//! ledger.
//!
//! Invariant: an index row for each event and item that it moves. Proved by `movements_of_goods_add_up_to_the_stock_on_hand`
//! in `merge_laws`.

use std::collections::BTreeMap;

use super::contribution::{Index, label_of};
use crate::event::Event;
use crate::fulfilment::state::FulfilmentState;
use crate::id::{DocumentId, EventKey};
use crate::journal::event::StockFact;
use crate::journal::state::JournalState;
use crate::order::moves::LineMoves;
use crate::order::state::OrderState;
use crate::rows::ViewTable;
use crate::scope::Scope;
use crate::stock::movement::{Movement, MovementKind, MovementPlace, movements_key};
use crate::text::Text;

/// Where a document's movements go.
struct Ledger<'a> {
    index: &'a mut Index,
    scope: &'a Scope,
    document: DocumentId,
}

impl Ledger<'_> {
    fn add(&mut self, sku: &Text, key: &EventKey, movement: &Movement) {
        let place = MovementPlace::new(&movement.time, &self.document, key);
        let row = movements_key(self.scope, &DocumentId::of_sku(sku.as_str())).fixed(place.as_bytes());
        self.index.insert((ViewTable::MovementsByItem, row.into_bytes()), movement.encode());
    }

    /// Lines of one item are one movement.
    fn add_lines<'s>(&mut self, moves: &LineMoves, pattern: &Movement, sku_of: impl Fn(u16) -> Option<&'s Text>) {
        let mut by_sku: BTreeMap<&Text, i128> = BTreeMap::new();
        for (line, quantity) in &moves.lines {
            if let Some(sku) = sku_of(*line) {
                *by_sku.entry(sku).or_default() += moves.kind.sign() * quantity;
            }
        }
        for (sku, quantity) in by_sku {
            let (kind, time) = (moves.kind, moves.time);
            self.add(sku, &moves.key, &Movement { kind, time, quantity, ..pattern.clone() });
        }
    }
}

fn bare(kind: MovementKind, fact: &StockFact) -> Movement {
    let (reference, reason) = (fact.reference.clone(), fact.reason.clone());
    let quantity = i128::from(fact.quantity.thousandths());
    Movement { kind, time: fact.time, quantity, site: None, reference, reason }
}

/// What is the same of all movements of an order or fulfilment.
fn pattern(moves: &LineMoves, number: Text) -> Movement {
    let reference = Some(number).filter(|number| !number.as_str().is_empty());
    Movement { kind: moves.kind, time: moves.time, quantity: 0, site: None, reference, reason: None }
}

/// Adds what the events of an order moved.
pub(super) fn add_order_moves(index: &mut Index, scope: &Scope, document: DocumentId, order: &OrderState) {
    let mut ledger = Ledger { index, scope, document };
    for moves in &order.moves {
        let sku_of = |line: u16| order.lines.get(usize::from(line) - 1).map(|line| &line.sku);
        ledger.add_lines(moves, &pattern(moves, label_of(order)), sku_of);
    }
}

/// Adds what the events of a fulfilment moved at the shipper, or wherever goods left.
pub(super) fn add_fulfilment_moves(
    index: &mut Index,
    scope: &Scope,
    document: DocumentId,
    fulfilment: &FulfilmentState,
) {
    let mut ledger = Ledger { index, scope, document };
    for (site, moves) in &fulfilment.moves {
        let sku_of = |line: u16| fulfilment.line(line).map(|line| &line.ladder.sku);
        let pattern = pattern(moves, fulfilment.header.order_number.clone());
        ledger.add_lines(moves, &Movement { site: Some(site.clone()), ..pattern }, sku_of);
    }
}

/// Adds the facts and loans of a journal.
pub(super) fn add_journal_moves(index: &mut Index, scope: &Scope, document: DocumentId, journal: &JournalState) {
    let mut ledger = Ledger { index, scope, document };
    for (key, event) in &journal.entries {
        let (sku, movement) = match event {
            Event::Opening(fact) => (&fact.sku, bare(MovementKind::Opening, fact)),
            Event::Receipt(fact) => (&fact.sku, bare(MovementKind::Receipt, fact)),
            Event::Adjustment(fact) => (&fact.sku, bare(MovementKind::Adjustment, fact)),
            Event::Loan(loan) => {
                let (kind, quantity) = (MovementKind::Loan, i128::from(loan.quantity.thousandths()));
                let reference = Text::new(&loan.loan.to_string()).ok();
                (&loan.sku, Movement { kind, time: loan.time, quantity, site: None, reference, reason: None })
            }
            Event::LoanReturned(loan) => {
                let (kind, quantity) = (MovementKind::LoanReturn, -i128::from(loan.quantity.thousandths()));
                let reference = Text::new(&loan.loan.to_string()).ok();
                (&loan.sku, Movement { kind, time: loan.time, quantity, site: None, reference, reason: None })
            }
            _bookkeeping => continue,
        };
        ledger.add(sku, key, &movement);
    }
}
