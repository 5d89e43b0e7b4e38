//! Sales figures: what an order adds to the sums of its day.
//!
//! Definitions: *gross* = lines of sale orders that count, quantity > 0 and price > 0, as ordered; *net* = gross less what
//! was cancelled before it left, less credit orders; *units* and *lines* are those of gross; *invoices* = orders with at
//! least one such line. Historical adjustments and duplicates count nothing.
//!
//! Invariant: sums only, so no order of arrival shows. Proved by `merge_laws` and against the published figures of the
//! real data in `tests/acceptance/01.sh`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::order::state::{LineState, OrderState, Purpose};

/// Version of the row.
const VERSION: u8 = 1;

/// Sums of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SalesSums {
    /// Gross sales, in minor units.
    pub gross: i128,
    /// Net sales, in minor units.
    pub net: i128,
    /// Units sold, in thousandths.
    pub units: i128,
    /// Orders with a gross line.
    pub invoices: i128,
    /// Gross lines.
    pub lines: i128,
}

impl SalesSums {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.gross += other.gross;
        self.net += other.net;
        self.units += other.units;
        self.invoices += other.invoices;
        self.lines += other.lines;
    }

    /// Takes a sum away.
    pub fn subtract(&mut self, other: &Self) {
        self.gross -= other.gross;
        self.net -= other.net;
        self.units -= other.units;
        self.invoices -= other.invoices;
        self.lines -= other.lines;
    }

    /// Whether nothing is left.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// What one line of an order adds; `invoices` counts 1 where the line counts.
    pub fn of_line(order: &OrderState, line: &LineState) -> Self {
        let currency = &order.header.currency;
        match order.purpose {
            Purpose::Sale if line.quantity.is_positive() && line.price.is_positive() => Self {
                gross: line.total(currency),
                net: line.due(currency),
                units: i128::from(line.quantity.thousandths()),
                invoices: 1,
                lines: 1,
            },
            Purpose::Credit => Self { net: line.total(currency), ..Self::default() },
            Purpose::Sale | Purpose::Adjustment => Self::default(),
        }
    }

    /// Adds a line to a sum of the same order: the order is one invoice however many lines it has.
    pub fn add_line_of_same_order(&mut self, line: &Self) {
        let invoices = self.invoices.max(line.invoices);
        self.add(line);
        self.invoices = invoices;
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(32);
        writer.byte(VERSION);
        for sum in [self.gross, self.net, self.units, self.invoices, self.lines] {
            writer.wide(sum);
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("sales row", VERSION)?;
        let mut next = || reader.wide("sales");
        let sums = Self { gross: next()?, net: next()?, units: next()?, invoices: next()?, lines: next()? };
        reader.end()?;
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::EventKey;
    use crate::money::Currency;
    use crate::order::event::{Entry, Handover, Placed};
    use crate::order::state::Confirmation;
    use crate::time::{EventTime, Timestamp};

    fn line(quantity: &str, price: &str) -> LineState {
        LineState::new(Default::default(), None, quantity.parse().unwrap(), price.parse().unwrap())
    }

    fn order(purpose: Purpose, lines: Vec<LineState>) -> OrderState {
        let header = Placed {
            time: EventTime { at: Timestamp(0), offset_minutes: 0, business_date: "2010-12-01".parse().unwrap() },
            external: None,
            label: None,
            entry: Entry::New,
            handover: Handover::Later,
            currency: Currency::new("GBP", 2).unwrap(),
            customer: None,
            region: None,
            request: None,
            line_count: lines.len() as u16,
            parts: None,
        };
        OrderState {
            purpose,
            placed: EventKey::ZERO,
            header,
            lines,
            confirmed: Confirmation::Open,
            paid: 0,
            contact: None,
            rivals: vec![],
            sent: vec![],
            moves: vec![],
            duplicate_of: None,
        }
    }

    fn sums(order: &OrderState) -> SalesSums {
        let mut whole = SalesSums::default();
        for line in &order.lines {
            whole.add_line_of_same_order(&SalesSums::of_line(order, line));
        }
        whole
    }

    #[test]
    fn an_order_is_one_invoice_however_many_lines_it_has() {
        let sale = order(Purpose::Sale, vec![line("6", "2.55"), line("0.5", "3")]);
        let expected = SalesSums { gross: 1_680, net: 1_680, units: 6_500, invoices: 1, lines: 2 };
        assert_eq!(sums(&sale), expected);
        let mut two = expected;
        two.add(&expected);
        assert_eq!((two.invoices, two.gross), (2, 3_360));
        two.subtract(&expected);
        two.subtract(&expected);
        assert!(two.is_zero());
    }

    #[test]
    fn a_line_without_a_price_counts_nothing() {
        assert!(sums(&order(Purpose::Sale, vec![line("6", "0")])).is_zero());
        let mixed = sums(&order(Purpose::Sale, vec![line("6", "0"), line("1", "1")]));
        assert_eq!((mixed.units, mixed.lines, mixed.invoices), (1_000, 1, 1));
    }

    #[test]
    fn net_is_gross_less_what_was_cancelled_before_it_left() {
        let mut cancelled = line("6", "2.50");
        (cancelled.cancel_asked, cancelled.shipped) = (5_000, 2_000);
        let sums = sums(&order(Purpose::Sale, vec![cancelled]));
        assert_eq!((sums.gross, sums.net, sums.units), (1_500, 500, 6_000));
    }

    #[test]
    fn a_credit_order_lowers_net_alone() {
        let sums = sums(&order(Purpose::Credit, vec![line("-2", "2.55")]));
        assert_eq!(sums, SalesSums { net: -510, ..SalesSums::default() });
    }

    #[test]
    fn a_historical_adjustment_counts_nothing() {
        assert!(sums(&order(Purpose::Adjustment, vec![line("-2", "2.55")])).is_zero());
    }

    #[test]
    fn sales_read_back_as_they_were_written() {
        let sums = SalesSums { gross: 1, net: -2, units: i128::from(i64::MAX) * 3, invoices: 4, lines: 5 };
        assert_eq!(SalesSums::decode(&sums.encode()).unwrap(), sums);
        let later = [&[VERSION + 1], &sums.encode()[1..]].concat();
        assert!(matches!(SalesSums::decode(&later), Err(DecodeError::OtherVersion { found: 2, known: 1, .. })));
    }
}
