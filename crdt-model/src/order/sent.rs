//! The body of `Sent`: lines of an order that another site ships, with the link to the fulfilment in the lane.
//!
//! From then on they are not this site's to ship: what it had promised of them is free again.
//!
//! Invariant: one encoding. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::DocumentId;
use crate::order::event::{LineQuantity, decode_quantities, encode_quantities};
use crate::scope::SiteCode;
use crate::time::EventTime;

/// Lines that another site ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub time: EventTime,
    /// The site that ships.
    pub shipper: SiteCode,
    /// The fulfilment, in the lane of the two sites.
    pub fulfilment: DocumentId,
    /// The number of the author's commit in the lane that holds the other half.
    pub half: u64,
    /// Which quantities, sorted by line, each line once.
    pub lines: Vec<LineQuantity>,
}

impl Sent {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        self.shipper.encode(writer);
        self.fulfilment.encode(writer);
        writer.number(self.half);
        encode_quantities(&self.lines, writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("sent", reader)?,
            shipper: SiteCode::decode("shipper", reader)?,
            fulfilment: DocumentId::decode("fulfilment", reader)?,
            half: decode_half(reader)?,
            lines: decode_quantities(reader)?,
        })
    }
}

/// The number of a commit, from 1.
pub(crate) fn decode_half(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.number("half")? {
        0 => Err(DecodeError::OutOfRange { field: "half" }),
        half => Ok(half),
    }
}
