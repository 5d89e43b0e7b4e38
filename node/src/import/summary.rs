//! Counts of what an order file holds.
//!
//! Not what was written: created, updated and unchanged are the writer's to count.
//!
//! Invariant: lines of all purposes and rejects add up to the rows once the file is read to its end. Proved by
//! `an_order_taken_back_leaves_no_trace` and the reader's `every_row_of_a_file_is_counted_once`.

use super::map::{MappedOrder, Purpose};

/// Documents and their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Documents.
    pub documents: u64,
    /// Lines of them.
    pub lines: u64,
}

/// What was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows of the file but for the header and empty ones; known from the start.
    pub rows: u64,
    /// Sales.
    pub orders: Tally,
    /// Sales with at least one line whose quantity and price are above zero.
    pub orders_with_sales: u64,
    /// Sales in which every line has the price zero.
    pub orders_zero_price_only: u64,
    /// Credits.
    pub credit_orders: Tally,
    /// Adjustments.
    pub adjustments: Tally,
    /// Rows that were set aside.
    pub rejects: u64,
}

impl Summary {
    pub(super) fn add(&mut self, order: &MappedOrder) {
        self.count(order, |counter, number| *counter += number);
    }

    pub(super) fn take_back(&mut self, order: &MappedOrder) {
        self.count(order, |counter, number| *counter -= number);
    }

    fn count(&mut self, order: &MappedOrder, change: fn(&mut u64, u64)) {
        let tally = match order.purpose {
            Purpose::Sale => {
                let sales =
                    if order.has_sales() { &mut self.orders_with_sales } else { &mut self.orders_zero_price_only };
                change(sales, 1);
                &mut self.orders
            }
            Purpose::Credit => &mut self.credit_orders,
            Purpose::Adjustment => &mut self.adjustments,
        };
        change(&mut tally.documents, 1);
        change(&mut tally.lines, order.lines.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::NaiveDateTime;
    use crdt_model::money::Currency;
    use crdt_model::text::Text;

    use super::super::cells::PackedCells;
    use super::super::map::MappedLine;
    use super::*;

    fn order(purpose: Purpose, prices: &[&str]) -> MappedOrder {
        let line = |price: &&str| MappedLine {
            row: 2,
            sku: Text::new("A").unwrap(),
            name: None,
            quantity: "1".parse().unwrap(),
            price: price.parse().unwrap(),
            cells: PackedCells::default(),
        };
        MappedOrder {
            external: Text::new("1").unwrap(),
            purpose,
            time_text: Text::default(),
            time: NaiveDateTime::default(),
            customer: None,
            region: None,
            currency: Currency::new("GBP", 2).unwrap(),
            lines: prices.iter().map(line).collect(),
        }
    }

    #[test]
    fn sales_with_a_price_and_without_are_told_apart() {
        let mut summary = Summary::default();
        summary.add(&order(Purpose::Sale, &["0", "1"]));
        summary.add(&order(Purpose::Sale, &["0"]));
        assert_eq!(summary.orders, Tally { documents: 2, lines: 3 });
        assert_eq!((summary.orders_with_sales, summary.orders_zero_price_only), (1, 1));
    }

    #[test]
    fn an_order_taken_back_leaves_no_trace() {
        let mut summary = Summary::default();
        let orders = [Purpose::Sale, Purpose::Credit, Purpose::Adjustment].map(|purpose| order(purpose, &["0", "1"]));
        orders.iter().for_each(|order| summary.add(order));
        assert_eq!((summary.credit_orders.lines, summary.adjustments.documents), (2, 1));
        orders.iter().for_each(|order| summary.take_back(order));
        assert_eq!(summary, Summary::default());
    }
}
