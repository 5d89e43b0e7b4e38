//! What people and nodes do, as the events that they write. Plain builders: no rule is checked here.

use crdt_model::control::event::{Channel, Keeper, Member, Site, SiteKind};
use crdt_model::document::FieldValue;
use crdt_model::event::Event;
use crdt_model::fulfilment::event::{
    FulfilmentCancelled, FulfilmentLine, FulfilmentPosted, FulfilmentPromise, FulfilmentShipped,
};
use crdt_model::id::{AuthorId, DeviceId, DocumentId, EventId, EventKey, LoanId, OrgId};
use crdt_model::journal::entrusted::Entrusted;
use crdt_model::journal::event::{Booking, StockFact};
use crdt_model::journal::loan::{Loan, LoanOrigin, LoanReturned};
use crdt_model::money::{Currency, Money};
use crdt_model::order::draw::{Draw, Drawn};
use crdt_model::order::event::{
    Cancelled, Confirmed, Contact, Entry, ExternalOrder, Handover, Line, LineQuantity, LineSelection, Paid, Parts,
    Placed, Reservation, ReservedLine, RightsBooking, Shipped, Tender,
};
use crdt_model::order::fold::parts_hash;
use crdt_model::order::sent::Sent;
use crdt_model::quantity::Quantity;
use crdt_model::scope::SiteCode;
use crdt_model::seal::{SealKey, SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;
use crdt_model::time::{EventTime, Timestamp};

use crate::world::{Keys, lane};

pub const UNIT: i64 = 1_000;

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn units(count: i64) -> Quantity {
    Quantity::from_thousandths(count * UNIT).unwrap()
}

pub fn time() -> EventTime {
    EventTime { at: Timestamp(1_700_000_000_000), offset_minutes: 480, business_date: "2026-11-23".parse().unwrap() }
}

pub fn cny() -> Currency {
    Currency::new("CNY", 2).unwrap()
}

pub fn code(code: &str) -> SiteCode {
    SiteCode::new(code).unwrap()
}

/// One line: SKU, units, price.
pub type Goods = (&'static str, i64, &'static str);

/// A header without origin, customer or lines.
pub fn header() -> Placed {
    Placed {
        time: time(),
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: cny(),
        customer: None,
        region: None,
        request: None,
        line_count: 0,
        parts: None,
    }
}

pub fn external(number: &str) -> Option<ExternalOrder> {
    Some(ExternalOrder { channel: text("web"), number: text(number), time_text: text("2026-11-23 09:00") })
}

/// A placed order and its lines in one change; `wrap` says what kind of order.
pub fn placing(
    keys: &mut Keys<'_>,
    header: &Placed,
    wrap: fn(Placed) -> Event,
    goods: &[Goods],
) -> Vec<(EventKey, Event)> {
    let placed = keys.next();
    let mut events = lines(keys, placed, goods);
    let header = Placed { line_count: goods.len() as u16, ..header.clone() };
    events.push((placed, wrap(header)));
    events
}

/// As [`placing`], with the hash that lines of several changes need.
pub fn placing_of_parts(keys: &mut Keys<'_>, header: &Placed, goods: &[Goods]) -> Vec<(EventKey, Event)> {
    let mut events = placing(keys, header, Event::Placed, goods);
    let (placed, _) = events.pop().unwrap();
    events.sort_by_key(|(key, _)| *key);
    let hash = parts_hash(events.iter().map(|(key, event)| (key, event.encode())));
    let parts = Some(Parts { hash });
    events.push((placed, Event::Placed(Placed { line_count: goods.len() as u16, parts, ..header.clone() })));
    events
}

fn lines(keys: &mut Keys<'_>, placed: EventKey, goods: &[Goods]) -> Vec<(EventKey, Event)> {
    let lines = (1u16..).zip(goods).map(|(number, (sku, count, price))| {
        let (sku, quantity, price) = (text(sku), units(*count), price.parse().unwrap());
        (keys.next(), Event::Line(Line { placed, number, sku, name: None, quantity, price }))
    });
    lines.collect()
}

/// These units of these lines.
pub fn some(lines: &[(u16, i64)]) -> LineSelection {
    LineSelection::Some(
        lines.iter().map(|(line, count)| LineQuantity { line: *line, quantity: units(*count) }).collect(),
    )
}

pub fn confirm(placed: EventKey) -> Event {
    Event::Confirmed(Confirmed { time: time(), placed })
}

pub fn cancel(lines: LineSelection) -> Event {
    Event::Cancelled(Cancelled { time: time(), lines, reason: Some(text("no longer wanted")) })
}

/// Line, units with rights, units without.
pub fn promise(lines: &[(u16, i64, i64)]) -> Reservation {
    let lines = lines.iter().map(|(line, secured, unsecured)| ReservedLine {
        line: *line,
        secured: units(*secured),
        unsecured: units(*unsecured),
    });
    Reservation { time: time(), epoch: 1, lines: lines.collect() }
}

pub fn ship(lines: LineSelection, handover: Handover, booking: RightsBooking) -> Event {
    Event::Shipped(Shipped { time: time(), epoch: 1, handover, booking, lines })
}

pub fn pay(minor: i64) -> Event {
    let amount = Money::from_minor(minor).unwrap();
    Event::Paid(Paid { time: time(), tender: Tender::Cash, amount, reference: None })
}

pub fn fact(sku: &str, count: i64) -> StockFact {
    StockFact { time: time(), epoch: 1, sku: text(sku), quantity: units(count), reference: None, reason: None }
}

pub fn booking(fact: EventId, sku: &str, count: i64) -> Booking {
    Booking { epoch: 1, fact, sku: text(sku), quantity: units(count) }
}

/// Rights lent by the keeper of epoch 1, under a name of one number.
pub fn loan(name: u8, sku: &str, count: i64) -> Loan {
    let (loan, holder, origin) = (LoanId([name; 16]), AuthorId([2; 32]), LoanOrigin::ByHand);
    Loan { time: time(), epoch: 1, loan, holder, sku: text(sku), quantity: units(count), origin }
}

pub fn returned(name: u8, sku: &str, count: i64) -> LoanReturned {
    LoanReturned { time: time(), loan: LoanId([name; 16]), sku: text(sku), quantity: units(count) }
}

/// Line, loan, units.
pub fn draw(draws: &[(u16, u8, i64)]) -> Event {
    let draw =
        |(line, name, count): &(u16, u8, i64)| Draw { line: *line, loan: LoanId([*name; 16]), quantity: units(*count) };
    Event::Drawn(Drawn { time: time(), draws: draws.iter().map(draw).collect() })
}

/// A text sealed under the key of `customer`, which the laws never use to open it.
pub fn sealed(customer: DocumentId, field: &str, plain: &str) -> SealedValue {
    let place = SealedPlace { org: OrgId([3; 32]), document: customer, field: SealedField::Field(field) };
    SealedValue::seal(&SealKey::new([5; 32]), place, plain).unwrap()
}

pub fn sealed_field(customer: DocumentId, field: &str, plain: &str) -> FieldValue {
    FieldValue::Bytes(sealed(customer, field, plain).as_bytes().to_vec())
}

pub fn contact(order: DocumentId, plain: &str) -> Event {
    Event::Contact(Contact { subject: order, sealed: sealed(order, "contact", plain) })
}

pub fn open_site(name: &str, kind: SiteKind) -> Event {
    Event::Site(Site { code: code(name), kind, zone: text("Asia/Shanghai"), territory: code("MAIN") })
}

pub fn keeper(site: &str, epoch: u32, author: u8) -> Event {
    Event::Keeper(Keeper { site: code(site), epoch, author: AuthorId([author; 32]) })
}

pub fn channel(name: &str, home: &str) -> Event {
    Event::Channel(Channel { name: text(name), home: code(home), zone: text("Asia/Shanghai") })
}

pub fn member(author: u8, letter: &str) -> Event {
    let (author, device) = (AuthorId([author; 32]), DeviceId([author; 32]));
    Event::Member(Member { author, device, site: code("SH01"), device_letter: text(letter) })
}

/// Line, SKU, units.
pub type SentGoods = (u16, &'static str, i64);

/// A fulfilment of an order of SH01 that WH01 ships, with its lines in one change.
pub fn posting(keys: &mut Keys<'_>, order: DocumentId, goods: &[SentGoods]) -> Vec<(EventKey, Event)> {
    let posted = keys.next();
    let mut events: Vec<(EventKey, Event)> = Vec::new();
    for (number, sku, count) in goods {
        let (number, sku, quantity) = (*number, text(sku), units(*count));
        events.push((keys.next(), Event::FulfilmentLine(FulfilmentLine { posted, number, sku, name: None, quantity })));
    }
    let header = FulfilmentPosted {
        time: time(),
        taker: code("SH01"),
        order,
        half: 1,
        shipper: code("WH01"),
        order_number: text("SH01-A-000001"),
        service: None,
        line_count: goods.len() as u16,
    };
    events.push((posted, Event::FulfilmentPosted(header)));
    events
}

pub fn quantities(lines: &[(u16, i64)]) -> Vec<LineQuantity> {
    lines.iter().map(|(line, count)| LineQuantity { line: *line, quantity: units(*count) }).collect()
}

pub fn send(fulfilment: DocumentId, lines: &[(u16, i64)]) -> Event {
    Event::Sent(Sent { time: time(), shipper: code("WH01"), fulfilment, half: 1, lines: quantities(lines) })
}

pub fn cancel_sent(lines: &[(u16, i64)]) -> Event {
    Event::FulfilmentCancelled(FulfilmentCancelled { time: time(), lines: quantities(lines), reason: None })
}

pub fn ship_sent(site: &str, lines: &[(u16, i64)]) -> Event {
    let (site, lines) = (code(site), quantities(lines));
    Event::FulfilmentShipped(FulfilmentShipped { time: time(), site, epoch: 1, reference: None, lines })
}

pub fn promise_at(site: &str, lines: &[(u16, i64)]) -> FulfilmentPromise {
    let lines = lines.iter().map(|(line, count)| ReservedLine {
        line: *line,
        secured: units(*count),
        unsecured: Quantity::ZERO,
    });
    FulfilmentPromise { time: time(), site: code(site), epoch: 1, lines: lines.collect() }
}

pub fn entrusted(subject: DocumentId, sku: &str, count: i64) -> Entrusted {
    Entrusted { time: time(), epoch: 1, scope: lane(), subject, sku: text(sku), quantity: units(count) }
}

pub fn contact_of_fulfilment(fulfilment: DocumentId, subject: DocumentId, plain: &str) -> Event {
    let place = SealedPlace {
        org: OrgId([3; 32]),
        document: fulfilment,
        field: SealedField::Event(crdt_model::event::EventKind::FulfilmentContact),
    };
    let sealed = SealedValue::seal(&SealKey::new([5; 32]), place, plain).unwrap();
    Event::FulfilmentContact(Contact { subject, sealed })
}
