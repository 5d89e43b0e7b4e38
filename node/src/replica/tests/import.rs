//! Tests of import batches: known orders are left alone, products and customers are made once.
#![allow(clippy::unwrap_used)]

use crdt_model::order::event::{ExternalOrder, Handover};
use crdt_model::scope::Scope;

use super::super::*;
use super::random::history;
use super::world::*;
use crate::store::Table;

fn counts(outcome: Outcome) -> ImportCounts {
    match outcome {
        Outcome::Imported(counts) => counts,
        other => panic!("{other:?}"),
    }
}

fn shop() -> Shop {
    let mut shop = Shop::new();
    shop.done(channel("web", "SH01"));
    shop
}

#[test]
fn an_import_run_twice_writes_nothing_new() {
    let mut shop = shop();
    let orders: Vec<ImportOrder> = (0..200).map(|number| history(number, 1 + number % 3, "1.25")).collect();
    let first = counts(shop.done(Command::ImportOrders(orders.clone())));
    let expected = ImportCounts { created: 200, products_created: 5, customers_created: 2, ..ImportCounts::default() };
    assert_eq!(first, expected);
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    for _ in 0..2 {
        let again = counts(shop.done(Command::ImportOrders(orders.clone())));
        assert_eq!(again, ImportCounts { unchanged: 200, ..ImportCounts::default() });
        let after: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
        assert_eq!(after, before);
        shop.restart();
    }
    check_own_log(&shop);
}

#[test]
fn a_known_order_with_other_content_is_told_and_left() {
    let mut shop = shop();
    shop.done(Command::ImportOrders((0..3).map(|number| history(number, 2, "1.25")).collect()));
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    let mut orders: Vec<ImportOrder> = (0..3).map(|number| history(number, 2, "1.25")).collect();
    orders[1].lines[0].price = "1.26".parse().unwrap();
    orders[2].region = Some(text("Germany"));
    let again = counts(shop.done(Command::ImportOrders(orders)));
    assert_eq!((again.unchanged, &again.differing[..]), (1, &[1usize, 2][..]));
    assert_eq!(before, Table::ALL.iter().map(|table| shop.dump(*table)).collect::<Vec<_>>());
}

#[test]
fn the_order_of_lines_in_a_file_is_no_other_content() {
    let mut shop = shop();
    shop.done(Command::ImportOrders(vec![history(4, 2, "1.25")]));
    let mut turned = history(4, 2, "1.25");
    turned.lines.reverse();
    assert_eq!(counts(shop.done(Command::ImportOrders(vec![turned]))).unchanged, 1);
}

#[test]
fn an_order_taken_by_hand_is_known_to_the_import() {
    let mut shop = shop();
    shop.done(Command::PostProduct(product("old-1")));
    let external = ExternalOrder { channel: text("web"), number: text("1"), time_text: Text::default() };
    let taken = OrderDraft { external: Some(external), ..order(Handover::Later, vec![line("old-1", "1")]) };
    shop.order(Command::PlaceOrder(taken));
    let told = counts(shop.done(Command::ImportOrders(vec![history(1, 1, "1.25")])));
    assert_eq!((told.created, &told.differing[..]), (0, &[0usize][..]));
    assert_eq!(shop.count(Table::OrdersByExternal), 1, "no second order of that number");
}

#[test]
fn history_moves_no_stock_and_is_worked_no_more() {
    let mut shop = shop();
    shop.done(Command::ImportOrders(vec![history(0, 1, "1.25")]));
    assert_eq!(shop.stock("old-0"), Default::default());
    let order = shop.dump(Table::OrdersByTime).into_keys().next().unwrap();
    let id = DocumentId(order[order.len() - 16..].try_into().unwrap());
    for command in [confirm(id), ship(id, None), cancel(id, None)] {
        let finished = crdt_model::order::decide::RuleError::Finished;
        assert_eq!(shop.run(command), Err(CommandError::Rule(finished)));
    }
}

#[test]
fn the_memory_of_names_is_bounded() {
    let mut shop = shop();
    shop.done(Command::ImportOrders(vec![history(0, 1, "1.25")]));
    let (short, long) = (text(&"n".repeat(256)), text(&"n".repeat(257)));
    let replica = &mut shop.replica;
    replica.memory().names.clear();
    replica.remember_name(DocumentId::of_sku("long"), &long);
    assert!(replica.memory().names.is_empty());
    for number in 0..50_000 {
        replica.remember_name(DocumentId::of_sku(&number.to_string()), &short);
    }
    assert_eq!(replica.memory().names.len(), 50_000);
    replica.remember_name(DocumentId::of_sku("one more"), &short);
    assert_eq!(replica.memory().names.len(), 1);
}

#[test]
fn products_of_a_file_are_made_once() {
    let mut shop = shop();
    let products: Vec<ProductDraft> = (0..150).map(|number| product(&format!("p{number}"))).collect();
    assert_eq!(counts(shop.done(Command::ImportProducts(products.clone()))).created, 150);
    let commits = shop.commits(&scope()).len();
    assert_eq!(commits, 3, "64 changes a commit");
    let mut again = products;
    again[7].name = text("another name");
    let again = counts(shop.done(Command::ImportProducts(again)));
    assert_eq!((again.created, again.unchanged, &again.differing[..]), (0, 149, &[7usize][..]));
    assert_eq!(shop.commits(&scope()).len(), commits);
    check_own_log(&shop);
}

#[test]
fn an_import_at_head_office_keeps_products_in_the_catalogue() {
    let mut shop = Shop::of_kind(crdt_model::control::event::SiteKind::HeadOffice);
    shop.done(channel("web", "SH01"));
    let orders: Vec<ImportOrder> = (0..130).map(|number| history(number, 2, "1.25")).collect();
    shop.done(Command::ImportOrders(orders));
    let catalogue = shop.commits(&Scope::Catalogue);
    assert_eq!(catalogue.iter().map(|commit| commit.commit().changes.len()).sum::<usize>(), 5);
    assert_eq!(shop.commits(&scope()).iter().map(|commit| commit.commit().changes.len()).sum::<usize>(), 130);
    let transaction = catalogue[0].commit().transaction;
    assert!(shop.commits(&scope()).iter().all(|commit| commit.commit().transaction == transaction));
    check_own_log(&shop);
}
