//! What callers send about orders, and the checks on it.
//!
//! Every number is a text, so that no JSON reader rounds it, and each wrong one is named by its pointer.
//!
//! Invariants: 1 to 2,000 lines, one currency, positive quantities, no line named twice. Proved by
//! `line_2001_is_refused`, `one_order_has_one_currency` and `a_line_named_twice_is_refused`.

use std::collections::BTreeSet;

use crdt_model::money::Currency;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::model::{
    CancelRequest, ContactDetails, LineQuantity, NewOrder, NewOrderLine, NewPayment, ORDER_LINES_MAX, OrderFilter,
    OrderState, PAYMENTS_MAX, PageRequest, SendRequest, ShipRequest,
};
use crate::http::check::{At, Errors, Sign};
use crate::http::error::Problem;

/// An order to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrderBody {
    /// The channel that it came by.
    channel: Option<String>,
    /// Its number there.
    external_number: Option<String>,
    /// The id of a known customer.
    customer: Option<String>,
    /// Who gets it.
    contact: Option<ContactBody>,
    /// Whether the goods are already handed over.
    #[serde(default)]
    walk_in: bool,
    /// ISO 4217 code; the site's where it is left out.
    currency: Option<String>,
    /// Country or region.
    region: Option<String>,
    /// Free text.
    note: Option<String>,
    /// 1 to 2,000 lines.
    lines: Vec<NewLineBody>,
    /// What was paid.
    payments: Option<Vec<NewPaymentBody>>,
}

/// Who gets an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContactBody {
    /// Name.
    name: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Postal address.
    address: Option<String>,
}

/// A line of an order to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLineBody {
    /// The item's exact SKU.
    sku: String,
    /// Decimal text, more than 0, at most 3 digits after the point.
    #[schema(example = "6")]
    quantity: String,
    /// Decimal text, 0 or more, at most 6 digits after the point.
    #[schema(example = "2.55")]
    price: String,
    /// The name to print.
    name: Option<String>,
    /// Only ever the order's own.
    currency: Option<String>,
}

/// A payment of an order to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPaymentBody {
    /// Cash, card or what the business calls it.
    tender: String,
    /// Decimal text.
    #[schema(example = "15.30")]
    amount: String,
    /// The slip's number.
    reference: Option<String>,
    /// Only ever the order's own.
    currency: Option<String>,
}

/// Nothing: the address says it all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {}

/// A quantity of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineQuantityBody {
    /// The line's number, from 1.
    line: u32,
    /// Decimal text, more than 0.
    #[schema(example = "6")]
    quantity: String,
}

/// What to ship.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipBody {
    /// All that is left where it is left out.
    lines: Option<Vec<LineQuantityBody>>,
}

/// What another site shall ship.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    /// The code of the site that has the goods.
    #[schema(example = "WH01")]
    from: String,
    /// All that is still to leave from the order's own site where it is left out.
    lines: Option<Vec<LineQuantityBody>>,
    /// How it shall travel.
    service: Option<String>,
}

/// What to cancel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBody {
    /// All that is not shipped where it is left out.
    lines: Option<Vec<LineQuantityBody>>,
    /// Why.
    reason: Option<String>,
}

/// Filters and page of the order list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderParameters {
    /// `submitted`, `confirmed`, `cancelled`, `cancelled_after_dispatch` or `completed`.
    status: Option<String>,
    /// A customer's id.
    customer: Option<String>,
    /// A channel's name.
    channel: Option<String>,
    /// The number in the channel.
    external: Option<String>,
    /// First business day.
    from: Option<String>,
    /// Last business day.
    to: Option<String>,
    /// Items of the page, 1 to 500; 50 where it is left out.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl NewOrderBody {
    /// The order, or everything that is wrong with it.
    pub fn check(self) -> Result<NewOrder, Problem> {
        let mut errors = Errors::default();
        let payments = self.payments.unwrap_or_default();
        check_counts(&mut errors, self.lines.len(), payments.len());
        let named = self.currency.as_deref();
        let currency = named.and_then(|code| errors.currency(At::Field("currency"), code));
        let lines = self.lines.into_iter().take(ORDER_LINES_MAX).enumerate();
        let lines = lines.map(|(index, line)| line.check(&mut errors, index, named)).collect();
        let payments = payments.into_iter().take(PAYMENTS_MAX).enumerate();
        let payments =
            payments.filter_map(|(index, payment)| payment.check(&mut errors, index, named, currency.as_ref()));
        let payments = payments.collect();
        let order = NewOrder {
            channel: errors.optional_name(At::Field("channel"), self.channel),
            external_number: errors.optional_name(At::Field("external_number"), self.external_number),
            customer: self.customer.map(|id| errors.id(At::Field("customer"), &id)),
            contact: self.contact.and_then(|contact| contact.check(&mut errors)),
            walk_in: self.walk_in,
            currency,
            region: errors.optional_name(At::Field("region"), self.region),
            note: errors.optional_text(At::Field("note"), self.note),
            lines,
            payments,
        };
        errors.finish(order)
    }
}

fn check_counts(errors: &mut Errors, lines: usize, payments: usize) {
    if lines == 0 {
        errors.add(At::Field("lines"), "an order has at least one line", "Add a line.");
    } else if lines > ORDER_LINES_MAX {
        let detail = format!("{lines} lines, the limit is {ORDER_LINES_MAX}");
        errors.add(At::Field("lines"), detail, "Split it into several orders.");
    }
    if payments > PAYMENTS_MAX {
        let detail = format!("{payments} payments, the limit is {PAYMENTS_MAX}");
        errors.add(At::Field("payments"), detail, "Join payments of one tender.");
    }
}

/// Refuses a currency that is not the order's own.
fn check_same_currency(errors: &mut Errors, at: At, own: Option<&str>, order: Option<&str>) {
    match (own, order) {
        (Some(own), Some(order)) if own != order => {
            let detail = format!("the order is in {order}: one order has one currency");
            errors.add(at, detail, "Split it into one order a currency.");
        }
        (Some(_), None) => {
            errors.add(at, "the order names no currency", "Give `currency` on the order instead.");
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
}

impl ContactBody {
    fn check(self, errors: &mut Errors) -> Option<ContactDetails> {
        let contact = ContactDetails {
            name: errors.optional_text(At::Under("contact", "name"), self.name),
            phone: errors.optional_text(At::Under("contact", "phone"), self.phone),
            address: errors.optional_text(At::Under("contact", "address"), self.address),
        };
        (contact != ContactDetails::default()).then_some(contact)
    }
}

impl NewLineBody {
    fn check(self, errors: &mut Errors, index: usize, currency: Option<&str>) -> NewOrderLine {
        let at = |field| At::Item("lines", index, field);
        check_same_currency(errors, at("currency"), self.currency.as_deref(), currency);
        NewOrderLine {
            sku: errors.name(at("sku"), &self.sku),
            quantity: errors.quantity(at("quantity"), &self.quantity, Sign::Positive),
            price: errors.price(at("price"), &self.price),
            name: errors.optional_text(at("name"), self.name),
        }
    }
}

impl NewPaymentBody {
    fn check(
        self,
        errors: &mut Errors,
        index: usize,
        named: Option<&str>,
        currency: Option<&Currency>,
    ) -> Option<NewPayment> {
        let at = |field| At::Item("payments", index, field);
        check_same_currency(errors, at("currency"), self.currency.as_deref(), named);
        let tender = errors.name(at("tender"), &self.tender);
        let amount = errors.amount(at("amount"), &self.amount, currency);
        let reference = errors.optional_name(at("reference"), self.reference);
        Some(NewPayment { tender, amount: amount?, reference })
    }
}

impl ShipBody {
    /// The request, or everything that is wrong with it.
    pub fn check(self) -> Result<ShipRequest, Problem> {
        let mut errors = Errors::default();
        let lines = self.lines.map(|lines| check_lines(&mut errors, &lines));
        errors.finish(ShipRequest { lines })
    }
}

impl SendBody {
    /// The request, or everything that is wrong with it.
    pub fn check(self) -> Result<SendRequest, Problem> {
        let mut errors = Errors::default();
        let from = errors.site(At::Field("from"), &self.from);
        let lines = self.lines.map(|lines| check_lines(&mut errors, &lines));
        let service = errors.optional_name(At::Field("service"), self.service);
        let send = from.map(|from| SendRequest { from, lines, service });
        errors.finish(send)?.ok_or_else(|| Problem::internal("a sending without errors has no site".to_owned()))
    }
}

impl CancelBody {
    /// The request, or everything that is wrong with it.
    pub fn check(self) -> Result<CancelRequest, Problem> {
        let mut errors = Errors::default();
        let lines = self.lines.map(|lines| check_lines(&mut errors, &lines));
        let reason = errors.optional_text(At::Field("reason"), self.reason);
        errors.finish(CancelRequest { lines, reason })
    }
}

/// Lines with their quantities, each named once; what is wrong with them goes to `errors`.
pub fn check_lines(errors: &mut Errors, lines: &[LineQuantityBody]) -> Vec<LineQuantity> {
    if lines.is_empty() {
        errors.add(At::Field("lines"), "it names no line", "Name lines, or leave it out for all.");
    } else if lines.len() > ORDER_LINES_MAX {
        let detail = format!("{} lines, the limit is {ORDER_LINES_MAX}", lines.len());
        errors.add(At::Field("lines"), detail, "Name each line once.");
    }
    let mut seen = BTreeSet::new();
    let mut checked = Vec::with_capacity(lines.len().min(ORDER_LINES_MAX));
    for (index, line) in lines.iter().take(ORDER_LINES_MAX).enumerate() {
        let at = |field| At::Item("lines", index, field);
        if line.line == 0 {
            errors.add(at("line"), "lines count from 1", "Give the line's number as the order shows it.");
        } else if !seen.insert(line.line) {
            errors.add(at("line"), format!("line {} is named twice", line.line), "Name each line once.");
        }
        let quantity = errors.quantity(at("quantity"), &line.quantity, Sign::Positive);
        checked.push(LineQuantity { line: line.line, quantity });
    }
    checked
}

impl OrderParameters {
    /// Filter and page, or everything that is wrong with them.
    pub fn check(self) -> Result<(OrderFilter, PageRequest), Problem> {
        let mut errors = Errors::default();
        let words = OrderState::WORDS;
        let status = self.status.as_deref();
        let (from, to) = errors.dates(self.from.as_deref(), self.to.as_deref());
        let filter = OrderFilter {
            status: status.and_then(|word| errors.word(At::Field("status"), word, OrderState::from_word, words)),
            customer: self.customer.map(|id| errors.id(At::Field("customer"), &id)),
            channel: errors.optional_name(At::Field("channel"), self.channel),
            external: errors.optional_name(At::Field("external"), self.external),
            from,
            to,
        };
        let page = errors.page(self.limit.as_deref(), self.cursor);
        errors.finish((filter, page))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn order(change: impl FnOnce(&mut Value)) -> Result<NewOrder, Vec<(String, String)>> {
        let mut body = json!({"channel": "web", "external_number": "77", "currency": "GBP", "walk_in": false,
            "contact": {"name": "李雷", "phone": "1", "address": "上海"},
            "lines": [{"sku": "85123A", "quantity": "6", "price": "2.55"}],
            "payments": [{"tender": "cash", "amount": "15.30"}]});
        change(&mut body);
        let body: NewOrderBody = serde_json::from_value(body).unwrap();
        body.check().map_err(|problem| {
            let errors = problem.into_body(None).errors;
            errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
        })
    }

    fn pointers(change: impl FnOnce(&mut Value)) -> Vec<String> {
        order(change).map_or_else(|errors| errors.into_iter().map(|(pointer, _)| pointer).collect(), |_| Vec::new())
    }

    #[test]
    fn a_whole_order_passes() {
        let order = order(|_| ()).unwrap();
        assert_eq!(order.lines[0].quantity.to_string(), "6");
        assert_eq!(order.contact.unwrap().name.unwrap().as_str(), "李雷");
        assert_eq!(order.payments[0].amount.in_currency(&order.currency.unwrap()).unwrap().minor(), 1530);
    }

    #[test]
    fn each_wrong_field_is_named_by_its_pointer() {
        for (pointer, value) in [
            ("/channel", json!("")),
            ("/external_number", json!("a\nb")),
            ("/customer", json!("12")),
            ("/contact/name", json!("n".repeat(20_000))),
            ("/contact/phone", json!("n".repeat(20_000))),
            ("/contact/address", json!("n".repeat(20_000))),
            ("/note", json!("n".repeat(20_000))),
            ("/lines/0/sku", json!(" ")),
            ("/lines/0/sku", json!("s".repeat(2_000))),
            ("/lines/0/quantity", json!("0")),
            ("/lines/0/quantity", json!("1000000001")),
            ("/lines/0/quantity", json!("-1")),
            ("/lines/0/price", json!("1.1234567")),
            ("/lines/0/price", json!("abc")),
            ("/payments/0/amount", json!("1.234")),
            ("/payments/0/tender", json!("")),
        ] {
            let named = pointers(|body| *body.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone());
            let missing = matches!(pointer, "/customer" | "/note");
            let named = if missing { pointers(|body| body[&pointer[1..]] = value.clone()) } else { named };
            assert_eq!(named, [pointer], "{value}");
        }
        assert_eq!(pointers(|body| body["currency"] = json!("XXX")), ["/currency"]);
        assert_eq!(pointers(|body| body["region"] = json!("")), ["/region"]);
    }

    #[test]
    fn the_fourth_line_is_line_3() {
        let line = json!({"sku": "85123A", "quantity": "1", "price": "1"});
        let wrong = json!({"sku": "85123A", "quantity": "1", "price": "0.1234567"});
        assert_eq!(pointers(|body| body["lines"] = json!([line, line, line, wrong])), ["/lines/3/price"]);
    }

    #[test]
    fn line_2001_is_refused() {
        let lines = |count| json!(vec![json!({"sku": "85123A", "quantity": "1", "price": "1"}); count]);
        assert_eq!(order(|body| body["lines"] = lines(2_000)).unwrap().lines.len(), 2_000);
        let errors = order(|body| body["lines"] = lines(2_001)).unwrap_err();
        assert_eq!(errors, [("/lines".to_owned(), "2001 lines, the limit is 2000".to_owned())]);
        assert_eq!(pointers(|body| body["lines"] = lines(0)), ["/lines"]);
    }

    #[test]
    fn payment_101_is_refused() {
        let payments = |count| json!(vec![json!({"tender": "cash", "amount": "1"}); count]);
        assert!(order(|body| body["payments"] = payments(PAYMENTS_MAX)).is_ok());
        assert_eq!(pointers(|body| body["payments"] = payments(PAYMENTS_MAX + 1)), ["/payments"]);
    }

    #[test]
    fn one_order_has_one_currency() {
        assert!(order(|body| body["lines"][0]["currency"] = json!("GBP")).is_ok());
        assert_eq!(pointers(|body| body["lines"][0]["currency"] = json!("EUR")), ["/lines/0/currency"]);
        assert_eq!(pointers(|body| body["payments"][0]["currency"] = json!("EUR")), ["/payments/0/currency"]);
        let unnamed = pointers(|body| {
            body["currency"] = Value::Null;
            body["lines"][0]["currency"] = json!("GBP");
        });
        assert_eq!(unnamed, ["/lines/0/currency"]);
    }

    #[test]
    fn a_line_named_twice_is_refused() {
        let ship = |lines: Value| serde_json::from_value::<ShipBody>(json!({"lines": lines})).unwrap().check();
        assert_eq!(
            ship(json!([{"line": 1, "quantity": "1"}, {"line": 2, "quantity": "1"}])).unwrap().lines.unwrap().len(),
            2
        );
        for lines in [
            json!([{"line": 1, "quantity": "1"}, {"line": 1, "quantity": "1"}]),
            json!([{"line": 0, "quantity": "1"}]),
            json!([{"line": 1, "quantity": "0"}]),
            json!([]),
        ] {
            assert!(ship(lines.clone()).is_err(), "{lines}");
        }
        assert_eq!(serde_json::from_value::<ShipBody>(json!({})).unwrap().check().unwrap().lines, None);
    }

    #[test]
    fn a_filter_is_checked() {
        let check = |query: Value| serde_json::from_value::<OrderParameters>(query).unwrap().check();
        let (filter, page) = check(json!({"status": "confirmed", "from": "2010-12-01", "limit": "500"})).unwrap();
        assert_eq!((filter.status, page.limit.items()), (Some(OrderState::Confirmed), 500));
        for query in
            [json!({"status": "open"}), json!({"customer": "1"}), json!({"from": "1.12."}), json!({"limit": "501"})]
        {
            assert!(check(query.clone()).is_err(), "{query}");
        }
    }
}
