//! The till: scan box, lines with what can be promised, customer, payment, totals.
//!
//! Invariant: the first button of the form is the scan's, so Enter in any field never takes the order. Proved by
//! `an_order_is_taken_at_the_till`.

use crdt_model::money::UnitPrice;
use crdt_model::order::event::Tender;
use maud::{Markup, html};

use super::error::notice;
use crate::app::model::{CustomerView, MoneySum, ProductView, PromiseView};
use crate::http::error::Problem;
use crate::web::draft::{Draft, DraftLine};
use crate::web::form::REQUEST_FIELD;
use crate::web::format;
use crate::web::layout::hidden;
use crate::web::visit::Visit;

/// The till as it stands.
#[derive(Default)]
pub struct Till {
    /// What is typed.
    pub draft: Draft,
    /// For each line, what can be promised; none where the item is unknown.
    pub promises: Vec<Option<PromiseView>>,
    /// The chosen customer.
    pub customer: Option<CustomerView>,
    /// Customers that a lookup found.
    pub customers: Vec<CustomerView>,
    /// Items that a scan may mean.
    pub offered: Vec<ProductView>,
    /// What the last step did.
    pub message: Option<Message>,
}

/// What a step did.
pub enum Message {
    /// An item was added.
    Added(String),
    /// A code that no item has.
    Unknown(String),
    /// No customer fits.
    NoCustomer,
    /// The order was not taken.
    Problem(Problem),
}

/// The page.
pub fn page(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    html! {
        form #till method="post" action="/orders/new" data-till autocomplete="off" {
            (hidden(visit))
            input type="hidden" name=(REQUEST_FIELD) value=(visit.request);
            div.scan {
                label { (language.text("till-scan"))
                    input #scan name="scan" data-scan autofocus enterkeyhint="done" autocapitalize="off" spellcheck="false"; }
                button name="do" value="add" { (language.text("till-add")) }
            }
            div #draft {
                (message(visit, till))
                (offered(visit, till))
                (lines(visit, till))
                (customer(visit, till))
                (delivery(visit, till))
                (payment(visit, till))
                p { button.primary name="do" value="take" data-key="F4" aria-keyshortcuts="F4" disabled[till.draft.lines.is_empty()] {
                    (language.text("till-take")) " (F4)" } }
            }
        }
    }
}

fn message(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    html! {
        div #said role="status" aria-live="polite" {
            @match &till.message {
                Some(Message::Added(name)) => { p.done data-sound="good" { (language.with("till-added", &[("name", name)])) } }
                Some(Message::Unknown(code)) => {
                    div.problem data-sound="bad" {
                        p { strong { (language.with("till-unknown", &[("code", code)])) } }
                        p { a href="/products" { (language.text("till-unknown-next")) } }
                    }
                }
                Some(Message::NoCustomer) => { div.problem { p { (language.text("till-no-customer")) } } }
                Some(Message::Problem(problem)) => { (notice(visit, problem)) }
                None => {}
            }
        }
    }
}

fn offered(visit: &Visit, till: &Till) -> Markup {
    html! {
        @if !till.offered.is_empty() {
            fieldset { legend { (visit.language().text("till-which")) }
                @for product in &till.offered {
                    button name="do" value={ "item:" (product.sku) } { (product.sku) " " (product.name) }
                }
            }
        }
    }
}

fn lines(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    html! {
        @if till.draft.lines.is_empty() { p.muted { (language.text("till-empty")) } } @else {
            table.lines {
                caption.hidden { (language.text("order-lines")) }
                (super::table::head(language, &["col-item", "col-quantity", "col-price", "till-promise"], &["col-total"]))
                tbody { @for (at, line) in till.draft.lines.iter().enumerate() {
                    (line_row(visit, till, at, line))
                } }
                tfoot { tr { th scope="row" colspan="4" { (language.text("order-total")) }
                    td.number { strong #total { (format::money(&visit.place.currency, total(visit, &till.draft))) } } td {} } }
            }
        }
    }
}

fn line_row(visit: &Visit, till: &Till, at: usize, line: &DraftLine) -> Markup {
    let language = visit.language();
    let sum = line_total(visit, line);
    html! {
        tr {
            td { (line.sku) " " (line.name)
                input type="hidden" name="line_sku" value=(line.sku);
                input type="hidden" name="line_name" value=(line.name); }
            td { input name="line_quantity" value=(line.quantity) inputmode="decimal" size="6" aria-label=(language.text("col-quantity")); }
            td { input name="line_price" value=(line.price) inputmode="decimal" size="8" required aria-label=(language.text("col-price")); }
            td { @if let Some(Some(promise)) = till.promises.get(at) { (promised(visit, promise)) } }
            td.number { @if let Some(sum) = sum { (format::money(&visit.place.currency, sum)) } }
            td { button.plain name="do" value={ "remove:" (at) } formnovalidate
                aria-label={ (language.text("till-remove")) " " (line.sku) } { "×" } }
        }
    }
}

/// Stock here and elsewhere, and how the quantity can be promised.
fn promised(visit: &Visit, promise: &PromiseView) -> Markup {
    let language = visit.language();
    let parts =
        [("promise-now", promise.now), ("promise-likely", promise.likely), ("promise-backorder", promise.backorder)];
    let parts = parts.iter().filter(|(_, quantity)| quantity.0 > 0);
    let words: Vec<String> = parts.map(|(key, quantity)| language.with(key, &[("quantity", quantity)])).collect();
    html! {
        (words.join(" · "))
        br;
        span.muted { (language.with("promise-here", &[("quantity", &promise.here)]))
            @if promise.elsewhere.0 > 0 {
                " · " (language.with("promise-elsewhere", &[("quantity", &promise.elsewhere)]))
                @if let Some(at) = &promise.elsewhere_as_of {
                    " " (language.with("as-of", &[("time", &format::clock_time(language, at, &visit.now))]))
                }
            } }
    }
}

fn line_total(visit: &Visit, line: &DraftLine) -> Option<MoneySum> {
    let price: UnitPrice = line.price.parse().ok()?;
    Some(MoneySum(price.total_of(Draft::wanted(line).0, &visit.place.currency)))
}

fn total(visit: &Visit, draft: &Draft) -> MoneySum {
    MoneySum(draft.lines.iter().filter_map(|line| line_total(visit, line)).map(|sum| sum.0).sum())
}

fn customer(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    html! {
        fieldset {
            legend { (language.text("col-customer")) }
            @if let Some(customer) = &till.customer {
                input type="hidden" name="customer" value=(customer.id);
                strong { (customer.name.as_ref().map(ToString::to_string).unwrap_or_default()) } " "
                (customer.phone.as_ref().map(ToString::to_string).unwrap_or_default()) " "
                button.plain name="do" value="customer:" formnovalidate { (language.text("till-other-customer")) }
            } @else {
                label { (language.text("till-customer")) input name="customer_query" data-find; }
                button name="do" value="find" formnovalidate { (language.text("till-find")) }
                @for found in &till.customers {
                    button name="do" value={ "customer:" (found.id) } formnovalidate {
                        (found.name.as_ref().map(ToString::to_string).unwrap_or_default()) " "
                        (found.phone.as_ref().map(ToString::to_string).unwrap_or_default())
                    }
                }
            }
        }
    }
}

fn delivery(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    let fields = ["contact_name", "contact_phone", "contact_address"];
    let keys = ["col-contact", "col-phone", "col-address"];
    html! {
        fieldset {
            legend { (language.text("till-delivery")) }
            label.check { input type="checkbox" name="walk_in" value="1" checked[till.draft.walk_in]; (language.text("till-walk-in")) }
            @for ((field, key), value) in fields.iter().zip(keys).zip(&till.draft.contact) {
                label { (language.text(key)) input name=(field) value=(value); }
            }
            label { (language.text("col-note")) input name="note" value=(till.draft.note); }
        }
    }
}

fn payment(visit: &Visit, till: &Till) -> Markup {
    let language = visit.language();
    let due = visit.place.currency.format(total(visit, &till.draft).0);
    html! {
        fieldset {
            legend { (language.text("till-payment")) }
            label { (language.text("till-tender"))
                select name="tender" {
                    @for (_, word) in Tender::ALL {
                        option value=(word) selected[till.draft.tender == word] { (language.text(&format!("tender-{word}"))) }
                    }
                } }
            label { (language.text("order-paid")) input name="paid" value=(till.draft.paid) inputmode="decimal" size="10" placeholder=(due); }
        }
    }
}
