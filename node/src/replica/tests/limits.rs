//! Tests of orders at and past the limits of changes, commits and documents.
#![allow(clippy::unwrap_used)]

use crdt_model::change::BYTES_VALUE_MAX;
use crdt_model::event::Event;
use crdt_model::money::Money;
use crdt_model::order::decide::RuleError;
use crdt_model::order::event::{Handover, ORDER_LINES_MAX, Tender};
use crdt_model::product::barcode::Barcode;
use crdt_model::product::state::BARCODES_MAX;
use crdt_model::seal::SealKey;

use super::super::*;
use super::world::*;
use crate::store::Table;

/// What `replica/orders.rs` counts for a line beside its texts.
const LINE_BYTES_BASE: usize = 64;
/// Lines up to here stand in one change.
const PART_BYTES: usize = 96 * 1024;
/// An order up to here is taken.
const ORDER_BYTES: usize = 3 * 1024 * 1024;

/// Lines that weigh `bytes` together, each at most `each`.
fn lines_of(bytes: usize, each: usize) -> Vec<LineDraft> {
    let count = bytes.div_ceil(each);
    let one = |at: usize| {
        let weight = bytes / count + usize::from(at < bytes % count);
        let name = "n".repeat(weight - LINE_BYTES_BASE - "lamp".len());
        LineDraft { name: Some(text(&name)), ..line("lamp", "1") }
    };
    (0..count).map(one).collect()
}

fn take(shop: &mut Shop, lines: Vec<LineDraft>) -> (DocumentId, usize) {
    let before = shop.commits(&scope()).len();
    let id = shop.order(Command::PlaceOrder(order(Handover::Later, lines)));
    (id, shop.commits(&scope()).len() - before)
}

#[test]
fn an_order_of_two_thousand_long_lines_is_created_reloaded_and_folded() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 1_500);
    let name = |number: usize| text(&format!("{number:04}{}", "灯".repeat(196)));
    let long = |number: usize| LineDraft { name: Some(name(number)), ..line("lamp", "1") };
    let (id, commits) = take(&mut shop, (1..=ORDER_LINES_MAX).map(long).collect());
    assert!(commits > 10, "it comes in parts: {commits}");
    let parts = shop.commits(&scope());
    let transactions: BTreeSet<_> = parts.iter().rev().take(commits).map(|part| part.commit().transaction).collect();
    assert_eq!(transactions.len(), 1, "its parts are one transaction");
    shop.restart();
    shop.done(confirm(id));
    shop.done(ship(id, Some(of_line(2_000, "1"))));
    let state = shop.state(id);
    assert_eq!(state.lines.len(), ORDER_LINES_MAX);
    assert!((1..).zip(&state.lines).all(|(number, line)| line.name == Some(name(number))));
    assert_eq!(state.lines[1_999].shipped, 1_000);
    assert_eq!(shop.stock("lamp").secured, 1_500_000);
    let before = shop.dump(Table::Rows);
    shop.done(Command::Rebuild);
    assert_eq!(shop.dump(Table::Rows), before);
    check_own_log(&shop);
}

#[test]
fn an_order_of_2001_lines_is_refused() {
    let mut shop = Shop::with(&["lamp"]);
    let lines = |count| Command::PlaceOrder(order(Handover::Later, vec![line("lamp", "1"); count]));
    assert_eq!(shop.run(lines(2_001)), Err(CommandError::Rule(RuleError::TooManyLines { count: 2_001 })));
    shop.order(lines(2_000));
    check_own_log(&shop);
}

#[test]
fn lines_at_the_limit_of_a_part_are_one_commit_and_past_it_two() {
    let mut shop = Shop::with(&["lamp"]);
    let (whole, commits) = take(&mut shop, lines_of(PART_BYTES, 8 * 1024));
    assert_eq!((commits, shop.state(whole).header.parts.is_some()), (1, false));
    let (parted, commits) = take(&mut shop, lines_of(PART_BYTES + 1, 8 * 1024));
    assert_eq!((commits, shop.state(parted).header.parts.is_some()), (2, true));
    check_own_log(&shop);
}

#[test]
fn an_order_at_the_size_of_a_document_is_taken_and_past_it_refused() {
    let mut shop = Shop::with(&["lamp"]);
    let past = Command::PlaceOrder(order(Handover::Later, lines_of(ORDER_BYTES + 1, 8 * 1024)));
    assert_eq!(shop.run(past), Err(CommandError::OrderTooLarge));
    let (id, _) = take(&mut shop, lines_of(ORDER_BYTES, 8 * 1024));
    shop.done(confirm(id));
}

#[test]
fn an_order_with_everything_at_its_longest_obeys_every_limit() {
    let mut shop = Shop::with(&["lamp"]);
    let reference = Some(text(&"r".repeat(1_024)));
    let amount = Money::from_minor(1).unwrap();
    let payment = PaymentDraft { tender: Tender::Cash, amount, reference };
    for bytes in [1_024, PART_BYTES, 2 * PART_BYTES] {
        let draft = OrderDraft {
            contact: Some("c".repeat(15 * 1024)),
            region: Some(text(&"g".repeat(1_024))),
            payments: vec![payment.clone(); 100],
            ..order(Handover::Later, lines_of(bytes, 1_024))
        };
        let id = shop.order(Command::PlaceOrder(draft));
        assert_eq!(shop.state(id).paid, 100);
    }
    check_own_log(&shop);
}

#[test]
fn a_promise_of_two_thousand_large_quantities_obeys_every_limit() {
    let mut shop = Shop::with(&["lamp"]);
    let lines: Vec<LineDraft> = vec![line("lamp", "900000000"); 2_000];
    let draft = order(
        Handover::Later,
        lines.into_iter().map(|line| LineDraft { price: "0".parse().unwrap(), ..line }).collect(),
    );
    let id = shop.order(Command::PlaceOrder(draft));
    let all: i128 = 2_000 * 900_000_000_000;
    assert_eq!(shop.stock("lamp").unsecured, all);
    shop.done(ship(id, Some(of_line(1, "900000000"))));
    shop.done(cancel(id, Some((2..=1_000).flat_map(|number| of_line(number, "900000000")).collect())));
    assert_eq!(shop.stock("lamp").reserved(), 1_000 * 900_000_000_000);
    shop.done(ship(id, None));
    assert_eq!(shop.stock("lamp").reserved(), 0);
    assert_eq!(shop.stock("lamp").on_hand, -1_001 * 900_000_000_000);
    check_own_log(&shop);
}

/// Runs a command that is too long by one byte, then the longest one.
fn at_the_limit(command: impl Fn(usize) -> Command, bytes: usize, refused: CommandError) {
    let mut shop = Shop::with(&["lamp"]);
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    assert_eq!(shop.run(command(bytes + 1)), Err(refused));
    assert_eq!(Table::ALL.iter().map(|table| shop.dump(*table)).collect::<Vec<_>>(), before);
    shop.done(command(bytes));
    shop.receive("lamp", 1);
    check_own_log(&shop);
}

fn letters(count: usize) -> Text {
    text(&"n".repeat(count))
}

#[test]
fn a_line_as_long_as_a_value_may_be_is_taken_and_one_past_it_refused() {
    let named = |bytes| LineDraft { name: Some(letters(bytes)), ..line("lamp", "1") };
    let command = |bytes| Command::PlaceOrder(order(Handover::Later, vec![line("lamp", "1"), named(bytes)]));
    let longest = BYTES_VALUE_MAX - LINE_BYTES_BASE - "lamp".len();
    at_the_limit(command, longest, CommandError::TextTooLong { line: Some(1), field: "name" });
}

#[test]
fn all_keys_of_a_subject_are_kept_and_the_lowest_one_seals() {
    let mut shop = Shop::with(&["lamp"]);
    let details = [Some("Wang".into()), None, None, None];
    let Outcome::Customer { id, .. } = shop.done(Command::PostCustomer(CustomerDraft { external: None, details }))
    else {
        panic!("another outcome");
    };
    // A second key, as another node may have made it for the same subject; then a third one.
    for byte in [1, 2] {
        let key = SealKey::new([byte; 32]);
        shop.store.write(|tx| tx.put(Table::Keys, &[&id.0[..], &key.id().0].concat(), key.as_bytes())).unwrap();
    }
    let keys: Vec<Vec<u8>> = shop.dump(Table::Keys).into_keys().filter(|key| key.starts_with(&id.0)).collect();
    assert_eq!(keys.len(), 3);
    for _ in 0..2 {
        let draft = order(Handover::Later, vec![line("lamp", "1")]);
        let draft = OrderDraft { customer: Some(id), contact: Some("somebody".into()), ..draft };
        let order = shop.order(Command::PlaceOrder(draft));
        let events = shop.events(order);
        let sealed = events.iter().find_map(|event| match event {
            Event::Contact(contact) => Some(contact.sealed.key_id()),
            _other => None,
        });
        assert_eq!(sealed.unwrap().0, keys[0][16..], "the lowest id");
        shop.restart();
    }
    let kept: Vec<Vec<u8>> = shop.dump(Table::Keys).into_keys().filter(|key| key.starts_with(&id.0)).collect();
    assert_eq!(kept, keys);
}

#[test]
fn contact_details_at_their_limit_are_sealed_and_past_it_refused() {
    let contact = |bytes| Some("n".repeat(bytes));
    let draft = order(Handover::Later, vec![line("lamp", "1")]);
    let command = |bytes| Command::PlaceOrder(OrderDraft { contact: contact(bytes), ..draft.clone() });
    at_the_limit(command, BYTES_VALUE_MAX - 128, CommandError::ContactTooLong);
    let details = |bytes| [contact(1), contact(bytes), None, None];
    let command = |bytes| Command::PostCustomer(CustomerDraft { external: None, details: details(bytes) });
    at_the_limit(command, BYTES_VALUE_MAX - 128, CommandError::ContactTooLong);
}

#[test]
fn a_reason_that_does_not_fit_its_event_is_refused() {
    let too_long = || CommandError::TextTooLong { line: None, field: "reason" };
    let receipt = |bytes| Command::RecordStock {
        kind: StockKind::Receipt,
        sku: text("lamp"),
        quantity: "1".parse().unwrap(),
        reference: None,
        reason: Some(letters(bytes)),
    };
    let mut shop = Shop::with(&["lamp"]);
    let mut fits = |bytes: usize| shop.run(receipt(bytes)).is_ok();
    let longest = (BYTES_VALUE_MAX - 64..BYTES_VALUE_MAX).rev().find(|bytes| fits(*bytes)).unwrap();
    at_the_limit(receipt, longest, too_long());
    let id = shop.order(place("lamp", "2"));
    let cancel = |bytes| Command::CancelOrder { scope: scope(), id, lines: None, reason: Some(letters(bytes)) };
    assert_eq!(shop.run(cancel(BYTES_VALUE_MAX)), Err(too_long()));
    shop.done(cancel(BYTES_VALUE_MAX - 64));
    check_own_log(&shop);
}

#[test]
fn a_product_with_its_texts_at_their_longest_obeys_every_limit() {
    let mut shop = Shop::new();
    let longest = || letters(BYTES_VALUE_MAX);
    let codes = |most: usize| {
        let code = |at: usize| (0..10).find_map(|check| Barcode::new(&format!("{at:013}{check}")).ok());
        (0..most).filter_map(code).collect()
    };
    let (barcodes, price) = (codes(BARCODES_MAX), "1000000000".parse().ok());
    let draft = ProductDraft { sku: text("lamp"), name: longest(), unit: Some(longest()), barcodes, price };
    shop.done(Command::PostProduct(draft));
    let edit = |barcodes| Command::EditProduct(ProductEdit { sku: text("lamp"), barcodes, price: None });
    let past = shop.run(edit(codes(BARCODES_MAX + 1)));
    assert_eq!(past, Err(CommandError::TooManyBarcodes { sku: text("lamp") }));
    shop.done(edit(codes(BARCODES_MAX)));
    check_own_log(&shop);
}
