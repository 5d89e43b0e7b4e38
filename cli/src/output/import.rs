//! The summary of an import for people: what became of the rows.
//! It computes nothing; every figure is the node's.
//! Invariant: every kind of document the import reports is a row; proved by `summary_names_every_kind`.

use serde_json::{Value, json};

use crate::output::table::{Column, Style, facts, number, plain, table, text_at};
use crate::text::{self, Text};

const COLUMNS: &[Column] =
    &[plain(text::KIND, "/title"), number(text::DOCUMENTS, "/documents"), number(text::LINES, "/lines")];

/// Heading, documents, lines; the two kinds of orders have no lines of their own.
const GROUPS: &[(Text, &str, &str)] = &[
    (text::ORDERS, "/orders/documents", "/orders/lines"),
    (text::WITH_SALES, "/orders/with_sales", "/none"),
    (text::ZERO_PRICE, "/orders/zero_price_only", "/none"),
    (text::CREDIT_ORDERS, "/credit_orders/documents", "/credit_orders/lines"),
    (text::ADJUSTMENTS, "/adjustments/documents", "/adjustments/lines"),
];

const FACTS: &[(Text, &str)] = &[
    (text::ROWS, "/rows"),
    (text::CREATED, "/created"),
    (text::UPDATED, "/updated"),
    (text::UNCHANGED, "/unchanged"),
    (text::REJECTED, "/rejected"),
    (text::PRODUCTS_CREATED, "/products_created"),
    (text::CUSTOMERS_CREATED, "/customers_created"),
    (text::ENCODING, "/encoding"),
];

/// The finished import as text.
pub fn view(import: &Value, style: Style) -> String {
    let rows: Vec<Value> = GROUPS
        .iter()
        .filter(|_| import["lines"] != json!(0))
        .filter_map(|(title, documents, lines)| {
            let documents = import.pointer(documents)?;
            let title = title.get(style.lang);
            Some(json!({"title": title, "documents": documents, "lines": import.pointer(lines)}))
        })
        .collect();
    let figures: Vec<(Text, String)> =
        FACTS.iter().map(|(title, pointer)| (*title, text_at(import, pointer, style.lang))).collect();
    let parts = [table(COLUMNS, &rows, style), facts(&figures, style)];
    let shown: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    shown.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn summary_names_every_kind() {
        let import = json!({"rows": 541_909, "created": 25_897, "rejected": 3,
            "orders": {"documents": 20_725, "lines": 531_282, "with_sales": 19_959, "zero_price_only": 766},
            "credit_orders": {"documents": 3_836, "lines": 9_288},
            "adjustments": {"documents": 1_336, "lines": 1_336}});
        let shown = view(&import, Style { lang: Lang::En, bold: false });
        for figure in ["20725", "531282", "19959", "766", "3836", "9288", "1336", "541909"] {
            assert!(shown.contains(figure), "{figure} in\n{shown}");
        }
        let with_sales = shown.lines().find(|line| line.starts_with("with sales"));
        assert!(with_sales.is_some_and(|line| !line.contains("531282")), "{shown}");
        let zero_price = shown.lines().find(|line| line.starts_with("zero-price"));
        assert!(zero_price.is_some_and(|line| !line.contains("531282")), "{shown}");
    }

    #[test]
    fn product_import_has_no_order_rows() {
        let import = json!({"rows": 2, "lines": 0, "products_created": 2, "orders": {"documents": 0, "lines": 0}});
        let shown = view(&import, Style { lang: Lang::En, bold: false });
        assert!(!shown.contains("orders"), "{shown}");
    }
}
