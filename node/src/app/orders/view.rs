//! A folded order as people see it: names looked up, contact opened, ladder per line.
//!
//! Invariant: the state words are those of the fold. Proved by `every_state_of_the_fold_has_its_word`.

use crdt_model::event::EventKind;
use crdt_model::fulfilment::whole::{secured_everywhere, secured_of_line};
use crdt_model::id::DocumentId;
use crdt_model::order::event::{Entry, Handover};
use crdt_model::order::state::{self, Fulfilment, LineState, OrderState, OrderStatus, PaymentStatus};
use crdt_model::scope::Scope;
use crdt_model::text::Text;

use super::super::error::AppError;
use super::super::model::{
    ContactDetails, EntryKind, FulfilmentState, MoneySum, OrderCustomerView, OrderLineView, OrderView, PaymentState,
    Purpose, QuantitySum, Secured,
};
use super::super::stock::site_of;
use super::super::{App, cases, model, read};
use super::{Whole, details_of};
use crate::store::Snapshot;

impl App {
    /// An order with lines and cases.
    pub(super) fn whole_view(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        id: DocumentId,
        whole: &Whole,
    ) -> Result<OrderView, AppError> {
        let order = &whole.order;
        let mut view = self.list_view(snapshot, scope, id, whole)?;
        let mut lines = Vec::with_capacity(order.lines.len());
        for (number, line) in (1u16..).zip(&order.lines) {
            lines.push(line_view(snapshot, whole, number, line)?);
        }
        view.cases = Some(cases::order_cases(snapshot, scope, id, order)?);
        view.lines = Some(lines);
        view.fulfilments = Some(self.fulfilments_of_order(snapshot, scope, whole)?);
        Ok(view)
    }

    /// An order as a list shows it.
    pub(super) fn list_view(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        id: DocumentId,
        whole: &Whole,
    ) -> Result<OrderView, AppError> {
        let order = &*whole.order;
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
                Entry::New => secured(secured_everywhere(whole.local(), &whole.held)),
                Entry::History => Secured::NotNeeded,
            },
            duplicate_of: order.duplicate_of,
            line_count: order.lines.len() as u32,
            lines: None,
            cases: None,
            fulfilments: None,
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
        let plain = self.open_contact(snapshot, (id, EventKind::Contact), contact)?;
        Ok(plain.as_deref().map_or((None, None), details_of))
    }
}

fn line_view(snapshot: &Snapshot, whole: &Whole, number: u16, line: &LineState) -> Result<OrderLineView, AppError> {
    let product = match &line.name {
        Some(_) => None,
        None => read::product(snapshot, &DocumentId::of_sku(line.sku.as_str()))?,
    };
    let header = &whole.order.header;
    let worked = header.entry == Entry::New;
    let here = whole.local().lines.get(usize::from(number) - 1).map_or(0, LineState::reserved);
    let there = whole.held.iter().flatten().filter_map(|fulfilment| fulfilment.line(number));
    let secured = secured_of_line(whole.local(), &whole.held, number);
    Ok(OrderLineView {
        line: u32::from(number),
        sku: line.sku.clone(),
        name: line.name.clone().or_else(|| product.map(|(_, product)| product.name().clone())),
        quantity: line.quantity,
        price: line.price,
        total: MoneySum(line.total(&header.currency)),
        cancelled: QuantitySum(line.cancelled()),
        sent: QuantitySum(line.sent),
        reserved: QuantitySum(here + there.map(|line| line.ladder.reserved()).sum::<i128>()),
        secured: QuantitySum(secured),
        shipped: QuantitySum(line.shipped),
        delivered: QuantitySum(line.handed_over),
        backordered: QuantitySum(if worked { (line.outstanding() - secured).max(0) } else { 0 }),
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

pub(in crate::app) fn secured(secured: state::Secured) -> Secured {
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
