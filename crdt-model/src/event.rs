//! Events: the immutable facts and intents that documents hold under event keys.
//!
//! An event's value is `kind u16 ‖ version u8 ‖ body` in the project's own codec. A later field comes as a new kind or
//! version; what this program does not know parks the document. The bodies live beside their document's rules; this
//! file names every kind, the document that it belongs to, and reads and writes the value.
//!
//! Invariants: each kind belongs to one kind of document; decode then encode is the identity. Proved by
//! `every_event_has_one_encoding` and `an_unknown_kind_or_version_is_told_apart_from_garbage`.

use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};
use crate::control::event::{Channel, Genesis, Keeper, Member, Site};
use crate::customer::event::CustomerPosted;
use crate::fulfilment::event::{
    FulfilmentCancelled, FulfilmentLine, FulfilmentPosted, FulfilmentPromise, FulfilmentShipped,
};
use crate::journal::entrusted::Entrusted;
use crate::journal::event::{Booking, StockFact};
use crate::journal::loan::{Loan, LoanReturned};
use crate::order::draw::Drawn;
use crate::order::event::{Cancelled, Confirmed, Contact, Line, Paid, Placed, Reservation, Shipped};
use crate::order::sent::Sent;
use crate::product::event::{BarcodeAdded, ProductAdopted, ProductPosted};

/// The kind of an event; its number is the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum EventKind {
    /// The organisation begins.
    Genesis = 0x0101,
    /// An author is admitted.
    Member = 0x0102,
    /// A site is opened.
    Site = 0x0103,
    /// An author keeps a site's stock rights from an epoch on.
    Keeper = 0x0104,
    /// A channel and its home site.
    Channel = 0x0105,
    /// A product is complete.
    ProductPosted = 0x0201,
    /// Head office takes a provisional product over.
    ProductAdopted = 0x0202,
    /// A product carries a further bar code.
    BarcodeAdded = 0x0203,
    /// A customer is complete.
    CustomerPosted = 0x0301,
    /// A line of an order.
    Line = 0x0401,
    /// A sale is placed; closes its lines.
    Placed = 0x0402,
    /// A credit order is placed; closes its lines.
    CreditPlaced = 0x0403,
    /// A historical adjustment is placed; closes its lines.
    AdjustmentPlaced = 0x0404,
    /// The order is confirmed.
    Confirmed = 0x0405,
    /// Lines are cancelled.
    Cancelled = 0x0406,
    /// Stock is promised.
    Reserved = 0x0407,
    /// A promise is given back.
    Released = 0x0408,
    /// Goods left.
    Shipped = 0x0409,
    /// Money came in.
    Paid = 0x040a,
    /// Name, phone, address and note, sealed.
    Contact = 0x040b,
    /// Stock is promised out of loans.
    Drawn = 0x040c,
    /// Lines are another site's to ship.
    Sent = 0x040d,
    /// Stock at the beginning.
    Opening = 0x0501,
    /// Goods came in.
    Receipt = 0x0502,
    /// Stock was found to differ.
    Adjustment = 0x0503,
    /// The keeper makes rights of a fact.
    Mint = 0x0504,
    /// The keeper takes rights for a fact.
    Burn = 0x0505,
    /// The keeper lends rights.
    Loan = 0x0506,
    /// The holder gives rights of a loan back.
    LoanReturned = 0x0507,
    /// Rights of the keeper go where another scope spends them.
    Debited = 0x0508,
    /// Such rights come back.
    Credited = 0x0509,
    /// A line of a fulfilment.
    FulfilmentLine = 0x0601,
    /// A fulfilment is complete; closes its lines.
    FulfilmentPosted = 0x0602,
    /// Who gets the goods, sealed.
    FulfilmentContact = 0x0603,
    /// Lines of a fulfilment are cancelled.
    FulfilmentCancelled = 0x0604,
    /// The shipper promises lines.
    FulfilmentReserved = 0x0605,
    /// Such a promise is given back.
    FulfilmentReleased = 0x0606,
    /// Goods left the shipper.
    FulfilmentShipped = 0x0607,
}

/// What a document is; each event kind belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DocumentKind {
    /// A record of `control`.
    Control = 1,
    /// An item of the master.
    Product = 2,
    /// A customer.
    Customer = 3,
    /// An order, credit order or historical adjustment.
    Order = 4,
    /// Stock facts and bookings of one session.
    Journal = 5,
    /// Lines of an order that another site ships.
    Fulfilment = 6,
}

impl EventKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 38] = [
        Self::Genesis,
        Self::Member,
        Self::Site,
        Self::Keeper,
        Self::Channel,
        Self::ProductPosted,
        Self::ProductAdopted,
        Self::BarcodeAdded,
        Self::CustomerPosted,
        Self::Line,
        Self::Placed,
        Self::CreditPlaced,
        Self::AdjustmentPlaced,
        Self::Confirmed,
        Self::Cancelled,
        Self::Reserved,
        Self::Released,
        Self::Shipped,
        Self::Paid,
        Self::Contact,
        Self::Drawn,
        Self::Sent,
        Self::Opening,
        Self::Receipt,
        Self::Adjustment,
        Self::Mint,
        Self::Burn,
        Self::Loan,
        Self::LoanReturned,
        Self::Debited,
        Self::Credited,
        Self::FulfilmentLine,
        Self::FulfilmentPosted,
        Self::FulfilmentContact,
        Self::FulfilmentCancelled,
        Self::FulfilmentReserved,
        Self::FulfilmentReleased,
        Self::FulfilmentShipped,
    ];

    fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u16 == number)
    }

    /// The document that holds it.
    pub fn document(self) -> DocumentKind {
        match (self as u16) >> 8 {
            1 => DocumentKind::Control,
            2 => DocumentKind::Product,
            3 => DocumentKind::Customer,
            4 => DocumentKind::Order,
            5 => DocumentKind::Journal,
            _ => DocumentKind::Fulfilment,
        }
    }
}

/// An event with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// See [`EventKind::Genesis`].
    Genesis(Genesis),
    /// See [`EventKind::Member`].
    Member(Member),
    /// See [`EventKind::Site`].
    Site(Site),
    /// See [`EventKind::Keeper`].
    Keeper(Keeper),
    /// See [`EventKind::Channel`].
    Channel(Channel),
    /// See [`EventKind::ProductPosted`].
    ProductPosted(ProductPosted),
    /// See [`EventKind::ProductAdopted`].
    ProductAdopted(ProductAdopted),
    /// See [`EventKind::BarcodeAdded`].
    BarcodeAdded(BarcodeAdded),
    /// See [`EventKind::CustomerPosted`].
    CustomerPosted(CustomerPosted),
    /// See [`EventKind::Line`].
    Line(Line),
    /// See [`EventKind::Placed`].
    Placed(Placed),
    /// See [`EventKind::CreditPlaced`].
    CreditPlaced(Placed),
    /// See [`EventKind::AdjustmentPlaced`].
    AdjustmentPlaced(Placed),
    /// See [`EventKind::Confirmed`].
    Confirmed(Confirmed),
    /// See [`EventKind::Cancelled`].
    Cancelled(Cancelled),
    /// See [`EventKind::Reserved`].
    Reserved(Reservation),
    /// See [`EventKind::Released`].
    Released(Reservation),
    /// See [`EventKind::Shipped`].
    Shipped(Shipped),
    /// See [`EventKind::Paid`].
    Paid(Paid),
    /// See [`EventKind::Contact`].
    Contact(Contact),
    /// See [`EventKind::Drawn`].
    Drawn(Drawn),
    /// See [`EventKind::Sent`].
    Sent(Sent),
    /// See [`EventKind::Opening`].
    Opening(StockFact),
    /// See [`EventKind::Receipt`].
    Receipt(StockFact),
    /// See [`EventKind::Adjustment`].
    Adjustment(StockFact),
    /// See [`EventKind::Mint`].
    Mint(Booking),
    /// See [`EventKind::Burn`].
    Burn(Booking),
    /// See [`EventKind::Loan`].
    Loan(Loan),
    /// See [`EventKind::LoanReturned`].
    LoanReturned(LoanReturned),
    /// See [`EventKind::Debited`].
    Debited(Entrusted),
    /// See [`EventKind::Credited`].
    Credited(Entrusted),
    /// See [`EventKind::FulfilmentLine`].
    FulfilmentLine(FulfilmentLine),
    /// See [`EventKind::FulfilmentPosted`].
    FulfilmentPosted(FulfilmentPosted),
    /// See [`EventKind::FulfilmentContact`].
    FulfilmentContact(Contact),
    /// See [`EventKind::FulfilmentCancelled`].
    FulfilmentCancelled(FulfilmentCancelled),
    /// See [`EventKind::FulfilmentReserved`].
    FulfilmentReserved(FulfilmentPromise),
    /// See [`EventKind::FulfilmentReleased`].
    FulfilmentReleased(FulfilmentPromise),
    /// See [`EventKind::FulfilmentShipped`].
    FulfilmentShipped(FulfilmentShipped),
}

/// Why a value is not an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EventError {
    /// A kind or version of a later program: the document is parked.
    #[error("event kind {kind:#06x} version {version} is newer than this program")]
    Newer {
        /// Kind number.
        kind: u16,
        /// Version number.
        version: u8,
    },
    /// Not an event at all: the commit is set aside.
    #[error("event: {0}")]
    Decode(#[from] DecodeError),
}

const VERSION: u8 = 1;

impl Event {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Genesis(_) => EventKind::Genesis,
            Self::Member(_) => EventKind::Member,
            Self::Site(_) => EventKind::Site,
            Self::Keeper(_) => EventKind::Keeper,
            Self::Channel(_) => EventKind::Channel,
            Self::ProductPosted(_) => EventKind::ProductPosted,
            Self::ProductAdopted(_) => EventKind::ProductAdopted,
            Self::BarcodeAdded(_) => EventKind::BarcodeAdded,
            Self::CustomerPosted(_) => EventKind::CustomerPosted,
            Self::Line(_) => EventKind::Line,
            Self::Placed(_) => EventKind::Placed,
            Self::CreditPlaced(_) => EventKind::CreditPlaced,
            Self::AdjustmentPlaced(_) => EventKind::AdjustmentPlaced,
            Self::Confirmed(_) => EventKind::Confirmed,
            Self::Cancelled(_) => EventKind::Cancelled,
            Self::Reserved(_) => EventKind::Reserved,
            Self::Released(_) => EventKind::Released,
            Self::Shipped(_) => EventKind::Shipped,
            Self::Paid(_) => EventKind::Paid,
            Self::Contact(_) => EventKind::Contact,
            Self::Drawn(_) => EventKind::Drawn,
            Self::Sent(_) => EventKind::Sent,
            Self::Opening(_) => EventKind::Opening,
            Self::Receipt(_) => EventKind::Receipt,
            Self::Adjustment(_) => EventKind::Adjustment,
            Self::Mint(_) => EventKind::Mint,
            Self::Burn(_) => EventKind::Burn,
            Self::Loan(_) => EventKind::Loan,
            Self::LoanReturned(_) => EventKind::LoanReturned,
            Self::Debited(_) => EventKind::Debited,
            Self::Credited(_) => EventKind::Credited,
            Self::FulfilmentLine(_) => EventKind::FulfilmentLine,
            Self::FulfilmentPosted(_) => EventKind::FulfilmentPosted,
            Self::FulfilmentContact(_) => EventKind::FulfilmentContact,
            Self::FulfilmentCancelled(_) => EventKind::FulfilmentCancelled,
            Self::FulfilmentReserved(_) => EventKind::FulfilmentReserved,
            Self::FulfilmentReleased(_) => EventKind::FulfilmentReleased,
            Self::FulfilmentShipped(_) => EventKind::FulfilmentShipped,
        }
    }

    /// The value as the document holds it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64);
        writer.fixed(&(self.kind() as u16).to_be_bytes()).byte(VERSION);
        match self {
            Self::Genesis(body) => body.encode(&mut writer),
            Self::Member(body) => body.encode(&mut writer),
            Self::Site(body) => body.encode(&mut writer),
            Self::Keeper(body) => body.encode(&mut writer),
            Self::Channel(body) => body.encode(&mut writer),
            Self::ProductPosted(body) => body.encode(&mut writer),
            Self::ProductAdopted(body) => body.encode(&mut writer),
            Self::BarcodeAdded(body) => body.encode(&mut writer),
            Self::CustomerPosted(body) => body.encode(&mut writer),
            Self::Line(body) => body.encode(&mut writer),
            Self::Placed(body) | Self::CreditPlaced(body) | Self::AdjustmentPlaced(body) => body.encode(&mut writer),
            Self::Confirmed(body) => body.encode(&mut writer),
            Self::Cancelled(body) => body.encode(&mut writer),
            Self::Reserved(body) | Self::Released(body) => body.encode(&mut writer),
            Self::Shipped(body) => body.encode(&mut writer),
            Self::Paid(body) => body.encode(&mut writer),
            Self::Contact(body) | Self::FulfilmentContact(body) => body.encode(&mut writer),
            Self::Drawn(body) => body.encode(&mut writer),
            Self::Sent(body) => body.encode(&mut writer),
            Self::Opening(body) | Self::Receipt(body) | Self::Adjustment(body) => body.encode(&mut writer),
            Self::Mint(body) | Self::Burn(body) => body.encode(&mut writer),
            Self::Loan(body) => body.encode(&mut writer),
            Self::LoanReturned(body) => body.encode(&mut writer),
            Self::Debited(body) | Self::Credited(body) => body.encode(&mut writer),
            Self::FulfilmentLine(body) => body.encode(&mut writer),
            Self::FulfilmentPosted(body) => body.encode(&mut writer),
            Self::FulfilmentCancelled(body) => body.encode(&mut writer),
            Self::FulfilmentReserved(body) | Self::FulfilmentReleased(body) => body.encode(&mut writer),
            Self::FulfilmentShipped(body) => body.encode(&mut writer),
        }
        writer.finish()
    }

    /// Reads a value.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        let mut reader = Reader::new(bytes);
        let number = u16::from_be_bytes(reader.array("event kind")?);
        let version = reader.byte("event version")?;
        let Some(kind) = EventKind::from_number(number).filter(|_| version == VERSION) else {
            return Err(EventError::Newer { kind: number, version });
        };
        let event = Self::decode_body(kind, &mut reader)?;
        reader.end()?;
        Ok(event)
    }

    fn decode_body(kind: EventKind, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            EventKind::Genesis => Self::Genesis(Genesis::decode(reader)?),
            EventKind::Member => Self::Member(Member::decode(reader)?),
            EventKind::Site => Self::Site(Site::decode(reader)?),
            EventKind::Keeper => Self::Keeper(Keeper::decode(reader)?),
            EventKind::Channel => Self::Channel(Channel::decode(reader)?),
            EventKind::ProductPosted => Self::ProductPosted(ProductPosted::decode(reader)?),
            EventKind::ProductAdopted => Self::ProductAdopted(ProductAdopted::decode(reader)?),
            EventKind::BarcodeAdded => Self::BarcodeAdded(BarcodeAdded::decode(reader)?),
            EventKind::CustomerPosted => Self::CustomerPosted(CustomerPosted::decode(reader)?),
            EventKind::Line => Self::Line(Line::decode(reader)?),
            EventKind::Placed => Self::Placed(Placed::decode(reader)?),
            EventKind::CreditPlaced => Self::CreditPlaced(Placed::decode(reader)?),
            EventKind::AdjustmentPlaced => Self::AdjustmentPlaced(Placed::decode(reader)?),
            EventKind::Confirmed => Self::Confirmed(Confirmed::decode(reader)?),
            EventKind::Cancelled => Self::Cancelled(Cancelled::decode(reader)?),
            EventKind::Reserved => Self::Reserved(Reservation::decode(reader)?),
            EventKind::Released => Self::Released(Reservation::decode(reader)?),
            EventKind::Shipped => Self::Shipped(Shipped::decode(reader)?),
            EventKind::Paid => Self::Paid(Paid::decode(reader)?),
            EventKind::Contact => Self::Contact(Contact::decode(reader)?),
            EventKind::Drawn => Self::Drawn(Drawn::decode(reader)?),
            EventKind::Sent => Self::Sent(Sent::decode(reader)?),
            EventKind::Opening => Self::Opening(StockFact::decode(reader)?),
            EventKind::Receipt => Self::Receipt(StockFact::decode(reader)?),
            EventKind::Adjustment => Self::Adjustment(StockFact::decode(reader)?),
            EventKind::Mint => Self::Mint(Booking::decode(reader)?),
            EventKind::Burn => Self::Burn(Booking::decode(reader)?),
            EventKind::Loan => Self::Loan(Loan::decode(reader)?),
            EventKind::LoanReturned => Self::LoanReturned(LoanReturned::decode(reader)?),
            EventKind::Debited => Self::Debited(Entrusted::decode(reader)?),
            EventKind::Credited => Self::Credited(Entrusted::decode(reader)?),
            EventKind::FulfilmentLine => Self::FulfilmentLine(FulfilmentLine::decode(reader)?),
            EventKind::FulfilmentPosted => Self::FulfilmentPosted(FulfilmentPosted::decode(reader)?),
            EventKind::FulfilmentContact => Self::FulfilmentContact(Contact::decode(reader)?),
            EventKind::FulfilmentCancelled => Self::FulfilmentCancelled(FulfilmentCancelled::decode(reader)?),
            EventKind::FulfilmentReserved => Self::FulfilmentReserved(FulfilmentPromise::decode(reader)?),
            EventKind::FulfilmentReleased => Self::FulfilmentReleased(FulfilmentPromise::decode(reader)?),
            EventKind::FulfilmentShipped => Self::FulfilmentShipped(FulfilmentShipped::decode(reader)?),
        })
    }
}

#[cfg(test)]
mod tests {
    mod encoding;
}
