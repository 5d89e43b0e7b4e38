//! How an order is written on the wire.
//!
//! Invariant: amounts and quantities are decimal texts, and every field of the contract is there. Proved by
//! `an_order_is_written_as_the_contract_says`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::model::{ContactDetails, OrderCustomerView, OrderLineView, OrderView};
use crate::http::cases::CaseBody;
use crate::http::fulfilments::FulfilmentBody;

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The human number.
    number: String,
    /// Where it lives.
    scope: String,
    /// The site that took it.
    site: String,
    /// The channel that it came by.
    channel: Option<String>,
    /// Its number there.
    external_number: Option<String>,
    /// `sale`, `credit` or `adjustment`.
    purpose: &'static str,
    /// `new` or `history`.
    entry: &'static str,
    /// Whether the goods were handed over at once.
    walk_in: bool,
    /// Where it stands.
    status: &'static str,
    /// How far the goods are.
    fulfilment: &'static str,
    /// How far the money is.
    payment: &'static str,
    /// ISO 4217.
    currency: String,
    /// RFC 3339 with the site's offset.
    ordered_at: String,
    /// The site's day.
    business_date: String,
    /// Country or region.
    region: Option<String>,
    /// The known customer.
    customer: Option<OrderCustomerBody>,
    /// Who gets it.
    contact: Option<OrderContactBody>,
    /// Free text.
    note: Option<String>,
    /// Sum of the lines.
    total: String,
    /// Sum of the payments.
    paid: String,
    /// `all`, `part`, `none` or `not_needed`.
    secured: &'static str,
    /// The order that counts instead.
    duplicate_of: Option<String>,
    /// How many lines.
    line_count: u32,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<OrderLineBody>>,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<CaseBody>>,
    /// What other sites ship of it; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    fulfilments: Option<Vec<FulfilmentBody>>,
}

/// The customer of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderCustomerBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The number in the channel.
    external_number: Option<String>,
    /// The name.
    name: Option<String>,
}

/// Who gets an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderContactBody {
    /// Name.
    name: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Postal address.
    address: Option<String>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineBody {
    /// From 1.
    line: u32,
    /// The item.
    sku: String,
    /// The item's name.
    name: Option<String>,
    /// Ordered.
    quantity: String,
    /// Of one base unit.
    price: String,
    /// Price times quantity.
    total: String,
    /// Called off.
    cancelled: String,
    /// Still to leave at other sites.
    sent: String,
    /// Promised and still here.
    reserved: String,
    /// Of the reserved: covered by rights.
    secured: String,
    /// Left the site.
    shipped: String,
    /// Arrived.
    delivered: String,
    /// Confirmed without a promise.
    backordered: String,
}

impl From<OrderView> for OrderBody {
    fn from(order: OrderView) -> Self {
        let currency = order.currency;
        let lines = order.lines.map(|lines| lines.into_iter().map(|line| OrderLineBody::of(line, &currency)).collect());
        Self {
            id: order.id.to_string(),
            number: order.number,
            scope: order.scope.to_string(),
            site: order.site.to_string(),
            channel: order.channel.map(|channel| channel.to_string()),
            external_number: order.external_number.map(|number| number.to_string()),
            purpose: order.purpose.word(),
            entry: order.entry.word(),
            walk_in: order.walk_in,
            status: order.status.word(),
            fulfilment: order.fulfilment.word(),
            payment: order.payment.word(),
            currency: currency.code().to_owned(),
            ordered_at: order.ordered_at.rfc3339(),
            business_date: order.ordered_at.business_date.to_string(),
            region: order.region.map(|region| region.to_string()),
            customer: order.customer.map(OrderCustomerBody::from),
            contact: order.contact.map(OrderContactBody::from),
            note: order.note.map(|note| note.to_string()),
            total: currency.format(order.total.0),
            paid: currency.format(order.paid.0),
            secured: order.secured.word(),
            duplicate_of: order.duplicate_of.map(|id| id.to_string()),
            line_count: order.line_count,
            lines,
            cases: order.cases.map(|cases| cases.into_iter().map(CaseBody::from).collect()),
            fulfilments: order.fulfilments.map(|sent| sent.into_iter().map(FulfilmentBody::from).collect()),
        }
    }
}

impl From<OrderCustomerView> for OrderCustomerBody {
    fn from(customer: OrderCustomerView) -> Self {
        Self {
            id: customer.id.to_string(),
            external_number: customer.external_number.map(|number| number.to_string()),
            name: customer.name.map(|name| name.to_string()),
        }
    }
}

impl From<ContactDetails> for OrderContactBody {
    fn from(contact: ContactDetails) -> Self {
        Self {
            name: contact.name.map(|name| name.to_string()),
            phone: contact.phone.map(|phone| phone.to_string()),
            address: contact.address.map(|address| address.to_string()),
        }
    }
}

impl OrderLineBody {
    fn of(line: OrderLineView, currency: &crdt_model::money::Currency) -> Self {
        Self {
            line: line.line,
            sku: line.sku.to_string(),
            name: line.name.map(|name| name.to_string()),
            quantity: line.quantity.to_string(),
            price: line.price.to_string(),
            total: currency.format(line.total.0),
            cancelled: line.cancelled.to_string(),
            sent: line.sent.to_string(),
            reserved: line.reserved.to_string(),
            secured: line.secured.to_string(),
            shipped: line.shipped.to_string(),
            delivered: line.delivered.to_string(),
            backordered: line.backordered.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::http::tests::world::sample_order;

    #[test]
    fn an_order_is_written_as_the_contract_says() {
        let body = serde_json::to_value(OrderBody::from(sample_order())).unwrap();
        assert_eq!(
            body,
            json!({"id": "07".repeat(16), "number": "HQ-A-000001", "scope": "site/HQ", "site": "HQ", "channel": "web",
                "external_number": "77", "purpose": "sale", "entry": "new", "walk_in": false, "status": "confirmed",
                "fulfilment": "partly_shipped", "payment": "paid", "currency": "GBP",
                "ordered_at": "2010-12-01T08:26:00+00:00", "business_date": "2010-12-01", "region": "United Kingdom",
                "customer": {"id": "09".repeat(16), "external_number": "17850", "name": "李雷"},
                "contact": {"name": "李雷", "phone": null, "address": "上海"}, "note": null, "total": "15.30", "paid": "15.30",
                "secured": "part", "duplicate_of": null, "line_count": 1,
                "lines": [{"line": 1, "sku": "85123A", "name": "HOLDER", "quantity": "6", "price": "2.55", "total": "15.30",
                    "cancelled": "0", "sent": "0", "reserved": "4", "secured": "3", "shipped": "2", "delivered": "0", "backordered": "0"}],
                "cases": [], "fulfilments": []})
        );
    }

    #[test]
    fn a_listed_order_has_no_lines() {
        let listed = OrderView { lines: None, cases: None, fulfilments: None, ..sample_order() };
        let body = serde_json::to_value(OrderBody::from(listed)).unwrap();
        assert_eq!((body.get("lines"), body.get("cases"), body.get("fulfilments")), (None, None, None));
        assert_eq!(body["line_count"], 1);
    }
}
