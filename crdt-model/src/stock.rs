//! Stock of a site: what is there, what is promised, and the keeper's rights (architecture section 9).
//!
//! `free rights = minted - burned - secured - spent`. A promise is secured as far as free rights reach; goods already in
//! a customer's hand are always sellable, and what they take beyond the rights is a debt. The keeper books each physical
//! fact once: of several bookings of one fact the lowest event id counts.
//!
//! Invariants: all figures are sums of contributions, so no order of arrival shows; a booking without its fact makes no
//! rights. Proved by `merge_laws` (`stock_is_the_same_in_every_delivery_order`, `secured_promises_never_pass_the_rights`).

use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::EventKey;
use crate::text::Text;

/// Bookings of one fact that a row holds: as many as a document may hold events, so that no journal can write more
/// than a row reads back.
pub const BOOKINGS_MAX: usize = DOCUMENT_OPS_MAX as usize;

/// Version of the rows below.
const VERSION: u8 = 1;

/// Sums of one item at one site, in thousandths of its base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StockSums {
    /// Physically there.
    pub on_hand: i128,
    /// Promised with rights and not yet gone.
    pub secured: i128,
    /// Promised without rights and not yet gone.
    pub unsecured: i128,
    /// Rights made.
    pub minted: i128,
    /// Rights taken.
    pub burned: i128,
    /// Rights that left with goods.
    pub spent: i128,
}

impl StockSums {
    /// Adds another contribution.
    pub fn add(&mut self, other: &Self) {
        self.on_hand += other.on_hand;
        self.secured += other.secured;
        self.unsecured += other.unsecured;
        self.minted += other.minted;
        self.burned += other.burned;
        self.spent += other.spent;
    }

    /// Takes a contribution away.
    pub fn subtract(&mut self, other: &Self) {
        self.on_hand -= other.on_hand;
        self.secured -= other.secured;
        self.unsecured -= other.unsecured;
        self.minted -= other.minted;
        self.burned -= other.burned;
        self.spent -= other.spent;
    }

    /// Rights that may still be promised; negative is a debt.
    pub fn free_rights(&self) -> i128 {
        self.minted - self.burned - self.secured - self.spent
    }

    /// All live reservations.
    pub fn reserved(&self) -> i128 {
        self.secured + self.unsecured
    }

    /// There and not reserved.
    pub fn available(&self) -> i128 {
        self.on_hand - self.reserved()
    }

    /// Whether promises with rights exceed what is there: somebody must look.
    pub fn promises_uncovered(&self) -> bool {
        self.secured > self.on_hand.max(0)
    }
}

/// The row of an item at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// The item's SKU.
    pub sku: Text,
    /// Its sums.
    pub sums: StockSums,
}

impl StockRow {
    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let sums = &self.sums;
        writer.byte(VERSION).text(&self.sku);
        for sum in [sums.on_hand, sums.secured, sums.unsecured, sums.minted, sums.burned, sums.spent] {
            writer.wide(sum);
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("stock row", VERSION)?;
        let sku = reader.text("sku")?;
        let mut next = || reader.wide("stock");
        let sums = StockSums {
            on_hand: next()?,
            secured: next()?,
            unsecured: next()?,
            minted: next()?,
            burned: next()?,
            spent: next()?,
        };
        reader.end()?;
        Ok(Self { sku, sums })
    }
}

/// One booking of a fact: rights made (positive) or taken (negative).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactBooking {
    /// The booking's journal.
    pub journal: crate::id::DocumentId,
    /// Its event there.
    pub key: EventKey,
    /// Rights, in thousandths.
    pub rights: i64,
}

/// A stock fact of an item and who booked it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FactRow {
    /// What the fact moved, in thousandths; `None` while only bookings are held, or for the facts of orders.
    pub moved: Option<i64>,
    /// Its bookings, lowest event id first.
    pub bookings: Vec<FactBooking>,
}

impl FactRow {
    /// Rights that count, as (minted, burned): the lowest booking that fits the fact.
    pub fn rights(&self) -> (i128, i128) {
        let rights = self.counting().map_or(0, |(_, booking)| booking.rights);
        (i128::from(rights.max(0)), i128::from(rights.min(0).unsigned_abs()))
    }

    fn counting(&self) -> Option<(usize, &FactBooking)> {
        self.bookings.iter().enumerate().find(|(_, booking)| self.fits(booking))
    }

    /// Bookings that do not count.
    pub fn ignored(&self) -> impl Iterator<Item = &FactBooking> {
        let counting = self.counting().map(|(at, _)| at);
        self.bookings.iter().enumerate().filter(move |(at, _)| Some(*at) != counting).map(|(_, booking)| booking)
    }

    /// A mint needs its fact in sight; a burn may book goods that left with an order.
    fn fits(&self, booking: &FactBooking) -> bool {
        match self.moved {
            Some(moved) => moved == booking.rights,
            None => booking.rights < 0,
        }
    }

    /// Whether nothing is left to keep.
    pub fn is_empty(&self) -> bool {
        self.moved.is_none() && self.bookings.is_empty()
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).option(self.moved.as_ref(), |w, moved| {
            w.signed(*moved);
        });
        writer.list(&self.bookings, |w, booking| {
            w.fixed(&booking.journal.0).fixed(&booking.key.0).signed(booking.rights);
        });
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("fact row", VERSION)?;
        let moved = reader.option("moved", |r| r.signed("moved"))?;
        let bookings = reader.list("bookings", BOOKINGS_MAX, |r| {
            Ok(FactBooking {
                journal: crate::id::DocumentId::decode("journal", r)?,
                key: EventKey::decode("booking", r)?,
                rights: r.signed("rights")?,
            })
        })?;
        reader.end()?;
        Ok(Self { moved, bookings })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::DocumentId;

    fn booking(key: u8, rights: i64) -> FactBooking {
        FactBooking { journal: DocumentId([1; 16]), key: EventKey([key; 8]), rights }
    }

    #[test]
    fn rows_of_another_version_are_named_not_guessed() {
        let stock = StockRow { sku: Text::new("lamp").unwrap(), sums: StockSums::default() }.encode();
        let fact = FactRow { moved: Some(10), bookings: vec![booking(1, 10)] }.encode();
        let of = |bytes: &[u8]| [&[VERSION + 1], &bytes[1..]].concat();
        let other = |field| DecodeError::OtherVersion { field, found: VERSION + 1, known: VERSION };
        assert_eq!(StockRow::decode(&of(&stock)).unwrap_err(), other("stock row"));
        assert_eq!(FactRow::decode(&of(&fact)).unwrap_err(), other("fact row"));
        assert!(StockRow::decode(&stock).is_ok() && FactRow::decode(&fact).is_ok());
    }

    #[test]
    fn the_lowest_booking_of_a_fact_counts_and_the_others_are_ignored() {
        let row = FactRow { moved: Some(10), bookings: vec![booking(1, 10), booking(2, 10)] };
        assert_eq!(row.rights(), (10, 0));
        assert_eq!(row.ignored().map(|b| b.key).collect::<Vec<_>>(), vec![EventKey([2; 8])]);
    }

    #[test]
    fn a_booking_that_does_not_fit_hides_no_other() {
        let row = FactRow { moved: Some(10), bookings: vec![booking(1, 9), booking(2, 10)] };
        assert_eq!((row.rights(), row.ignored().count()), ((10, 0), 1));
    }

    #[test]
    fn a_mint_without_its_fact_makes_no_rights() {
        let row = FactRow { moved: None, bookings: vec![booking(1, 10)] };
        assert_eq!(row.rights(), (0, 0));
        let other = FactRow { moved: Some(4), bookings: vec![booking(1, 10)] };
        assert_eq!((other.rights(), other.ignored().count()), ((0, 0), 1));
    }
}
