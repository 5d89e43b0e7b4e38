//! Tests of repeated requests: one answer, one effect.
#![allow(clippy::unwrap_used)]

use crdt_model::id::{DocumentId, RequestId};
use crdt_model::scope::Scope;

use super::super::*;
use super::world::*;
use crate::store::Table;

fn keyed(shop: &mut Shop, command: Command, id: u8, body: u8) -> Input {
    let request = Some(RequestKey { id: RequestId([id; 16]), body_hash: [body; 32] });
    Input { request, ..shop.input(command) }
}

/// Every kind of command that a request can repeat.
fn commands(order: DocumentId) -> Vec<Command> {
    let details = [Some("Wang".into()), None, None, None];
    vec![
        place("lamp", "1"),
        confirm(order),
        ship(order, Some(of_line(1, "1"))),
        cancel(order, Some(of_line(1, "1"))),
        Command::PostProduct(product("chair")),
        Command::PostCustomer(CustomerDraft { external: None, details }),
        channel("web", "SH01"),
        stock(StockKind::Receipt, "lamp", 3),
        Command::StartImport { id: order },
    ]
}

#[test]
fn a_repeated_request_gets_the_first_answer() {
    let mut shop = Shop::with(&["lamp"]);
    let order = shop.order(place("lamp", "5"));
    for (command, id) in commands(order).into_iter().zip(1..) {
        let input = keyed(&mut shop, command.clone(), id, 1);
        let first = shop.handle(&[input]).pop().unwrap().unwrap();
        let written: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
        let again = keyed(&mut shop, command.clone(), id, 1);
        let later = keyed(&mut shop, command.clone(), id, 1);
        assert_eq!(shop.handle(&[again, later]), [Ok(first.clone()), Ok(first.clone())]);
        shop.restart();
        let later = keyed(&mut shop, command.clone(), id, 1);
        assert_eq!(shop.handle(std::slice::from_ref(&later)), [Ok(first.clone())], "after a restart");
        let other = keyed(&mut shop, command.clone(), id, 2);
        assert_eq!(shop.handle(&[other]), [Err(CommandError::RequestReused)], "{command:?}");
        let now: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
        assert_eq!(now, written, "a repetition writes nothing: {command:?}");
        let found = request_outcome(&shop.store.read().unwrap(), later.request.as_ref().unwrap());
        assert_eq!(found.unwrap(), Some(Ok(first)));
    }
    check_own_log(&shop);
}

#[test]
fn two_equal_requests_in_one_transaction_have_one_effect() {
    let mut shop = Shop::with(&["lamp"]);
    let inputs = [keyed(&mut shop, place("lamp", "1"), 1, 1), keyed(&mut shop, place("lamp", "1"), 1, 1)];
    let answers = shop.handle(&inputs);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(shop.count(Table::OrdersByTime), 1);
    let last = shop.commits(&scope()).pop().unwrap();
    assert_eq!(last.commit().request, RequestId([1; 16]), "the commit carries its request");
}

#[test]
fn a_refused_request_may_be_sent_again() {
    let mut shop = Shop::new();
    let refused = keyed(&mut shop, place("lamp", "1"), 1, 1);
    assert_eq!(shop.handle(&[refused]), [Err(CommandError::UnknownSku { line: 0, sku: text("lamp") })]);
    shop.done(Command::PostProduct(product("lamp")));
    let again = keyed(&mut shop, place("lamp", "1"), 1, 1);
    assert!(shop.handle(&[again])[0].is_ok());
}

#[test]
fn a_request_of_a_dropped_transaction_is_not_remembered() {
    let mut shop = Shop::with(&["lamp"]);
    let input = keyed(&mut shop, place("lamp", "1"), 1, 1);
    shop.handle_dropped(std::slice::from_ref(&input));
    let found = request_outcome(&shop.store.read().unwrap(), input.request.as_ref().unwrap());
    assert_eq!(found.unwrap(), None);
    assert!(shop.handle(&[input])[0].is_ok());
    assert_eq!(shop.count(Table::OrdersByTime), 1);
}

#[test]
fn a_product_is_posted_once() {
    let mut shop = Shop::new();
    let first = shop.done(Command::PostProduct(product("lamp")));
    assert_eq!(first, Outcome::Product { scope: scope(), id: DocumentId::of_sku("lamp") });
    let commits = shop.count(Table::Commits);
    let again = shop.run(Command::PostProduct(ProductDraft { name: text("another name"), ..product("lamp") }));
    assert_eq!(again, Err(CommandError::Exists { what: "product", name: text("lamp") }));
    shop.restart();
    assert!(shop.run(Command::PostProduct(product("lamp"))).is_err(), "known without memory too");
    assert_eq!(shop.count(Table::Commits), commits);
    shop.done(Command::PostProduct(product("Lamp")));
    assert_eq!(shop.count(Table::Commits), commits + 1, "letter case counts");
}

#[test]
fn head_office_posts_products_into_the_catalogue() {
    let mut shop = Shop::of_kind(crdt_model::control::event::SiteKind::HeadOffice);
    let posted = shop.done(Command::PostProduct(product("lamp")));
    assert_eq!(posted, Outcome::Product { scope: Scope::Catalogue, id: DocumentId::of_sku("lamp") });
    shop.receive("lamp", 1);
    assert!(shop.run(Command::PostProduct(product("lamp"))).is_err());
    check_own_log(&shop);
}
