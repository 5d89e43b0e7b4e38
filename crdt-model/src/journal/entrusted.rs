//! The bodies of `Debited` and `Credited`: rights of the keeper that are spent in another scope.
//!
//! The keeper debits them in its own scope in the transaction that promises them in the other one; what is given back
//! there it credits in the same way. So every check of rights needs one scope and one author's order.
//!
//! Invariant: one encoding. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::DocumentId;
use crate::order::event::{decode_epoch, decode_positive};
use crate::quantity::Quantity;
use crate::scope::Scope;
use crate::text::Text;
use crate::time::EventTime;

/// Rights that leave the keeper's scope, or come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrusted {
    /// When.
    pub time: EventTime,
    /// The keeper's epoch.
    pub epoch: u32,
    /// Where they are spent.
    pub scope: Scope,
    /// For what: the fulfilment there.
    pub subject: DocumentId,
    /// The item's SKU.
    pub sku: Text,
    /// How many, more than zero.
    pub quantity: Quantity,
}

impl Entrusted {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.number(u64::from(self.epoch));
        self.scope.encode(writer);
        self.subject.encode(writer);
        writer.text(&self.sku);
        self.quantity.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("rights", reader)?,
            epoch: decode_epoch(reader)?,
            scope: Scope::decode("scope of rights", reader)?,
            subject: DocumentId::decode("subject of rights", reader)?,
            sku: reader.text("sku")?,
            quantity: decode_positive(reader)?,
        })
    }
}
