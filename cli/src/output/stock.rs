//! Stock rows for people.
//! It computes nothing; every figure is the node's.
//! Invariant: a single row and a list look alike; proved by `one_row_is_a_table_of_one`.

use serde_json::Value;

use crate::output::table::{Column, Style, number, plain, table, time};
use crate::text;

/// The columns of a stock row.
pub const COLUMNS: &[Column] = &[
    plain(text::SITE, "/site"),
    plain(text::SKU, "/sku"),
    plain(text::NAME, "/name"),
    number(text::ON_HAND, "/on_hand"),
    number(text::UNAVAILABLE, "/unavailable"),
    number(text::RESERVED, "/reserved"),
    number(text::SECURED, "/secured"),
    number(text::AVAILABLE, "/available"),
    number(text::FREE_RIGHTS, "/free_rights"),
    number(text::PROMISE_NOW, "/promise_now"),
    time(text::AS_OF, "/as_of"),
];

/// One stock row.
pub fn view(row: &Value, style: Style) -> String {
    table(COLUMNS, [row], style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;
    use serde_json::json;

    #[test]
    fn one_row_is_a_table_of_one() {
        let row = json!({"site": "HQ", "sku": "85123A", "on_hand": "10"});
        let shown = view(&row, Style { lang: Lang::En, bold: false });
        assert_eq!(shown.lines().count(), 2);
        assert!(shown.contains("85123A"));
    }
}
