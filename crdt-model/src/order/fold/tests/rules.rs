//! Tests of the fold of an order, on contents that are put together by hand.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::id::DocumentId;
use crate::money::{Currency, Money};
use crate::order::event::{Confirmed, Contact, Entry, Paid, Parts, ReservedLine, Tender};
use crate::order::state::{Fulfilment, OrderStatus, PaymentStatus, Secured};
use crate::seal::{SealKey, SealedPlace, SealedValue};
use crate::text::Text;
use crate::time::{EventTime, Timestamp};

const PLACED: EventKey = EventKey([0x50; 8]);

fn time() -> EventTime {
    EventTime { at: Timestamp(0), offset_minutes: 480, business_date: "2026-11-23".parse().unwrap() }
}

fn units(count: i64) -> Quantity {
    Quantity::from_thousandths(count * 1_000).unwrap()
}

fn header(line_count: u16) -> Placed {
    Placed {
        time: time(),
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: Currency::new("CNY", 2).unwrap(),
        customer: None,
        region: None,
        request: None,
        line_count,
        parts: None,
    }
}

fn line(placed: EventKey, number: u16, count: i64) -> Event {
    let (sku, quantity, price) = (Text::new("A").unwrap(), units(count), "2.50".parse().unwrap());
    Event::Line(Line { placed, number, sku, name: None, quantity, price })
}

/// Events under keys that rise from 1, then the given ones.
fn content(events: Vec<Event>, keyed: Vec<(EventKey, Event)>) -> Content {
    let numbered = (1u8..).zip(events).map(|(at, event)| (EventKey([at; 8]), event));
    Content { events: numbered.chain(keyed).collect(), ..Content::default() }
}

/// An order of five units in one line, with further events.
fn order(events: Vec<Event>) -> OrderState {
    let placed = vec![(PLACED, Event::Placed(header(1))), (EventKey([0x51; 8]), line(PLACED, 1, 5))];
    fold_order(&content(events, placed)).unwrap()
}

fn cancelled(lines: LineSelection) -> Event {
    Event::Cancelled(Cancelled { time: time(), lines, reason: None })
}

fn of_line(line: u16, count: i64) -> LineSelection {
    LineSelection::Some(vec![LineQuantity { line, quantity: units(count) }])
}

fn shipped(lines: LineSelection, handover: Handover, booking: RightsBooking) -> Event {
    Event::Shipped(Shipped { time: time(), epoch: 1, handover, booking, lines })
}

fn sent(count: i64) -> Event {
    shipped(of_line(1, count), Handover::Later, RightsBooking::Here)
}

fn promised(secured: i64, unsecured: i64) -> Reservation {
    let lines = vec![ReservedLine { line: 1, secured: units(secured), unsecured: units(unsecured) }];
    Reservation { time: time(), epoch: 1, lines }
}

fn paid(minor: i64) -> Event {
    let amount = Money::from_minor(minor).unwrap();
    Event::Paid(Paid { time: time(), tender: Tender::Cash, amount, reference: None })
}

#[test]
fn an_order_shows_only_with_every_line_that_it_counts() {
    let placed = (PLACED, Event::Placed(header(2)));
    let lines = [line(PLACED, 1, 5), line(PLACED, 2, 3)];
    assert_eq!(fold_order(&content(vec![], vec![placed.clone()])), None);
    assert_eq!(fold_order(&content(lines[..1].to_vec(), vec![placed.clone()])), None);
    let whole = fold_order(&content(lines.to_vec(), vec![placed])).unwrap();
    assert_eq!(whole.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [units(5), units(3)]);
    assert_eq!(fold_order(&content(lines.to_vec(), vec![])), None, "lines without their header");
}

#[test]
fn lines_that_cite_another_header_are_not_this_order_s() {
    let other = EventKey([0x60; 8]);
    let events = vec![line(PLACED, 1, 5), line(other, 2, 9)];
    let folded = fold_order(&content(events, vec![(PLACED, Event::Placed(header(1)))])).unwrap();
    assert_eq!(folded.lines.len(), 1);
}

#[test]
fn lines_of_several_changes_show_only_where_their_hash_fits() {
    let lines = vec![line(PLACED, 1, 5), line(PLACED, 2, 3)];
    let keyed = content(lines.clone(), vec![]);
    let hash = parts_hash(keyed.events.iter().map(|(key, event)| (key, event.encode())));
    let with = |hash| {
        let header = Placed { parts: Some(Parts { hash }), ..header(2) };
        fold_order(&content(lines.clone(), vec![(PLACED, Event::Placed(header))]))
    };
    assert!(with(hash).is_some());
    assert_eq!(with([0; 32]), None);
}

#[test]
fn of_two_headers_the_lowest_key_stands_and_an_equal_one_is_no_rival() {
    let higher = EventKey([0x70; 8]);
    let two = |count| {
        let events = vec![line(PLACED, 1, 5), line(higher, 1, count)];
        let headers = vec![(PLACED, Event::Placed(header(1))), (higher, Event::Placed(header(1)))];
        fold_order(&content(events, headers)).unwrap()
    };
    assert_eq!((two(4).placed, two(4).rivals), (PLACED, vec![higher]));
    assert_eq!((two(5).lines[0].quantity, two(5).rivals), (units(5), vec![]));
}

#[test]
fn each_kind_of_header_has_its_purpose() {
    let of = |event| fold_order(&content(vec![line(PLACED, 1, -5)], vec![(PLACED, event)])).unwrap().purpose;
    assert_eq!(of(Event::Placed(header(1))), Purpose::Sale);
    assert_eq!(of(Event::CreditPlaced(header(1))), Purpose::Credit);
    assert_eq!(of(Event::AdjustmentPlaced(header(1))), Purpose::Adjustment);
}

#[test]
fn cancels_take_the_largest_wish_of_each_line() {
    let state = order(vec![cancelled(of_line(1, 2)), cancelled(of_line(1, 3)), cancelled(of_line(1, 2))]);
    assert_eq!((state.lines[0].cancelled(), state.lines[0].open()), (3_000, 2_000));
    assert_eq!(state.due(), 500);
    assert_eq!(order(vec![cancelled(LineSelection::All)]).status(), OrderStatus::Cancelled);
}

#[test]
fn shipments_and_payments_add_up() {
    let state = order(vec![sent(2), sent(1), paid(500), paid(250)]);
    assert_eq!((state.lines[0].shipped, state.paid), (3_000, 750));
    assert_eq!((state.fulfilment(), state.payment()), (Fulfilment::PartlyShipped, PaymentStatus::PartlyPaid));
    let more = order(vec![sent(5), paid(1_300)]);
    assert_eq!((more.fulfilment(), more.payment()), (Fulfilment::Shipped, PaymentStatus::Overpaid));
}

#[test]
fn what_a_cancel_wanted_back_after_it_left_is_overtaken() {
    let state = order(vec![cancelled(LineSelection::All), sent(2)]);
    assert_eq!((state.lines[0].cancelled(), state.lines[0].open()), (3_000, 0));
    assert_eq!(state.status(), OrderStatus::CancelledAfterDispatch);
}

#[test]
fn goods_that_leave_spend_the_promise_first_and_burn_the_rest() {
    let state = order(vec![Event::Reserved(promised(3, 2)), sent(5)]);
    let line = &state.lines[0];
    assert_eq!((line.spent(), line.burned(), line.secured(), line.unsecured()), (3_000, 2_000, 0, 0));
    let later = shipped(LineSelection::All, Handover::Later, RightsBooking::Later);
    let line = &order(vec![Event::Reserved(promised(3, 2)), later]).lines[0];
    assert_eq!((line.spent(), line.burned()), (3_000, 0), "the keeper burns the rest with a booking of its own");
}

#[test]
fn a_promise_is_released_and_never_holds_more_than_is_open() {
    let held = |events: Vec<Event>| {
        let line = &order(events).lines[0];
        (line.secured(), line.unsecured())
    };
    assert_eq!(held(vec![Event::Reserved(promised(3, 2))]), (3_000, 2_000));
    assert_eq!(held(vec![Event::Reserved(promised(3, 2)), Event::Released(promised(1, 2))]), (2_000, 0));
    assert_eq!(held(vec![Event::Reserved(promised(3, 2)), cancelled(of_line(1, 1))]), (3_000, 1_000));
    assert_eq!(held(vec![Event::Reserved(promised(3, 2)), cancelled(of_line(1, 4))]), (1_000, 0));
    assert_eq!(held(vec![Event::Released(promised(3, 2))]), (0, 0));
}

#[test]
fn secured_says_how_much_of_what_is_open_has_rights() {
    let of = |events| order(events).secured();
    assert_eq!(of(vec![]), Secured::None);
    assert_eq!(of(vec![Event::Reserved(promised(3, 2))]), Secured::Part);
    assert_eq!(of(vec![Event::Reserved(promised(5, 0))]), Secured::All);
    assert_eq!(of(vec![sent(5)]), Secured::NotNeeded);
}

#[test]
fn a_confirmation_counts_for_the_version_that_it_names() {
    let confirmed = |placed| Event::Confirmed(Confirmed { time: time(), placed });
    assert_eq!(order(vec![confirmed(PLACED), confirmed(PLACED)]).status(), OrderStatus::Confirmed);
    assert_eq!(order(vec![confirmed(EventKey([0x70; 8]))]).status(), OrderStatus::Submitted);
}

#[test]
fn goods_taken_at_once_complete_an_order() {
    let taken = shipped(LineSelection::All, Handover::AtOnce, RightsBooking::Here);
    let state = order(vec![taken]);
    assert_eq!((state.status(), state.fulfilment()), (OrderStatus::Completed, Fulfilment::Delivered));
    assert_eq!(order(vec![sent(5)]).status(), OrderStatus::Submitted, "sent is not yet received");
}

#[test]
fn of_two_contacts_the_lowest_key_stands() {
    let contact = |plain| {
        let place = SealedPlace {
            org: crate::id::OrgId([1; 32]),
            document: DocumentId([2; 16]),
            field: crate::seal::SealedField::Event(crate::event::EventKind::Contact),
        };
        let sealed = SealedValue::seal(&SealKey::new([3; 32]), place, plain).unwrap();
        Contact { subject: DocumentId([2; 16]), sealed }
    };
    let state = order(vec![Event::Contact(contact("one")), Event::Contact(contact("two"))]);
    assert_eq!(state.contact, Some((EventKey([1; 8]), contact("one"))));
}

#[test]
fn a_line_that_the_order_does_not_have_moves_nothing() {
    let named = shipped(of_line(2, 1), Handover::Later, RightsBooking::Here);
    assert_eq!(order(vec![named, cancelled(of_line(7, 1))]), order(vec![]));
}
