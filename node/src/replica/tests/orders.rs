//! Tests of orders: what is promised, what leaves, what is refused and which cases open.
#![allow(clippy::unwrap_used)]

use crdt_model::case::CaseKind;
use crdt_model::id::DocumentId;
use crdt_model::order::decide::RuleError;
use crdt_model::order::event::{ExternalOrder, Handover};
use crdt_model::order::state::{Fulfilment, OrderStatus, Secured};
use crdt_model::stock::StockSums;

use super::super::*;
use super::world::*;
use crate::store::Table;

/// On hand, secured, unsecured, spent and free rights in units.
fn ladder(sums: &StockSums) -> [i128; 5] {
    [sums.on_hand, sums.secured, sums.unsecured, sums.spent, sums.free_rights(1)].map(|thousandths| thousandths / 1_000)
}

fn kinds(shop: &Shop) -> Vec<CaseKind> {
    shop.cases().iter().map(|case| case.kind).collect()
}

fn held(shop: &Shop, id: DocumentId) -> (i128, i128) {
    let state = shop.state(id);
    (state.lines[0].secured() / 1_000, state.lines[0].unsecured() / 1_000)
}

#[test]
fn a_promise_is_secured_as_far_as_rights_reach() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    assert_eq!(ladder(&shop.stock("lamp")), [10, 0, 0, 0, 10]);
    let first = shop.order(place("lamp", "7"));
    assert_eq!((held(&shop, first), shop.state(first).secured()), ((7, 0), Secured::All));
    assert_eq!(ladder(&shop.stock("lamp")), [10, 7, 0, 0, 3]);
    let second = shop.order(place("lamp", "5"));
    assert_eq!((held(&shop, second), shop.state(second).secured()), ((3, 2), Secured::Part));
    assert_eq!(ladder(&shop.stock("lamp")), [10, 10, 2, 0, 0]);
    let third = shop.order(place("lamp", "1"));
    assert_eq!((held(&shop, third), shop.state(third).secured()), ((0, 1), Secured::None));
    assert_eq!(shop.stock("lamp").available(), -3_000);
    assert!(kinds(&shop).is_empty(), "an unsecured promise is no case");
}

#[test]
fn lines_of_one_article_share_its_rights() {
    let mut shop = Shop::with(&["lamp", "chair"]);
    shop.receive("lamp", 5);
    shop.receive("chair", 1);
    let lines = vec![line("lamp", "3"), line("chair", "1"), line("lamp", "3")];
    let id = shop.order(Command::PlaceOrder(order(Handover::Later, lines)));
    let secured: Vec<i128> = shop.state(id).lines.iter().map(|line| line.secured() / 1_000).collect();
    assert_eq!(secured, [3, 1, 2]);
    assert_eq!(ladder(&shop.stock("lamp")), [5, 5, 1, 0, 0]);
}

#[test]
fn promises_of_one_transaction_never_share_rights() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    let inputs: Vec<Input> = (0..4).map(|_| shop.input(place("lamp", "3"))).collect();
    assert!(shop.handle(&inputs).iter().all(Result::is_ok));
    assert_eq!(ladder(&shop.stock("lamp")), [10, 10, 2, 0, 0]);
}

/// The walk of the first milestone's acceptance.
#[test]
fn goods_are_received_promised_shipped_cancelled_and_sold_beyond_the_book() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    let (first, second) = (shop.order(place("lamp", "7")), shop.order(place("lamp", "5")));
    assert_eq!((held(&shop, first), held(&shop, second)), ((7, 0), (3, 2)));

    shop.done(confirm(first));
    assert_eq!(shop.state(first).status(), OrderStatus::Confirmed);
    shop.done(ship(first, Some(of_line(1, "4"))));
    let state = shop.state(first);
    assert_eq!((state.fulfilment(), state.status()), (Fulfilment::PartlyShipped, OrderStatus::Confirmed));
    assert_eq!(ladder(&shop.stock("lamp")), [6, 6, 2, 4, 0]);
    shop.done(ship(first, None));
    assert_eq!(shop.state(first).fulfilment(), Fulfilment::Shipped);
    assert_eq!(ladder(&shop.stock("lamp")), [3, 3, 2, 7, 0]);

    shop.done(cancel(second, None));
    assert_eq!((shop.state(second).status(), held(&shop, second)), (OrderStatus::Cancelled, (0, 0)));
    assert_eq!(ladder(&shop.stock("lamp")), [3, 0, 0, 7, 3], "the cancelled promise is free again");
    assert!(kinds(&shop).is_empty());

    let third = shop.order(place("lamp", "2"));
    assert_eq!(held(&shop, third), (2, 0));
    let sale = shop.order(walk_in("lamp", "4"));
    assert_eq!(shop.state(sale).status(), OrderStatus::Completed);
    assert_eq!(shop.state(sale).secured(), Secured::NotNeeded);
    assert_eq!(ladder(&shop.stock("lamp")), [-1, 2, 0, 7, -3], "goods in a hand are sold whatever the book says");
    assert_eq!(shop.stock("lamp").burned(), 4_000, "a sale over the counter takes rights without a promise");
    let mut found = kinds(&shop);
    found.sort_unstable();
    assert_eq!(found, [CaseKind::NegativeStock, CaseKind::PromisesUncovered]);
    let missing = shop.cases().into_iter().find(|case| case.kind == CaseKind::PromisesUncovered).unwrap();
    assert_eq!((missing.label, missing.subject), (text("lamp"), DocumentId::of_sku("lamp")));

    shop.receive("lamp", 3);
    assert_eq!(ladder(&shop.stock("lamp")), [2, 2, 0, 7, 0]);
    assert!(kinds(&shop).is_empty(), "a case is there while its reason is");
    check_own_log(&shop);
}

#[test]
fn cancelled_order_returns_reserved_stock_and_keeps_what_left() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 10);
    let id = shop.order(place("lamp", "6"));
    shop.done(ship(id, Some(of_line(1, "2"))));
    shop.done(cancel(id, Some(of_line(1, "1"))));
    assert_eq!(ladder(&shop.stock("lamp")), [8, 3, 0, 2, 5]);
    shop.done(cancel(id, None));
    assert_eq!(ladder(&shop.stock("lamp")), [8, 0, 0, 2, 8]);
    assert_eq!(shop.state(id).fulfilment(), Fulfilment::Shipped);
    assert!(kinds(&shop).is_empty(), "what had left was not cancelled");
}

#[test]
fn a_cancel_gives_unsecured_units_back_first() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 3);
    let id = shop.order(place("lamp", "5"));
    shop.done(cancel(id, Some(of_line(1, "3"))));
    assert_eq!((held(&shop, id), ladder(&shop.stock("lamp"))), ((2, 0), [3, 2, 0, 0, 1]));
}

#[test]
fn an_order_that_is_over_is_worked_no_more() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 5);
    let id = shop.order(place("lamp", "2"));
    let rule = |answer: Answer| match answer.unwrap_err() {
        CommandError::Rule(rule) => rule,
        other => panic!("{other:?}"),
    };
    let asked = shop.run(ship(id, Some(of_line(1, "3"))));
    assert!(matches!(rule(asked), RuleError::MoreThanOpen { line: 1, .. }));
    assert_eq!(rule(shop.run(ship(id, Some(of_line(2, "1"))))), RuleError::UnknownLine { line: 2 });
    shop.done(ship(id, None));
    assert_eq!(rule(shop.run(ship(id, None))), RuleError::NothingOpen);
    assert_eq!(rule(shop.run(cancel(id, None))), RuleError::NothingOpen);
    let cancelled = shop.order(place("lamp", "1"));
    shop.done(cancel(cancelled, None));
    for command in [confirm(cancelled), ship(cancelled, None), cancel(cancelled, None)] {
        assert_eq!(rule(shop.run(command)), RuleError::IsCancelled);
    }
    let unknown = DocumentId([1; 16]);
    assert_eq!(shop.run(confirm(unknown)), Err(CommandError::UnknownOrder { id: unknown }));
    let product = DocumentId::of_sku("lamp");
    assert_eq!(shop.run(confirm(product)), Err(CommandError::UnknownOrder { id: product }), "no order, a product");
}

#[test]
fn a_confirmation_is_written_once() {
    let mut shop = Shop::with(&["lamp"]);
    let id = shop.order(place("lamp", "2"));
    shop.done(confirm(id));
    let commits = shop.count(Table::Commits);
    shop.done(confirm(id));
    assert_eq!(shop.count(Table::Commits), commits);
}

#[test]
fn a_refused_command_changes_no_table() {
    let mut shop = Shop::with(&["lamp"]);
    let id = shop.order(place("lamp", "2"));
    let unknown_customer =
        OrderDraft { customer: Some(DocumentId([1; 16])), ..order(Handover::Later, vec![line("lamp", "1")]) };
    let refused = [
        place("nothing", "1"),
        place("lamp", "-1"),
        Command::PlaceOrder(order(Handover::Later, Vec::new())),
        Command::PlaceOrder(unknown_customer),
        Command::PostProduct(product("lamp")),
        channel("web", "WH02"),
        ship(id, Some(of_line(1, "3"))),
        stock(StockKind::Receipt, "nothing", 1),
    ];
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    for command in refused {
        assert!(shop.run(command.clone()).is_err(), "{command:?}");
        let after: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
        assert_eq!(after, before, "{command:?}");
    }
}

fn from_channel(name: &str, number: &str) -> Command {
    let external = ExternalOrder { channel: text(name), number: text(number), time_text: Text::default() };
    Command::PlaceOrder(OrderDraft { external: Some(external), ..order(Handover::Later, vec![line("lamp", "1")]) })
}

#[test]
fn an_order_of_a_channel_whose_home_is_another_site_is_refused() {
    let mut shop = Shop::with(&["lamp"]);
    shop.open_site("WH02");
    shop.done(channel("web", "SH01"));
    shop.done(channel("elsewhere", "WH02"));
    let refused = CommandError::OtherHome { name: text("elsewhere"), home: SiteCode::new("WH02").unwrap() };
    assert_eq!(shop.run(from_channel("elsewhere", "1")), Err(refused.clone()));
    let mut history = super::random::history(1, 1, "1");
    history.external.channel = text("elsewhere");
    assert_eq!(shop.run(Command::ImportOrders(vec![history.clone()])), Err(refused));
    history.external.channel = text("nowhere");
    let unknown = Err(CommandError::UnknownChannel { name: text("nowhere") });
    assert_eq!(shop.run(Command::ImportOrders(vec![history])), unknown);
    assert_eq!(shop.run(from_channel("nowhere", "1")), unknown);
    shop.restart();
    shop.order(from_channel("web", "1"));
    assert_eq!(shop.count(Table::OrdersByTime), 1);
    check_own_log(&shop);
}

#[test]
fn an_external_number_is_taken_once() {
    let mut shop = Shop::with(&["lamp"]);
    shop.done(channel("web", "SH01"));
    shop.done(channel("phone", "SH01"));
    shop.order(from_channel("web", "1"));
    let exists = CommandError::Exists { what: "order", name: text("1") };
    assert_eq!(shop.run(from_channel("web", "1")), Err(exists));
    shop.order(from_channel("web", "10"));
    shop.order(from_channel("phone", "1"));
    assert_eq!(shop.count(Table::OrdersByExternal), 3);
}
