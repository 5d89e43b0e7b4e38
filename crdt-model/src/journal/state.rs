//! The folded journal: its facts and bookings by event key.
//!
//! Invariant: encode and decode are inverse; bookings count only through the scope (`stock`), which knows the facts of
//! other documents. Proved by `merge_laws`.

use std::collections::BTreeMap;

use crate::change::{CHANGE_BYTES_MAX, DOCUMENT_OPS_MAX};
use crate::codec::{DecodeError, Reader, Writer};
use crate::document::Content;
use crate::event::Event;
use crate::id::EventKey;
use crate::journal::entrusted::Entrusted;
use crate::journal::event::{Booking, StockFact};
use crate::journal::loan::{Loan, LoanReturned};

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalEntry {
    /// Goods moved.
    Fact(StockFact),
    /// Rights made.
    Mint(Booking),
    /// Rights taken.
    Burn(Booking),
    /// Rights lent.
    Loan(Loan),
    /// Rights given back.
    Returned(LoanReturned),
    /// Rights that another scope spends.
    Debited(Entrusted),
    /// Such rights came back.
    Credited(Entrusted),
}

/// A folded journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalState {
    /// Entries by event key, with the value as the document holds it.
    pub entries: BTreeMap<EventKey, Event>,
}

impl JournalState {
    /// Folds a journal.
    pub fn fold(content: &Content) -> Self {
        Self { entries: content.events.clone() }
    }

    /// The entries by what they do.
    pub fn entries(&self) -> impl Iterator<Item = (EventKey, JournalEntry)> + '_ {
        self.entries.iter().filter_map(|(key, event)| {
            let entry = match event {
                Event::Opening(fact) | Event::Receipt(fact) | Event::Adjustment(fact) => {
                    JournalEntry::Fact(fact.clone())
                }
                Event::Mint(booking) => JournalEntry::Mint(booking.clone()),
                Event::Burn(booking) => JournalEntry::Burn(booking.clone()),
                Event::Loan(loan) => JournalEntry::Loan(loan.clone()),
                Event::LoanReturned(returned) => JournalEntry::Returned(returned.clone()),
                Event::Debited(rights) => JournalEntry::Debited(rights.clone()),
                Event::Credited(rights) => JournalEntry::Credited(rights.clone()),
                _other => return None,
            };
            Some((*key, entry))
        })
    }

    /// Writes the row.
    pub fn encode(&self, writer: &mut Writer) {
        encode_events(&self.entries, writer);
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { entries: decode_events(reader)? })
    }
}

/// Writes events by key, for rows that keep them whole.
pub(crate) fn encode_events(events: &BTreeMap<EventKey, Event>, writer: &mut Writer) {
    writer.number(events.len() as u64);
    for (key, event) in events {
        writer.fixed(&key.0).blob(&event.encode());
    }
}

/// Reads events by key.
pub(crate) fn decode_events(reader: &mut Reader<'_>) -> Result<BTreeMap<EventKey, Event>, DecodeError> {
    let events = reader.list("events", DOCUMENT_OPS_MAX as usize, |r| {
        let key = EventKey::decode("event key", r)?;
        let event = Event::decode(r.blob("event", CHANGE_BYTES_MAX)?);
        Ok((key, event.map_err(|_| DecodeError::OutOfRange { field: "event" })?))
    })?;
    Ok(events.into_iter().collect())
}
