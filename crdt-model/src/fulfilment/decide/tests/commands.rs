//! What commands write into fulfilments, and the keeper's duty.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::event::Event;
use crate::fulfilment::fold::tests::rules::{cancelled, code, fulfilment, lines, promise, shipped, time};

fn reserved(lines: &[ReservedLine]) -> Units {
    lines.iter().map(|line| (line.line, line.secured.thousandths() / 1_000)).collect()
}

type Units = Vec<(u16, i64)>;

/// Reserved and released.
fn covered(events: &[Event], free: i128) -> (Units, Units) {
    let cover = cover(&fulfilment(events), 1, |_| free * 1_000);
    (reserved(&cover.reserve), reserved(&cover.release))
}

fn held(named: &[(u16, i64)]) -> Event {
    Event::FulfilmentReserved(promise(1, "WH01", named))
}

#[test]
fn a_shipment_is_what_is_open_or_what_is_named() {
    let open = fulfilment(&[shipped("WH01", &[(2, 1)]), cancelled(&[(2, 2)])]);
    let ship = |wish: Option<&[LineQuantity]>| ship(&open, wish, time(), (code("WH01"), 1), None);
    assert_eq!(ship(None).unwrap().lines, lines(&[(2, 3), (5, 4)]));
    assert_eq!(ship(Some(&lines(&[(5, 1)]))).unwrap().lines, lines(&[(5, 1)]));
    assert!(matches!(ship(Some(&lines(&[(2, 4)]))), Err(RuleError::MoreThanOpen { line: 2, .. })));
    assert_eq!(ship(Some(&lines(&[(1, 1)]))), Err(RuleError::UnknownLine { line: 1 }));
    let gone = fulfilment(&[cancelled(&[(2, 6), (5, 4)])]);
    assert_eq!(super::super::ship(&gone, None, time(), (code("WH01"), 1), None), Err(RuleError::NothingOpen));
}

#[test]
fn a_cancel_names_cumulative_quantities() {
    let once = fulfilment(&[cancelled(&[(2, 2)])]);
    let written = cancel(&once, Some(&lines(&[(2, 1)])), time(), None).unwrap();
    assert_eq!(written.lines, lines(&[(2, 3)]));
}

#[test]
fn a_cancel_takes_what_is_at_home_first() {
    let (one, two) = (fulfilment(&[]), fulfilment(&[shipped("WH01", &[(5, 3)])]));
    let share = |wanted: &[(u16, i64)]| share_cancel(&lines(wanted), |_| 2_000, &[&one, &two]);
    assert_eq!(share(&[(2, 2)]), [vec![], vec![]]);
    assert_eq!(share(&[(2, 9), (5, 7)]), [lines(&[(2, 6), (5, 4)]), lines(&[(2, 1), (5, 1)])]);
}

#[test]
fn a_keeper_covers_what_left_first_and_gives_back_the_rest() {
    assert_eq!(covered(&[], 7), (vec![(2, 6), (5, 1)], vec![]));
    assert_eq!(covered(&[], 0), (vec![], vec![]));
    assert_eq!(covered(&[held(&[(2, 6), (5, 4)])], 9), (vec![], vec![]));
    assert_eq!(covered(&[shipped("WH01", &[(2, 6)])], 2), (vec![(2, 6)], vec![]), "goods that left need no leave");
    assert_eq!(covered(&[shipped("WH01", &[(2, 6)])], 9), (vec![(2, 6), (5, 3)], vec![]));
    assert_eq!(covered(&[held(&[(2, 6)]), cancelled(&[(2, 4), (5, 4)])], 9), (vec![], vec![(2, 4)]));
    let crossed = [held(&[(2, 6)]), cancelled(&[(2, 6), (5, 4)]), shipped("WH01", &[(2, 5)])];
    assert_eq!(covered(&crossed, 9), (vec![], vec![(2, 1)]));
}

#[test]
fn the_keeper_is_needed_exactly_where_it_has_something_to_do() {
    for (events, needed) in [
        (vec![], true),
        (vec![held(&[(2, 6), (5, 4)])], false),
        (vec![held(&[(2, 6), (5, 4)]), shipped("WH01", &[(2, 6)])], false),
        (vec![held(&[(2, 6), (5, 4)]), cancelled(&[(2, 1)])], true),
        (vec![shipped("WH01", &[(2, 6), (5, 4)])], true),
        (vec![cancelled(&[(2, 6), (5, 4)])], false),
    ] {
        assert_eq!(needs_keeper(&fulfilment(&events)), needed, "{events:?}");
    }
}

#[test]
fn a_keeper_of_another_epoch_gives_back_nothing() {
    let idle = [held(&[(2, 6)]), cancelled(&[(2, 6), (5, 4)])];
    assert_eq!(cover(&fulfilment(&idle), 2, |_| 0), Cover::default());
}

#[test]
fn lines_of_one_item_are_debited_together() {
    let state = fulfilment(&[held(&[(2, 6)])]);
    let promise = promise(1, "WH01", &[(2, 6), (5, 4)]);
    let items = by_item(&state, &promise.lines);
    assert_eq!(
        items.iter().map(|(sku, sum)| (sku.as_str(), sum.to_string())).collect::<Vec<_>>(),
        [("A", "10".into())]
    );
}
