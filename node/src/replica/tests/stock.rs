//! Tests of stock facts, the keeper's bookings and the journals that hold both.
#![allow(clippy::unwrap_used)]

use crdt_model::case::CaseKind;
use crdt_model::event::Event;
use crdt_model::journal::JOURNAL_EVENTS_MAX;
use crdt_model::quantity::Quantity;

use super::super::*;
use super::world::*;

fn figures(shop: &Shop) -> (i128, i128, i128) {
    let sums = shop.stock("lamp");
    (sums.on_hand / 1_000, sums.minted() / 1_000, sums.burned() / 1_000)
}

/// Documents of the journals, oldest first.
fn journals(shop: &Shop) -> Vec<DocumentId> {
    let changes = shop.commits(&scope()).into_iter().flat_map(|commit| commit.commit().changes.clone());
    let mut found: Vec<DocumentId> = changes.map(|change| change.document).collect();
    found.dedup();
    found.retain(|id| *id != DocumentId::of_sku("lamp"));
    found
}

#[test]
fn a_receipt_makes_rights_in_the_same_change() {
    let mut shop = Shop::with(&["lamp"]);
    let before = shop.commits(&scope()).len();
    shop.receive("lamp", 10);
    let commits = shop.commits(&scope());
    assert_eq!(commits.len(), before + 1, "one commit");
    assert_eq!(commits[before].commit().changes.len(), 1, "one change");
    let journal = commits[before].commit().changes[0].document;
    let events = shop.events(journal);
    let booked: Vec<_> =
        events.iter().filter_map(|event| if let Event::Mint(booking) = event { Some(booking) } else { None }).collect();
    assert_eq!((events.len(), booked.len()), (2, 1));
    assert_eq!((booked[0].quantity, booked[0].fact.document), ("10".parse().unwrap(), journal));
    assert_eq!(figures(&shop), (10, 10, 0));
    assert_eq!(shop.stock("lamp").free_rights(1), 10_000);
}

#[test]
fn an_adjustment_takes_or_makes_rights_of_its_size() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    shop.done(stock(StockKind::Adjustment, "lamp", -3));
    assert_eq!(figures(&shop), (7, 10, 3));
    shop.done(stock(StockKind::Adjustment, "lamp", 2));
    assert_eq!(figures(&shop), (9, 12, 3));
    shop.done(stock(StockKind::Adjustment, "lamp", 0));
    assert_eq!(figures(&shop), (9, 12, 3));
    shop.done(stock(StockKind::Adjustment, "lamp", -11));
    assert_eq!(figures(&shop), (-2, 12, 14));
    assert_eq!(shop.stock("lamp").free_rights(1), -2_000, "a debt");
    assert_eq!(shop.cases().iter().map(|case| case.kind).collect::<Vec<_>>(), [CaseKind::NegativeStock]);
    check_own_log(&shop);
}

#[test]
fn a_node_that_is_not_the_keeper_makes_no_rights() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    shop.lose_keeper();
    shop.receive("lamp", 5);
    assert_eq!(figures(&shop), (15, 10, 0));
    let id = shop.order(place("lamp", "4"));
    let line = shop.state(id).lines[0].clone();
    assert_eq!((line.secured(), line.unsecured()), (0, 4_000), "only the keeper promises with rights");
    shop.order(walk_in("lamp", "1"));
    assert_eq!(shop.stock("lamp").spent, 0, "the keeper books it later");
    check_own_log(&shop);
}

#[test]
fn stock_of_an_unknown_article_is_refused() {
    let mut shop = Shop::new();
    let refused = shop.run(stock(StockKind::Receipt, "lamp", 1));
    assert_eq!(refused, Err(CommandError::UnknownSku { line: 0, sku: text("lamp") }));
}

#[test]
fn a_journal_is_full_at_128_events_and_the_next_one_begins() {
    let mut shop = Shop::with(&["lamp"]);
    for _ in 0..JOURNAL_EVENTS_MAX / 2 {
        shop.receive("lamp", 1);
    }
    let full = journals(&shop);
    assert_eq!(full.len(), 1);
    assert_eq!(shop.events(full[0]).len(), JOURNAL_EVENTS_MAX);
    shop.receive("lamp", 1);
    let both = journals(&shop);
    assert_eq!(both.len(), 2);
    assert_eq!((shop.events(both[0]).len(), shop.events(both[1]).len()), (JOURNAL_EVENTS_MAX, 2));
    assert_eq!(figures(&shop), (65, 65, 0));
    check_own_log(&shop);
}

#[test]
fn a_journal_with_room_for_one_event_takes_no_fact_and_booking() {
    for (events, count) in [(JOURNAL_EVENTS_MAX - 2, 1), (JOURNAL_EVENTS_MAX - 1, 2)] {
        let mut shop = Shop::with(&["lamp"]);
        shop.receive("lamp", 1);
        shop.replica.memory().journal.as_mut().unwrap().events = events;
        shop.receive("lamp", 1);
        assert_eq!(journals(&shop).len(), count, "after {events} events");
    }
}

#[test]
fn a_session_has_its_own_journal() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 1);
    shop.receive("lamp", 1);
    assert_eq!(journals(&shop).len(), 1);
    shop.restart();
    shop.receive("lamp", 1);
    assert_eq!(journals(&shop).len(), 2);
    assert_eq!(figures(&shop), (3, 3, 0));
}

#[test]
fn a_quantity_at_its_bound_is_booked_whole() {
    let mut shop = Shop::with(&["lamp"]);
    let quantity = Quantity::from_thousandths(crdt_model::quantity::QUANTITY_THOUSANDTHS_MAX).unwrap();
    for _ in 0..3 {
        let kind = StockKind::Receipt;
        shop.done(Command::RecordStock { kind, sku: text("lamp"), quantity, reference: None, reason: None });
    }
    assert_eq!(shop.stock("lamp").minted(), 3 * i128::from(quantity.thousandths()), "sums pass the bound of one");
}
