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
        let mut writer = Writer::new();
        for sum in [self.gross, self.net, self.units, self.invoices, self.lines] {
            writer.wide(sum);
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut next = || reader.wide("sales");
        let sums = Self { gross: next()?, net: next()?, units: next()?, invoices: next()?, lines: next()? };
        reader.end()?;
        Ok(sums)
    }
}
