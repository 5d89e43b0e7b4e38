//! One order for people: facts, lines with the ladder, what other sites ship, cases.
//! It computes nothing; every figure is the node's.
//! Invariant: every line and every case is shown; proved by `order_shows_lines_and_cases`.

use serde_json::Value;

use crate::output::fulfilment;
use crate::output::table::{
    Column, Style, facts, number, person_at, plain, rows_at, table, text_at, time_at, word, word_at,
};
use crate::text::{self, Lang, Text};

const LINES: &[Column] = &[
    number(text::LINE, "/line"),
    plain(text::SKU, "/sku"),
    plain(text::NAME, "/name"),
    number(text::QUANTITY, "/quantity"),
    number(text::PRICE, "/price"),
    number(text::TOTAL, "/total"),
    number(text::CANCELLED, "/cancelled"),
    number(text::SENT, "/sent"),
    number(text::RESERVED, "/reserved"),
    number(text::SECURED, "/secured"),
    number(text::SHIPPED, "/shipped"),
    number(text::BACKORDERED, "/backordered"),
];

/// The order as several lines of text.
pub fn view(order: &Value, style: Style) -> String {
    let parts = [
        facts(&head(order, style.lang), style),
        table(LINES, rows_at(order, "/lines"), style),
        fulfilment::of_order(rows_at(order, "/fulfilments"), style),
        cases(rows_at(order, "/cases"), style),
    ];
    let shown: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    shown.join("\n\n")
}

/// Cases as a table, with the title in the person's language.
pub fn cases(rows: &[Value], style: Style) -> String {
    let title = match style.lang {
        Lang::En => "/title",
        Lang::Zh => "/title_zh",
    };
    let columns = [
        word(text::KIND, "/kind"),
        plain(text::SCOPE, "/scope"),
        plain(text::SUBJECT, "/subject_label"),
        plain(text::TITLE, title),
        plain(text::DETAIL, "/detail"),
    ];
    table(&columns, rows, style)
}

fn head(order: &Value, lang: Lang) -> Vec<(Text, String)> {
    let plain = |title, pointer| (title, text_at(order, pointer, lang));
    let word = |title, pointer| (title, word_at(order, pointer, lang));
    vec![
        plain(text::NUMBER, "/number"),
        plain(text::ID, "/id"),
        word(text::PURPOSE, "/purpose"),
        word(text::STATUS, "/status"),
        word(text::FULFILMENT, "/fulfilment"),
        word(text::PAYMENT, "/payment"),
        word(text::SECURED, "/secured"),
        plain(text::CHANNEL, "/channel"),
        plain(text::EXTERNAL, "/external_number"),
        (text::ORDERED_AT, time_at(order, "/ordered_at", lang)),
        (text::CUSTOMER, person_at(order, lang)),
        plain(text::PHONE, "/contact/phone"),
        plain(text::ADDRESS, "/contact/address"),
        plain(text::REGION, "/region"),
        plain(text::NOTE, "/note"),
        plain(text::DUPLICATE_OF, "/duplicate_of"),
        (text::TOTAL, amount(order, "/total", lang)),
        (text::PAID, paid(order, lang)),
    ]
}

/// An order of history says nothing of payments.
fn paid(order: &Value, lang: Lang) -> String {
    if order["payment"] == "not_recorded" { String::new() } else { amount(order, "/paid", lang) }
}

fn amount(order: &Value, pointer: &str, lang: Lang) -> String {
    let amount = text_at(order, pointer, lang);
    if amount.is_empty() {
        return amount;
    }
    format!("{amount} {}", text_at(order, "/currency", lang))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_shows_lines_and_cases() {
        let order = json!({"number": "HQ-A-000001", "status": "confirmed", "currency": "GBP",
            "total": "25.50", "paid": "0.00", "contact": {"name": "王"},
            "lines": [{"line": 1, "sku": "85123A", "quantity": "10", "price": "2.55"}],
            "cases": [{"kind": "negative_stock", "title": "Stock below zero", "title_zh": "库存为负"}]});
        let english = view(&order, Style { lang: Lang::En, bold: false });
        for part in ["HQ-A-000001", "25.50 GBP", "王", "85123A", "Stock below zero"] {
            assert!(english.contains(part), "{part} in\n{english}");
        }
        let chinese = view(&order, Style { lang: Lang::Zh, bold: false });
        assert!(chinese.contains("库存为负") && chinese.contains("已确认"), "{chinese}");
    }
}
