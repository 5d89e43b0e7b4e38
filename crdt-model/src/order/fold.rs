//! The fold of an order: events in, [`OrderState`] out.
//!
//! Pure and blind to the order of arrival: the events come as a set keyed by event key. Rules: `docs/merge-rules.md`.
//!
//! Invariants: an order shows only with every line that its `placed` counts; of several complete `placed` the lowest
//! key stands; facts add up, cancels take the largest wish. Proved by the tests here and by `merge_laws`.

use std::collections::BTreeMap;

use crate::document::Content;
use crate::event::Event;
use crate::id::EventKey;
use crate::order::draw::Drawn;
use crate::order::event::{
    Cancelled, Entry, Handover, Line, LineQuantity, LineSelection, Placed, Reservation, RightsBooking, Shipped,
};
use crate::order::line::Source;
use crate::order::moves::moves_of_order;
use crate::order::sent::Sent;
use crate::order::state::{Confirmation, LineState, OrderState, Purpose, content_hash, full};
use crate::quantity::Quantity;

/// Folds an order; `None` until a `placed` with all its lines is held.
pub fn fold_order(content: &Content) -> Option<OrderState> {
    let mut complete = complete_placings(content);
    let first = complete.next()?;
    let others: Vec<Placing<'_>> = complete.collect();
    let rivals = rivals_of(&first, &others);
    let (placed, purpose, header, lines) = first;
    let mut state = OrderState {
        purpose,
        placed,
        header: header.clone(),
        lines: lines.into_iter().map(line_state).collect(),
        confirmed: Confirmation::Open,
        paid: 0,
        contact: None,
        rivals,
        sent: Vec::new(),
        moves: Vec::new(),
        duplicate_of: None,
    };
    for (key, event) in &content.events {
        apply(&mut state, *key, event);
    }
    state.count_sent();
    if purpose == Purpose::Sale && state.header.entry == Entry::New {
        let ordered: Vec<i128> = state.lines.iter().map(LineState::ordered).collect();
        state.moves = moves_of_order(content, &ordered);
    }
    Some(state)
}

/// The placings with other content than the first; almost always there is no other, and nothing is hashed.
fn rivals_of(first: &Placing<'_>, others: &[Placing<'_>]) -> Vec<EventKey> {
    let hash = |(_, purpose, header, lines): &Placing<'_>| {
        content_hash(*purpose, header, lines.iter().map(|line| (&line.sku, line.quantity, line.price)))
    };
    others.iter().filter(|other| hash(other) != hash(first)).map(|(key, ..)| *key).collect()
}

/// The hash that a `placed` carries of lines that came in more than one change.
pub fn parts_hash<'a>(lines: impl Iterator<Item = (&'a EventKey, Vec<u8>)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (key, value) in lines {
        hasher.update(&key.0).update(&(value.len() as u64).to_be_bytes()).update(&value);
    }
    *hasher.finalize().as_bytes()
}

type Placing<'a> = (EventKey, Purpose, &'a Placed, Vec<&'a Line>);

fn complete_placings(content: &Content) -> impl Iterator<Item = Placing<'_>> {
    content.events.iter().filter_map(|(key, event)| {
        let (purpose, placed) = match event {
            Event::Placed(placed) => (Purpose::Sale, placed),
            Event::CreditPlaced(placed) => (Purpose::Credit, placed),
            Event::AdjustmentPlaced(placed) => (Purpose::Adjustment, placed),
            _other => return None,
        };
        lines_of(content, *key, placed).map(|lines| (*key, purpose, placed, lines))
    })
}

/// The lines that cite `placed`, by number, if they are exactly the ones that it counts.
fn lines_of<'a>(content: &'a Content, key: EventKey, placed: &Placed) -> Option<Vec<&'a Line>> {
    let mut by_number: BTreeMap<u16, (&EventKey, &Line)> = BTreeMap::new();
    for (at, event) in &content.events {
        if let Event::Line(line) = event
            && line.placed == key
            && line.number <= placed.line_count
        {
            by_number.entry(line.number).or_insert((at, line));
        }
    }
    let complete = by_number.len() == usize::from(placed.line_count);
    let mut chosen: Vec<(&EventKey, &Line)> = by_number.into_values().collect();
    let whole = placed.parts.as_ref().is_none_or(|parts| {
        let mut by_key = chosen.clone();
        by_key.sort_by_key(|(at, _)| **at);
        let values = by_key.into_iter().map(|(at, line)| (at, Event::Line(line.clone()).encode()));
        parts.hash == parts_hash(values)
    });
    chosen.sort_by_key(|(_, line)| line.number);
    (complete && whole).then(|| chosen.into_iter().map(|(_, line)| line).collect())
}

fn line_state(line: &Line) -> LineState {
    LineState::new(line.sku.clone(), line.name.clone(), line.quantity, line.price)
}

fn apply(state: &mut OrderState, key: EventKey, event: &Event) {
    match event {
        Event::Confirmed(confirmed) if confirmed.placed == state.placed => state.confirmed = Confirmation::Given,
        Event::Cancelled(cancelled) => cancel(state, cancelled),
        Event::Reserved(reservation) => reserve(state, reservation, 1),
        Event::Released(reservation) => reserve(state, reservation, -1),
        Event::Drawn(drawn) => draw(state, drawn),
        Event::Shipped(shipped) => ship(state, shipped),
        Event::Paid(paid) => state.paid += i128::from(paid.amount.minor()),
        Event::Sent(sent) => send(state, key, sent),
        Event::Contact(contact) if state.contact.is_none() => state.contact = Some((key, contact.clone())),
        _lines_headers_and_overtaken => {}
    }
}

/// Calls `each` with the lines that a selection names and the quantity named there.
fn for_each_selected(lines: &mut [LineState], selection: &LineSelection, mut each: impl FnMut(&mut LineState, i128)) {
    match selection {
        LineSelection::All => {
            for line in lines {
                let ordered = full(line.quantity);
                each(line, ordered);
            }
        }
        LineSelection::Some(named) => {
            for LineQuantity { line, quantity } in named {
                if let Some(line) = lines.get_mut(usize::from(*line) - 1) {
                    each(line, full(*quantity));
                }
            }
        }
    }
}

/// The same wish twice is one effect: quantities are cumulative and the largest stands.
fn cancel(state: &mut OrderState, cancelled: &Cancelled) {
    for_each_selected(&mut state.lines, &cancelled.lines, |line, quantity| {
        line.cancel_asked = line.cancel_asked.max(quantity);
    });
}

fn ship(state: &mut OrderState, shipped: &Shipped) {
    for_each_selected(&mut state.lines, &shipped.lines, |line, quantity| {
        line.shipped += quantity;
        if shipped.handover == Handover::AtOnce {
            line.handed_over += quantity;
        }
        if shipped.booking == RightsBooking::Here {
            line.book(shipped.epoch, quantity);
        }
    });
}

/// A fulfilment is linked once: of two links the lowest event key stands.
fn send(state: &mut OrderState, key: EventKey, sent: &Sent) {
    if state.sent.iter().all(|(_, other)| other.fulfilment != sent.fulfilment) {
        state.sent.push((key, sent.clone()));
    }
}

fn reserve(state: &mut OrderState, reservation: &Reservation, sign: i128) {
    let wide = |quantity: Quantity| sign * i128::from(quantity.thousandths());
    for entry in &reservation.lines {
        if let Some(line) = state.lines.get_mut(usize::from(entry.line) - 1) {
            line.promise(Source::Keeper(reservation.epoch), wide(entry.secured));
            line.promised_unsecured += wide(entry.unsecured);
        }
    }
}

fn draw(state: &mut OrderState, drawn: &Drawn) {
    for entry in &drawn.draws {
        if let Some(line) = state.lines.get_mut(usize::from(entry.line) - 1) {
            line.promise(Source::Loan(entry.loan), i128::from(entry.quantity.thousandths()));
        }
    }
}

#[cfg(test)]
mod tests {
    mod rules;
}
