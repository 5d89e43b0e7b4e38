//! The sales report: sums of days put together by month, day, country, item, customer or site.
//!
//! Invariants: the totals cover every row, also those beyond `top`; ties are ordered by key; what has no key is one
//! unranked row `(none)` at the end. Proved by the tests here and against published figures by the acceptance script.

use std::collections::BTreeMap;

use crdt_model::sales::SalesSums;

/// Key of the row of what has no customer, country or item.
pub const NO_KEY: &str = "(none)";

/// How rows follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As time passes; nothing is ranked.
    ByKey,
    /// Largest gross sales first, ranked from 1.
    ByGross,
}

/// A row before its key is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<K> {
    /// Its place; `None` where rows are not ranked.
    pub rank: Option<u32>,
    /// What it stands for.
    pub key: K,
    /// The key as text.
    pub text: String,
    /// Its sums.
    pub sums: SalesSums,
}

/// Puts sums in order; `name` gives a key's text, `None` for what has no key.
pub fn rows<K: Ord>(
    sums: BTreeMap<K, SalesSums>,
    order: Order,
    top: Option<usize>,
    mut name: impl FnMut(&K) -> Option<String>,
) -> Vec<Row<K>> {
    let (mut named, mut unnamed) = (Vec::new(), Vec::new());
    for (key, sums) in sums {
        match name(&key) {
            Some(text) => named.push(Row { rank: None, key, text, sums }),
            None => unnamed.push(Row { rank: None, key, text: NO_KEY.to_owned(), sums }),
        }
    }
    match order {
        Order::ByKey => named.sort_by(|a, b| a.text.cmp(&b.text)),
        Order::ByGross => {
            named.sort_by(|a, b| b.sums.gross.cmp(&a.sums.gross).then_with(|| a.text.cmp(&b.text)));
            for (rank, row) in (1..).zip(&mut named) {
                row.rank = Some(rank);
            }
        }
    }
    named.truncate(top.unwrap_or(usize::MAX));
    named.extend(unnamed);
    named
}

/// What each figure means.
pub const DEFINITIONS: [(&str, &str); 5] = [
    (
        "gross_sales",
        "lines of sale orders that count, quantity > 0 and price > 0, as ordered; each line rounded half to even",
    ),
    ("net_sales", "gross_sales less what was cancelled before it left, less credit orders on their own day"),
    ("units", "quantity of the gross_sales lines"),
    ("invoices", "orders with at least one gross_sales line"),
    ("lines", "number of the gross_sales lines"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn gross(gross: i128) -> SalesSums {
        SalesSums { gross, ..SalesSums::default() }
    }

    #[test]
    fn ties_are_ordered_by_key_and_what_has_no_key_comes_last_unranked() {
        let sums = [("b", gross(5)), ("a", gross(5)), ("", gross(9)), ("c", gross(7))].into();
        let rows = rows(sums, Order::ByGross, None, |key| (!key.is_empty()).then(|| (*key).to_owned()));
        let listed: Vec<_> = rows.iter().map(|row| (row.rank, row.text.as_str())).collect();
        assert_eq!(listed, [(Some(1), "c"), (Some(2), "a"), (Some(3), "b"), (None, NO_KEY)]);
    }

    #[test]
    fn top_cuts_ranked_rows_only() {
        let sums = [("a", gross(1)), ("b", gross(2)), ("", gross(3))].into();
        let rows = rows(sums, Order::ByGross, Some(1), |key| (!key.is_empty()).then(|| (*key).to_owned()));
        assert_eq!(rows.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["b", NO_KEY]);
    }

    #[test]
    fn months_follow_each_other_unranked() {
        let sums = [("2011-01", gross(1)), ("2010-12", gross(9))].into();
        let rows = rows(sums, Order::ByKey, None, |key| Some((*key).to_owned()));
        assert_eq!(
            rows.iter().map(|row| (row.rank, row.text.as_str())).collect::<Vec<_>>(),
            [(None, "2010-12"), (None, "2011-01")]
        );
    }
}
