//! The bodies of a product's events: its founding, what head office made of a provisional one, its bar codes.
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::product::barcode::Barcode;
use crate::text::Text;
use crate::time::EventTime;

/// A product with its immutable SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPosted {
    /// Exact text, case kept; the document id derives from it.
    pub sku: Text,
}

impl ProductPosted {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.text(&self.sku);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { sku: reader.text("sku")? })
    }
}

/// Head office takes a site's provisional product over: as it is, or as another item under which it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductAdopted {
    /// When.
    pub time: EventTime,
    /// The SKU of the catalogue: its own, or the item that it is another name of.
    pub sku: Text,
}

impl ProductAdopted {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.text(&self.sku);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { time: EventTime::decode("adopted", reader)?, sku: reader.text("sku")? })
    }
}

/// The product carries a bar code; each one adds to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarcodeAdded {
    /// The code.
    pub barcode: Barcode,
}

impl BarcodeAdded {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.barcode.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { barcode: Barcode::decode(reader)? })
    }
}
