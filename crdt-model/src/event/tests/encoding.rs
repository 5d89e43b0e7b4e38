//! Tests of the values of events: one encoding each, and the newer told apart from the broken.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::control::event::SiteKind;
use crate::customer::event::ExternalCustomer;
use crate::id::{AuthorId, DeviceId, DocumentId, EventKey, LoanId, OrgId, RequestId};
use crate::journal::loan::LoanOrigin;
use crate::money::{Currency, Money};
use crate::order::draw::Draw;
use crate::order::event::{
    Entry, ExternalOrder, Handover, LineQuantity, LineSelection, ORDER_LINES_MAX, Parts, ReservedLine, RightsBooking,
    Tender,
};
use crate::product::barcode::Barcode;
use crate::quantity::Quantity;
use crate::scope::SiteCode;
use crate::seal::{SealKey, SealedPlace, SealedValue};
use crate::text::Text;
use crate::time::{EventTime, Timestamp};

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn time() -> EventTime {
    EventTime { at: Timestamp(-1_234_567), offset_minutes: -210, business_date: "1969-12-31".parse().unwrap() }
}

fn units(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn site() -> Site {
    let (code, zone) = (SiteCode::new("SH01").unwrap(), text("Asia/Shanghai"));
    Site { territory: code.clone(), code, kind: SiteKind::Store, zone }
}

fn member() -> Member {
    let (author, device) = (AuthorId([1; 32]), DeviceId([2; 32]));
    Member { author, device, site: SiteCode::new("SH01").unwrap(), device_letter: text("AZ") }
}

fn genesis() -> Genesis {
    Genesis {
        name: text("演示"),
        currency: Currency::new("CNY", 2).unwrap(),
        root_keys: vec![[3; 32], [4; 32]],
        recovery_verifier: Genesis::verifier_of(&[5; 16]),
        site: site(),
        member: member(),
        keeper: AuthorId([1; 32]),
        registrar: AuthorId([1; 32]),
    }
}

fn full_header() -> Placed {
    Placed {
        time: time(),
        external: Some(ExternalOrder { channel: text("web"), number: text("77"), time_text: text("") }),
        label: Some(text("SH01-A-000123")),
        entry: Entry::History,
        handover: Handover::AtOnce,
        currency: Currency::new("JPY", 0).unwrap(),
        customer: Some(DocumentId([6; 16])),
        region: Some(text("日本")),
        request: Some(RequestId([7; 16])),
        line_count: ORDER_LINES_MAX as u16,
        parts: Some(Parts { hash: [8; 32] }),
    }
}

fn bare_header() -> Placed {
    let (entry, handover, line_count) = (Entry::New, Handover::Later, 1);
    let none = Placed { external: None, label: None, customer: None, region: None, ..full_header() };
    Placed { entry, handover, line_count, request: None, parts: None, ..none }
}

fn line(name: Option<Text>) -> Line {
    let (placed, sku) = (EventKey([9; 8]), text("85123A"));
    Line { placed, number: 300, sku, name, quantity: units("-0.125"), price: "2.55".parse().unwrap() }
}

fn some_lines() -> LineSelection {
    let entry = |line, quantity| LineQuantity { line, quantity: units(quantity) };
    LineSelection::Some(vec![entry(1, "1"), entry(2_000, "0.001")])
}

fn shipped(lines: LineSelection) -> Shipped {
    let (handover, booking) = (Handover::AtOnce, RightsBooking::Here);
    Shipped { time: time(), epoch: u32::MAX, handover, booking, lines }
}

fn reservation() -> Reservation {
    let line = ReservedLine { line: 7, secured: units("3"), unsecured: units("0") };
    Reservation { time: time(), epoch: 1, lines: vec![line] }
}

fn contact() -> Contact {
    let place = SealedPlace {
        org: OrgId([1; 32]),
        document: DocumentId([2; 16]),
        field: crate::seal::SealedField::Event(crate::event::EventKind::Contact),
    };
    Contact {
        subject: DocumentId([2; 16]),
        sealed: SealedValue::seal(&SealKey::new([3; 32]), place, "{\"name\":\"张三\"}").unwrap(),
    }
}

fn stock_fact(reference: Option<Text>) -> StockFact {
    StockFact { time: time(), epoch: 2, sku: text("A"), quantity: units("-12.5"), reference, reason: None }
}

fn booking() -> Booking {
    Booking { epoch: 3, fact: DocumentId([4; 16]).event(EventKey([5; 8])), sku: text("A"), quantity: units("1") }
}

fn drawn(draws: &[(u16, u8)]) -> Drawn {
    let draw = |(line, loan): &(u16, u8)| Draw { line: *line, loan: LoanId([*loan; 16]), quantity: units("1.5") };
    Drawn { time: time(), draws: draws.iter().map(draw).collect() }
}

fn loan(origin: LoanOrigin) -> Loan {
    let (loan, holder) = (LoanId([6; 16]), AuthorId([7; 32]));
    Loan { time: time(), epoch: 3, loan, holder, sku: text("A"), quantity: units("5"), origin }
}

fn returned() -> LoanReturned {
    LoanReturned { time: time(), loan: LoanId([6; 16]), sku: text("A"), quantity: units("0.5") }
}

fn sent() -> Sent {
    let (shipper, fulfilment) = (SiteCode::new("WH01").unwrap(), DocumentId([8; 16]));
    Sent { time: time(), shipper, fulfilment, half: 300, lines: quantities() }
}

fn quantities() -> Vec<LineQuantity> {
    match some_lines() {
        LineSelection::Some(lines) => lines,
        LineSelection::All => Vec::new(),
    }
}

fn entrusted() -> Entrusted {
    let (scope, subject) = ("lane/SH01~WH01".parse().unwrap(), DocumentId([8; 16]));
    Entrusted { time: time(), epoch: 3, scope, subject, sku: text("A"), quantity: units("2") }
}

fn fulfilment_samples() -> Vec<Event> {
    let (posted, sku, quantity) = (EventKey([9; 8]), text("85123A"), units("4"));
    let (taker, shipper) = (SiteCode::new("SH01").unwrap(), SiteCode::new("WH01").unwrap());
    let line = |name| FulfilmentLine { posted, number: 2_000, sku: sku.clone(), name, quantity };
    let header = |service| FulfilmentPosted {
        time: time(),
        taker: taker.clone(),
        order: DocumentId([1; 16]),
        half: 1,
        shipper: shipper.clone(),
        order_number: text("SH01-A-000123"),
        service,
        line_count: 2,
    };
    let promise = || {
        let Reservation { time, epoch, lines } = reservation();
        FulfilmentPromise { time, site: shipper.clone(), epoch, lines }
    };
    let shipped = |reference| {
        Event::FulfilmentShipped(FulfilmentShipped {
            time: time(),
            site: shipper.clone(),
            epoch: 1,
            reference,
            lines: quantities(),
        })
    };
    let cancelled = |reason| FulfilmentCancelled { time: time(), lines: quantities(), reason };
    vec![
        Event::Sent(sent()),
        Event::Debited(entrusted()),
        Event::Credited(entrusted()),
        Event::FulfilmentLine(line(None)),
        Event::FulfilmentLine(line(Some(text("灯")))),
        Event::FulfilmentPosted(header(None)),
        Event::FulfilmentPosted(header(Some(text("同城")))),
        Event::FulfilmentContact(contact()),
        Event::FulfilmentCancelled(cancelled(None)),
        Event::FulfilmentCancelled(cancelled(Some(text("late")))),
        Event::FulfilmentReserved(promise()),
        Event::FulfilmentReleased(promise()),
        shipped(None),
        shipped(Some(text("SF-1"))),
    ]
}

fn order_samples() -> Vec<Event> {
    let (reference, amount) = (Some(text("T-1")), Money::from_minor(99).unwrap());
    let paid = Paid { time: time(), tender: Tender::Transfer, amount, reference };
    vec![
        Event::Line(line(None)),
        Event::Line(line(Some(text("白色心形挂饰")))),
        Event::Placed(full_header()),
        Event::CreditPlaced(bare_header()),
        Event::AdjustmentPlaced(bare_header()),
        Event::Confirmed(Confirmed { time: time(), placed: EventKey([1; 8]) }),
        Event::Cancelled(Cancelled { time: time(), lines: LineSelection::All, reason: None }),
        Event::Cancelled(Cancelled { time: time(), lines: some_lines(), reason: Some(text("late")) }),
        Event::Reserved(reservation()),
        Event::Released(reservation()),
        Event::Shipped(shipped(LineSelection::All)),
        Event::Shipped(shipped(some_lines())),
        Event::Paid(paid),
        Event::Contact(contact()),
        Event::Drawn(drawn(&[(1, 2), (1, 3), (2, 1)])),
    ]
}

fn samples() -> Vec<Event> {
    let author = AuthorId([1; 32]);
    let external = ExternalCustomer { channel: text("web"), number: text("17850") };
    let mut samples = vec![
        Event::Genesis(genesis()),
        Event::Member(member()),
        Event::Site(site()),
        Event::Keeper(Keeper { site: SiteCode::new("SH01").unwrap(), epoch: 200, author }),
        Event::Channel(Channel { name: text("web"), home: SiteCode::new("HQ").unwrap(), zone: text("UTC") }),
        Event::ProductPosted(ProductPosted { sku: text("85123a") }),
        Event::ProductAdopted(ProductAdopted { time: time(), sku: text("85123A") }),
        Event::BarcodeAdded(BarcodeAdded { barcode: Barcode::new("0012345678905").unwrap() }),
        Event::Loan(loan(LoanOrigin::ByHand)),
        Event::Loan(loan(LoanOrigin::Refill)),
        Event::LoanReturned(returned()),
        Event::CustomerPosted(CustomerPosted { external: None }),
        Event::CustomerPosted(CustomerPosted { external: Some(external) }),
        Event::Opening(stock_fact(None)),
        Event::Receipt(stock_fact(Some(text("DN-1")))),
        Event::Adjustment(stock_fact(None)),
        Event::Mint(booking()),
        Event::Burn(booking()),
    ];
    samples.extend(order_samples());
    samples.extend(fulfilment_samples());
    samples
}

#[test]
fn every_event_has_one_encoding() {
    let samples = samples();
    for kind in EventKind::ALL {
        assert!(samples.iter().any(|event| event.kind() == kind), "no sample of {kind:?}");
    }
    for event in samples {
        let bytes = event.encode();
        assert_eq!(Event::decode(&bytes).as_ref(), Ok(&event));
        for length in 0..bytes.len() {
            assert!(Event::decode(&bytes[..length]).is_err(), "{:?} cut at {length}", event.kind());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Event::decode(&longer), Err(DecodeError::TrailingBytes { count: 1 }.into()));
        assert_no_second_form(&bytes);
    }
}

/// Whatever one changed byte still means, it is written again as the bytes that were read.
fn assert_no_second_form(bytes: &[u8]) {
    for at in 0..bytes.len() {
        for flip in 1..=u8::MAX {
            let mut changed = bytes.to_vec();
            changed[at] ^= flip;
            if let Ok(event) = Event::decode(&changed) {
                assert_eq!(event.encode(), changed, "byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn every_kind_has_its_number_and_its_document() {
    for (at, kind) in EventKind::ALL.into_iter().enumerate() {
        assert_eq!(EventKind::from_number(kind as u16), Some(kind));
        assert!(EventKind::ALL[..at].iter().all(|earlier| (*earlier as u16) < kind as u16));
        assert_eq!(kind.document() as u16, kind as u16 >> 8);
    }
}

#[test]
fn an_unknown_kind_or_version_is_told_apart_from_garbage() {
    let known = Event::ProductPosted(ProductPosted { sku: text("A") }).encode();
    let with = |at: usize, byte: u8| {
        let mut bytes = known.clone();
        bytes[at] = byte;
        Event::decode(&bytes)
    };
    assert_eq!(with(1, 0x7f), Err(EventError::Newer { kind: 0x027f, version: 1 }));
    assert_eq!(with(0, 0x7f), Err(EventError::Newer { kind: 0x7f01, version: 1 }));
    assert_eq!(with(2, 2), Err(EventError::Newer { kind: 0x0201, version: 2 }));
    assert_eq!(with(2, 0), Err(EventError::Newer { kind: 0x0201, version: 0 }));
    assert_eq!(with(3, 200), Err(DecodeError::Truncated { field: "sku" }.into()));
    for length in 0..3 {
        assert!(matches!(Event::decode(&known[..length]), Err(EventError::Decode(_))), "{length} bytes");
    }
}

#[test]
fn lines_are_numbered_from_one_to_two_thousand() {
    for (number, fits) in [(0, false), (1, true), (ORDER_LINES_MAX as u16, true), (ORDER_LINES_MAX as u16 + 1, false)] {
        let bytes = Event::Line(Line { number, ..line(None) }).encode();
        assert_eq!(Event::decode(&bytes).is_ok(), fits, "line {number}");
        let bytes = Event::Placed(Placed { line_count: number, ..full_header() }).encode();
        assert_eq!(Event::decode(&bytes).is_ok(), fits, "{number} lines");
    }
}

#[test]
fn selected_lines_are_sorted_named_once_and_more_than_nothing() {
    let shipped = |named: &[(u16, &str)]| {
        let lines = named.iter().map(|(line, quantity)| LineQuantity { line: *line, quantity: units(quantity) });
        Event::decode(&Event::Shipped(shipped(LineSelection::Some(lines.collect()))).encode())
    };
    assert!(shipped(&[(1, "1"), (2, "1")]).is_ok());
    for wrong in [&[][..], &[(2, "1"), (1, "1")], &[(1, "1"), (1, "1")], &[(1, "0")], &[(1, "-1")]] {
        assert!(shipped(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_booking_books_more_than_nothing_and_a_promise_at_least_nothing() {
    for (quantity, fits) in [("0.001", true), ("0", false), ("-1", false)] {
        let bytes = Event::Mint(Booking { quantity: units(quantity), ..booking() }).encode();
        assert_eq!(Event::decode(&bytes).is_ok(), fits, "mint of {quantity}");
    }
    for (unsecured, fits) in [("0", true), ("-0.001", false)] {
        let lines = vec![ReservedLine { unsecured: units(unsecured), ..reservation().lines[0] }];
        let bytes = Event::Reserved(Reservation { lines, ..reservation() }).encode();
        assert_eq!(Event::decode(&bytes).is_ok(), fits, "promise of {unsecured}");
    }
}

#[test]
fn a_draw_names_a_line_and_a_loan_once() {
    let known = |draws: &[(u16, u8)]| Event::decode(&Event::Drawn(drawn(draws)).encode()).is_ok();
    assert!(known(&[(1, 2), (1, 3), (2, 1)]));
    for wrong in [&[][..], &[(1, 3), (1, 2)], &[(1, 2), (1, 2)], &[(2, 1), (1, 1)], &[(0, 1)]] {
        assert!(!known(wrong), "{wrong:?}");
    }
}

#[test]
fn a_loan_and_its_return_are_more_than_nothing() {
    for (quantity, fits) in [("0.001", true), ("0", false), ("-1", false)] {
        let quantity = units(quantity);
        for event in [
            Event::Loan(Loan { quantity, ..loan(LoanOrigin::ByHand) }),
            Event::LoanReturned(LoanReturned { quantity, ..returned() }),
        ] {
            assert_eq!(Event::decode(&event.encode()).is_ok(), fits, "{event:?}");
        }
    }
}

#[test]
fn an_organisation_has_one_to_three_root_keys() {
    for (count, fits) in [(0, false), (1, true), (3, true), (4, false)] {
        let bytes =
            Event::Genesis(Genesis { root_keys: (0..count).map(|n| [n as u8; 32]).collect(), ..genesis() }).encode();
        assert_eq!(Event::decode(&bytes).is_ok(), fits, "{count} root keys");
    }
}
