//! What a promise writes: every line secured as far as its author's rights reach, its own first, then its loans.
//!
//! Invariant: a promise never secures more of an item than the means given, and all of a line is either secured or
//! promised without rights. Proved by `lines_of_one_item_share_its_free_rights` and
//! `a_promise_takes_own_rights_then_loans_and_leaves_the_rest_unsecured`.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::id::{DocumentId, LoanId};
use crate::order::draw::{DRAWS_MAX, Draw, Drawn};
use crate::order::event::{Reservation, ReservedLine};
use crate::order::line::LineState;
use crate::quantity::{QUANTITY_THOUSANDTHS_MAX, Quantity};
use crate::time::EventTime;

/// Lines of one reservation event: what it says of more would not fit one value of a document.
pub const RESERVATION_LINES_MAX: usize = 1_000;

/// What an author may promise of one item, in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Means {
    /// Free rights of the epoch that it keeps; a debt is none.
    pub own: i128,
    /// Loans that it holds, with their balances, in the order in which they are drawn on.
    pub loans: Vec<(LoanId, i128)>,
}

impl Means {
    /// All that may be promised.
    pub fn total(&self) -> i128 {
        self.own.max(0) + self.loans.iter().map(|(_, balance)| (*balance).max(0)).sum::<i128>()
    }

    fn take_own(&mut self, wanted: i128) -> i128 {
        let taken = wanted.min(self.own).max(0);
        self.own -= taken;
        taken
    }

    fn draw(&mut self, line: u16, mut wanted: i128) -> Vec<Draw> {
        let mut draws = Vec::new();
        for (loan, balance) in &mut self.loans {
            let taken = wanted.min(*balance).max(0);
            (wanted, *balance) = (wanted - taken, *balance - taken);
            if taken > 0 {
                draws.push(Draw { line, loan: *loan, quantity: narrow(taken) });
            }
        }
        draws
    }
}

/// Promises every line; the events in the order in which they are written. `means` is asked once for each item, with all
/// that the lines want of it.
pub fn promise(
    lines: &[LineState],
    time: EventTime,
    epoch: u32,
    mut means: impl FnMut(&DocumentId, i128) -> Means,
) -> Vec<Event> {
    let item_of = |line: &LineState| DocumentId::of_sku(line.sku.as_str());
    let items: Vec<DocumentId> = lines.iter().map(item_of).collect();
    let mut wanted_of: BTreeMap<DocumentId, i128> = BTreeMap::new();
    for (item, line) in items.iter().zip(lines) {
        *wanted_of.entry(*item).or_default() += i128::from(line.quantity.thousandths());
    }
    let mut left: BTreeMap<DocumentId, Means> =
        wanted_of.into_iter().map(|(item, wanted)| (item, means(&item, wanted))).collect();
    let (mut draws, mut reserved) = (Vec::new(), Vec::new());
    for ((number, line), item) in (1u16..).zip(lines).zip(&items) {
        let means = left.entry(*item).or_default();
        let wanted = i128::from(line.quantity.thousandths());
        let own = means.take_own(wanted);
        let mut drawn = means.draw(number, wanted - own);
        let unsecured = wanted - own - drawn.iter().map(|draw| i128::from(draw.quantity.thousandths())).sum::<i128>();
        if own > 0 || unsecured > 0 {
            reserved.push(ReservedLine { line: number, secured: narrow(own), unsecured: narrow(unsecured) });
        }
        drawn.sort_by_key(|draw| draw.loan);
        draws.append(&mut drawn);
    }
    let reserved = reserved.chunks(RESERVATION_LINES_MAX);
    let reserved = reserved.map(|lines| Event::Reserved(Reservation { time, epoch, lines: lines.to_vec() }));
    let draws = draws.chunks(DRAWS_MAX).map(|draws| Event::Drawn(Drawn { time, draws: draws.to_vec() }));
    reserved.chain(draws).collect()
}

/// A wide figure of one line as a quantity; a line's figures stay within the bound of what was ordered.
pub(crate) fn narrow(thousandths: i128) -> Quantity {
    let bound = i128::from(QUANTITY_THOUSANDTHS_MAX);
    let within = thousandths.clamp(-bound, bound) as i64;
    Quantity::from_thousandths(within).expect("invariant: clamped to the bound")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::text::Text;
    use crate::time::Timestamp;

    fn time() -> EventTime {
        EventTime { at: Timestamp(0), offset_minutes: 0, business_date: "2026-11-23".parse().unwrap() }
    }

    fn line(sku: &str, quantity: &str) -> LineState {
        LineState::new(Text::new(sku).unwrap(), None, quantity.parse().unwrap(), "2.50".parse().unwrap())
    }

    fn loan(at: u8, units: i128) -> (LoanId, i128) {
        (LoanId([at; 16]), units * 1_000)
    }

    fn reserved(event: &Event) -> Vec<(u16, i64, i64)> {
        let Event::Reserved(reservation) = event else { panic!("{event:?}") };
        let units = |quantity: Quantity| quantity.thousandths() / 1_000;
        reservation.lines.iter().map(|line| (line.line, units(line.secured), units(line.unsecured))).collect()
    }

    fn drawn(event: &Event) -> Vec<(u16, u8, i64)> {
        let Event::Drawn(drawn) = event else { panic!("{event:?}") };
        drawn.draws.iter().map(|draw| (draw.line, draw.loan.0[0], draw.quantity.thousandths() / 1_000)).collect()
    }

    #[test]
    fn lines_of_one_item_share_its_free_rights() {
        let lines = [line("A", "3"), line("A", "4"), line("B", "1")];
        let events = promise(&lines, time(), 1, |_, _| Means { own: 5_000, loans: Vec::new() });
        assert_eq!(events.len(), 1);
        assert_eq!(reserved(&events[0]), [(1, 3, 0), (2, 2, 2), (3, 1, 0)]);
    }

    #[test]
    fn a_promise_takes_own_rights_then_loans_and_leaves_the_rest_unsecured() {
        let means = Means { own: 1_000, loans: vec![loan(9, 2), loan(7, 3), loan(8, -4)] };
        assert_eq!(means.total(), 6_000);
        let events = promise(&[line("A", "4"), line("A", "2"), line("A", "1")], time(), 1, |_, _| means.clone());
        assert_eq!(reserved(&events[0]), [(1, 1, 0), (3, 0, 1)]);
        assert_eq!(drawn(&events[1]), [(1, 7, 1), (1, 9, 2), (2, 7, 2)]);
    }

    #[test]
    fn a_debt_secures_nothing() {
        let events = promise(&[line("A", "2")], time(), 1, |_, _| Means { own: -3_000, loans: Vec::new() });
        assert_eq!(reserved(&events[0]), [(1, 0, 2)]);
    }

    #[test]
    fn draws_at_the_limit_are_one_event_and_past_it_two() {
        for (count, events) in [(DRAWS_MAX, 1), (DRAWS_MAX + 1, 2)] {
            let lines = vec![line("A", "1"); count];
            let written = promise(&lines, time(), 1, |_, _| Means { own: 0, loans: vec![loan(1, count as i128)] });
            assert_eq!(written.len(), events, "{count} draws");
            assert!(written.iter().all(|event| event.encode().len() <= crate::change::BYTES_VALUE_MAX));
        }
    }

    #[test]
    fn a_reservation_event_names_at_most_a_thousand_lines() {
        let events = |lines: usize| promise(&vec![line("A", "1"); lines], time(), 1, |_, _| Means::default());
        assert_eq!(events(RESERVATION_LINES_MAX).len(), 1);
        let two = events(RESERVATION_LINES_MAX + 1);
        assert_eq!((two.len(), reserved(&two[1])), (2, vec![(1001, 0, 1)]));
    }
}
