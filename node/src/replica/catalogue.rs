//! Products, customers and channels.
//!
//! Head office writes products into the catalogue; any other site writes them as provisional into its own scope.
//! Personal details are sealed under the customer's key before they enter a document.
//!
//! Invariant: posting what exists writes nothing. Proved by `a_product_is_posted_once` in `replica/tests.rs`.

use crdt_model::control::event::{Channel, SiteKind};
use crdt_model::customer::SEALED_FIELDS;
use crdt_model::customer::event::CustomerPosted;
use crdt_model::document::FieldValue;
use crdt_model::event::Event;
use crdt_model::id::{DerivedKind, DocumentId, TransactionId};
use crdt_model::product::event::ProductPosted;
use crdt_model::product::{FIELD_BARCODE, FIELD_NAME, FIELD_PRICE, FIELD_UNIT};
use crdt_model::scope::Scope;
use crdt_model::seal::{SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;
use crdt_model::time::BusinessDate;

use super::batch::Batch;
use super::command::{CommandError, CustomerDraft, Input, Outcome, ProductDraft};
use super::log::Draft;
use super::orders::{CONTACT_BYTES_MAX, draft_request};
use super::{Replica, ReplicaError, Stop};

/// Bytes of a product's or customer's change, about.
const SMALL_DOCUMENT_BYTES: usize = 2 * 1024;

impl Replica {
    /// Where this site's new products go.
    pub(super) fn products_scope(&self) -> Scope {
        let site = self.control().sites.get(&self.identity.site);
        match site.map(|site| site.kind) {
            Some(SiteKind::HeadOffice) => Scope::Catalogue,
            Some(SiteKind::Store | SiteKind::Warehouse | SiteKind::Field) | None => self.site_scope(),
        }
    }

    pub(super) fn post_product(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        product: &ProductDraft,
    ) -> Result<Outcome, Stop> {
        let id = DocumentId::of_sku(product.sku.as_str());
        if self.product_exists(batch, id)? {
            return Err(CommandError::Exists { what: "product", name: product.sku.clone() }.into());
        }
        let scope = self.products_scope();
        let mut draft = self.draft(scope.clone(), draft_request(input), TransactionId::ZERO);
        self.write_product(batch, &mut draft, input, product)?;
        self.commit(batch, draft, input.now.at)?;
        Ok(Outcome::Product { scope, id })
    }

    /// Writes a product into a draft.
    pub(super) fn write_product(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        input: &Input,
        product: &ProductDraft,
    ) -> Result<(), ReplicaError> {
        if !draft.fits(SMALL_DOCUMENT_BYTES + product.name.as_str().len(), 1) {
            self.roll(batch, draft, input.now.at)?;
        }
        let id = DocumentId::of_sku(product.sku.as_str());
        let events = self.with_keys(draft, vec![Event::ProductPosted(ProductPosted { sku: product.sku.clone() })]);
        let text = |text: &Text| FieldValue::Text(text.as_str().to_owned());
        let mut fields = vec![(FIELD_NAME, text(&product.name))];
        fields.extend(product.unit.as_ref().map(|unit| (FIELD_UNIT, text(unit))));
        fields.extend(product.barcode.as_ref().map(|barcode| (FIELD_BARCODE, text(barcode))));
        fields.extend(product.price.map(|price| (FIELD_PRICE, FieldValue::Text(price.to_string()))));
        let row = self.create_document(draft, id, events, fields)?;
        self.fold_in(batch, &draft.scope.clone(), vec![row])?;
        self.remember_known(id);
        Ok(())
    }

    pub(super) fn post_customer(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        customer: &CustomerDraft,
    ) -> Result<Outcome, Stop> {
        if customer.details.iter().flatten().any(|plain| plain.len() > CONTACT_BYTES_MAX) {
            return Err(CommandError::ContactTooLong.into());
        }
        let id = DocumentId::random(input.now.at, self.random.bytes());
        let scope = self.customers_scope();
        let mut draft = self.draft(scope.clone(), draft_request(input), TransactionId::ZERO);
        self.write_customer(batch, &mut draft, input, id, customer)?;
        self.commit(batch, draft, input.now.at)?;
        Ok(Outcome::Customer { scope, id })
    }

    /// Writes a customer into a draft, its details sealed.
    pub(super) fn write_customer(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        input: &Input,
        id: DocumentId,
        customer: &CustomerDraft,
    ) -> Result<(), Stop> {
        let details: usize = customer.details.iter().flatten().map(String::len).sum();
        if !draft.fits(SMALL_DOCUMENT_BYTES + details, 1) {
            self.roll(batch, draft, input.now.at)?;
        }
        let mut fields = Vec::new();
        for (field, plain) in SEALED_FIELDS.into_iter().zip(&customer.details) {
            let Some(plain) = plain else { continue };
            let key = self.key_of(batch, id)?;
            let place = SealedPlace { org: self.identity.org, document: id, field: SealedField::Field(field) };
            let sealed = SealedValue::seal(&key, place, plain).map_err(|_| CommandError::ContactTooLong)?;
            fields.push((field, FieldValue::Bytes(sealed.as_bytes().to_vec())));
        }
        let posted = Event::CustomerPosted(CustomerPosted { external: customer.external.clone() });
        let events = self.with_keys(draft, vec![posted]);
        let row = self.create_document(draft, id, events, fields)?;
        self.fold_in(batch, &draft.scope.clone(), vec![row])?;
        self.remember_known(id);
        Ok(())
    }

    pub(super) fn add_channel(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        channel: &Channel,
    ) -> Result<Outcome, Stop> {
        if !self.control().sites.contains_key(&channel.home) {
            return Err(CommandError::UnknownSite { code: channel.home.clone() }.into());
        }
        if self.control().channels.contains_key(channel.name.as_str()) {
            return Err(CommandError::Exists { what: "channel", name: channel.name.clone() }.into());
        }
        let epoch = BusinessDate::from_days(0).expect("invariant: 1970-01-01 is a valid business date");
        let id = DocumentId::derived(DerivedKind::Control, epoch, &["channel", channel.name.as_str()]);
        self.check_writable(&Scope::Control, id, &[Event::Channel(channel.clone())])?;
        let mut draft = self.draft(Scope::Control, draft_request(input), TransactionId::ZERO);
        let events = self.with_keys(&mut draft, vec![Event::Channel(channel.clone())]);
        let row = self.create_document(&mut draft, id, events, Vec::new())?;
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, &Scope::Control, vec![row])?;
        Ok(Outcome::Channel { id })
    }
}
