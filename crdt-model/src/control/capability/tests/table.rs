//! The walk over the whole capability table: every event kind in every scope by every role.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::super::*;
use crate::control::event::{Channel, Genesis, Keeper, Member, Site};
use crate::control::state::ControlRecord;
use crate::customer::event::CustomerPosted;
use crate::fulfilment::event::{
    FulfilmentCancelled, FulfilmentLine, FulfilmentPosted, FulfilmentPromise, FulfilmentShipped,
};
use crate::id::{DeviceId, DocumentId, EventKey, LoanId};
use crate::journal::entrusted::Entrusted;
use crate::journal::event::{Booking, StockFact};
use crate::journal::loan::{Loan, LoanOrigin, LoanReturned};
use crate::money::{Currency, Money};
use crate::order::draw::{Draw, Drawn};
use crate::order::event::*;
use crate::order::sent::Sent;
use crate::product::barcode::Barcode;
use crate::product::event::{BarcodeAdded, ProductAdopted, ProductPosted};
use crate::seal::{SealKey, SealedField, SealedPlace, SealedValue};
use crate::text::Text;
use crate::time::{BusinessDate, EventTime, Timestamp};

fn code(code: &str) -> SiteCode {
    SiteCode::new(code).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn site(name: &str, kind: SiteKind, territory: &str) -> Site {
    Site { code: code(name), kind, zone: text("Europe/London"), territory: code(territory) }
}

/// The registrar sits at head office, as does a second member; each other site has one, SH01 a till besides its keeper.
const AUTHORS: [(&str, u8, &str); 6] = [
    ("registrar", 1, "HQ"),
    ("office", 2, "HQ"),
    ("keeper", 3, "SH01"),
    ("till", 4, "SH01"),
    ("rep", 5, "REP1"),
    ("warehouse", 6, "WH01"),
];

fn author(name: &str) -> AuthorId {
    let number = AUTHORS.iter().find(|(known, ..)| *known == name).map_or(99, |(_, number, _)| *number);
    AuthorId([number; 32])
}

fn member(number: u8, at: &str) -> Member {
    Member { author: AuthorId([number; 32]), device: DeviceId([number; 32]), site: code(at), device_letter: text("A") }
}

fn genesis() -> Genesis {
    Genesis {
        name: text("Demo"),
        currency: Currency::new("GBP", 2).unwrap(),
        root_keys: vec![[1; 32]],
        recovery_verifier: [0; 32],
        site: site("HQ", SiteKind::HeadOffice, "MAIN"),
        member: member(1, "HQ"),
        keeper: AuthorId([1; 32]),
        registrar: AuthorId([1; 32]),
    }
}

fn control() -> Control {
    let mut events = vec![
        Event::Genesis(genesis()),
        Event::Site(site("SH01", SiteKind::Store, "MAIN")),
        Event::Site(site("REP1", SiteKind::Field, "MAIN")),
        Event::Site(site("WH01", SiteKind::Warehouse, "NORTH")),
        Event::Keeper(Keeper { site: code("SH01"), epoch: 1, author: author("keeper") }),
        Event::Keeper(Keeper { site: code("WH01"), epoch: 1, author: author("warehouse") }),
    ];
    events.extend(AUTHORS.iter().skip(1).map(|(_, number, at)| Event::Member(member(*number, at))));
    let events = (0u8..).zip(events).map(|(number, event)| (EventKey([number; 8]), event)).collect();
    Control::fold([(DocumentId([1; 16]), &ControlRecord { events })])
}

#[test]
fn only_the_holder_draws_on_a_loan_that_it_has_seen() {
    let (till, other) = (author("till"), author("keeper"));
    let (own, foreign, unseen) = (LoanId([1; 16]), LoanId([2; 16]), LoanId([3; 16]));
    let holders = [(own, [till].into()), (foreign, [other].into())].into();
    let Event::Drawn(one) = event(EventKind::Drawn) else { panic!("a draw") };
    let draw = |loans: &[LoanId]| {
        let draws = loans.iter().map(|loan| Draw { loan: *loan, ..one.draws[0] }).collect();
        Event::Drawn(Drawn { draws, ..one.clone() })
    };
    let denied = |loan| Err(Denied::NotHolder { loan });
    assert_eq!(may_draw(&till, &draw(&[own]), &holders), Ok(()));
    assert_eq!(may_draw(&till, &draw(&[own, foreign]), &holders), denied(foreign), "each of them");
    assert_eq!(may_draw(&till, &draw(&[unseen]), &holders), denied(unseen));
    assert_eq!(may_draw(&other, &draw(&[own]), &holders), denied(own), "also the keeper that lent it");
    assert_eq!(denied(own).unwrap_err().code(), "not_holder");
    let returned = event(EventKind::LoanReturned);
    assert_eq!(may_draw(&till, &returned, &holders), Ok(()));
    assert_eq!(may_draw(&other, &returned, &holders), denied(own));
    for kind in EventKind::ALL {
        let names_a_loan = matches!(kind, EventKind::Drawn | EventKind::LoanReturned);
        assert_eq!(loans_of(&event(kind)).is_empty(), !names_a_loan, "{kind:?}");
    }
}

fn event(kind: EventKind) -> Event {
    let time = EventTime { at: Timestamp(0), offset_minutes: 0, business_date: BusinessDate::from_days(0).unwrap() };
    let quantity: Quantity = "1".parse().unwrap();
    let key = EventKey([1; 8]);
    let fact = || StockFact { time, epoch: 1, sku: text("lamp"), quantity, reference: None, reason: None };
    let booking = || Booking { epoch: 1, fact: DocumentId([1; 16]).event(key), sku: text("lamp"), quantity };
    let placed = || Placed {
        time,
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: Currency::new("GBP", 2).unwrap(),
        customer: None,
        region: None,
        request: None,
        line_count: 1,
        parts: None,
    };
    let reserved =
        |secured, unsecured| Reservation { time, epoch: 1, lines: vec![ReservedLine { line: 1, secured, unsecured }] };
    let sealed = || {
        let field = SealedField::Event(EventKind::Contact);
        let place = SealedPlace { org: crate::id::OrgId([1; 32]), document: DocumentId([1; 16]), field };
        SealedValue::seal(&SealKey::new([1; 32]), place, "x").unwrap()
    };
    match kind {
        EventKind::Genesis => Event::Genesis(genesis()),
        EventKind::Member => Event::Member(member(7, "SH01")),
        EventKind::Site => Event::Site(site("SH02", SiteKind::Store, "MAIN")),
        EventKind::Keeper => Event::Keeper(Keeper { site: code("SH01"), epoch: 2, author: author("till") }),
        EventKind::Channel => Event::Channel(Channel { name: text("web"), home: code("SH01"), zone: text("UTC") }),
        EventKind::ProductPosted => Event::ProductPosted(ProductPosted { sku: text("lamp") }),
        EventKind::BarcodeAdded => Event::BarcodeAdded(BarcodeAdded { barcode: Barcode::new("96385074").unwrap() }),
        EventKind::ProductAdopted => Event::ProductAdopted(ProductAdopted { time, sku: text("lamp") }),
        EventKind::CustomerPosted => Event::CustomerPosted(CustomerPosted { external: None }),
        EventKind::Line => {
            let price = "1".parse().unwrap();
            Event::Line(Line { placed: key, number: 1, sku: text("lamp"), name: None, quantity, price })
        }
        EventKind::Placed => Event::Placed(placed()),
        EventKind::CreditPlaced => Event::CreditPlaced(placed()),
        EventKind::AdjustmentPlaced => Event::AdjustmentPlaced(placed()),
        EventKind::Confirmed => Event::Confirmed(Confirmed { time, placed: key }),
        EventKind::Cancelled => Event::Cancelled(Cancelled { time, lines: LineSelection::All, reason: None }),
        EventKind::Reserved => Event::Reserved(reserved(Quantity::ZERO, quantity)),
        EventKind::Released => Event::Released(reserved(Quantity::ZERO, quantity)),
        EventKind::Shipped => Event::Shipped(Shipped {
            time,
            epoch: 1,
            handover: Handover::Later,
            booking: RightsBooking::Later,
            lines: LineSelection::All,
        }),
        EventKind::Paid => {
            let amount = Money::from_minor(1).unwrap();
            Event::Paid(Paid { time, tender: Tender::Cash, amount, reference: None })
        }
        EventKind::Contact => Event::Contact(Contact { subject: DocumentId([1; 16]), sealed: sealed() }),
        EventKind::Opening => Event::Opening(fact()),
        EventKind::Receipt => Event::Receipt(fact()),
        EventKind::Adjustment => Event::Adjustment(fact()),
        EventKind::Mint => Event::Mint(booking()),
        EventKind::Burn => Event::Burn(booking()),
        EventKind::Drawn => {
            let draws = vec![Draw { line: 1, loan: LoanId([1; 16]), quantity }];
            Event::Drawn(Drawn { time, draws })
        }
        EventKind::Loan => Event::Loan(Loan {
            time,
            epoch: 1,
            loan: LoanId([1; 16]),
            holder: author("till"),
            sku: text("lamp"),
            quantity,
            origin: LoanOrigin::ByHand,
        }),
        EventKind::LoanReturned => {
            Event::LoanReturned(LoanReturned { time, loan: LoanId([1; 16]), sku: text("lamp"), quantity })
        }
        EventKind::Sent
        | EventKind::Debited
        | EventKind::Credited
        | EventKind::FulfilmentLine
        | EventKind::FulfilmentPosted
        | EventKind::FulfilmentContact
        | EventKind::FulfilmentCancelled
        | EventKind::FulfilmentReserved
        | EventKind::FulfilmentReleased
        | EventKind::FulfilmentShipped => lane_event(kind, (time, quantity), sealed()),
    }
}

/// SH01 took the order, WH01 ships it.
fn lane_event(kind: EventKind, (time, quantity): (EventTime, Quantity), sealed: SealedValue) -> Event {
    let (fulfilment, shipper) = (DocumentId([2; 16]), code("WH01"));
    let lines = || vec![LineQuantity { line: 1, quantity }];
    let entrusted = || {
        let scope = "lane/SH01~WH01".parse().unwrap();
        Entrusted { time, epoch: 1, scope, subject: fulfilment, sku: text("lamp"), quantity }
    };
    let promise = || {
        let line = ReservedLine { line: 1, secured: quantity, unsecured: Quantity::ZERO };
        FulfilmentPromise { time, site: code("WH01"), epoch: 1, lines: vec![line] }
    };
    match kind {
        EventKind::Sent => Event::Sent(Sent { time, shipper, fulfilment, half: 1, lines: lines() }),
        EventKind::Debited => Event::Debited(entrusted()),
        EventKind::Credited => Event::Credited(entrusted()),
        EventKind::FulfilmentLine => {
            let posted = EventKey([1; 8]);
            Event::FulfilmentLine(FulfilmentLine { posted, number: 1, sku: text("lamp"), name: None, quantity })
        }
        EventKind::FulfilmentPosted => Event::FulfilmentPosted(FulfilmentPosted {
            time,
            taker: code("SH01"),
            order: DocumentId([1; 16]),
            half: 1,
            shipper,
            order_number: text("1"),
            service: None,
            line_count: 1,
        }),
        EventKind::FulfilmentContact => Event::FulfilmentContact(Contact { subject: DocumentId([1; 16]), sealed }),
        EventKind::FulfilmentCancelled => {
            Event::FulfilmentCancelled(FulfilmentCancelled { time, lines: lines(), reason: None })
        }
        EventKind::FulfilmentReserved => Event::FulfilmentReserved(promise()),
        EventKind::FulfilmentReleased => Event::FulfilmentReleased(promise()),
        EventKind::FulfilmentShipped => {
            let site = code("WH01");
            Event::FulfilmentShipped(FulfilmentShipped { time, site, epoch: 1, reference: None, lines: lines() })
        }
        other => panic!("{other:?} does not stand in a lane"),
    }
}

const SCOPES: [&str; 9] = [
    "control",
    "catalogue",
    "customers/MAIN",
    "customers/NORTH",
    "site/HQ",
    "site/SH01",
    "lane/HQ~SH01",
    "lane/HQ~WH01",
    "lane/SH01~WH01",
];

/// Every (author, scope) that may write the kind, found by asking for all.
fn allowed(event: &Event) -> BTreeSet<String> {
    let control = control();
    let mut allowed = BTreeSet::new();
    for (name, ..) in AUTHORS {
        for scope in SCOPES {
            if may(&control, &author(name), &scope.parse().unwrap(), event).is_ok() {
                allowed.insert(format!("{name} {scope}"));
            }
        }
    }
    allowed
}

#[test]
fn the_table_allows_exactly_what_it_lists() {
    let intents =
        "keeper site/SH01, office site/HQ, office site/SH01, registrar site/HQ, registrar site/SH01, till site/SH01";
    let facts = "keeper site/SH01, office site/HQ, registrar site/HQ, till site/SH01";
    let rights = "keeper site/SH01, registrar site/HQ";
    for kind in EventKind::ALL {
        let expected = match kind {
            EventKind::Genesis => "",
            EventKind::Member | EventKind::Site | EventKind::Keeper => "registrar control",
            EventKind::Channel => "office control, registrar control",
            EventKind::ProductPosted => {
                "keeper site/SH01, office catalogue, office site/HQ, registrar catalogue, registrar site/HQ, till site/SH01"
            }
            EventKind::BarcodeAdded => {
                "keeper site/SH01, office catalogue, office site/HQ, office site/SH01, registrar catalogue, \
                 registrar site/HQ, registrar site/SH01, till site/SH01"
            }
            EventKind::CustomerPosted => {
                "keeper customers/MAIN, office customers/MAIN, office customers/NORTH, registrar customers/MAIN, \
                 registrar customers/NORTH, rep customers/MAIN, till customers/MAIN, warehouse customers/NORTH"
            }
            EventKind::Line
            | EventKind::Placed
            | EventKind::CreditPlaced
            | EventKind::AdjustmentPlaced
            | EventKind::Confirmed
            | EventKind::Cancelled
            | EventKind::Reserved
            | EventKind::Released
            | EventKind::Paid
            | EventKind::Contact
            | EventKind::Sent => intents,
            EventKind::ProductAdopted => "office site/HQ, office site/SH01, registrar site/HQ, registrar site/SH01",
            EventKind::Shipped
            | EventKind::Opening
            | EventKind::Receipt
            | EventKind::Adjustment
            | EventKind::Drawn
            | EventKind::LoanReturned => facts,
            EventKind::Mint | EventKind::Burn | EventKind::Loan | EventKind::Debited | EventKind::Credited => rights,
            EventKind::FulfilmentLine | EventKind::FulfilmentContact | EventKind::FulfilmentCancelled => {
                "keeper lane/HQ~SH01, keeper lane/SH01~WH01, office lane/HQ~SH01, office lane/HQ~WH01, \
                 office lane/SH01~WH01, registrar lane/HQ~SH01, registrar lane/HQ~WH01, registrar lane/SH01~WH01, \
                 till lane/HQ~SH01, till lane/SH01~WH01, warehouse lane/HQ~WH01, warehouse lane/SH01~WH01"
            }
            EventKind::FulfilmentPosted => {
                "keeper lane/SH01~WH01, office lane/SH01~WH01, registrar lane/SH01~WH01, till lane/SH01~WH01"
            }
            EventKind::FulfilmentReserved | EventKind::FulfilmentReleased | EventKind::FulfilmentShipped => {
                "warehouse lane/HQ~WH01, warehouse lane/SH01~WH01"
            }
        };
        let found: Vec<String> = allowed(&event(kind)).into_iter().collect();
        assert_eq!(found.join(", "), expected, "{kind:?}");
    }
}

#[test]
fn rights_are_promised_and_booked_by_the_keeper_of_the_epoch_alone() {
    let control = control();
    let scope = Scope::Site(code("SH01"));
    let Event::Reserved(mut promise) = event(EventKind::Reserved) else { panic!("a promise") };
    promise.lines[0].secured = "1".parse().unwrap();
    let Event::Shipped(mut shipped) = event(EventKind::Shipped) else { panic!("a shipment") };
    shipped.booking = RightsBooking::Here;
    for event in
        [Event::Reserved(promise.clone()), Event::Shipped(shipped), event(EventKind::Mint), event(EventKind::Loan)]
    {
        assert_eq!(may(&control, &author("keeper"), &scope, &event), Ok(()));
        assert_eq!(may(&control, &author("till"), &scope, &event), Err(Denied::NotKeeper { epoch: 1 }));
    }
    promise.epoch = 2;
    let ahead = Event::Reserved(promise);
    assert_eq!(may(&control, &author("keeper"), &scope, &ahead), Err(Denied::NotKeeper { epoch: 2 }));
}

#[test]
fn each_denial_has_its_code() {
    let control = control();
    let ask = |name: &str, scope: &str, kind| {
        let denied = may(&control, &author(name), &scope.parse().unwrap(), &event(kind)).unwrap_err();
        denied.code()
    };
    assert_eq!(ask("stranger", "site/SH01", EventKind::Paid), "not_a_member");
    assert_eq!(ask("till", "site/HQ", EventKind::Paid), "scope_not_held");
    assert_eq!(ask("till", "control", EventKind::Paid), "kind_not_in_scope");
    assert_eq!(ask("till", "control", EventKind::Channel), "not_allowed");
    assert_eq!(ask("till", "site/SH01", EventKind::Mint), "not_keeper");
    assert_eq!(ask("till", "lane/SH01~WH01", EventKind::FulfilmentShipped), "other_site");
    assert_eq!(ask("warehouse", "lane/SH01~WH01", EventKind::FulfilmentPosted), "other_site");
}
