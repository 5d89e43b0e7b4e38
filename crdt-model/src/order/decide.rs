//! What a command writes: from a folded order, a wish and the free rights to the events of the order.
//!
//! Guards apply to what this node has seen; what others did meanwhile is the fold's to settle. A walk-in sale is never
//! refused for stock. Nothing here knows a store, a clock or a key.
//!
//! Invariant: a cancel names cumulative quantities. Proved by the tests in `decide/tests/commands.rs`.

use thiserror::Error;

use crate::money::{Currency, MONEY_MINOR_MAX};
use crate::order::event::{
    Cancelled, Confirmed, Entry, Handover, LineQuantity, LineSelection, ORDER_LINES_MAX, RightsBooking, Shipped,
};
use crate::order::promise::narrow;
use crate::order::state::{Confirmation, LineState, OrderState, Purpose};
use crate::quantity::Quantity;
use crate::text::Text;
use crate::time::EventTime;

/// Why a command writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// An order needs a line.
    #[error("an order has at least one line")]
    NoLines,
    /// More lines than an order may have.
    #[error("an order has at most {ORDER_LINES_MAX} lines, this one has {count}")]
    TooManyLines {
        /// Lines given.
        count: usize,
    },
    /// A quantity that is not more than zero.
    #[error("the quantity of line {line} must be more than zero")]
    QuantityNotPositive {
        /// The line.
        line: u16,
    },
    /// A price below zero.
    #[error("the price of line {line} is below zero")]
    PriceNegative {
        /// The line.
        line: u16,
    },
    /// A line's or the order's total is larger than an amount may be.
    #[error("the total at line {line} is larger than an amount may be")]
    TotalTooLarge {
        /// The line at which it passes the bound.
        line: u16,
    },
    /// The order has no such line.
    #[error("the order has no line {line}")]
    UnknownLine {
        /// The line.
        line: u16,
    },
    /// More than is still open on the line.
    #[error("line {line} has {open} open, asked for {asked}")]
    MoreThanOpen {
        /// The line.
        line: u16,
        /// Asked for.
        asked: Quantity,
        /// Still open.
        open: Quantity,
    },
    /// Nothing of the order is still open.
    #[error("nothing of the order is still open")]
    NothingOpen,
    /// The order was cancelled.
    #[error("the order is cancelled")]
    IsCancelled,
    /// History, credit orders and adjustments are finished when they are written.
    #[error("the order is a finished record")]
    Finished,
}

/// Checks the lines of a new sale: count, signs and totals.
pub fn check_lines(lines: &[LineState], currency: &Currency) -> Result<(), RuleError> {
    match lines.len() {
        0 => return Err(RuleError::NoLines),
        1..=ORDER_LINES_MAX => {}
        count => return Err(RuleError::TooManyLines { count }),
    }
    let mut sum = 0i128;
    for (number, line) in (1u16..).zip(lines) {
        if !line.quantity.is_positive() {
            return Err(RuleError::QuantityNotPositive { line: number });
        }
        if line.price.millionths() < 0 {
            return Err(RuleError::PriceNegative { line: number });
        }
        let total = line.price.total(line.quantity, currency);
        sum += i128::from(total.map_err(|_| RuleError::TotalTooLarge { line: number })?.minor());
        if sum > i128::from(MONEY_MINOR_MAX) {
            return Err(RuleError::TotalTooLarge { line: number });
        }
    }
    Ok(())
}

/// Hands every line over at once.
pub fn hand_over(time: EventTime, epoch: u32, booking: RightsBooking) -> Shipped {
    Shipped { time, epoch, handover: Handover::AtOnce, booking, lines: LineSelection::All }
}

/// Confirms an order as it stands; `None` where it already is.
pub fn confirm(order: &OrderState, time: EventTime) -> Result<Option<Confirmed>, RuleError> {
    guard_open(order)?;
    let open = order.confirmed == Confirmation::Open;
    Ok(open.then_some(Confirmed { time, placed: order.placed }))
}

/// Ships the named quantities, or all that is open.
pub fn ship(
    order: &OrderState,
    wish: Option<&[LineQuantity]>,
    time: EventTime,
    epoch: u32,
    booking: RightsBooking,
) -> Result<Shipped, RuleError> {
    guard_open(order)?;
    let lines = chosen(&numbered(order), wish, LineState::open)?;
    Ok(Shipped { time, epoch, handover: Handover::Later, booking, lines: LineSelection::Some(lines) })
}

/// What of a shipment no promise with rights covers yet, as lines of these quantities in the order's numbering.
pub fn without_rights(order: &OrderState, shipped: &Shipped) -> Vec<LineState> {
    let quantity = |number: u16, line: &LineState| match &shipped.lines {
        LineSelection::All => i128::from(line.quantity.thousandths()),
        LineSelection::Some(lines) => {
            let named = lines.iter().find(|entry| entry.line == number);
            named.map_or(0, |entry| i128::from(entry.quantity.thousandths()))
        }
    };
    let lines = (1u16..).zip(&order.lines).map(|(number, line)| {
        let left = narrow((quantity(number, line) - line.secured()).max(0));
        LineState::new(line.sku.clone(), None, left, line.price)
    });
    lines.collect()
}

/// Cancels the named quantities, or all that is open. Their promises end with them in the fold: a release of its own
/// would give rights back for goods that left meanwhile, and twice where two cancel.
pub fn cancel(
    order: &OrderState,
    wish: Option<&[LineQuantity]>,
    time: EventTime,
    reason: Option<Text>,
) -> Result<Cancelled, RuleError> {
    guard_open(order)?;
    let chosen = chosen(&numbered(order), wish, LineState::outstanding)?;
    let cumulative = chosen.into_iter().map(|LineQuantity { line, quantity }| {
        let cancelled = order.lines[usize::from(line) - 1].cancelled();
        LineQuantity { line, quantity: narrow(cancelled + i128::from(quantity.thousandths())) }
    });
    Ok(Cancelled { time, lines: LineSelection::Some(cumulative.collect()), reason })
}

fn guard_open(order: &OrderState) -> Result<(), RuleError> {
    if order.header.entry == Entry::History || order.purpose != Purpose::Sale {
        return Err(RuleError::Finished);
    }
    let wanted =
        order.lines.iter().any(|line| line.quantity.thousandths() != 0 && line.outstanding() + line.shipped > 0);
    if wanted { Ok(()) } else { Err(RuleError::IsCancelled) }
}

/// The quantities that another site shall ship: those named, or all that is still to leave from here.
pub fn send(order: &OrderState, wish: Option<&[LineQuantity]>) -> Result<Vec<LineQuantity>, RuleError> {
    guard_open(order)?;
    chosen(&numbered(order), wish, LineState::open)
}

/// Lines with their numbers.
pub(crate) type Numbered<'a> = Vec<(u16, &'a LineState)>;

fn numbered(order: &OrderState) -> Numbered<'_> {
    (1u16..).zip(&order.lines).collect()
}

/// The quantities wished for, each line once and no more than is open; all that is open without a wish.
pub(crate) fn chosen(
    lines: &Numbered<'_>,
    wish: Option<&[LineQuantity]>,
    open: fn(&LineState) -> i128,
) -> Result<Vec<LineQuantity>, RuleError> {
    let mut chosen = match wish {
        None => open_lines(lines, open),
        Some(named) => named.to_vec(),
    };
    if chosen.is_empty() {
        return Err(RuleError::NothingOpen);
    }
    chosen.sort_by_key(|entry| entry.line);
    chosen.dedup_by(|later, earlier| {
        let same = later.line == earlier.line;
        if same {
            let sum = earlier.quantity.thousandths().saturating_add(later.quantity.thousandths());
            earlier.quantity = narrow(i128::from(sum));
        }
        same
    });
    for LineQuantity { line, quantity } in chosen.iter().copied() {
        let state = lines.iter().find(|(number, _)| *number == line).map(|(_, state)| *state);
        let open = open(state.ok_or(RuleError::UnknownLine { line })?);
        if !quantity.is_positive() {
            return Err(RuleError::QuantityNotPositive { line });
        }
        if i128::from(quantity.thousandths()) > open {
            return Err(RuleError::MoreThanOpen { line, asked: quantity, open: narrow(open) });
        }
    }
    Ok(chosen)
}

fn open_lines(lines: &Numbered<'_>, open: fn(&LineState) -> i128) -> Vec<LineQuantity> {
    let lines = lines.iter().filter(|(_, line)| open(line) > 0);
    lines.map(|(line, state)| LineQuantity { line: *line, quantity: narrow(open(state)) }).collect()
}

#[cfg(test)]
mod tests {
    mod commands;
}
