//! Products and customers as pages.
//!
//! Invariant: a customer whose key has not come or is destroyed says so. Proved by the page tests.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{orders, table};
use crate::app::model::{CustomerView, DetailsState, OrderView, ProductView};
use crate::web::form::REQUEST_FIELD;
use crate::web::layout::hidden;
use crate::web::query::{PageQuery, path};
use crate::web::visit::Visit;

/// The products.
pub fn products(visit: &Visit, products: &[ProductView], query: &PageQuery, next: Option<&String>) -> Markup {
    let language = visit.language();
    html! {
        (table::narrow(language, "/products", query))
        @if products.is_empty() { (table::empty(language, "products")) } @else {
            div #list data-live {
                table.rows data-rows {
                    caption.hidden { (language.text("nav-products")) }
                    (table::head(language, &["col-sku", "col-name", "col-unit", "col-barcode", "col-state"], &["col-price"]))
                    tbody { @for product in products {
                        @let address = path(&["stock", product.sku.as_str()]);
                        tr data-href=(address) {
                            td { a href=(address) { (product.sku) } }
                            td { (product.name) }
                            td { (product.unit.as_ref().map(ToString::to_string).unwrap_or_default()) }
                            td { code { (product.barcode().map(ToString::to_string).unwrap_or_default()) } }
                            td { @if product.provisional { (language.with("product-provisional", &[("scope", &product.scope)])) } }
                            td.number { (product.price.map(|price| price.to_string()).unwrap_or_default()) }
                        }
                    } }
                }
                (table::next(language, next))
            }
        }
        (add(visit, "product", "/products", &[("sku", true), ("name", true), ("unit", false), ("barcode", false), ("price", false)]))
    }
}

/// The customers.
pub fn customers(visit: &Visit, customers: &[CustomerView], next: Option<&String>) -> Markup {
    let language = visit.language();
    html! {
        @if customers.is_empty() { (table::empty(language, "customers")) } @else {
            div #list data-live {
                table.rows data-rows {
                    caption.hidden { (language.text("nav-customers")) }
                    (table::head(language, &["col-name", "col-phone", "col-address", "col-number"], &[]))
                    tbody { @for customer in customers {
                        tr data-href={ "/customers/" (customer.id) } {
                            td { a href={ "/customers/" (customer.id) } { (name(visit, customer)) } }
                            td { (customer.phone.as_ref().map(ToString::to_string).unwrap_or_default()) }
                            td { (customer.address.as_ref().map(ToString::to_string).unwrap_or_default()) }
                            td { (customer.external_number.as_ref().map(ToString::to_string).unwrap_or_default()) }
                        }
                    } }
                }
                (table::next(language, next))
            }
        }
        (add(visit, "customer", "/customers", &[("name", true), ("phone", false), ("email", false), ("address", false)]))
    }
}

fn name(visit: &Visit, customer: &CustomerView) -> String {
    match (&customer.name, customer.details) {
        (Some(name), _) => name.to_string(),
        (None, DetailsState::Pending) => visit.language().text("details-pending"),
        (None, DetailsState::Erased) => visit.language().text("details-erased"),
        (None, DetailsState::Open) => customer.id.to_string(),
    }
}

/// One customer.
pub fn customer(visit: &Visit, customer: &CustomerView, found: &[OrderView]) -> Markup {
    let language = visit.language();
    let facts = [
        ("col-phone", customer.phone.as_ref()),
        ("col-email", customer.email.as_ref()),
        ("col-address", customer.address.as_ref()),
        ("filter-channel", customer.channel.as_ref()),
        ("filter-external", customer.external_number.as_ref()),
    ];
    html! {
        dl.facts { @for (key, value) in facts { @if let Some(value) = value { dt { (language.text(key)) } dd { (value) } } } }
        h2 { (language.text("nav-orders")) }
        @if found.is_empty() { p.muted { (language.text("orders-empty")) } } @else {
            div #list data-live { (orders::rows(visit, found, &BTreeSet::new())) }
        }
    }
}

/// The form that adds one.
fn add(visit: &Visit, what: &str, action: &str, fields: &[(&str, bool)]) -> Markup {
    let language = visit.language();
    html! {
        div.actions { details {
            summary { (language.text(&format!("{what}-add"))) }
            form method="post" action=(action) data-swap {
                (hidden(visit))
                input type="hidden" name=(REQUEST_FIELD) value=(visit.request);
                @for (field, required) in fields {
                    label { (language.text(&format!("col-{field}"))) input name=(field) required[*required]; }
                }
                button.primary { (language.text(&format!("{what}-add-now"))) }
            }
        } }
    }
}
