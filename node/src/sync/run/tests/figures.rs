//! What an order costs on the wire, measured with commits that the replica wrote.
#![allow(clippy::unwrap_used)]
use crdt_model::commit::SignedCommit;
use crdt_model::id::request_of;
use crdt_model::order::event::Handover;
use crdt_model::scope::Scope;

use super::bytes::{commits_of, encode_all};
use crate::replica::tests::world::{Shop, confirm, line, order, product, scope, ship};
use crate::replica::{Command, LineDraft, OrderDraft, PaymentDraft, RequestKey};
use crate::sync::frame::{FrameKind, write_frame};
use crdt_model::money::Money;
use crdt_model::order::event::Tender;

const ITEMS: u64 = 500;
const ORDERS: usize = 300;

/// A small seeded generator, so that figures repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn sku(number: u64) -> String {
    format!("{}{}", 20_000 + number * 37, ["", "A", "B"][(number % 3) as usize])
}

fn lines(dice: &mut Dice) -> Vec<LineDraft> {
    let one = |dice: &mut Dice| {
        let mut line = line(&sku(dice.below(ITEMS)), &(1 + dice.below(12)).to_string());
        line.price = format!("{}.{:02}", dice.below(20), dice.below(100)).parse().unwrap();
        line
    };
    (0..5).map(|_| one(dice)).collect()
}

fn shop() -> Shop {
    let mut shop = Shop::new();
    let inputs: Vec<_> = (0..ITEMS).map(|number| shop.input(Command::PostProduct(product(&sku(number))))).collect();
    assert!(shop.handle(&inputs).iter().all(Result::is_ok));
    shop
}

fn take(shop: &mut Shop, draft: OrderDraft, number: u64) -> crdt_model::id::DocumentId {
    let mut input = shop.input(Command::PlaceOrder(draft));
    // Clients that retry name their requests.
    input.request = Some(RequestKey { id: request_of(b"till", &number.to_string()), body_hash: [0; 32] });
    match shop.handle(&[input]).pop().unwrap().unwrap() {
        crate::replica::Outcome::Order { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

/// Bytes on the wire of the commits that `run` adds to a shop, in frames of the size that sessions send.
fn wire_bytes(shop: &mut Shop, run: impl FnOnce(&mut Shop)) -> (usize, usize) {
    let of_site = |shop: &Shop| -> Vec<SignedCommit> {
        commits_of(shop).into_iter().find(|(of, _)| *of == scope()).map_or(Vec::new(), |(_, commits)| commits)
    };
    let before = of_site(shop).len();
    run(shop);
    let commits = of_site(shop).split_off(before);
    let stored: usize = commits.iter().map(|commit| commit.bytes().len()).sum();
    let scope: Scope = scope();
    let frames =
        commits.chunks(700).map(|part| write_frame(FrameKind::Data, &encode_all(shop, &scope, part)).unwrap().len());
    (frames.sum(), stored)
}

fn assert_at_most(what: &str, (wire, stored): (usize, usize), orders: usize, limit: usize) {
    let each = wire / orders;
    assert!(each <= limit, "{what}: {each} bytes each on the wire, {} stored; the limit is {limit}", stored / orders);
}

#[test]
fn a_walk_in_sale_of_five_lines_takes_at_most_250_bytes() {
    let mut shop = shop();
    let mut dice = Dice(1);
    let bytes = wire_bytes(&mut shop, |shop| {
        for number in 0..ORDERS as u64 {
            let mut draft = order(Handover::AtOnce, lines(&mut dice));
            let amount = Money::from_minor(1_000 + dice.below(9_000) as i64).unwrap();
            draft.payments = vec![PaymentDraft { tender: Tender::Cash, amount, reference: None }];
            take(shop, draft, number);
        }
    });
    assert_at_most("walk-in sale", bytes, ORDERS, 250);
}

#[test]
fn an_order_with_an_address_takes_at_most_350_bytes() {
    let mut shop = shop();
    let mut dice = Dice(2);
    let bytes = wire_bytes(&mut shop, |shop| {
        for number in 0..ORDERS as u64 {
            let mut draft = order(Handover::Later, lines(&mut dice));
            draft.contact = Some(format!(
                "Ann Example {number}\n+44 20 7946 {:04}\n{} High Street, London",
                number,
                dice.below(200)
            ));
            take(shop, draft, number);
        }
    });
    assert_at_most("order with an address", bytes, ORDERS, 350);
}

#[test]
fn an_order_placed_confirmed_and_shipped_takes_at_most_750_bytes() {
    let mut shop = shop();
    let mut dice = Dice(3);
    let orders = ORDERS / 6;
    let bytes = wire_bytes(&mut shop, |shop| {
        for number in 0..orders as u64 {
            let mut draft = order(Handover::Later, lines(&mut dice));
            draft.contact = Some(format!(
                "Ann Example {number}\n+44 20 7946 {:04}\n{} High Street, London",
                number,
                dice.below(200)
            ));
            let id = take(shop, draft, number);
            shop.done(confirm(id));
            shop.done(ship(id, None));
        }
    });
    assert_at_most("placed, confirmed, shipped", bytes, orders, 750);
}
