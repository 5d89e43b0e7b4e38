//! The founding event of a customer.
//!
//! Invariant: one encoding. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::text::Text;

/// A customer's number in a channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalCustomer {
    /// The channel's name.
    pub channel: Text,
    /// The number there.
    pub number: Text,
}

/// A customer exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPosted {
    /// Its number in a channel, if it came from one.
    pub external: Option<ExternalCustomer>,
}

impl CustomerPosted {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.option(self.external.as_ref(), |w, external| {
            w.text(&external.channel).text(&external.number);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let external = reader.option("external customer", |r| {
            Ok(ExternalCustomer { channel: r.text("channel")?, number: r.text("external number")? })
        })?;
        Ok(Self { external })
    }
}
