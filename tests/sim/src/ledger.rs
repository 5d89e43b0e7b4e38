//! What callers asked for and were told: the books of somebody who stands outside and forgets nothing.
//!
//! An answer that was lost is unknown; the caller repeats its request until it gets one, as the product's clients do.
//! At the end every call is answered, and what the cluster holds must be the sum of what was answered with yes.
//!
//! Invariant: it is filled from answers alone, never from a node's rows. Proved by reading `Ledger::answered`.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::id::DocumentId;
use crdt_model::order::event::LineQuantity;
use crdt_model::scope::{Scope, SiteCode};
use node::replica::{Command, Outcome};

use crate::machine::Answer;

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// On its way, or its answer was lost.
    Open,
    /// Done and durable.
    Done,
    /// Refused by a rule, in its words.
    Refused(String),
}

/// One call of one caller.
#[derive(Debug, Clone)]
pub struct Call {
    /// The node that was asked.
    pub node: usize,
    /// What.
    pub command: Command,
    /// Where it stands.
    pub state: CallState,
    /// How often it was sent.
    pub tries: u32,
    /// Why it was last repeated.
    pub last_failure: Option<String>,
}

/// An order as its caller knows it.
#[derive(Debug, Clone, Default)]
pub struct KnownOrder {
    /// Item and thousandths by line.
    pub lines: Vec<(String, i128)>,
    /// Price of each line's unit, in millionths.
    pub prices: Vec<i64>,
    /// Payments, in minor units.
    pub paid: i128,
    /// Thousandths that left, by line number from 1.
    pub shipped: BTreeMap<u16, i128>,
    /// Largest cumulative cancel that was acknowledged, by line.
    pub cancels: BTreeMap<u16, i128>,
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every call, by number.
    pub calls: Vec<Call>,
    /// Orders that were taken.
    pub orders: BTreeMap<(Scope, DocumentId), KnownOrder>,
    /// Units at a site, in thousandths.
    pub on_hand: BTreeMap<(SiteCode, String), i128>,
    /// Loans that were made, by node.
    pub loans: Vec<(usize, crdt_model::id::LoanId)>,
    /// Numbers of the files that were imported.
    pub imported: BTreeSet<String>,
    /// Item and thousandths that leave with a call that ships a fulfilment; its caller saw the paper.
    pub parcels: BTreeMap<usize, (String, i128)>,
    /// Calls that were answered with yes.
    pub acknowledged: u64,
}

impl Ledger {
    /// Writes an answer down; says whether the call must be repeated.
    pub fn answered(&mut self, number: usize, answer: &Answer, site: &SiteCode) -> bool {
        let Some(call) = self.calls.get_mut(number) else { return false };
        if call.state != CallState::Open {
            return false;
        }
        match answer {
            Answer::Failed(why) => {
                call.last_failure = Some(why.clone());
                return true;
            }
            Answer::Refused(rule) => call.state = CallState::Refused(rule.to_string()),
            Answer::Done(outcome) => {
                call.state = CallState::Done;
                let (command, node) = (call.command.clone(), call.node);
                self.acknowledged += 1;
                self.book(&command, outcome, site, node);
                if let Some((sku, quantity)) = self.parcels.remove(&number) {
                    *self.on_hand.entry((site.clone(), sku)).or_default() -= quantity;
                }
            }
        }
        false
    }

    fn book(&mut self, command: &Command, outcome: &Outcome, site: &SiteCode, node: usize) {
        match (command, outcome) {
            (Command::PlaceOrder(draft), Outcome::Order { scope, id }) => {
                let lines: Vec<(String, i128)> = draft
                    .lines
                    .iter()
                    .map(|line| (line.sku.to_string(), i128::from(line.quantity.thousandths())))
                    .collect();
                let mut order = KnownOrder {
                    prices: draft.lines.iter().map(|line| line.price.millionths()).collect(),
                    paid: draft.payments.iter().map(|payment| i128::from(payment.amount.minor())).sum(),
                    ..KnownOrder::default()
                };
                if draft.handover == crdt_model::order::event::Handover::AtOnce {
                    for (at, (sku, quantity)) in lines.iter().enumerate() {
                        order.shipped.insert(at as u16 + 1, *quantity);
                        *self.on_hand.entry((site.clone(), sku.clone())).or_default() -= quantity;
                    }
                }
                order.lines = lines;
                self.orders.insert((scope.clone(), *id), order);
            }
            (Command::ShipOrder { scope, id, lines: Some(lines) }, _) => {
                self.leave(&(scope.clone(), *id), lines, site);
            }
            (Command::CancelOrder { scope, id, lines: Some(lines), .. }, _) => {
                if let Some(order) = self.orders.get_mut(&(scope.clone(), *id)) {
                    for wish in lines {
                        let asked = order.cancels.entry(wish.line).or_default();
                        *asked = (*asked).max(i128::from(wish.quantity.thousandths()));
                    }
                }
            }
            (Command::RecordStock { sku, quantity, .. }, _) => {
                let there = self.on_hand.entry((site.clone(), sku.to_string())).or_default();
                *there += i128::from(quantity.thousandths());
            }
            (Command::LendStock { .. }, Outcome::Loan { loan, .. }) => self.loans.push((node, *loan)),
            (Command::ImportOrders(orders), _) => {
                self.imported.extend(orders.iter().map(|order| order.external.number.to_string()));
            }
            (_, _) => {}
        }
    }

    /// Goods of an order left its own site.
    fn leave(&mut self, order: &(Scope, DocumentId), lines: &[LineQuantity], site: &SiteCode) {
        let Some(order) = self.orders.get_mut(order) else { return };
        for left in lines {
            let quantity = i128::from(left.quantity.thousandths());
            *order.shipped.entry(left.line).or_default() += quantity;
            if let Some((sku, _)) = order.lines.get(usize::from(left.line) - 1) {
                *self.on_hand.entry((site.clone(), sku.clone())).or_default() -= quantity;
            }
        }
    }

    /// Calls without an answer: how many, and the last of them.
    pub fn open(&self) -> Option<(usize, &Call)> {
        let open = || self.calls.iter().rev().filter(|call| call.state == CallState::Open);
        open().next().map(|last| (open().count(), last))
    }
}
