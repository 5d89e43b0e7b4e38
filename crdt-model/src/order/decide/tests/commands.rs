//! Tests of what commands write.
#![allow(clippy::unwrap_used)]
use super::super::*;
use crate::id::EventKey;
use crate::order::event::Placed;
use crate::order::line::Source;
use crate::time::Timestamp;

fn time() -> EventTime {
    EventTime { at: Timestamp(0), offset_minutes: 480, business_date: "2026-11-23".parse().unwrap() }
}

fn line(sku: &str, quantity: &str) -> LineState {
    LineState::new(Text::new(sku).unwrap(), None, quantity.parse().unwrap(), "2.50".parse().unwrap())
}

fn order(lines: Vec<LineState>) -> OrderState {
    let header = Placed {
        time: time(),
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: Currency::new("CNY", 2).unwrap(),
        customer: None,
        region: None,
        request: None,
        line_count: lines.len() as u16,
        parts: None,
    };
    OrderState {
        purpose: Purpose::Sale,
        placed: EventKey([1; 8]),
        header,
        lines,
        confirmed: Confirmation::Open,
        paid: 0,
        contact: None,
        rivals: vec![],
        sent: vec![],
        moves: vec![],
        duplicate_of: None,
    }
}

#[test]
fn cancelling_gives_back_unsecured_promises_first() {
    let mut state = line("A", "5");
    state.promise(Source::Keeper(1), 3_000);
    state.promised_unsecured = 2_000;
    let wish = [LineQuantity { line: 1, quantity: "3".parse().unwrap() }];
    let cancelled = cancel(&order(vec![state.clone()]), Some(&wish), time(), None).unwrap();
    assert_eq!(cancelled.lines, LineSelection::Some(wish.to_vec()));
    state.cancel_asked = 3_000;
    assert_eq!((state.secured(), state.unsecured()), (2_000, 0));
}

#[test]
fn a_second_cancel_names_the_sum_of_both() {
    let mut state = line("A", "5");
    state.cancel_asked = 2_000;
    let wish = [LineQuantity { line: 1, quantity: "1".parse().unwrap() }];
    let cancelled = cancel(&order(vec![state]), Some(&wish), time(), None).unwrap();
    let sum = LineQuantity { line: 1, quantity: "3".parse().unwrap() };
    assert_eq!(cancelled.lines, LineSelection::Some(vec![sum]));
}

#[test]
fn no_more_is_shipped_than_is_open() {
    let mut state = line("A", "5");
    (state.shipped, state.cancel_asked) = (1_000, 1_000);
    let order = order(vec![state]);
    let wish = |text: &str| [LineQuantity { line: 1, quantity: text.parse().unwrap() }];
    assert!(ship(&order, Some(&wish("3")), time(), 1, RightsBooking::Here).is_ok());
    let error = ship(&order, Some(&wish("3.001")), time(), 1, RightsBooking::Here).unwrap_err();
    assert!(matches!(error, RuleError::MoreThanOpen { line: 1, .. }), "{error}");
    let unknown = [LineQuantity { line: 2, quantity: "1".parse().unwrap() }];
    let error = ship(&order, Some(&unknown), time(), 1, RightsBooking::Here).unwrap_err();
    assert_eq!(error, RuleError::UnknownLine { line: 2 });
}

#[test]
fn a_cancelled_order_is_neither_shipped_nor_confirmed() {
    let mut state = line("A", "5");
    state.cancel_asked = 5_000;
    let order = order(vec![state]);
    assert_eq!(ship(&order, None, time(), 1, RightsBooking::Here).unwrap_err(), RuleError::IsCancelled);
    assert_eq!(confirm(&order, time()).unwrap_err(), RuleError::IsCancelled);
    assert_eq!(cancel(&order, None, time(), None).unwrap_err(), RuleError::IsCancelled);
}

#[test]
fn history_is_a_finished_record() {
    let mut history = order(vec![line("A", "5")]);
    history.header.entry = Entry::History;
    assert_eq!(ship(&history, None, time(), 1, RightsBooking::Here).unwrap_err(), RuleError::Finished);
}

#[test]
fn an_order_of_two_thousand_lines_is_taken_and_one_more_refused() {
    let cny = Currency::new("CNY", 2).unwrap();
    assert_eq!(check_lines(&vec![line("A", "1"); ORDER_LINES_MAX], &cny), Ok(()));
    let error = check_lines(&vec![line("A", "1"); ORDER_LINES_MAX + 1], &cny).unwrap_err();
    assert_eq!(error, RuleError::TooManyLines { count: ORDER_LINES_MAX + 1 });
    assert_eq!(check_lines(&[], &cny), Err(RuleError::NoLines));
}

#[test]
fn confirming_twice_writes_one_confirmation() {
    let mut order = order(vec![line("A", "1")]);
    assert!(confirm(&order, time()).unwrap().is_some());
    order.confirmed = Confirmation::Given;
    assert_eq!(confirm(&order, time()).unwrap(), None);
}
