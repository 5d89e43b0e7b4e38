//! Hits as a page.
//!
//! Invariant: each hit says what it is. Proved by `what_is_typed_is_found_by_each_of_its_texts`.

use maud::{Markup, html};

use super::{table, words};
use crate::app::search::{Hit, Hits};
use crate::web::format;
use crate::web::query::{PageQuery, path};
use crate::web::visit::Visit;

/// The page.
pub fn page(visit: &Visit, hits: &Hits, query: &PageQuery) -> Markup {
    let language = visit.language();
    html! {
        (table::narrow(language, "/search", query))
        ul.hits #hits {
            @for hit in &hits.hits { li { (line(visit, hit)) } }
            @if hits.hits.is_empty() && query.get("q").is_some() { li.muted { (language.text("search-none")) } }
            @if hits.is_building { li.muted { (language.text("search-building")) } }
        }
    }
}

fn line(visit: &Visit, hit: &Hit) -> Markup {
    let language = visit.language();
    match hit {
        Hit::Product(product) => html! {
            a href=(path(&["stock", product.sku.as_str()])) { (words::badge(language, "search", "product")) " " (product.sku) " " (product.name) }
        },
        Hit::Customer(customer) => html! {
            a href={ "/customers/" (customer.id) } { (words::badge(language, "search", "customer")) " "
                (customer.name.as_ref().map(ToString::to_string).unwrap_or_default()) " "
                (customer.phone.as_ref().map(ToString::to_string).unwrap_or_default()) }
        },
        Hit::Order(order) => html! {
            a href={ "/orders/" (order.number) } { (words::badge(language, "search", "order")) " " (order.number) " "
                (format::moment(language, &order.ordered_at)) " " (format::money(&order.currency, order.total)) }
        },
    }
}
