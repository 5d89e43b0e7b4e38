//! The list of orders: views, filters as chips, rows that the keyboard walks.
//!
//! Invariant: every row links to its order; the page says what it leaves out. Proved by the page snapshots.

use std::collections::BTreeSet;

use crdt_model::id::DocumentId;
use maud::{Markup, html};

use super::{table, words};
use crate::app::model::{OrderState, OrderView, Page};
use crate::web::format;
use crate::web::query::PageQuery;
use crate::web::visit::Visit;

/// What the list shows.
pub struct Orders {
    /// The orders of this page.
    pub page: Page<OrderView>,
    /// Those of them that head office has not seen.
    pub unseen: BTreeSet<DocumentId>,
    /// The state that is chosen.
    pub status: Option<OrderState>,
    /// Filters besides: name of the parameter and its value.
    pub filters: Vec<(&'static str, String)>,
    /// The parameters of this address without the cursor, for links.
    pub query: PageQuery,
    /// The address of the next page.
    pub next: Option<String>,
}

/// The page.
pub fn page(visit: &Visit, orders: &Orders) -> Markup {
    let language = visit.language();
    html! {
        div.tabs role="navigation" aria-label=(language.text("orders-views")) {
            a href="/orders" aria-current=[orders.status.is_none().then_some("true")] { (language.text("orders-all")) }
            @for state in OrderState::ALL {
                a href={ "/orders?status=" (state.word()) } aria-current=[(orders.status == Some(*state)).then_some("true")] {
                    (language.text(&words::key("order", state.word())))
                }
            }
        }
        (filters(visit, orders))
        @if orders.page.items.is_empty() {
            (table::empty(language, "orders"))
        } @else {
            (listed(visit, orders))
        }
        p.exports {
            a href=(orders.query.at("/orders.csv")) download { "CSV" } " "
            a href=(orders.query.at("/orders.json")) { "JSON" }
        }
    }
}

fn filters(visit: &Visit, orders: &Orders) -> Markup {
    let language = visit.language();
    let value = |name: &str| orders.filters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    html! {
        form.filters method="get" action="/orders" {
            @if let Some(status) = orders.status { input type="hidden" name="status" value=(status.word()); }
            label { (language.text("filter-from")) input type="date" name="from" value=[value("from")]; }
            label { (language.text("filter-to")) input type="date" name="to" value=[value("to")]; }
            label { (language.text("filter-channel")) input name="channel" value=[value("channel")]; }
            label { (language.text("filter-external")) input name="external" value=[value("external")]; }
            button { (language.text("filter-apply")) }
        }
        @if !orders.filters.is_empty() {
            p.chips {
                @for (name, value) in &orders.filters {
                    a.chip href=(orders.query.without(name).at("/orders")) {
                        (language.text(&format!("filter-{name}"))) ": " (value) " ×"
                    }
                }
            }
        }
    }
}

fn listed(visit: &Visit, orders: &Orders) -> Markup {
    let language = visit.language();
    html! {
        div #list data-live {
            (rows(visit, &orders.page.items, &orders.unseen))
            (table::next(language, orders.next.as_ref()))
        }
    }
}

/// Orders as rows of a table.
pub fn rows(visit: &Visit, orders: &[OrderView], unseen: &BTreeSet<DocumentId>) -> Markup {
    let language = visit.language();
    html! {
        table.rows data-rows {
            caption.hidden { (language.text("nav-orders")) }
            (table::head(language, &["col-number", "col-when", "col-site", "col-customer", "col-state"], &["col-total"]))
            tbody { @for order in orders { (row(visit, order, unseen.contains(&order.id))) } }
        }
    }
}

fn row(visit: &Visit, order: &OrderView, is_unseen: bool) -> Markup {
    let language = visit.language();
    let name = order.customer.as_ref().and_then(|customer| customer.name.clone());
    let name = name.or_else(|| order.contact.as_ref().and_then(|contact| contact.name.clone()));
    html! {
        tr data-href={ "/orders/" (order.number) } {
            td { a href={ "/orders/" (order.number) } { (order.number) }
                @if let Some(external) = order.external_number.as_ref().filter(|external| external.as_str() != order.number) { " " span.muted { (external) } } }
            td { time datetime=(order.ordered_at.rfc3339()) { (format::moment(language, &order.ordered_at)) } }
            td { (order.site) }
            td { (name.map(|name| name.to_string()).unwrap_or_default()) }
            td { (words::states(language, order.status, order.fulfilment, order.payment))
                @if is_unseen { " " (words::unseen(language)) } }
            td.number { (format::money(&order.currency, order.total)) }
        }
    }
}
