//! Stock as a page: two numbers, here (certain) and elsewhere (as of some time), never mixed.
//!
//! Invariant: what is elsewhere carries its age. Proved by `stock_comes_in_from_the_page`.

use crdt_model::scope::SiteCode;
use maud::{Markup, html};

use super::{table, words};
use crate::app::model::{LedgerEntry, LedgerSubject, ProductView, QuantitySum, StockView};
use crate::web::form::REQUEST_FIELD;
use crate::web::format;
use crate::web::layout::hidden;
use crate::web::query::{PageQuery, path};
use crate::web::visit::Visit;

/// A page of the list.
pub struct StockList {
    /// Items and sites.
    pub rows: Vec<StockView>,
    /// This node's site.
    pub own: SiteCode,
    /// The parameters of this address.
    pub query: PageQuery,
    /// The address of the next page.
    pub next: Option<String>,
}

/// One item.
pub struct Item {
    /// What it is.
    pub product: ProductView,
    /// At this site.
    pub here: StockView,
    /// At the other sites whose stock this node holds.
    pub elsewhere: Vec<StockView>,
    /// What moved, newest first.
    pub ledger: Vec<LedgerEntry>,
    /// The address of older movements.
    pub next: Option<String>,
}

const FIGURES: [&str; 5] = ["stock-on-hand", "stock-reserved", "stock-secured", "stock-available", "stock-promise"];

fn figures(row: &StockView) -> [QuantitySum; 5] {
    [row.on_hand, row.reserved, row.secured, row.available, row.promise_now]
}

/// The list.
pub fn list(visit: &Visit, list: &StockList) -> Markup {
    let language = visit.language();
    html! {
        (table::narrow(language, "/stock", &list.query))
        @if list.rows.is_empty() { (table::empty(language, "stock")) } @else {
            div #list data-live {
                table.rows data-rows {
                    caption.hidden { (language.text("nav-stock")) }
                    (table::head(language, &["col-item", "col-site"], &FIGURES))
                    tbody { @for row in &list.rows {
                        @let address = path(&["stock", row.sku.as_str()]);
                        tr data-href=(address) {
                            td { a href=(address) { (row.sku) } " " (row.name) }
                            td { (row.site) @if row.site != list.own { " " (as_of(visit, row)) } }
                            @for figure in figures(row) { td.number { (format::quantity(figure)) } }
                        }
                    } }
                }
                (table::next(language, list.next.as_ref()))
            }
        }
    }
}

fn as_of(visit: &Visit, row: &StockView) -> Markup {
    let language = visit.language();
    let time = format::clock_time(language, &row.as_of, &visit.now);
    html! { span.as-of { (language.with("as-of", &[("time", &time)])) } }
}

/// One item.
pub fn item(visit: &Visit, item: &Item) -> Markup {
    let language = visit.language();
    html! {
        p { (item.product.name) @if let Some(barcode) = item.product.barcode() { " · " code { (barcode) } } }
        div #here data-live {
            h2 { (language.text("stock-here")) }
            div.cards {
                @for (key, figure) in FIGURES.iter().zip(figures(&item.here)) {
                    div.card { (language.text(key)) strong { (format::quantity(figure)) } }
                }
            }
            h2 { (language.text("stock-elsewhere")) }
            @if item.elsewhere.is_empty() { p.muted { (language.text("stock-nowhere")) } } @else {
                table {
                    (table::head(language, &["col-site"], &FIGURES))
                    tbody { @for row in &item.elsewhere { tr {
                        td { (row.site) " " (as_of(visit, row)) }
                        @for figure in figures(row) { td.number { (format::quantity(figure)) } }
                    } } }
                }
            }
        }
        div.actions {
            (entry(visit, item, "receive", "reference"))
            (entry(visit, item, "adjust", "reason"))
        }
        (ledger(visit, item))
    }
}

/// What moved, when, by whom, with the balance after it.
fn ledger(visit: &Visit, item: &Item) -> Markup {
    let language = visit.language();
    let texts = ["stock-ledger-when", "stock-ledger-what", "stock-ledger-of", "col-site", "stock-ledger-by"];
    html! {
        h2 { (language.text("stock-ledger")) }
        div #ledger data-live {
            @if item.ledger.is_empty() { p.muted { (language.text("stock-ledger-none")) } } @else {
                table.rows {
                    caption.hidden { (language.text("stock-ledger")) }
                    (table::head(language, &texts, &["stock-ledger-change", "stock-on-hand"]))
                    tbody { @for entry in &item.ledger { tr {
                        td { (format::moment(language, &entry.time)) }
                        td { (words::badge(language, "movement", entry.kind.name())) }
                        td { (subject(entry)) @if let Some(reason) = &entry.reason { " " (reason) } }
                        td { (entry.site) }
                        td { @if let Some(node) = &entry.node { code { (node.to_string().chars().take(10).collect::<String>()) } } }
                        td.number { (format::quantity(entry.quantity)) }
                        td.number { @if let Some(left) = entry.on_hand { (format::quantity(left)) } @else { "–" } }
                    } } }
                }
                (table::next(language, item.next.as_ref()))
            }
        }
    }
}

/// The order or paper that a movement belongs to.
fn subject(entry: &LedgerEntry) -> Markup {
    html! {
        @match (&entry.subject, &entry.reference) {
            (LedgerSubject::Order(_), Some(number)) => { a href=(path(&["orders", number.as_str()])) { (number) } },
            (LedgerSubject::Fulfilment(_) | LedgerSubject::Stock, Some(paper)) => { (paper) },
            (_, None) => {},
        }
    }
}

fn entry(visit: &Visit, item: &Item, verb: &str, other: &'static str) -> Markup {
    let language = visit.language();
    html! {
        details {
            summary { (language.text(&format!("stock-{verb}"))) }
            form method="post" action={ (path(&["stock", item.here.sku.as_str()])) "/" (verb) } data-swap {
                (hidden(visit))
                input type="hidden" name=(REQUEST_FIELD) value={ (visit.request) (verb) };
                label { (language.text("col-quantity")) input name="quantity" inputmode="decimal" required size="8"; }
                label { (language.text(&format!("stock-{other}"))) input name=(other) required[other == "reason"]; }
                button.primary { (language.text(&format!("stock-{verb}-now"))) }
            }
        }
    }
}
