//! A journal's fact and the keeper's bookings of it: each fact makes or takes rights once.
//!
//! Invariants: of several bookings the lowest event id that fits counts; a booking fits only the fact's own quantity and
//! keeper epoch, so an epoch's keeper books that epoch's facts. Proved by the tests here and by `merge_laws`.

use super::VERSION;
use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey};
use crate::order::event::decode_epoch;

/// Bookings of one fact that a row holds: as many as a document may hold events, so that no journal can write more
/// than a row reads back.
pub const BOOKINGS_MAX: usize = DOCUMENT_OPS_MAX as usize;

/// One booking of a fact: rights made (positive) or taken (negative).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactBooking {
    /// The booking's journal.
    pub journal: DocumentId,
    /// Its event there.
    pub key: EventKey,
    /// The keeper's epoch.
    pub epoch: u32,
    /// Rights, in thousandths.
    pub rights: i64,
}

impl FactBooking {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.journal.0).fixed(&self.key.0).number(u64::from(self.epoch)).signed(self.rights);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            journal: DocumentId::decode("journal", reader)?,
            key: EventKey::decode("booking", reader)?,
            epoch: decode_epoch(reader)?,
            rights: reader.signed("rights")?,
        })
    }
}

/// What a fact moved, and the keeper epoch as its author knew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// In thousandths.
    pub quantity: i64,
    /// The epoch whose keeper books it.
    pub epoch: u32,
}

/// A stock fact of an item and who booked it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FactRow {
    /// What it moved; `None` while only bookings are held, and for the facts of orders.
    pub moved: Option<Moved>,
    /// Its bookings, lowest event id first.
    pub bookings: Vec<FactBooking>,
}

impl FactRow {
    /// The booking that counts: the lowest one that fits the fact.
    pub fn counting(&self) -> Option<&FactBooking> {
        self.bookings.iter().find(|booking| self.fits(booking))
    }

    /// Bookings that do not count.
    pub fn ignored(&self) -> impl Iterator<Item = &FactBooking> {
        let counting = self.counting();
        self.bookings.iter().filter(move |booking| Some(*booking) != counting)
    }

    /// What the keeper of the fact's epoch has still to book.
    pub fn unbooked(&self) -> Option<Moved> {
        self.moved.filter(|moved| moved.quantity != 0 && self.counting().is_none())
    }

    fn fits(&self, booking: &FactBooking) -> bool {
        self.moved == Some(Moved { quantity: booking.rights, epoch: booking.epoch })
    }

    /// Whether nothing is left to keep.
    pub fn is_empty(&self) -> bool {
        self.moved.is_none() && self.bookings.is_empty()
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).option(self.moved.as_ref(), |w, moved| {
            w.signed(moved.quantity).number(u64::from(moved.epoch));
        });
        writer.list(&self.bookings, |w, booking| booking.encode(w));
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("fact row", VERSION)?;
        let moved = reader.option("moved", |r| Ok(Moved { quantity: r.signed("moved")?, epoch: decode_epoch(r)? }))?;
        let bookings = reader.list("bookings", BOOKINGS_MAX, FactBooking::decode)?;
        reader.end()?;
        Ok(Self { moved, bookings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booking(key: u8, rights: i64) -> FactBooking {
        FactBooking { journal: DocumentId([1; 16]), key: EventKey([key; 8]), epoch: 1, rights }
    }

    fn row(moved: Option<i64>, bookings: Vec<FactBooking>) -> FactRow {
        FactRow { moved: moved.map(|quantity| Moved { quantity, epoch: 1 }), bookings }
    }

    fn counted(row: &FactRow) -> Option<i64> {
        row.counting().map(|booking| booking.rights)
    }

    #[test]
    fn the_lowest_booking_of_a_fact_counts_and_the_others_are_ignored() {
        let row = row(Some(10), vec![booking(1, 10), booking(2, 10)]);
        assert_eq!(counted(&row), Some(10));
        assert_eq!(row.ignored().map(|b| b.key).collect::<Vec<_>>(), [EventKey([2; 8])]);
    }

    #[test]
    fn a_booking_that_does_not_fit_hides_no_other() {
        let row = row(Some(10), vec![booking(1, 9), booking(2, 10)]);
        assert_eq!((counted(&row), row.ignored().count()), (Some(10), 1));
    }

    #[test]
    fn a_booking_without_its_fact_makes_and_takes_no_rights() {
        for rights in [10, -10] {
            assert_eq!(counted(&row(None, vec![booking(1, rights)])), None);
        }
        let other = row(Some(4), vec![booking(1, 10)]);
        assert_eq!((counted(&other), other.ignored().count()), (None, 1));
    }

    #[test]
    fn a_fact_is_booked_by_the_keeper_of_its_own_epoch() {
        let late = FactBooking { epoch: 2, ..booking(1, 10) };
        let row = row(Some(10), vec![late]);
        assert_eq!((counted(&row), row.unbooked()), (None, Some(Moved { quantity: 10, epoch: 1 })));
    }
}
