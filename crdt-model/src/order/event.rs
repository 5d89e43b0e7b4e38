//! The bodies of an order's events.
//!
//! A `line` cites the `placed` that closes it; `placed` carries the number of lines and, where the lines came in more
//! than one change, the hash of all of them. Quantities of a line are as ordered: negative in credit orders and
//! historical adjustments.
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey, RequestId};
use crate::money::{Currency, Money, UnitPrice};
use crate::quantity::Quantity;
use crate::seal::SealedValue;
use crate::text::Text;
use crate::time::EventTime;

/// Lines of an order.
pub const ORDER_LINES_MAX: usize = 2_000;

/// One line as ordered, price frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The `placed` event that it belongs to.
    pub placed: EventKey,
    /// Its number, from 1.
    pub number: u16,
    /// The item's SKU, exact text.
    pub sku: Text,
    /// The name on this line where it differs from the product's.
    pub name: Option<Text>,
    /// Quantity ordered.
    pub quantity: Quantity,
    /// Price of one base unit.
    pub price: UnitPrice,
}

impl Line {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.placed.0).number(u64::from(self.number)).text(&self.sku);
        writer.option(self.name.as_ref(), |w, name| {
            w.text(name);
        });
        self.quantity.encode(writer);
        self.price.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            placed: EventKey::decode("line placed", reader)?,
            number: decode_line_number(reader)?,
            sku: reader.text("line sku")?,
            name: reader.option("line name", |r| r.text("line name"))?,
            quantity: Quantity::decode("line quantity", reader)?,
            price: UnitPrice::decode("line price", reader)?,
        })
    }
}

pub(crate) fn decode_line_number(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    match reader.number_up_to("line number", ORDER_LINES_MAX as u64)? {
        0 => Err(DecodeError::OutOfRange { field: "line number" }),
        number => Ok(number as u16),
    }
}

/// Whether an order is worked or only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Entry {
    /// The whole pipeline: stock, review, notices.
    New = 0,
    /// Completed elsewhere: counted in sales, no stock movement.
    History = 1,
}

/// How the goods change hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Handover {
    /// Sent later.
    Later = 0,
    /// Taken away at once: a walk-in sale.
    AtOnce = 1,
}

/// Where an order came from: unique within a scope by (channel, number).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalOrder {
    /// The channel's name.
    pub channel: Text,
    /// The order's number there.
    pub number: Text,
    /// The order time as literal text of the import, never zone-converted; empty for none.
    pub time_text: Text,
}

/// The hash of lines that came in more than one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// BLAKE3 of key and value of each line event, in key order.
    pub hash: [u8; 32],
}

/// The header of an order; written last, it closes the lines that cite it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// When it was ordered.
    pub time: EventTime,
    /// Its origin outside, if any.
    pub external: Option<ExternalOrder>,
    /// Its human number, a label: `SH01-A-000123`.
    pub label: Option<Text>,
    /// Worked or only counted.
    pub entry: Entry,
    /// Sent later or taken away.
    pub handover: Handover,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// The customer, if known.
    pub customer: Option<DocumentId>,
    /// Country or region of the sale.
    pub region: Option<Text>,
    /// The repeatable request that placed it.
    pub request: Option<RequestId>,
    /// Lines that cite it.
    pub line_count: u16,
    /// Present exactly where the lines came in more than one change.
    pub parts: Option<Parts>,
}

impl Placed {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.option(self.external.as_ref(), |w, external| {
            w.text(&external.channel).text(&external.number).text(&external.time_text);
        });
        writer.option(self.label.as_ref(), |w, label| {
            w.text(label);
        });
        writer.byte(self.entry as u8).byte(self.handover as u8);
        self.currency.encode(writer);
        writer.option(self.customer.as_ref(), |w, customer| customer.encode(w));
        writer.option(self.region.as_ref(), |w, region| {
            w.text(region);
        });
        writer.option(self.request.as_ref(), |w, request| request.encode(w));
        writer.number(u64::from(self.line_count));
        writer.option(self.parts.as_ref(), |w, parts| {
            w.fixed(&parts.hash);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("order time", reader)?,
            external: reader.option("external order", |r| {
                Ok(ExternalOrder {
                    channel: r.text("channel")?,
                    number: r.text("external number")?,
                    time_text: r.text("order time text")?,
                })
            })?,
            label: reader.option("order number", |r| r.text("order number"))?,
            entry: if reader.flag("entry")? { Entry::History } else { Entry::New },
            handover: if reader.flag("handover")? { Handover::AtOnce } else { Handover::Later },
            currency: Currency::decode("currency", reader)?,
            customer: reader.option("customer", |r| DocumentId::decode("customer", r))?,
            region: reader.option("region", |r| r.text("region"))?,
            request: reader.option("request", |r| RequestId::decode("request", r))?,
            line_count: decode_line_number(reader)?,
            parts: reader.option("parts", |r| Ok(Parts { hash: r.array("parts")? }))?,
        })
    }
}

/// A quantity of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineQuantity {
    /// The line's number.
    pub line: u16,
    /// More than zero.
    pub quantity: Quantity,
}

/// Which lines an event covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineSelection {
    /// Every line in full.
    All,
    /// These quantities, sorted by line, each line once.
    Some(Vec<LineQuantity>),
}

impl LineSelection {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::All => writer.byte(0),
            Self::Some(lines) => {
                encode_quantities(lines, writer.byte(1));
                writer
            }
        };
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !reader.flag("lines")? {
            return Ok(Self::All);
        }
        decode_quantities(reader).map(Self::Some)
    }
}

pub(crate) fn encode_quantities(lines: &[LineQuantity], writer: &mut Writer) {
    writer.list(lines, |w, entry| {
        w.number(u64::from(entry.line));
        entry.quantity.encode(w);
    });
}

/// Quantities sorted by line, each line once, at least one.
pub(crate) fn decode_quantities(reader: &mut Reader<'_>) -> Result<Vec<LineQuantity>, DecodeError> {
    let lines = reader.list("lines", ORDER_LINES_MAX, |r| {
        Ok(LineQuantity { line: decode_line_number(r)?, quantity: decode_positive(r)? })
    })?;
    sorted_by_line(lines, |entry| entry.line)
}

pub(crate) fn decode_positive(reader: &mut Reader<'_>) -> Result<Quantity, DecodeError> {
    let quantity = Quantity::decode("line quantity", reader)?;
    if quantity.is_positive() { Ok(quantity) } else { Err(DecodeError::OutOfRange { field: "line quantity" }) }
}

fn sorted_by_line<T>(lines: Vec<T>, line: impl Fn(&T) -> u16) -> Result<Vec<T>, DecodeError> {
    let sorted = !lines.is_empty() && lines.is_sorted_by(|a, b| line(a) < line(b));
    if sorted { Ok(lines) } else { Err(DecodeError::NotCanonical { field: "lines" }) }
}

/// The order is confirmed as one `placed` wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// When.
    pub time: EventTime,
    /// The version confirmed.
    pub placed: EventKey,
}

impl Confirmed {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.placed.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { time: EventTime::decode("confirmed", reader)?, placed: EventKey::decode("confirmed", reader)? })
    }
}

/// Somebody wants these quantities no more; effective for what has not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// When.
    pub time: EventTime,
    /// Which quantities.
    pub lines: LineSelection,
    /// Why, in words without personal data.
    pub reason: Option<Text>,
}

impl Cancelled {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.lines.encode(writer);
        writer.option(self.reason.as_ref(), |w, reason| {
            w.text(reason);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("cancelled", reader)?,
            lines: LineSelection::decode(reader)?,
            reason: reader.option("reason", |r| r.text("reason"))?,
        })
    }
}

/// What one line of a reservation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedLine {
    /// The line's number.
    pub line: u16,
    /// Covered by rights of the author.
    pub secured: Quantity,
    /// Promised without rights.
    pub unsecured: Quantity,
}

/// Stock promised to lines, or such a promise given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// When.
    pub time: EventTime,
    /// The keeper epoch whose rights it draws on.
    pub epoch: u32,
    /// The quantities, sorted by line.
    pub lines: Vec<ReservedLine>,
}

impl Reservation {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.number(u64::from(self.epoch));
        encode_reserved(&self.lines, writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let time = EventTime::decode("reservation", reader)?;
        Ok(Self { time, epoch: decode_epoch(reader)?, lines: decode_reserved(reader)? })
    }
}

pub(crate) fn encode_reserved(lines: &[ReservedLine], writer: &mut Writer) {
    writer.list(lines, |w, entry| {
        w.number(u64::from(entry.line));
        entry.secured.encode(w);
        entry.unsecured.encode(w);
    });
}

/// Reservations sorted by line, each line once, at least one.
pub(crate) fn decode_reserved(reader: &mut Reader<'_>) -> Result<Vec<ReservedLine>, DecodeError> {
    let lines = reader.list("lines", ORDER_LINES_MAX, |r| {
        let line = decode_line_number(r)?;
        let secured = Quantity::decode("secured", r)?;
        let unsecured = Quantity::decode("unsecured", r)?;
        let fits = secured >= Quantity::ZERO && unsecured >= Quantity::ZERO;
        fits.then_some(ReservedLine { line, secured, unsecured })
            .ok_or(DecodeError::OutOfRange { field: "reservation" })
    })?;
    sorted_by_line(lines, |entry| entry.line)
}

pub(crate) fn decode_epoch(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    Ok(reader.number_up_to("keeper epoch", u64::from(u32::MAX))? as u32)
}

/// Who booked the rights of goods that left without a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RightsBooking {
    /// The keeper books later, by a `burn` that cites this event.
    Later = 0,
    /// The keeper itself wrote the event: it is its own booking.
    Here = 1,
}

/// Goods left the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// When.
    pub time: EventTime,
    /// The keeper epoch as the author knew it.
    pub epoch: u32,
    /// Whether the customer took them at once.
    pub handover: Handover,
    /// Who books the rights of what no promise covers.
    pub booking: RightsBooking,
    /// Which quantities.
    pub lines: LineSelection,
}

impl Shipped {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.number(u64::from(self.epoch)).byte(self.handover as u8).byte(self.booking as u8);
        self.lines.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("shipped", reader)?,
            epoch: decode_epoch(reader)?,
            handover: if reader.flag("handover")? { Handover::AtOnce } else { Handover::Later },
            booking: if reader.flag("booking")? { RightsBooking::Here } else { RightsBooking::Later },
            lines: LineSelection::decode(reader)?,
        })
    }
}

/// How money came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tender {
    /// Notes and coins.
    Cash = 1,
    /// 微信.
    WeChat = 2,
    /// 支付宝.
    Alipay = 3,
    /// 银行卡.
    Card = 4,
    /// Credit that the shop owes the customer.
    StoreCredit = 5,
    /// 挂账: on the customer's account.
    OnAccount = 6,
    /// Bank transfer.
    Transfer = 7,
}

impl Tender {
    /// Every tender with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Cash, "cash"),
        (Self::WeChat, "wechat"),
        (Self::Alipay, "alipay"),
        (Self::Card, "card"),
        (Self::StoreCredit, "store-credit"),
        (Self::OnAccount, "on-account"),
        (Self::Transfer, "transfer"),
    ];

    /// The tender of a name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(tender, _)| *tender == self).map_or("", |(_, name)| name)
    }

    /// The tender of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(tender, _)| tender)
    }
}

/// Money came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// When.
    pub time: EventTime,
    /// How.
    pub tender: Tender,
    /// How much, in the order's currency.
    pub amount: Money,
    /// The terminal's or bank's transaction number.
    pub reference: Option<Text>,
}

impl Paid {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.byte(self.tender as u8);
        self.amount.encode(writer);
        writer.option(self.reference.as_ref(), |w, reference| {
            w.text(reference);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let time = EventTime::decode("paid", reader)?;
        let number = reader.byte("tender")?;
        let tender = Tender::ALL.into_iter().find(|(tender, _)| *tender as u8 == number);
        Ok(Self {
            time,
            tender: tender.map(|(tender, _)| tender).ok_or(DecodeError::OutOfRange { field: "tender" })?,
            amount: decode_amount(reader)?,
            reference: reader.option("payment reference", |r| r.text("payment reference"))?,
        })
    }
}

fn decode_amount(reader: &mut Reader<'_>) -> Result<Money, DecodeError> {
    let amount = Money::decode("amount", reader)?;
    if amount > Money::ZERO { Ok(amount) } else { Err(DecodeError::OutOfRange { field: "amount" }) }
}

/// Name, phone, address and note of the recipient as one sealed JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Whose key seals it: the customer, or the order itself.
    pub subject: DocumentId,
    /// The sealed text.
    pub sealed: SealedValue,
}

impl Contact {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.subject.encode(writer);
        self.sealed.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            subject: DocumentId::decode("contact subject", reader)?,
            sealed: SealedValue::decode("contact", reader)?,
        })
    }
}
