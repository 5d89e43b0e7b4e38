//! What an order's or fulfilment's events did to its lines one by one: when, and how much of which line.
//!
//! The ladder of a line holds sums alone; the ledger of an item (`stock::movement`) needs each event. Orders of the past
//! move nothing and have none.
//!
//! Invariants: shipments here add up to what the ladder says left; of several cancels each counts what it asked for beyond
//! the ones before it, by time and event key, so no order of arrival shows. Proved by
//! `movements_of_goods_add_up_to_the_stock_on_hand` and `any_order_of_updates_gives_the_same_rows` in `merge_laws`, and by
//! the tests here.

use std::collections::BTreeMap;

use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::document::Content;
use crate::event::Event;
use crate::id::EventKey;
use crate::order::event::{Handover, LineQuantity, LineSelection, ORDER_LINES_MAX, ReservedLine, decode_line_number};
use crate::stock::movement::MovementKind;
use crate::time::EventTime;

/// What one event did to lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMoves {
    /// The event.
    pub key: EventKey,
    /// When.
    pub time: EventTime,
    /// What.
    pub kind: MovementKind,
    /// How much of which line, in thousandths above zero, sorted by line, each line once.
    pub lines: Vec<(u16, i128)>,
}

impl LineMoves {
    /// Writes it into a row.
    pub fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.key.0).byte(self.kind as u8);
        self.time.encode(writer);
        writer.list(&self.lines, |w, (line, quantity)| {
            w.number(u64::from(*line)).wide(*quantity);
        });
    }

    /// Reads it from a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: EventKey::decode("moves", reader)?,
            kind: MovementKind::decode(reader)?,
            time: EventTime::decode("moves", reader)?,
            lines: reader.list("moves", ORDER_LINES_MAX, |r| Ok((decode_line_number(r)?, r.wide("moves")?)))?,
        })
    }

    /// Reads the moves of an order.
    pub(crate) fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        reader.list("moves", DOCUMENT_OPS_MAX as usize, Self::decode)
    }
}

/// Quantities of lines, those above zero.
pub(crate) type Amounts = Vec<(u16, i128)>;

/// The moves of an order's events; `ordered` is what a line, numbered from 1, has in full.
pub fn moves_of_order(content: &Content, ordered: &[i128]) -> Vec<LineMoves> {
    let (mut moves, mut cancels) = (Vec::new(), Vec::new());
    for (key, event) in &content.events {
        let (time, kind, lines) = match event {
            Event::Reserved(promise) => (promise.time, MovementKind::Reservation, promised(&promise.lines)),
            Event::Released(promise) => (promise.time, MovementKind::Release, promised(&promise.lines)),
            Event::Drawn(drawn) => {
                let draws = drawn.draws.iter().map(|draw| (draw.line, draw.quantity.thousandths()));
                (drawn.time, MovementKind::Reservation, summed(draws))
            }
            Event::Shipped(shipped) => {
                let at_once = shipped.handover == Handover::AtOnce;
                let kind = if at_once { MovementKind::Sale } else { MovementKind::Shipment };
                (shipped.time, kind, selected(&shipped.lines, ordered))
            }
            Event::Cancelled(cancelled) => {
                cancels.push((*key, cancelled.time, selected(&cancelled.lines, ordered)));
                continue;
            }
            _moves_nothing => continue,
        };
        moves.push(LineMoves { key: *key, time, kind, lines });
    }
    moves.extend(cancel_moves(cancels));
    moves.iter_mut().for_each(|made| made.lines.retain(|(line, _)| usize::from(*line) <= ordered.len()));
    moves.retain(|made| !made.lines.is_empty());
    moves
}

/// Cancels are cumulative: each moves what it asks for beyond the largest wish before it.
pub(crate) fn cancel_moves(mut cancels: Vec<(EventKey, EventTime, Amounts)>) -> Vec<LineMoves> {
    cancels.sort_by_key(|(key, time, _)| (time.at, *key));
    let mut largest: BTreeMap<u16, i128> = BTreeMap::new();
    let mut moves = Vec::new();
    for (key, time, asked) in cancels {
        let mut lines = Vec::new();
        for (line, asked) in asked {
            let before = largest.entry(line).or_default();
            if asked > *before {
                lines.push((line, asked - *before));
                *before = asked;
            }
        }
        if !lines.is_empty() {
            moves.push(LineMoves { key, time, kind: MovementKind::Cancellation, lines });
        }
    }
    moves
}

/// What a promise names, with rights and without.
pub(crate) fn promised(lines: &[ReservedLine]) -> Amounts {
    let both = |entry: &ReservedLine| entry.secured.thousandths() + entry.unsecured.thousandths();
    summed(lines.iter().map(|entry| (entry.line, both(entry))))
}

/// What a shipment names.
pub(crate) fn named(lines: &[LineQuantity]) -> Amounts {
    summed(lines.iter().map(|entry| (entry.line, entry.quantity.thousandths())))
}

fn selected(lines: &LineSelection, ordered: &[i128]) -> Amounts {
    match lines {
        LineSelection::Some(lines) => named(lines),
        LineSelection::All => (1u16..).zip(ordered.iter().copied()).filter(|(_, ordered)| *ordered > 0).collect(),
    }
}

fn summed(entries: impl Iterator<Item = (u16, i64)>) -> Amounts {
    let mut sums: BTreeMap<u16, i128> = BTreeMap::new();
    for (line, quantity) in entries {
        *sums.entry(line).or_default() += i128::from(quantity);
    }
    sums.into_iter().filter(|(_, quantity)| *quantity > 0).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::time::{BusinessDate, Timestamp};

    fn at(ms: i64) -> EventTime {
        EventTime { at: Timestamp(ms), offset_minutes: 0, business_date: BusinessDate::from_days(0).unwrap() }
    }

    #[test]
    fn a_cancel_moves_what_it_asks_for_beyond_the_one_before() {
        let key = |byte| EventKey([byte; 8]);
        let cancels = vec![
            (key(1), at(2), vec![(1, 5_000), (2, 1_000)]),
            (key(2), at(1), vec![(1, 3_000)]),
            (key(3), at(3), vec![(1, 4_000)]),
        ];
        let mut other = cancels.clone();
        other.reverse();
        let moves = cancel_moves(cancels);
        assert_eq!(moves, cancel_moves(other), "the order of arrival does not show");
        let found: Vec<_> = moves.iter().map(|made| (made.key, made.lines.clone())).collect();
        assert_eq!(found, [(key(2), vec![(1, 3_000)]), (key(1), vec![(1, 2_000), (2, 1_000)])]);
    }

    #[test]
    fn a_cancel_of_everything_names_each_line_in_full() {
        assert_eq!(selected(&LineSelection::All, &[5_000, 0, 2_000]), [(1, 5_000), (3, 2_000)]);
    }
}
