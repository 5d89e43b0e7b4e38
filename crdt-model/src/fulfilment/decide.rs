//! What a command writes into a fulfilment: from its folded state and a wish to events.
//!
//! Also the duty of the shipper's keeper: to cover with rights what is to leave and what has left, and to give back what
//! nothing needs any more.
//!
//! Invariants: a promise takes no more than the free rights it is given, goods that left are covered whatever is free;
//! what is given back is neither promised nor spent. Proved by `a_keeper_covers_what_left_first_and_gives_back_the_rest`.

use std::collections::BTreeMap;

use crate::fulfilment::event::{FulfilmentCancelled, FulfilmentShipped};
use crate::fulfilment::state::FulfilmentState;
use crate::id::DocumentId;
use crate::order::decide::{Numbered, RuleError, chosen};
use crate::order::event::{LineQuantity, ReservedLine};
use crate::order::line::{LineState, Source};
use crate::order::promise::narrow;
use crate::quantity::Quantity;
use crate::scope::SiteCode;
use crate::text::Text;
use crate::time::EventTime;

fn numbered(fulfilment: &FulfilmentState) -> Numbered<'_> {
    fulfilment.lines.iter().map(|line| (line.number, &line.ladder)).collect()
}

/// Ships the named quantities, or all that is open.
///
/// # Errors
/// The rule that stands against it.
pub fn ship(
    fulfilment: &FulfilmentState,
    wish: Option<&[LineQuantity]>,
    time: EventTime,
    (site, epoch): (SiteCode, u32),
    reference: Option<Text>,
) -> Result<FulfilmentShipped, RuleError> {
    let lines = chosen(&numbered(fulfilment), wish, LineState::open)?;
    Ok(FulfilmentShipped { time, site, epoch, reference, lines })
}

/// Cancels the named quantities, or all that is open; names cumulative quantities.
///
/// # Errors
/// The rule that stands against it.
pub fn cancel(
    fulfilment: &FulfilmentState,
    wish: Option<&[LineQuantity]>,
    time: EventTime,
    reason: Option<Text>,
) -> Result<FulfilmentCancelled, RuleError> {
    let mut lines = chosen(&numbered(fulfilment), wish, LineState::open)?;
    for entry in &mut lines {
        let cancelled = fulfilment.line(entry.line).map_or(0, |line| line.ladder.cancelled());
        entry.quantity = narrow(cancelled + i128::from(entry.quantity.thousandths()));
    }
    Ok(FulfilmentCancelled { time, lines, reason })
}

/// The parts of a cancel of an order that concern its fulfilments: what is still with the taker goes first, then each
/// fulfilment's open quantity in the order given. `home` says what of a line is still with the taker.
pub fn share_cancel(
    wanted: &[LineQuantity],
    home: impl Fn(u16) -> i128,
    fulfilments: &[&FulfilmentState],
) -> Vec<Vec<LineQuantity>> {
    let mut parts = vec![Vec::new(); fulfilments.len()];
    for LineQuantity { line, quantity } in wanted {
        let mut left = (i128::from(quantity.thousandths()) - home(*line)).max(0);
        for (part, fulfilment) in parts.iter_mut().zip(fulfilments) {
            let open = fulfilment.line(*line).map_or(0, |line| line.ladder.open());
            let taken = left.min(open);
            left -= taken;
            if taken > 0 {
                part.push(LineQuantity { line: *line, quantity: narrow(taken) });
            }
        }
    }
    parts
}

/// What a keeper does with its rights for one fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cover {
    /// To promise with rights.
    pub reserve: Vec<ReservedLine>,
    /// To give back.
    pub release: Vec<ReservedLine>,
}

/// Whether the shipper's keeper has something to do with its rights.
pub fn needs_keeper(fulfilment: &FulfilmentState) -> bool {
    fulfilment.lines.iter().map(|line| &line.ladder).any(|line| {
        let held = line.secured() + line.spent();
        line.shipped > line.spent() || line.open() > line.secured() || line.promised_with_rights() > held
    })
}

/// What the keeper of an epoch has to do: cover what left, promise what is to leave as far as its rights are free, give
/// back what nothing needs. `free` is asked once for each item.
pub fn cover(fulfilment: &FulfilmentState, epoch: u32, mut free: impl FnMut(&DocumentId) -> i128) -> Cover {
    let mut cover = Cover::default();
    let mut left: BTreeMap<DocumentId, i128> = BTreeMap::new();
    let reserved = |number, secured| ReservedLine { line: number, secured: narrow(secured), unsecured: Quantity::ZERO };
    for line in &fulfilment.lines {
        let (number, line) = (line.number, &line.ladder);
        let idle = idle_rights(line, epoch);
        if idle > 0 {
            cover.release.push(reserved(number, idle));
            continue;
        }
        let gone = line.shipped - line.spent();
        let missing = line.open() - line.secured();
        if gone <= 0 && missing <= 0 {
            continue;
        }
        let item = DocumentId::of_sku(line.sku.as_str());
        let left = left.entry(item).or_insert_with(|| free(&item));
        *left -= gone;
        let promised = missing.min(*left).max(0);
        *left -= promised;
        if gone + promised > 0 {
            cover.reserve.push(reserved(number, gone + promised));
        }
    }
    cover
}

/// Rights of an epoch that a line neither holds for goods that are to leave nor spent.
fn idle_rights(line: &LineState, epoch: u32) -> i128 {
    let source = Source::Keeper(epoch);
    let promised = line.promised.iter().find(|(held, _)| *held == source).map_or(0, |(_, promised)| *promised);
    let used = line.uses().find(|used| used.source == source).map_or(0, |used| used.secured + used.spent);
    (promised - used).max(0)
}

/// What a promise takes of each item.
pub fn by_item(fulfilment: &FulfilmentState, lines: &[ReservedLine]) -> Vec<(Text, Quantity)> {
    let mut sums: BTreeMap<&Text, i128> = BTreeMap::new();
    for entry in lines {
        if let Some(line) = fulfilment.line(entry.line) {
            *sums.entry(&line.ladder.sku).or_default() += i128::from(entry.secured.thousandths());
        }
    }
    sums.into_iter().filter(|(_, sum)| *sum > 0).map(|(sku, sum)| (sku.clone(), narrow(sum))).collect()
}

#[cfg(test)]
mod tests {
    mod commands;
}
