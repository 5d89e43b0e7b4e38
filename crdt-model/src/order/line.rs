//! A line of a folded order: its quantity ladder, and whose rights its promises hold.
//!
//! A promise with rights names its source: the keeper of an epoch, or a loan. Goods that leave spend the sources in their
//! order, what stays open holds the rest; so each figure of a source is a function of the line's sums.
//!
//! Invariants: of every source `secured + spent <= promised`, and the figures of the sources add up to those of the line.
//! Proved by `sources_add_up_to_the_line` and by `merge_laws` (`an_order_folds_alike_in_every_delivery_order`).

use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::LoanId;
use crate::money::{Currency, UnitPrice};
use crate::order::event::decode_epoch;
use crate::order::state::full;
use crate::quantity::Quantity;
use crate::text::Text;

/// Whose rights a promise holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The keeper's own, of this epoch.
    Keeper(u32),
    /// Lent to the author of the promise.
    Loan(LoanId),
}

/// What a line holds and spent of one source, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Whose rights.
    pub source: Source,
    /// Promised and not yet gone.
    pub secured: i128,
    /// Gone with the goods.
    pub spent: i128,
}

/// One line with its ladder; quantities in thousandths, sums wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineState {
    /// The item's SKU.
    pub sku: Text,
    /// The name on this line where it differs from the product's.
    pub name: Option<Text>,
    /// Quantity ordered.
    pub quantity: Quantity,
    /// Price of one unit.
    pub price: UnitPrice,
    /// Largest cumulative quantity that a cancel asked for.
    pub cancel_asked: i128,
    /// Promised with rights, less what was given back, by source in rising order.
    pub promised: Vec<(Source, i128)>,
    /// Promised without rights, less what was given back.
    pub promised_unsecured: i128,
    /// Sent to other sites and still theirs to ship; not written with the line, it follows from the order's `Sent`.
    pub sent: i128,
    /// Left the site.
    pub shipped: i128,
    /// Of it, taken by the customer at once.
    pub handed_over: i128,
    /// Of it, in events that book their own rights, by keeper epoch in rising order.
    pub shipped_booked: Vec<(u32, i128)>,
}

impl LineState {
    /// A line as ordered: nothing promised, nothing gone.
    pub fn new(sku: Text, name: Option<Text>, quantity: Quantity, price: UnitPrice) -> Self {
        Self {
            sku,
            name,
            quantity,
            price,
            cancel_asked: 0,
            promised: Vec::new(),
            promised_unsecured: 0,
            sent: 0,
            shipped: 0,
            handed_over: 0,
            shipped_booked: Vec::new(),
        }
    }

    /// Adds to what is promised of a source; negative gives back.
    pub fn promise(&mut self, source: Source, thousandths: i128) {
        add_to(&mut self.promised, source, thousandths);
    }

    /// Adds goods that left in an event that books its own rights.
    pub fn book(&mut self, epoch: u32, thousandths: i128) {
        add_to(&mut self.shipped_booked, epoch, thousandths);
    }

    /// Quantity ordered; nothing where it is negative.
    pub fn ordered(&self) -> i128 {
        full(self.quantity)
    }

    /// Cancelled with effect: at most what has not left.
    pub fn cancelled(&self) -> i128 {
        self.cancel_asked.min(self.ordered() - self.shipped).max(0)
    }

    /// Still to leave from here.
    pub fn open(&self) -> i128 {
        (self.ordered() - self.cancelled() - self.shipped - self.sent).max(0)
    }

    /// Still to leave from wherever it lies.
    pub fn outstanding(&self) -> i128 {
        (self.ordered() - self.cancelled() - self.shipped).max(0)
    }

    /// Promised with rights of any source; what was given back of one takes nothing off another.
    pub fn promised_with_rights(&self) -> i128 {
        self.promised.iter().map(|(_, promised)| (*promised).max(0)).sum()
    }

    /// What each source holds and spent: goods that leave spend the sources in their order.
    pub fn uses(&self) -> impl Iterator<Item = Use> + '_ {
        let (mut shipped, mut open) = (self.shipped, self.open());
        self.promised.iter().map(move |(source, promised)| {
            let promised = (*promised).max(0);
            let spent = promised.min(shipped).max(0);
            let secured = (promised - spent).min(open).max(0);
            (shipped, open) = (shipped - spent, open - secured);
            Use { source: *source, secured, spent }
        })
    }

    /// Rights that left with the goods.
    pub fn spent(&self) -> i128 {
        self.shipped.min(self.promised_with_rights()).max(0)
    }

    /// Rights that still wait for the goods to leave; what is cancelled waits no more.
    pub fn secured(&self) -> i128 {
        (self.promised_with_rights() - self.spent()).min(self.open()).max(0)
    }

    /// Promises without rights that are still open.
    pub fn unsecured(&self) -> i128 {
        self.promised_unsecured.min(self.open() - self.secured()).max(0)
    }

    /// All live reservations.
    pub fn reserved(&self) -> i128 {
        self.secured() + self.unsecured()
    }

    /// Left without a promise, in events that are their own booking, by epoch: rights burned here.
    pub fn burns(&self) -> impl Iterator<Item = (u32, i128)> + '_ {
        let mut left = (self.shipped - self.spent()).max(0);
        self.shipped_booked.iter().map(move |(epoch, booked)| {
            let burned = (*booked).min(left).max(0);
            left -= burned;
            (*epoch, burned)
        })
    }

    /// Left without a promise, in events that are their own booking: rights burned here.
    pub fn burned(&self) -> i128 {
        self.burns().map(|(_, burned)| burned).sum()
    }

    /// Left without a promise and without a booking of its own: the keeper books it.
    pub fn uncovered(&self) -> i128 {
        (self.shipped - self.spent() - self.burned()).max(0)
    }

    /// Total of the wanted quantity (ordered less cancelled), in minor units.
    pub fn due(&self, currency: &Currency) -> i128 {
        let wanted = match self.quantity.is_positive() {
            true => i128::from(self.quantity.thousandths()) - self.cancelled(),
            false => i128::from(self.quantity.thousandths()),
        };
        self.price.total_of(wanted, currency)
    }

    /// Total as ordered, in minor units.
    pub fn total(&self, currency: &Currency) -> i128 {
        self.price.total_of(i128::from(self.quantity.thousandths()), currency)
    }

    /// Writes the line as rows hold it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.text(&self.sku).option(self.name.as_ref(), |w, name| {
            w.text(name);
        });
        self.quantity.encode(writer);
        self.price.encode(writer);
        let steps = [self.cancel_asked, self.promised_unsecured, self.shipped, self.handed_over];
        let moved = steps != [0; 4] || !self.promised.is_empty() || !self.shipped_booked.is_empty();
        writer.byte(u8::from(moved));
        if moved {
            steps.iter().for_each(|step| {
                writer.wide(*step);
            });
            writer.list(&self.promised, |w, (source, promised)| {
                source.encode(w);
                w.wide(*promised);
            });
            writer.list(&self.shipped_booked, |w, (epoch, booked)| {
                w.number(u64::from(*epoch)).wide(*booked);
            });
        }
    }

    /// Reads a line.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sku = reader.text("sku")?;
        let name = reader.option("name", |r| r.text("name"))?;
        let quantity = Quantity::decode("quantity", reader)?;
        let mut line = Self::new(sku, name, quantity, UnitPrice::decode("price", reader)?);
        if reader.flag("ladder")? {
            for step in [&mut line.cancel_asked, &mut line.promised_unsecured, &mut line.shipped, &mut line.handed_over]
            {
                *step = reader.wide("ladder")?;
            }
            let limit = DOCUMENT_OPS_MAX as usize;
            line.promised = reader.list("promised", limit, |r| Ok((Source::decode(r)?, r.wide("promised")?)))?;
            line.shipped_booked = reader.list("booked", limit, |r| Ok((decode_epoch(r)?, r.wide("booked")?)))?;
        }
        Ok(line)
    }
}

impl Source {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Keeper(epoch) => writer.byte(0).number(u64::from(*epoch)),
            Self::Loan(loan) => writer.byte(1).fixed(&loan.0),
        };
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.flag("source")? {
            false => decode_epoch(reader).map(Self::Keeper),
            true => LoanId::decode("loan", reader).map(Self::Loan),
        }
    }
}

/// Adds to the entry of a key in a sorted list; zero leaves no entry.
fn add_to<K: Ord + Copy>(list: &mut Vec<(K, i128)>, key: K, thousandths: i128) {
    let at = list.binary_search_by_key(&key, |(held, _)| *held);
    match at {
        Ok(at) if list[at].1 + thousandths == 0 => {
            list.remove(at);
        }
        Ok(at) => list[at].1 += thousandths,
        Err(_) if thousandths == 0 => {}
        Err(at) => list.insert(at, (key, thousandths)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn line(promised: &[(Source, i128)], shipped: i128, cancelled: i128) -> LineState {
        let mut line = LineState::new(Text::new("A").unwrap(), None, "9".parse().unwrap(), "2.50".parse().unwrap());
        promised.iter().for_each(|(source, units)| line.promise(*source, units * 1_000));
        (line.shipped, line.cancel_asked) = (shipped * 1_000, cancelled * 1_000);
        line
    }

    const LOAN: Source = Source::Loan(LoanId([7; 16]));

    #[test]
    fn goods_that_leave_spend_the_sources_in_their_order() {
        let line = line(&[(LOAN, 3), (Source::Keeper(2), 2), (Source::Keeper(1), 1)], 4, 0);
        let uses: Vec<_> = line.uses().map(|one| (one.source, one.secured / 1_000, one.spent / 1_000)).collect();
        assert_eq!(uses, [(Source::Keeper(1), 0, 1), (Source::Keeper(2), 0, 2), (LOAN, 2, 1)]);
    }

    #[test]
    fn a_promise_given_back_whole_leaves_no_source() {
        let mut line = line(&[(LOAN, 3)], 0, 0);
        line.promise(LOAN, -3_000);
        assert_eq!(line.promised, []);
    }

    proptest! {
        #[test]
        fn sources_add_up_to_the_line(
            promised in prop::collection::vec((0..3u32, -4..9i128), 0..5),
            booked in prop::collection::vec((1..3u32, 0..9i128), 0..3),
            shipped in 0..20i128,
            cancelled in 0..12i128,
        ) {
            let of = |(source, units): (u32, i128)| match source {
                0 => (LOAN, units),
                epoch => (Source::Keeper(epoch), units),
            };
            let mut line = line(&promised.into_iter().map(of).collect::<Vec<_>>(), shipped, cancelled);
            booked.iter().for_each(|(epoch, units)| line.book(*epoch, units * 1_000));
            prop_assert_eq!(line.uses().map(|one| one.spent).sum::<i128>(), line.spent());
            prop_assert_eq!(line.uses().map(|one| one.secured).sum::<i128>(), line.secured());
            for (one, (_, promised)) in line.uses().zip(&line.promised) {
                prop_assert!(one.secured + one.spent <= (*promised).max(0));
            }
            prop_assert_eq!(line.spent() + line.burned() + line.uncovered(), line.shipped);
            let mut writer = Writer::new();
            line.encode(&mut writer);
            prop_assert_eq!(LineState::decode(&mut Reader::new(&writer.finish())).unwrap(), line);
        }
    }
}
