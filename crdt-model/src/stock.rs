//! Stock of a site: what is there, what is promised, and the keeper's rights (architecture section 9).
//!
//! Rights are kept apart by keeper epoch: those of a closed epoch never pool with a new one's. Of one epoch
//! `free = minted - burned - lent + returned - secured - spent`, where the last two are the keeper's own; what was lent is
//! the holder's to promise (`loan`). A promise is secured as far as its author's rights reach; goods already in a
//! customer's hand are always sellable, and what they take beyond the rights is a debt. The keeper books each physical
//! fact once (`fact` for journals, `uncovered` for shipments). `refill` says when the keeper lends again,
//! `movement` what the ledger of a shelf lists, `outlook` how a quantity would be promised.
//!
//! Invariants: all figures are sums of contributions, so no order of arrival shows; a booking without its fact makes no
//! rights. Proved by `merge_laws` (`stock_is_the_same_in_every_delivery_order`, `secured_promises_never_pass_the_rights`,
//! `rights_of_two_epochs_never_pool`).

pub mod fact;
pub mod loan;
pub mod movement;
pub mod outlook;
pub mod refill;
pub mod uncovered;

use std::collections::BTreeMap;

pub use fact::{BOOKINGS_MAX, FactBooking, FactRow, Moved};

use crate::codec::{DecodeError, Reader, Writer};
use crate::order::event::decode_epoch;
use crate::text::Text;

/// Keeper epochs of one item that a row holds: more than a site ever has.
const EPOCHS_MAX: usize = 1 << 16;

/// Rights of one item and keeper epoch, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Made.
    pub minted: i128,
    /// Taken.
    pub burned: i128,
    /// Lent to holders.
    pub lent: i128,
    /// Of them, given back.
    pub returned: i128,
    /// Held by the keeper's own promises.
    pub secured: i128,
    /// Gone with goods that the keeper had promised.
    pub spent: i128,
}

impl Rights {
    /// Rights that the keeper may still promise or lend; negative is a debt.
    pub fn free(&self) -> i128 {
        self.minted - self.burned - self.lent + self.returned - self.secured - self.spent
    }

    fn parts(&self) -> [i128; 6] {
        [self.minted, self.burned, self.lent, self.returned, self.secured, self.spent]
    }

    fn of_parts([minted, burned, lent, returned, secured, spent]: [i128; 6]) -> Self {
        Self { minted, burned, lent, returned, secured, spent }
    }

    fn add_times(&mut self, other: &Self, sign: i128) {
        let (mut sums, others) = (self.parts(), other.parts());
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += sign * other);
        *self = Self::of_parts(sums);
    }
}

/// Version of the rows below.
pub(crate) const VERSION: u8 = 1;

/// Sums of one item at one site, in thousandths of its base unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockSums {
    /// Physically there.
    pub on_hand: i128,
    /// Promised with rights and not yet gone, by whomever.
    pub secured: i128,
    /// Promised without rights and not yet gone.
    pub unsecured: i128,
    /// Rights that left with goods, by whomever.
    pub spent: i128,
    /// The keeper's rights by epoch; an epoch without any has no entry.
    pub rights: BTreeMap<u32, Rights>,
}

impl StockSums {
    /// Adds another contribution.
    pub fn add(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    /// Takes a contribution away.
    pub fn subtract(&mut self, other: &Self) {
        self.add_times(other, -1);
    }

    /// Adds rights of an epoch.
    pub fn add_rights(&mut self, epoch: u32, rights: &Rights) {
        self.add_rights_times(epoch, rights, 1);
    }

    fn add_times(&mut self, other: &Self, sign: i128) {
        self.on_hand += sign * other.on_hand;
        self.secured += sign * other.secured;
        self.unsecured += sign * other.unsecured;
        self.spent += sign * other.spent;
        for (epoch, rights) in &other.rights {
            self.add_rights_times(*epoch, rights, sign);
        }
    }

    fn add_rights_times(&mut self, epoch: u32, rights: &Rights, sign: i128) {
        let sum = self.rights.entry(epoch).or_default();
        sum.add_times(rights, sign);
        if *sum == Rights::default() {
            self.rights.remove(&epoch);
        }
    }

    /// Rights of an epoch.
    pub fn rights_of(&self, epoch: u32) -> Rights {
        self.rights.get(&epoch).copied().unwrap_or_default()
    }

    /// Rights of an epoch that its keeper may still promise or lend; negative is a debt.
    pub fn free_rights(&self, epoch: u32) -> i128 {
        self.rights_of(epoch).free()
    }

    /// Rights made in all epochs.
    pub fn minted(&self) -> i128 {
        self.rights.values().map(|rights| rights.minted).sum()
    }

    /// Rights taken in all epochs.
    pub fn burned(&self) -> i128 {
        self.rights.values().map(|rights| rights.burned).sum()
    }

    /// Lent and not yet given back, promised or spent: what holders may still promise.
    pub fn allotted(&self) -> i128 {
        let lent = |rights: &Rights| rights.lent - rights.returned + rights.secured + rights.spent;
        self.rights.values().map(lent).sum::<i128>() - self.secured - self.spent
    }

    /// All live reservations.
    pub fn reserved(&self) -> i128 {
        self.secured + self.unsecured
    }

    /// There, not reserved and not lent.
    pub fn available(&self) -> i128 {
        self.on_hand - self.reserved() - self.allotted()
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
        for sum in [sums.on_hand, sums.secured, sums.unsecured, sums.spent] {
            writer.wide(sum);
        }
        writer.number(sums.rights.len() as u64);
        for (epoch, rights) in &sums.rights {
            writer.number(u64::from(*epoch));
            rights.parts().iter().for_each(|part| {
                writer.wide(*part);
            });
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("stock row", VERSION)?;
        let sku = reader.text("sku")?;
        let mut sums = StockSums::default();
        for sum in [&mut sums.on_hand, &mut sums.secured, &mut sums.unsecured, &mut sums.spent] {
            *sum = reader.wide("stock")?;
        }
        let rights = reader.list("rights", EPOCHS_MAX, |r| {
            let (epoch, mut parts) = (decode_epoch(r)?, [0; 6]);
            for part in &mut parts {
                *part = r.wide("rights")?;
            }
            Ok((epoch, Rights::of_parts(parts)))
        })?;
        reader.end()?;
        sums.rights = rights.into_iter().collect();
        Ok(Self { sku, sums })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn minted(minted: i128) -> Rights {
        Rights { minted, ..Rights::default() }
    }

    #[test]
    fn rights_of_two_epochs_never_pool() {
        let mut sums = StockSums::default();
        sums.add_rights(1, &minted(10_000));
        sums.add_rights(2, &Rights { burned: 3_000, ..minted(2_000) });
        assert_eq!((sums.free_rights(1), sums.free_rights(2), sums.free_rights(3)), (10_000, -1_000, 0));
        assert_eq!((sums.minted(), sums.burned()), (12_000, 3_000));
    }

    #[test]
    fn rows_of_another_version_are_named_not_guessed() {
        let stock = StockRow { sku: Text::new("lamp").unwrap(), sums: StockSums::default() }.encode();
        let fact = FactRow { moved: None, bookings: Vec::new() }.encode();
        let of = |bytes: &[u8]| [&[VERSION + 1], &bytes[1..]].concat();
        let other = |field| DecodeError::OtherVersion { field, found: VERSION + 1, known: VERSION };
        assert_eq!(StockRow::decode(&of(&stock)).unwrap_err(), other("stock row"));
        assert_eq!(FactRow::decode(&of(&fact)).unwrap_err(), other("fact row"));
        assert!(StockRow::decode(&stock).is_ok() && FactRow::decode(&fact).is_ok());
    }

    #[test]
    fn what_is_lent_is_allotted_until_it_is_promised_or_given_back() {
        let mut sums = StockSums { on_hand: 10, secured: 3, ..StockSums::default() };
        sums.add_rights(1, &Rights { lent: 5, returned: 1, secured: 1, ..minted(10) });
        assert_eq!((sums.allotted(), sums.free_rights(1), sums.available()), (2, 5, 5));
    }

    #[test]
    fn a_row_reads_back_as_it_was_written_and_keeps_no_empty_epoch() {
        let mut sums = StockSums { on_hand: -4, ..StockSums::default() };
        sums.add_rights(7, &minted(5));
        sums.add_rights(8, &minted(5));
        let one = StockSums { rights: [(8, minted(5))].into(), ..StockSums::default() };
        sums.subtract(&one);
        assert_eq!(sums.rights.len(), 1);
        let row = StockRow { sku: Text::new("A").unwrap(), sums };
        assert_eq!(StockRow::decode(&row.encode()).unwrap(), row);
    }
}
