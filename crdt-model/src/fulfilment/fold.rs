//! The fold of a fulfilment: events in, [`FulfilmentState`] out.
//!
//! Pure and blind to the order of arrival. Rules: `docs/merge-rules.md`.
//!
//! Invariants: a fulfilment shows only with every line that its header counts; of several complete headers the lowest key
//! stands; goods that left add up whoever shipped them, promises count for the shipper's own stock alone. Proved by the
//! tests here and by `merge_laws`.

use std::collections::BTreeMap;

use crate::document::Content;
use crate::event::Event;
use crate::fulfilment::event::{FulfilmentLine, FulfilmentPosted, FulfilmentPromise, FulfilmentShipped};
use crate::fulfilment::state::{FulfilmentLineState, FulfilmentState};
use crate::id::EventKey;
use crate::money::UnitPrice;
use crate::order::event::LineQuantity;
use crate::order::line::{LineState, Source};
use crate::order::moves::{LineMoves, cancel_moves, named, promised};
use crate::order::state::full;
use crate::quantity::Quantity;
use crate::scope::SiteCode;
use crate::stock::movement::MovementKind;

/// Folds a fulfilment; `None` until a header with all its lines is held.
pub fn fold_fulfilment(content: &Content) -> Option<FulfilmentState> {
    let complete = |(key, event): (&EventKey, &Event)| match event {
        Event::FulfilmentPosted(posted) => lines_of(content, *key, posted).map(|lines| (*key, posted.clone(), lines)),
        _other => None,
    };
    let (posted, header, lines) = content.events.iter().find_map(complete)?;
    let mut state = FulfilmentState { posted, header, lines, contact: None, references: Vec::new(), moves: Vec::new() };
    for (key, event) in &content.events {
        apply(&mut state, *key, event);
    }
    state.moves = moves_of(content, &state);
    Some(state)
}

/// The lines that cite a header, by number, if they are exactly as many as it counts.
fn lines_of(content: &Content, key: EventKey, posted: &FulfilmentPosted) -> Option<Vec<FulfilmentLineState>> {
    let mut by_number: BTreeMap<u16, &FulfilmentLine> = BTreeMap::new();
    for event in content.events.values() {
        if let Event::FulfilmentLine(line) = event
            && line.posted == key
        {
            by_number.entry(line.number).or_insert(line);
        }
    }
    let whole = by_number.len() == usize::from(posted.line_count);
    whole.then(|| by_number.into_iter().map(|(number, line)| line_state(number, line)).collect())
}

fn line_state(number: u16, line: &FulfilmentLine) -> FulfilmentLineState {
    let ladder = LineState::new(line.sku.clone(), line.name.clone(), line.quantity, UnitPrice::ZERO);
    FulfilmentLineState { number, ladder, shipped_from: Vec::new() }
}

fn apply(state: &mut FulfilmentState, key: EventKey, event: &Event) {
    match event {
        Event::FulfilmentCancelled(cancelled) => for_each(state, &cancelled.lines, |line, quantity| {
            line.ladder.cancel_asked = line.ladder.cancel_asked.max(quantity);
        }),
        Event::FulfilmentReserved(promise) => reserve(state, promise, 1),
        Event::FulfilmentReleased(promise) => reserve(state, promise, -1),
        Event::FulfilmentShipped(shipped) => ship(state, key, shipped),
        Event::FulfilmentContact(contact) if state.contact.is_none() => state.contact = Some((key, contact.clone())),
        _lines_headers_and_further_contacts => {}
    }
}

fn for_each(state: &mut FulfilmentState, lines: &[LineQuantity], mut each: impl FnMut(&mut FulfilmentLineState, i128)) {
    for LineQuantity { line, quantity } in lines {
        if let Some(line) = state.line_mut(*line) {
            each(line, full(*quantity));
        }
    }
}

fn reserve(state: &mut FulfilmentState, promise: &FulfilmentPromise, sign: i128) {
    if promise.site != state.header.shipper {
        return;
    }
    let wide = |quantity: Quantity| sign * i128::from(quantity.thousandths());
    for entry in &promise.lines {
        if let Some(line) = state.line_mut(entry.line) {
            line.ladder.promise(Source::Keeper(promise.epoch), wide(entry.secured));
            line.ladder.promised_unsecured += wide(entry.unsecured);
        }
    }
}

fn ship(state: &mut FulfilmentState, key: EventKey, shipped: &FulfilmentShipped) {
    state.references.extend(shipped.reference.clone().map(|reference| (key, reference)));
    for_each(state, &shipped.lines, |line, quantity| {
        line.ladder.shipped += quantity;
        match line.shipped_from.binary_search_by(|(site, _)| site.cmp(&shipped.site)) {
            Ok(at) => line.shipped_from[at].1 += quantity,
            Err(at) => line.shipped_from.insert(at, (shipped.site.clone(), quantity)),
        }
    });
}

/// What each event did to the lines, and at which site.
fn moves_of(content: &Content, state: &FulfilmentState) -> Vec<(SiteCode, LineMoves)> {
    let shipper = &state.header.shipper;
    let (mut moves, mut cancels) = (Vec::new(), Vec::new());
    for (key, event) in &content.events {
        let (site, time, kind, lines) = match event {
            Event::FulfilmentReserved(promise) if promise.site == *shipper => {
                (shipper, promise.time, MovementKind::Reservation, promised(&promise.lines))
            }
            Event::FulfilmentReleased(promise) if promise.site == *shipper => {
                (shipper, promise.time, MovementKind::Release, promised(&promise.lines))
            }
            Event::FulfilmentShipped(shipped) => {
                (&shipped.site, shipped.time, MovementKind::Shipment, named(&shipped.lines))
            }
            Event::FulfilmentCancelled(cancelled) => {
                cancels.push((*key, cancelled.time, named(&cancelled.lines)));
                continue;
            }
            _moves_nothing => continue,
        };
        moves.push((site.clone(), LineMoves { key: *key, time, kind, lines }));
    }
    moves.extend(cancel_moves(cancels).into_iter().map(|cancel| (shipper.clone(), cancel)));
    moves.iter_mut().for_each(|(_, made)| made.lines.retain(|(line, _)| state.line(*line).is_some()));
    moves.retain(|(_, made)| !made.lines.is_empty());
    moves
}

#[cfg(test)]
pub(super) mod tests {
    pub(in crate::fulfilment) mod rules;
}
