//! What left with an order without a promise and without a booking of its own, and the keeper's burns for it.
//!
//! An order keeps no single shipment, so its burns are settled together: in the order of their event ids they take rights
//! until what is uncovered is booked, whichever shipment of the order they cite. A burn of goods that were booked where
//! they left takes nothing.
//!
//! Invariant: an order's burns never take more rights than goods left uncovered. Proved by
//! `burns_of_an_order_take_what_is_uncovered_and_no_more` and
//! `a_burn_of_a_shipment_that_books_itself_takes_nothing` in `merge_laws`.

use std::collections::BTreeMap;

use super::fact::{BOOKINGS_MAX, FactBooking};
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::EventKey;

/// A burn and the event of the order that it cites; its rights are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderBurn {
    /// The booking.
    pub booking: FactBooking,
    /// The event that it cites.
    pub cites: EventKey,
}

/// An order's uncovered goods of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UncoveredRow {
    /// Left without promise and own booking, in thousandths.
    pub uncovered: i128,
    /// Burns that cite the order, lowest event id first.
    pub burns: Vec<OrderBurn>,
}

impl UncoveredRow {
    /// Each burn with the rights that it takes, in thousandths.
    pub fn taken(&self) -> impl Iterator<Item = (&OrderBurn, i128)> {
        let mut left = self.uncovered;
        self.burns.iter().map(move |burn| {
            let taken = i128::from(burn.booking.rights.unsigned_abs()).min(left).max(0);
            left -= taken;
            (burn, taken)
        })
    }

    /// Rights taken by epoch.
    pub fn burned(&self) -> BTreeMap<u32, i128> {
        let mut burned = BTreeMap::new();
        for (burn, taken) in self.taken().filter(|(_, taken)| *taken > 0) {
            *burned.entry(burn.booking.epoch).or_default() += taken;
        }
        burned
    }

    /// What the keeper has still to book.
    pub fn unbooked(&self) -> i128 {
        self.uncovered - self.taken().map(|(_, taken)| taken).sum::<i128>()
    }

    /// Whether nothing is left to keep.
    pub fn is_empty(&self) -> bool {
        self.uncovered == 0 && self.burns.is_empty()
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.wide(self.uncovered).list(&self.burns, |w, burn| {
            burn.booking.encode(w);
            w.fixed(&burn.cites.0);
        });
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let uncovered = reader.wide("uncovered")?;
        let burns = reader.list("burns", BOOKINGS_MAX, |r| {
            Ok(OrderBurn { booking: FactBooking::decode(r)?, cites: EventKey::decode("cited", r)? })
        })?;
        reader.end()?;
        Ok(Self { uncovered, burns })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::DocumentId;

    fn burn(key: u8, epoch: u32, rights: i64) -> OrderBurn {
        let booking = FactBooking { journal: DocumentId([1; 16]), key: EventKey([key; 8]), epoch, rights: -rights };
        OrderBurn { booking, cites: EventKey([9; 8]) }
    }

    #[test]
    fn burns_of_an_order_take_what_is_uncovered_and_no_more() {
        let row = UncoveredRow { uncovered: 5, burns: vec![burn(1, 1, 3), burn(2, 2, 3), burn(3, 1, 3)] };
        assert_eq!(row.taken().map(|(_, taken)| taken).collect::<Vec<_>>(), [3, 2, 0]);
        assert_eq!((row.burned(), row.unbooked()), ([(1, 3), (2, 2)].into(), 0));
        assert_eq!(UncoveredRow { uncovered: 7, burns: vec![burn(1, 1, 3)] }.unbooked(), 4);
        assert_eq!(UncoveredRow::decode(&row.encode()).unwrap(), row);
    }
}
