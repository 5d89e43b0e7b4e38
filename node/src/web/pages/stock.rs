//! Stock as a page: two numbers, here (certain) and elsewhere (as of some time), never mixed.
//!
//! Invariant: what is elsewhere carries its age. Proved by `stock_comes_in_from_the_page`.

use crdt_model::scope::SiteCode;
use maud::{Markup, html};

use super::table;
use crate::app::model::{ProductView, QuantitySum, StockView};
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
