//! A folded order as people see it: names looked up, contact opened, ladder per line.
//!
//! Invariant: the state words are those of the fold. Proved by `every_state_of_the_fold_has_its_word`.

use crdt_model::event::EventKind;
use crdt_model::id::DocumentId;
use crdt_model::order::event::{Entry, Handover};
use crdt_model::order::state::{self, Fulfilment, LineState, OrderState, OrderStatus, PaymentStatus};
use crdt_model::scope::Scope;
use crdt_model::seal::{SealedField, SealedPlace};
use crdt_model::text::Text;

use super::super::error::AppError;
use super::super::model::{
    ContactDetails, EntryKind, FulfilmentState, MoneySum, OrderCustomerView, OrderLineView, OrderView, PaymentState,
    Purpose, QuantitySum, Secured,
};
use super::super::stock::site_of;
use super::super::{App, cases, model, read};
use crate::store::Snapshot;

impl App {
    /// An order with lines and cases.
    pub(super) fn whole_view(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        id: DocumentId,
        order: &OrderState,
    ) -> Result<OrderView, AppError> {
        let mut view = self.list_view(snapshot, scope, id, order)?;
        let mut lines = Vec::with_capacity(order.lines.len());
        for (number, line) in (1u32..).zip(&order.lines) {
            lines.push(line_view(snapshot, order, number, line)?);
        }
        view.cases = Some(cases::order_cases(snapshot, scope, id, order)?);
        view.lines = Some(lines);
        Ok(view)
    }

    /// An order as a list shows it.
    pub(super) fn list_view(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        id: DocumentId,
        order: &OrderState,
    ) -> Result<OrderView, AppError> {
        let header = &order.header;
        let (contact, note) = self.contact(snapshot, id, order)?;
        Ok(OrderView {
            id,
            number: crdt_model::scope_state::label_of(order).to_string(),
            scope: scope.clone(),
            site: site_of(scope).unwrap_or_else(|| self.facts().site.clone()),
            channel: header.external.as_ref().map(|external| external.channel.clone()),
            external_number: header.external.as_ref().map(|external| external.number.clone()),
            purpose: purpose(order.purpose),
            entry: match header.entry {
                Entry::New => EntryKind::New,
                Entry::History => EntryKind::History,
            },
            walk_in: header.handover == Handover::AtOnce,
            status: status(order.status()),
            fulfilment: fulfilment(order.fulfilment()),
            payment: payment(order.payment()),
            currency: header.currency,
            ordered_at: header.time,
            region: header.region.clone(),
            customer: self.customer_of(snapshot, order)?,
            contact,
            note,
            total: MoneySum(order.due()),
            paid: MoneySum(order.paid),
            secured: match header.entry {
                Entry::New => secured(order.secured()),
                Entry::History => Secured::NotNeeded,
            },
            duplicate_of: order.duplicate_of,
            line_count: order.lines.len() as u32,
            lines: None,
            cases: None,
        })
    }

    fn customer_of(&self, snapshot: &Snapshot, order: &OrderState) -> Result<Option<OrderCustomerView>, AppError> {
        let Some(id) = order.header.customer else { return Ok(None) };
        let Some(customer) = read::customer(snapshot, &id)? else {
            return Ok(Some(OrderCustomerView { id, external_number: None, name: None }));
        };
        let ([name, ..], _) = read::open_customer(snapshot, self.facts().org, id, &customer)?;
        Ok(Some(OrderCustomerView {
            id,
            external_number: customer.external.map(|external| external.number),
            name: name.and_then(|name| Text::new(&name).ok()),
        }))
    }

    fn contact(
        &self,
        snapshot: &Snapshot,
        id: DocumentId,
        order: &OrderState,
    ) -> Result<(Option<ContactDetails>, Option<Text>), AppError> {
        let Some((_, contact)) = &order.contact else { return Ok((None, None)) };
        let place = SealedPlace { org: self.facts().org, document: id, field: SealedField::Event(EventKind::Contact) };
        let Some(plain) = read::open_sealed(snapshot, contact.subject, place, &contact.sealed)? else {
            return Ok((None, None));
        };
        let object: serde_json::Value = serde_json::from_str(&plain).unwrap_or_default();
        let text =
            |field: &str| object.get(field).and_then(|value| value.as_str()).and_then(|text| Text::new(text).ok());
        let details = ContactDetails { name: text("name"), phone: text("phone"), address: text("address") };
        let empty = details == ContactDetails::default();
        Ok(((!empty).then_some(details), text("note")))
    }
}

fn line_view(
    snapshot: &Snapshot,
    order: &OrderState,
    number: u32,
    line: &LineState,
) -> Result<OrderLineView, AppError> {
    let product = match &line.name {
        Some(_) => None,
        None => read::product(snapshot, &DocumentId::of_sku(line.sku.as_str()))?,
    };
    let worked = order.header.entry == Entry::New;
    Ok(OrderLineView {
        line: number,
        sku: line.sku.clone(),
        name: line.name.clone().or_else(|| product.map(|(_, product)| product.name().clone())),
        quantity: line.quantity,
        price: line.price,
        total: MoneySum(line.total(&order.header.currency)),
        cancelled: QuantitySum(line.cancelled()),
        reserved: QuantitySum(line.reserved()),
        secured: QuantitySum(line.secured()),
        shipped: QuantitySum(line.shipped),
        delivered: QuantitySum(line.handed_over),
        backordered: QuantitySum(if worked { (line.open() - line.secured()).max(0) } else { 0 }),
    })
}

fn purpose(purpose: state::Purpose) -> Purpose {
    match purpose {
        state::Purpose::Sale => Purpose::Sale,
        state::Purpose::Credit => Purpose::Credit,
        state::Purpose::Adjustment => Purpose::Adjustment,
    }
}

fn status(status: OrderStatus) -> model::OrderState {
    match status {
        OrderStatus::Submitted => model::OrderState::Submitted,
        OrderStatus::Confirmed => model::OrderState::Confirmed,
        OrderStatus::Cancelled => model::OrderState::Cancelled,
        OrderStatus::CancelledAfterDispatch => model::OrderState::CancelledAfterDispatch,
        OrderStatus::Completed => model::OrderState::Completed,
    }
}

fn fulfilment(fulfilment: Fulfilment) -> FulfilmentState {
    match fulfilment {
        Fulfilment::Unfulfilled => FulfilmentState::Unfulfilled,
        Fulfilment::PartlyShipped => FulfilmentState::PartlyShipped,
        Fulfilment::Shipped => FulfilmentState::Shipped,
        Fulfilment::Delivered => FulfilmentState::Delivered,
    }
}

fn payment(payment: PaymentStatus) -> PaymentState {
    match payment {
        PaymentStatus::Unpaid => PaymentState::Unpaid,
        PaymentStatus::PartlyPaid => PaymentState::PartlyPaid,
        PaymentStatus::Paid => PaymentState::Paid,
        PaymentStatus::Overpaid => PaymentState::Overpaid,
        PaymentStatus::CreditDue => PaymentState::CreditDue,
        PaymentStatus::NotRecorded => PaymentState::NotRecorded,
    }
}

fn secured(secured: state::Secured) -> Secured {
    match secured {
        state::Secured::All => Secured::All,
        state::Secured::Part => Secured::Part,
        state::Secured::None => Secured::None,
        state::Secured::NotNeeded => Secured::NotNeeded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_the_fold_has_its_word() {
        for (folded, word) in OrderStatus::ALL {
            assert_eq!(status(folded).word(), word);
        }
    }
}
