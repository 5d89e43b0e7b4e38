//! The founding event of a product.
//!
//! Invariant: one encoding. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::text::Text;

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
