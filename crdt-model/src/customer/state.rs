//! The folded customer: origin and sealed fields with every concurrent value. The fold never opens them.
//!
//! Invariant: sealed bytes pass through unchanged, so that nodes without a key fold alike. Proved by
//! `a_customer_folds_alike_without_its_key` in `merge_laws`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::customer::SEALED_FIELDS;
use crate::customer::event::{CustomerPosted, ExternalCustomer};
use crate::document::{Content, FieldValue};
use crate::event::Event;
use crate::product::state::FIELD_VALUES_MAX;
use crate::seal::SealedValue;

/// A folded customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerState {
    /// Its number in a channel, if it came from one.
    pub external: Option<ExternalCustomer>,
    /// Sealed values of [`SEALED_FIELDS`], in that order, the shown one first.
    pub sealed: [Vec<SealedValue>; 4],
}

impl CustomerState {
    /// Folds a customer; `None` until its founding event is held.
    pub fn fold(content: &Content) -> Option<Self> {
        let posted = content.events.values().find_map(|event| match event {
            Event::CustomerPosted(posted) => Some(posted),
            _other => None,
        })?;
        let sealed = SEALED_FIELDS.map(|field| {
            let values = content.fields.get(field).map_or(&[][..], Vec::as_slice);
            let sealed = values.iter().filter_map(|value| match value {
                FieldValue::Bytes(bytes) => SealedValue::from_bytes(bytes).ok(),
                FieldValue::Text(_) => None,
            });
            sealed.take(FIELD_VALUES_MAX).collect()
        });
        Some(Self { external: posted.external.clone(), sealed })
    }

    /// Writes the row.
    pub fn encode(&self, writer: &mut Writer) {
        CustomerPosted { external: self.external.clone() }.encode(writer);
        for values in &self.sealed {
            writer.list(values, |w, value| value.encode(w));
        }
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let external = CustomerPosted::decode(reader)?.external;
        let mut values = || reader.list("sealed", FIELD_VALUES_MAX, |r| SealedValue::decode("sealed", r));
        Ok(Self { external, sealed: [values()?, values()?, values()?, values()?] })
    }
}
