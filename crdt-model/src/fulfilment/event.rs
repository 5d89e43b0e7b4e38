//! The bodies of a fulfilment's events.
//!
//! Lines bear the numbers of the order's lines, so both sites speak of the same ones. Facts and promises name the site
//! whose they are: an author may write them for its own site alone.
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey};
use crate::order::event::{
    LineQuantity, ReservedLine, decode_epoch, decode_line_number, decode_positive, decode_quantities, decode_reserved,
    encode_quantities, encode_reserved,
};
use crate::order::sent::decode_half;
use crate::quantity::Quantity;
use crate::scope::SiteCode;
use crate::text::Text;
use crate::time::EventTime;

/// A line of an order as it is sent to the shipper: no price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentLine {
    /// The `FulfilmentPosted` that it belongs to.
    pub posted: EventKey,
    /// The number of the order's line.
    pub number: u16,
    /// The item's SKU, exact text.
    pub sku: Text,
    /// The name on the order's line where it differs from the product's.
    pub name: Option<Text>,
    /// How much is to leave, more than zero.
    pub quantity: Quantity,
}

impl FulfilmentLine {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.posted.0).number(u64::from(self.number)).text(&self.sku);
        writer.option(self.name.as_ref(), |w, name| {
            w.text(name);
        });
        self.quantity.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            posted: EventKey::decode("line posted", reader)?,
            number: decode_line_number(reader)?,
            sku: reader.text("line sku")?,
            name: reader.option("line name", |r| r.text("line name"))?,
            quantity: decode_positive(reader)?,
        })
    }
}

/// The header of a fulfilment; written last, it closes the lines that cite it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentPosted {
    /// When the lines were sent.
    pub time: EventTime,
    /// The site that took the order.
    pub taker: SiteCode,
    /// The order, in the taker's scope.
    pub order: DocumentId,
    /// The number of the author's commit in the taker's scope that holds the other half.
    pub half: u64,
    /// The site that ships.
    pub shipper: SiteCode,
    /// What people call the order.
    pub order_number: Text,
    /// How it shall travel, in words without personal data.
    pub service: Option<Text>,
    /// Lines that cite it.
    pub line_count: u16,
}

impl FulfilmentPosted {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.taker.encode(writer);
        self.order.encode(writer);
        writer.number(self.half);
        self.shipper.encode(writer);
        writer.text(&self.order_number).option(self.service.as_ref(), |w, service| {
            w.text(service);
        });
        writer.number(u64::from(self.line_count));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let posted = Self {
            time: EventTime::decode("fulfilment time", reader)?,
            taker: SiteCode::decode("taker", reader)?,
            order: DocumentId::decode("order", reader)?,
            half: decode_half(reader)?,
            shipper: SiteCode::decode("shipper", reader)?,
            order_number: reader.text("order number")?,
            service: reader.option("service", |r| r.text("service"))?,
            line_count: decode_line_number(reader)?,
        };
        let two = posted.taker != posted.shipper;
        two.then_some(posted).ok_or(DecodeError::OutOfRange { field: "shipper" })
    }
}

/// Somebody wants these quantities from the shipper no more, or the shipper cannot give them; effective for what has
/// not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentCancelled {
    /// When.
    pub time: EventTime,
    /// Cumulative quantities, sorted by line, each line once.
    pub lines: Vec<LineQuantity>,
    /// Why, in words without personal data.
    pub reason: Option<Text>,
}

impl FulfilmentCancelled {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        encode_quantities(&self.lines, writer);
        writer.option(self.reason.as_ref(), |w, reason| {
            w.text(reason);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("cancelled", reader)?,
            lines: decode_quantities(reader)?,
            reason: reader.option("reason", |r| r.text("reason"))?,
        })
    }
}

/// The shipper promises lines, or gives such a promise back. What it promises with rights its keeper has debited in the
/// shipper's own scope in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentPromise {
    /// When.
    pub time: EventTime,
    /// Whose stock it is.
    pub site: SiteCode,
    /// The keeper epoch whose rights it draws on.
    pub epoch: u32,
    /// The quantities, sorted by line.
    pub lines: Vec<ReservedLine>,
}

impl FulfilmentPromise {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.site.encode(writer);
        writer.number(u64::from(self.epoch));
        encode_reserved(&self.lines, writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("promise", reader)?,
            site: SiteCode::decode("promise site", reader)?,
            epoch: decode_epoch(reader)?,
            lines: decode_reserved(reader)?,
        })
    }
}

/// Goods left a site: the stock movement itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentShipped {
    /// When.
    pub time: EventTime,
    /// The site that they left.
    pub site: SiteCode,
    /// The site's keeper epoch as the author knew it.
    pub epoch: u32,
    /// A waybill or other paper.
    pub reference: Option<Text>,
    /// Which quantities, sorted by line, each line once.
    pub lines: Vec<LineQuantity>,
}

impl FulfilmentShipped {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.site.encode(writer);
        writer.number(u64::from(self.epoch)).option(self.reference.as_ref(), |w, reference| {
            w.text(reference);
        });
        encode_quantities(&self.lines, writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("shipped", reader)?,
            site: SiteCode::decode("shipped from", reader)?,
            epoch: decode_epoch(reader)?,
            reference: reader.option("reference", |r| r.text("reference"))?,
            lines: decode_quantities(reader)?,
        })
    }
}
