//! One order: its three states, lines with their ladder, money, cases and what may be done.
//!
//! Invariant: an action is offered where it can succeed by the order's state; whoever clicks it late is told why not.
//! Proved by the page snapshots and `an_order_is_shipped_from_its_page`.

use maud::{Markup, html};

use super::words;
use crate::app::model::{EntryKind, FulfilmentState, MoneySum, OrderLineView, OrderState, OrderView, QuantitySum};
use crate::app::timeline::{Seen, Step, What};
use crate::web::form::REQUEST_FIELD;
use crate::web::format;
use crate::web::layout::hidden;
use crate::web::visit::Visit;

/// The page.
pub fn page(visit: &Visit, order: &OrderView, steps: &[Step]) -> Markup {
    let language = visit.language();
    html! {
        div #order data-live {
            p.states { (words::states(language, order.status, order.fulfilment, order.payment)) " "
                (words::secured(language, order.secured)) " "
                @if steps.iter().any(|step| step.seen == Seen::No) { (words::unseen(language)) } }
            (cases(visit, order))
            (facts(visit, order))
            (lines(visit, order))
            (fulfilments(visit, order))
            (timeline(visit, order, steps))
        }
        (actions(visit, order))
    }
}

fn cases(visit: &Visit, order: &OrderView) -> Markup {
    let cases = order.cases.as_deref().unwrap_or_default();
    let chinese = visit.language() == crate::web::texts::Language::Zh;
    html! {
        @for case in cases {
            div.case role="note" {
                strong { (if chinese { &case.title_zh } else { &case.title }) }
                p { (case.detail) }
            }
        }
    }
}

fn facts(visit: &Visit, order: &OrderView) -> Markup {
    let language = visit.language();
    let customer = order.customer.as_ref().and_then(|customer| customer.name.as_ref());
    let contact = order.contact.as_ref();
    let shown: [(&str, Option<String>); 9] = [
        ("col-when", Some(format::moment(language, &order.ordered_at))),
        ("col-site", Some(order.site.to_string())),
        ("filter-channel", order.channel.as_ref().map(ToString::to_string)),
        ("filter-external", order.external_number.as_ref().map(ToString::to_string)),
        ("col-customer", customer.map(ToString::to_string)),
        ("col-contact", contact.and_then(|contact| contact.name.as_ref()).map(ToString::to_string)),
        ("col-phone", contact.and_then(|contact| contact.phone.as_ref()).map(ToString::to_string)),
        ("col-address", contact.and_then(|contact| contact.address.as_ref()).map(ToString::to_string)),
        ("col-note", order.note.as_ref().map(ToString::to_string)),
    ];
    html! {
        dl.facts {
            @for (key, value) in shown {
                @if let Some(value) = value { dt { (language.text(key)) } dd { (value) } }
            }
        }
    }
}

fn lines(visit: &Visit, order: &OrderView) -> Markup {
    let language = visit.language();
    html! {
        table.lines {
            caption { (language.text("order-lines")) }
            thead { tr {
                th scope="col" { "#" }
                th scope="col" { (language.text("col-item")) }
                @for key in ["col-quantity", "col-price", "col-total"] { th.number scope="col" { (language.text(key)) } }
                th scope="col" { (language.text("col-ladder")) }
            } }
            tbody { @for line in order.lines.as_deref().unwrap_or_default() { (line_row(visit, order, line)) } }
            tfoot {
                (sum_row(visit, order, "order-total", order.total))
                (sum_row(visit, order, "order-paid", order.paid))
                @let due = MoneySum(order.total.0 - order.paid.0);
                @if due.0 != 0 { (sum_row(visit, order, if due.0 > 0 { "order-due" } else { "order-back" }, MoneySum(due.0.abs()))) }
            }
        }
    }
}

fn sum_row(visit: &Visit, order: &OrderView, key: &str, amount: MoneySum) -> Markup {
    html! { tr { th scope="row" colspan="4" { (visit.language().text(key)) }
    td.number { (format::money(&order.currency, amount)) } td {} } }
}

fn line_row(visit: &Visit, order: &OrderView, line: &OrderLineView) -> Markup {
    html! {
        tr {
            td { (line.line) }
            td { a href={ "/stock/" (line.sku) } { (line.sku) } " "
                (line.name.as_ref().map(ToString::to_string).unwrap_or_default()) }
            td.number { (line.quantity) }
            td.number { (line.price) }
            td.number { (format::money(&order.currency, line.total)) }
            td { (ladder(visit, line)) }
        }
    }
}

/// The steps of a line that hold something: 3 secured, 2 on backorder.
fn ladder(visit: &Visit, line: &OrderLineView) -> Markup {
    let language = visit.language();
    // What is promised without rights and without goods is told as backorder alone.
    let unsecured = QuantitySum((line.reserved.0 - line.secured.0 - line.backordered.0).max(0));
    let steps = [
        ("step-secured", line.secured),
        ("step-unsecured", unsecured),
        ("step-backordered", line.backordered),
        ("step-sent", line.sent),
        ("step-shipped", line.shipped),
        ("step-delivered", line.delivered),
        ("step-cancelled", line.cancelled),
    ];
    let held: Vec<String> = steps
        .into_iter()
        .filter(|(_, quantity)| quantity.0 != 0)
        .map(|(key, quantity)| language.with(key, &[("quantity", &quantity)]))
        .collect();
    html! { (held.join(" · ")) }
}

fn fulfilments(visit: &Visit, order: &OrderView) -> Markup {
    let language = visit.language();
    let sent = order.fulfilments.as_deref().unwrap_or_default();
    html! {
        @if !sent.is_empty() {
            h2 { (language.text("order-sent")) }
            ul { @for part in sent { li {
                (part.shipper) " " (words::badge(language, "fulfilment", part.status.word()))
            } } }
        }
    }
}

fn timeline(visit: &Visit, order: &OrderView, steps: &[Step]) -> Markup {
    let language = visit.language();
    html! {
        h2 { (language.text("timeline-title")) }
        ol.timeline {
            @for step in steps {
                li {
                    time datetime=(step.at.rfc3339()) { (format::moment(language, &step.at)) } " "
                    strong { (happened(visit, order, &step.what)) } " "
                    span.muted {
                        (step.site.as_ref().map(ToString::to_string).unwrap_or_default()) " · "
                        (language.with("timeline-by", &[("node", &step.node)]))
                    }
                    @if step.seen == Seen::No { " " (words::unseen(language)) }
                }
            }
        }
    }
}

fn happened(visit: &Visit, order: &OrderView, what: &What) -> String {
    let language = visit.language();
    match what {
        What::Placed => language.text("timeline-placed"),
        What::Confirmed => language.text("timeline-confirmed"),
        What::Cancelled(None) => language.text("timeline-cancelled"),
        What::Cancelled(Some(reason)) => language.with("timeline-cancelled-because", &[("reason", reason)]),
        What::Reserved(secured, unsecured) => {
            language.with("timeline-reserved", &[("secured", secured), ("unsecured", unsecured)])
        }
        What::Released => language.text("timeline-released"),
        What::Shipped => language.text("timeline-shipped"),
        What::Paid(tender, amount) => {
            let (amount, tender) =
                (format::money(&order.currency, *amount), language.text(&format!("tender-{tender}")));
            language.with("timeline-paid", &[("amount", &amount), ("tender", &tender)])
        }
        What::Sent => language.text("timeline-sent"),
    }
}

fn actions(visit: &Visit, order: &OrderView) -> Markup {
    let language = visit.language();
    let open = order.entry == EntryKind::New && matches!(order.status, OrderState::Submitted | OrderState::Confirmed);
    let left = !matches!(order.fulfilment, FulfilmentState::Shipped | FulfilmentState::Delivered);
    html! {
        div.actions {
            @if open && order.status == OrderState::Submitted { (action(visit, order, "confirm", "c")) }
            @if open && order.status == OrderState::Confirmed && left { (action(visit, order, "ship", "s")) }
            @if open && left {
                details {
                    summary { (language.text("action-cancel")) }
                    form method="post" action={ "/orders/" (order.number) "/cancel" } data-swap {
                        (hidden(visit))
                        input type="hidden" name=(REQUEST_FIELD) value={ (visit.request) "cancel" };
                        label { (language.text("cancel-reason")) input name="reason" required; }
                        button.danger { (language.text("action-cancel-now")) }
                    }
                }
            }
            button type="button" data-prints { (language.text("action-print")) }
        }
    }
}

fn action(visit: &Visit, order: &OrderView, verb: &str, hot_key: &str) -> Markup {
    html! {
        form method="post" action={ "/orders/" (order.number) "/" (verb) } data-swap {
            (hidden(visit))
            input type="hidden" name=(REQUEST_FIELD) value={ (visit.request) (verb) };
            button.primary data-key=(hot_key) aria-keyshortcuts=(hot_key) { (visit.language().text(&format!("action-{verb}"))) }
        }
    }
}
