//! Histories that are drawn: three replicas act on one logical world and now and then meet in part.
//!
//! Deeds are blind on purpose: a fold must cope with whatever an admitted node may write, not only with what a command
//! would have allowed on the state that it saw.

use std::fmt;

use crdt_model::control::event::SiteKind;
use crdt_model::customer::event::{CustomerPosted, ExternalCustomer};
use crdt_model::customer::{FIELD_ADDRESS, FIELD_PHONE};
use crdt_model::document::FieldValue;
use crdt_model::event::{DocumentKind, Event};
use crdt_model::id::{DocumentId, EventId, EventKey};
use crdt_model::journal::event::Booking;
use crdt_model::order::event::{Entry, Handover, LineSelection, Placed, RightsBooking};
use crdt_model::product::barcode::Barcode;
use crdt_model::product::event::{BarcodeAdded, ProductAdopted, ProductPosted};
use crdt_model::product::{FIELD_BARCODE, FIELD_NAME, FIELD_PRICE, FIELD_UNIT};
use crdt_model::scope::{Scope, TerritoryCode};
use proptest::prelude::*;

use crate::deeds::*;
use crate::world::{Dice, World, lane, site};

pub const REPLICAS: u8 = 3;
pub const ORDERS: [DocumentId; 3] = [DocumentId([0x11; 16]), DocumentId([0x12; 16]), DocumentId([0x13; 16])];
pub const FULFILMENTS: [DocumentId; 2] = [DocumentId([0x51; 16]), DocumentId([0x52; 16])];
pub const CUSTOMER: DocumentId = DocumentId([0x21; 16]);
const CONTROL: [DocumentId; 2] = [DocumentId([0x31; 16]), DocumentId([0x32; 16])];
const SKUS: [&str; 2] = ["A", "B"];

/// One step: a replica writes, or gets what another has.
#[derive(Clone)]
pub enum Step {
    Write { replica: usize, kind: DocumentKind, which: usize, what: usize, count: i64 },
    Sync { from: usize, to: usize },
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { replica, kind, which, what, count } => {
                write!(formatter, "{replica} writes {kind:?} {which}: deed {what} of {count}")
            }
            Self::Sync { from, to } => write!(formatter, "{to} gets what {from} has"),
        }
    }
}

/// A history and the seed of every delivery in it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub steps: Vec<Step>,
}

pub const EVERY_KIND: [DocumentKind; 6] = [
    DocumentKind::Order,
    DocumentKind::Journal,
    DocumentKind::Product,
    DocumentKind::Customer,
    DocumentKind::Control,
    DocumentKind::Fulfilment,
];

/// Histories over documents of these kinds.
pub fn plans(kinds: &'static [DocumentKind], steps: std::ops::Range<usize>) -> impl Strategy<Value = Plan> {
    let replica = 0..usize::from(REPLICAS);
    let write = (replica.clone(), prop::sample::select(kinds), 0..3usize, 0..16usize, 1..6i64)
        .prop_map(|(replica, kind, which, what, count)| Step::Write { replica, kind, which, what, count });
    let sync = (replica, 1..usize::from(REPLICAS))
        .prop_map(|(to, ahead)| Step::Sync { from: (to + ahead) % usize::from(REPLICAS), to });
    (any::<u64>(), prop::collection::vec(prop_oneof![3 => write, 1 => sync], steps))
        .prop_map(|(seed, steps)| Plan { seed, steps })
}

/// Cases of a law; a failing case prints its history and seed, files are not written.
pub fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(count) }
}

impl Plan {
    /// Runs the history; the replicas stand where it leaves them.
    pub fn run(&self) -> (World, Dice) {
        let (mut world, mut dice) = (World::new(REPLICAS), Dice(self.seed));
        for step in &self.steps {
            match *step {
                Step::Write { replica, kind, which, what, count } => {
                    act(&mut world, replica, kind, (which, what, count))
                }
                Step::Sync { from, to } => world.sync(from, to, &mut dice),
            }
        }
        (world, dice)
    }
}

type Deed = (usize, usize, i64);

fn act(world: &mut World, replica: usize, kind: DocumentKind, deed: Deed) {
    match kind {
        DocumentKind::Order => work_on_order(world, replica, deed),
        DocumentKind::Journal => keep_journal(world, replica, deed),
        DocumentKind::Product => edit_product(world, replica, deed),
        DocumentKind::Customer => edit_customer(world, replica, deed),
        DocumentKind::Control => administer(world, replica, deed),
        DocumentKind::Fulfilment => work_on_fulfilment(world, replica, deed),
    }
}

/// Orders 0 and 1 claim one external number, order 2 another.
fn order_header(which: usize) -> Placed {
    Placed { external: external(["77", "77", "78"][which]), region: Some(text("CN")), ..header() }
}

fn work_on_order(world: &mut World, replica: usize, (which, what, count): Deed) {
    let (order, scope) = (ORDERS[which], site());
    if what == 1 {
        return place_in_parts(world, replica, which, count);
    }
    let placed = known_placed(world, replica, order);
    world.write(replica, &scope, order, |keys| match what {
        0 => placing(keys, &order_header(which), Event::Placed, &[("A", count, "2.50"), ("B", 2, "1")]),
        2 => place_oddly(keys, which, count),
        3 => vec![(keys.next(), confirm(placed))],
        4 => vec![(keys.next(), cancel(LineSelection::All))],
        5 => vec![(keys.next(), cancel(some(&[(1, count)])))],
        6 => vec![(keys.next(), Event::Reserved(promise(&[(1, count, 1), (2, 0, 2)])))],
        7 => vec![(keys.next(), Event::Released(promise(&[(1, count.min(2), 1)])))],
        8 => vec![(keys.next(), ship(LineSelection::All, Handover::AtOnce, RightsBooking::Here))],
        9 => vec![(keys.next(), ship(some(&[(1, count)]), Handover::Later, RightsBooking::Later))],
        10 => vec![(keys.next(), pay(count * 100))],
        11 => vec![(keys.next(), send(FULFILMENTS[count as usize % 2], &[(1, count)]))],
        12 => vec![(keys.next(), draw(&[(1, 1, count), (2, 2, 1)]))],
        13 => vec![(keys.next(), draw(&[(1, 2, count)]))],
        14 => vec![(keys.next(), ship(LineSelection::All, Handover::Later, RightsBooking::Later))],
        _ => vec![(keys.next(), contact(order, "Zhang San"))],
    });
}

/// Fulfilments of orders 0 and 1; whatever is written may come before what it is about.
fn work_on_fulfilment(world: &mut World, replica: usize, (which, what, count): Deed) {
    let id = FULFILMENTS[which % 2];
    world.write(replica, &lane(), id, |keys| match what {
        0..=3 => posting(keys, ORDERS[which % 2], &[(1, "A", count), (2, "B", 2)]),
        4 | 5 => vec![(keys.next(), cancel_sent(&[(1, count)]))],
        6 => vec![(keys.next(), cancel_sent(&[(1, 9), (2, 9)]))],
        7 | 8 => vec![(keys.next(), Event::FulfilmentReserved(promise_at("WH01", &[(1, count), (2, 1)])))],
        9 => vec![(keys.next(), Event::FulfilmentReleased(promise_at("WH01", &[(1, 1)])))],
        10 => vec![(keys.next(), Event::FulfilmentReserved(promise_at("SH01", &[(1, count)])))],
        11..=13 => vec![(keys.next(), ship_sent("WH01", &[(1, count)]))],
        14 => vec![(keys.next(), ship_sent("SH01", &[(2, 1)]))],
        _ => vec![(keys.next(), contact_of_fulfilment(id, ORDERS[which % 2], "Zhang San"))],
    });
}

/// A credit order, a historical adjustment or a history sale, by the count.
fn place_oddly(keys: &mut crate::world::Keys<'_>, which: usize, count: i64) -> Vec<(EventKey, Event)> {
    let history = Placed { entry: Entry::History, ..order_header(which) };
    match count {
        1 => placing(keys, &history, Event::CreditPlaced, &[("A", -1, "2.50")]),
        2 => placing(keys, &history, Event::AdjustmentPlaced, &[("B", -2, "0")]),
        _ => placing(keys, &history, Event::Placed, &[("B", count, "3")]),
    }
}

fn place_in_parts(world: &mut World, replica: usize, which: usize, count: i64) {
    let mut late = Vec::new();
    world.write(replica, &site(), ORDERS[which], |keys| {
        let mut events = placing_of_parts(keys, &order_header(which), &[("A", count, "2.50"), ("B", 1, "1")]);
        late = events.split_off(1);
        events
    });
    world.write(replica, &site(), ORDERS[which], |_| late);
}

/// The `placed` that this replica would confirm, or none that exists.
fn known_placed(world: &World, replica: usize, order: DocumentId) -> EventKey {
    let content = world.replicas[replica].content(&site(), order);
    let placed = content.events.iter().find(|(_, event)| matches!(event, Event::Placed(_)));
    placed.map_or(EventKey::ZERO, |(key, _)| *key)
}

/// Each replica keeps a journal of its own; bookings cite any event that was ever written, rightly or wrongly.
fn keep_journal(world: &mut World, replica: usize, (which, what, count): Deed) {
    let journal = DocumentId([0x40 + replica as u8; 16]);
    let sku = SKUS[which % 2];
    let (cited, cited_sku, moved) = cited_fact(world, which, what);
    let event = match what {
        0 | 1 => Event::Opening(fact(sku, count * 2)),
        2 => Event::Receipt(fact(sku, count)),
        3 => Event::Adjustment(fact(sku, -count)),
        4..=6 => Event::Mint(booking(cited, &cited_sku, moved.abs().max(1))),
        7..=9 => Event::Burn(booking(cited, &cited_sku, moved.abs().max(1))),
        10 => Event::Mint(booking(cited, &cited_sku, count)),
        12 => Event::Loan(loan(1 + (which % 2) as u8, sku, count)),
        13 => Event::LoanReturned(returned(1 + (which % 2) as u8, sku, count)),
        15 => Event::Debited(entrusted(FULFILMENTS[which % 2], sku, count)),
        11 => Event::Credited(entrusted(FULFILMENTS[which % 2], sku, count)),
        14 => Event::Burn(Booking { epoch: 2, ..booking(cited, &cited_sku, moved.abs().max(1)) }),
        _ => Event::Burn(booking(cited, sku, count)),
    };
    world.write(replica, &site(), journal, |keys| vec![(keys.next(), event)]);
}

/// Some fact of the history: its id, SKU and units moved.
fn cited_fact(world: &World, which: usize, what: usize) -> (EventId, String, i64) {
    let facts: Vec<(EventId, String, i64)> = (world.log.iter())
        .flat_map(|change| change.events.iter().map(|(key, event)| (change.document.event(*key), event)))
        .filter_map(|(id, event)| match event {
            Event::Opening(fact) | Event::Receipt(fact) | Event::Adjustment(fact) => {
                Some((id, fact.sku.as_str().to_owned(), fact.quantity.thousandths() / UNIT))
            }
            Event::Shipped(_) => Some((id, "A".to_owned(), -1)),
            _other => None,
        })
        .collect();
    let nowhere = || (DocumentId([0x4f; 16]).event(EventKey([1; 8])), "A".to_owned(), 1);
    if facts.is_empty() { nowhere() } else { facts[(which * 5 + what) % facts.len()].clone() }
}

const CODES: [&str; 3] = ["96385074", "036000291452", "4006381333931"];

fn edit_product(world: &mut World, replica: usize, (which, what, count): Deed) {
    let (sku, scope) = (SKUS[which % 2], Scope::Catalogue);
    let id = DocumentId::of_sku(sku);
    let field = [FIELD_NAME, FIELD_UNIT, FIELD_BARCODE, FIELD_PRICE][what % 4];
    let value = match field {
        FIELD_PRICE => format!("{count}.{replica}{}", world.log.len()),
        _other => format!("{field} {count} of {replica}, change {}", world.log.len()),
    };
    let value = FieldValue::Text(value);
    let found = world.replicas[replica].holds(&scope, id);
    world.write_with_fields(replica, &scope, id, vec![(field, value)], |keys| {
        let posted = Event::ProductPosted(ProductPosted { sku: text(sku) });
        let adopted = Event::ProductAdopted(ProductAdopted { time: time(), sku: text(SKUS[count as usize % 2]) });
        let barcode = Barcode::new(CODES[(which + replica) % 3]).unwrap();
        let coded = Event::BarcodeAdded(BarcodeAdded { barcode });
        let first = if found { (what > 12).then_some(adopted) } else { Some(posted) };
        let events = first.into_iter().chain((what % 2 == 0).then_some(coded));
        events.map(|event| (keys.next(), event)).collect()
    });
}

fn edit_customer(world: &mut World, replica: usize, (_, what, count): Deed) {
    let scope = customers();
    let field = [FIELD_PHONE, FIELD_ADDRESS][what % 2];
    let value = sealed_field(CUSTOMER, field, &format!("{count} of {replica}, change {}", world.log.len()));
    let found = world.replicas[replica].holds(&scope, CUSTOMER);
    world.write_with_fields(replica, &scope, CUSTOMER, vec![(field, value)], |keys| {
        let external = Some(ExternalCustomer { channel: text("web"), number: text("4711") });
        let posted = Event::CustomerPosted(CustomerPosted { external });
        if found { Vec::new() } else { vec![(keys.next(), posted)] }
    });
}

pub fn customers() -> Scope {
    Scope::Customers(TerritoryCode::new("MAIN").unwrap())
}

fn administer(world: &mut World, replica: usize, (which, what, count): Deed) {
    let event = match what {
        0..=2 => open_site(["SH01", "SH02"][what % 2], if count > 2 { SiteKind::Store } else { SiteKind::Warehouse }),
        3..=5 => keeper("SH01", 1 + (count as u32) % 2, replica as u8),
        6..=8 => channel("web", ["SH01", "SH02"][what % 2]),
        _ => member(count as u8, ["A", "B"][what % 2]),
    };
    world.write(replica, &Scope::Control, CONTROL[which % 2], |keys| vec![(keys.next(), event)]);
}
