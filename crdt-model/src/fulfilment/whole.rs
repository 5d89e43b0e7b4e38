//! An order together with what other sites ship of it.
//!
//! It takes two scopes, so it is shown by nodes that hold both, and stands outside the state digest of either.
//!
//! Invariants: goods that left are counted where they left, once; without fulfilments the order is as it was. Proved by
//! `goods_shipped_elsewhere_count_once` and `a_sent_line_is_whole_in_every_order_of_arrival` in `merge_laws`.

use crate::fulfilment::state::FulfilmentState;
use crate::order::state::{LineState, OrderState, Secured};

/// The order as it stands everywhere: what left elsewhere has left, what is to leave elsewhere is `sent`. One entry of
/// `held` for each of `order.sent`; what is not held here is taken as still to leave.
pub fn whole_order(order: &OrderState, held: &[Option<FulfilmentState>]) -> OrderState {
    let mut whole = order.clone();
    whole.lines.iter_mut().for_each(|line| line.sent = 0);
    for (fulfilment, (_, sent)) in held.iter().zip(&order.sent) {
        let mut add = |number: u16, shipped: i128, open: i128| {
            if let Some(line) = whole.lines.get_mut(usize::from(number) - 1) {
                (line.shipped, line.sent) = (line.shipped + shipped, line.sent + open);
            }
        };
        match fulfilment {
            Some(fulfilment) => {
                fulfilment.lines.iter().for_each(|line| add(line.number, line.ladder.shipped, line.ladder.open()));
            }
            None => sent.lines.iter().for_each(|entry| {
                add(entry.line, 0, crate::order::state::full(entry.quantity));
            }),
        }
    }
    whole
}

/// What rights cover of a line of an order: here, and at the sites that ship.
pub fn secured_of_line(order: &OrderState, held: &[Option<FulfilmentState>], number: u16) -> i128 {
    let here = order.lines.get(usize::from(number) - 1).map_or(0, LineState::secured);
    let there = held.iter().flatten().filter_map(|fulfilment| fulfilment.line(number));
    here + there.map(|line| line.ladder.secured()).sum::<i128>()
}

/// How much of an order's outstanding quantity is covered by rights, wherever they lie.
pub fn secured_everywhere(order: &OrderState, held: &[Option<FulfilmentState>]) -> Secured {
    let whole = whole_order(order, held);
    let open: i128 = whole.lines.iter().map(LineState::outstanding).sum();
    let lines = (1u16..).zip(&whole.lines);
    let secured = lines.map(|(number, line)| secured_of_line(order, held, number).min(line.outstanding()));
    Secured::of(open, secured.sum())
}
