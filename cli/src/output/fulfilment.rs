//! One fulfilment for people: facts, lines with the ladder, cases; and those of an order as a table.
//! It computes nothing; every figure is the node's.
//! Invariant: every line and every case is shown; proved by `a_fulfilment_shows_lines_and_cases`.

use serde_json::Value;

use crate::output::order::cases;
use crate::output::table::{Column, Style, facts, number, plain, rows_at, table, text_at, time_at, word, word_at};
use crate::text::{self, Lang, Text};

const LINES: &[Column] = &[
    number(text::LINE, "/line"),
    plain(text::SKU, "/sku"),
    plain(text::NAME, "/name"),
    number(text::QUANTITY, "/quantity"),
    number(text::CANCELLED, "/cancelled"),
    number(text::SECURED, "/secured"),
    number(text::SHIPPED, "/shipped"),
    number(text::TO_SHIP, "/open"),
];

const OF_ORDER: &[Column] = &[
    plain(text::SHIPPER, "/shipper"),
    word(text::STATUS, "/status"),
    word(text::SECURED, "/secured"),
    number(text::LINES, "/line_count"),
    plain(text::REFERENCE, "/references/0"),
    plain(text::FULFILMENT_ID, "/id"),
];

/// The fulfilment as several lines of text.
pub fn view(fulfilment: &Value, style: Style) -> String {
    let parts = [
        facts(&head(fulfilment, style.lang), style),
        table(LINES, rows_at(fulfilment, "/lines"), style),
        cases(rows_at(fulfilment, "/cases"), style),
    ];
    let shown: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    shown.join("\n\n")
}

/// The fulfilments of an order as a table.
pub fn of_order(rows: &[Value], style: Style) -> String {
    table(OF_ORDER, rows, style)
}

fn head(fulfilment: &Value, lang: Lang) -> Vec<(Text, String)> {
    let plain = |title, pointer| (title, text_at(fulfilment, pointer, lang));
    let word = |title, pointer| (title, word_at(fulfilment, pointer, lang));
    vec![
        plain(text::NUMBER, "/order_number"),
        plain(text::ID, "/id"),
        plain(text::TAKER, "/taker"),
        plain(text::SHIPPER, "/shipper"),
        (text::SENT_AT, time_at(fulfilment, "/sent_at", lang)),
        word(text::STATUS, "/status"),
        word(text::SECURED, "/secured"),
        plain(text::SERVICE, "/service"),
        plain(text::NAME, "/contact/name"),
        plain(text::PHONE, "/contact/phone"),
        plain(text::ADDRESS, "/contact/address"),
        plain(text::NOTE, "/note"),
        plain(text::REFERENCE, "/references/0"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fulfilment_shows_lines_and_cases() {
        let fulfilment = json!({"id": "00ff", "order_number": "SH01-A-000001", "status": "cancelled_after_dispatch",
            "lines": [{"line": 2, "sku": "85123A", "shipped": "6"}],
            "cases": [{"kind": "shipped_after_cancel", "title": "Recall the parcel", "title_zh": "请追回包裹"}]});
        let english = view(&fulfilment, Style { lang: Lang::En, bold: false });
        for part in ["SH01-A-000001", "85123A", "Recall the parcel", "cancelled after dispatch"] {
            assert!(english.contains(part), "{part} in\n{english}");
        }
        assert!(view(&fulfilment, Style { lang: Lang::Zh, bold: false }).contains("请追回包裹"));
    }
}
