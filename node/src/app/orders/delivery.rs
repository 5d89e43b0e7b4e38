//! Who gets an order, opened: for its view, and for the site that ships it.
//!
//! Invariant: what a shipper gets is sealed again for its own document; here it is plain and never written. Proved by
//! `a_sent_order_is_shipped_by_the_other_site` in `replica/tests`.

use crdt_model::document_row::DocumentRow;
use crdt_model::event::EventKind;
use crdt_model::id::DocumentId;
use crdt_model::order::event::Contact;
use crdt_model::scope::Scope;
use crdt_model::seal::{SealedField, SealedPlace};
use crdt_model::text::Text;

use super::super::error::AppError;
use super::super::model::ContactDetails;
use super::super::{App, read};
use super::contact_text;
use crate::store::Snapshot;

impl App {
    /// The plain text of a sealed contact in a document; `None` where its key is not held.
    pub(in crate::app) fn open_contact(
        &self,
        snapshot: &Snapshot,
        (document, kind): (DocumentId, EventKind),
        contact: &Contact,
    ) -> Result<Option<String>, AppError> {
        let place = SealedPlace { org: self.facts().org, document, field: SealedField::Event(kind) };
        read::open_sealed(snapshot, contact.subject, place, &contact.sealed)
    }

    /// What a shipper needs to know of who gets an order: its contact, else its customer's name, phone and address.
    pub(super) fn delivery_of(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Option<String>, AppError> {
        let Some(DocumentRow::Order(order)) = read::document(snapshot, scope, &id)? else { return Ok(None) };
        if let Some((_, contact)) = &order.contact {
            let plain = self.open_contact(snapshot, (id, EventKind::Contact), contact)?;
            return plain.map(Some).ok_or_else(details_pending);
        }
        let Some(customer_id) = order.header.customer else { return Ok(None) };
        let Some(customer) = read::customer(snapshot, &customer_id)? else { return Err(details_pending()) };
        let (texts, _) = read::open_customer(snapshot, self.facts().org, customer_id, &customer)?;
        let [name, phone, _, address] = texts.map(|text| text.and_then(|text| Text::new(&text).ok()));
        Ok(contact_text(Some(ContactDetails { name, phone, address }), None))
    }
}

fn details_pending() -> AppError {
    AppError::Conflict {
        code: "details_pending",
        detail: "the contact details of the order have not arrived here".to_owned(),
        remedy: "Exchange with the other nodes (`tradepost sync now`), then repeat it.".to_owned(),
    }
}

/// Name, phone, address and note of an opened contact.
pub(in crate::app) fn details_of(plain: &str) -> (Option<ContactDetails>, Option<Text>) {
    let object: serde_json::Value = serde_json::from_str(plain).unwrap_or_default();
    let text = |field: &str| object.get(field).and_then(|value| value.as_str()).and_then(|text| Text::new(text).ok());
    let details = ContactDetails { name: text("name"), phone: text("phone"), address: text("address") };
    let empty = details == ContactDetails::default();
    ((!empty).then_some(details), text("note"))
}
