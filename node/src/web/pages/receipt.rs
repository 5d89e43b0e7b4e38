//! The receipt of an order: what the customer takes along, 80 mm wide on paper.
//!
//! Invariant: lines, total and payments are those of the order. Proved by `an_order_is_taken_at_the_till`.

use maud::{Markup, html};

use crate::app::model::{MoneySum, OrderView};
use crate::web::format;
use crate::web::visit::Visit;

/// The page.
pub fn page(visit: &Visit, order: &OrderView) -> Markup {
    let language = visit.language();
    let sum = |key: &str, amount: MoneySum| {
        html! { tr { th scope="row" colspan="2" { (language.text(key)) } td.number { (format::money(&order.currency, amount)) } } }
    };
    html! {
        section.receipt {
            p { strong { (visit.place.org_name) } br; (order.site) " · " (format::moment(language, &order.ordered_at)) br; (order.number) }
            table {
                caption.hidden { (language.text("order-lines")) }
                tbody { @for line in order.lines.as_deref().unwrap_or_default() {
                    tr {
                        td { (line.name.as_ref().unwrap_or(&line.sku)) br; span.muted { (line.sku) } }
                        td.number { (line.quantity) " × " (line.price) }
                        td.number { (format::money(&order.currency, line.total)) }
                    }
                } }
                tfoot {
                    (sum("order-total", order.total))
                    (sum("order-paid", order.paid))
                    @if order.paid.0 > order.total.0 { (sum("order-change", MoneySum(order.paid.0 - order.total.0))) }
                }
            }
            p { (language.text("receipt-thanks")) }
        }
        div.actions {
            button.primary type="button" data-prints data-key="F9" { (language.text("action-print")) " (F9)" }
            a.button href="/orders/new" { (language.text("nav-new-order")) }
            a.button href={ "/orders/" (order.number) } { (language.text("receipt-order")) }
        }
    }
}
