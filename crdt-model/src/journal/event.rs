//! The bodies of a journal's events.
//!
//! A fact moves goods at once; rights follow only by the keeper's mint or burn that cites the fact.
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::EventId;
use crate::order::event::decode_epoch;
use crate::quantity::Quantity;
use crate::text::Text;
use crate::time::EventTime;

/// Goods came, went or were found to differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockFact {
    /// When.
    pub time: EventTime,
    /// The keeper epoch as the author knew it.
    pub epoch: u32,
    /// The item's SKU.
    pub sku: Text,
    /// Change of the stock on hand.
    pub quantity: Quantity,
    /// A delivery note or other paper.
    pub reference: Option<Text>,
    /// Why, in words without personal data.
    pub reason: Option<Text>,
}

impl StockFact {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.number(u64::from(self.epoch)).text(&self.sku);
        self.quantity.encode(writer);
        for text in [&self.reference, &self.reason] {
            writer.option(text.as_ref(), |w, text| {
                w.text(text);
            });
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("stock fact", reader)?,
            epoch: decode_epoch(reader)?,
            sku: reader.text("sku")?,
            quantity: Quantity::decode("quantity", reader)?,
            reference: reader.option("reference", |r| r.text("reference"))?,
            reason: reader.option("reason", |r| r.text("reason"))?,
        })
    }
}

/// The keeper makes or takes rights for one physical fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The keeper's epoch.
    pub epoch: u32,
    /// The fact that is booked.
    pub fact: EventId,
    /// The item's SKU.
    pub sku: Text,
    /// Rights made or taken, more than zero.
    pub quantity: Quantity,
}

impl Booking {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.number(u64::from(self.epoch));
        self.fact.encode(writer);
        writer.text(&self.sku);
        self.quantity.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let booking = Self {
            epoch: decode_epoch(reader)?,
            fact: EventId::decode("fact", reader)?,
            sku: reader.text("sku")?,
            quantity: Quantity::decode("quantity", reader)?,
        };
        let positive = booking.quantity.is_positive();
        positive.then_some(booking).ok_or(DecodeError::OutOfRange { field: "quantity" })
    }
}
