//! The sales report: what is asked and what is answered.
//!
//! Not its calculation. Every answer says which sites it covers and up to when.
//!
//! Invariant: each grouping has one word. Proved by `every_grouping_has_one_word`.

use crdt_model::money::Currency;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use crdt_model::time::{BusinessDate, EventTime};

use super::order::words;
use super::{MoneySum, QuantitySum};

words!(
    /// What the rows of the sales report stand for.
    SalesBy {
        /// Calendar months.
        Month = "month",
        /// Business days.
        Day = "day",
        /// Countries or regions.
        Country = "country",
        /// Items.
        Item = "item",
        /// Customers.
        Customer = "customer",
        /// Sites.
        Site = "site",
    }
);

/// A sales report to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesReportRequest {
    /// The grouping.
    pub by: SalesBy,
    /// First business day.
    pub from: Option<BusinessDate>,
    /// Last business day.
    pub to: Option<BusinessDate>,
    /// Only so many rows, at least 1; the totals still cover all.
    pub top: Option<u32>,
}

/// The figures of a row or of the whole report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SalesFigures {
    /// Sales without credit orders.
    pub gross_sales: MoneySum,
    /// Sales less credit orders.
    pub net_sales: MoneySum,
    /// Units sold.
    pub units: QuantitySum,
    /// Orders with sales.
    pub invoices: u64,
    /// Lines of them.
    pub lines: u64,
}

/// One row of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesRow {
    /// Its place, from 1; none for rows that are not ranked.
    pub rank: Option<u32>,
    /// Month, day, country, SKU, customer number or site.
    pub key: String,
    /// What people call the key.
    pub name: Option<Text>,
    /// Its figures.
    pub figures: SalesFigures,
}

words!(
    /// How current a site's part of a report is.
    CoverageState {
        /// Up to date.
        Live = "live",
        /// Older than the moment of asking.
        Behind = "behind",
        /// Never received.
        Never = "never",
    }
);

/// What a report knows of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRow {
    /// The site.
    pub site: SiteCode,
    /// How current.
    pub state: CoverageState,
    /// Up to when; none where nothing was received.
    pub as_of: Option<EventTime>,
    /// Why it is not live.
    pub reason: Option<String>,
}

/// The sales report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesReport {
    /// The grouping.
    pub by: SalesBy,
    /// The currency of all amounts.
    pub currency: Currency,
    /// First business day.
    pub from: Option<BusinessDate>,
    /// Last business day.
    pub to: Option<BusinessDate>,
    /// The rows, ties by key.
    pub rows: Vec<SalesRow>,
    /// Over all rows, also those beyond `top`.
    pub totals: SalesFigures,
    /// What each figure means: name and sentence.
    pub definitions: Vec<(&'static str, &'static str)>,
    /// What it covers.
    pub coverage: Vec<CoverageRow>,
    /// Whether every site is live.
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_grouping_has_one_word() {
        for by in SalesBy::ALL {
            assert_eq!(SalesBy::from_word(by.word()), Some(*by));
        }
        assert_eq!(SalesBy::from_word("year"), None);
    }
}
