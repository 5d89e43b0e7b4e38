//! Products, customers and channels.
//!
//! Head office writes products into the catalogue; any other site writes them as provisional into its own scope.
//! Personal details are sealed under the customer's key before they enter a document.
//!
//! Invariant: posting what exists writes nothing. Proved by `a_product_is_posted_once` in `replica/tests.rs`.

use crdt_model::control::capability::may_edit;
use crdt_model::control::event::{Channel, SiteKind};
use crdt_model::customer::SEALED_FIELDS;
use crdt_model::customer::event::CustomerPosted;
use crdt_model::document::FieldValue;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{DerivedKind, DocumentId, TransactionId};
use crdt_model::money::UnitPrice;
use crdt_model::product::barcode::Barcode;
use crdt_model::product::event::{BarcodeAdded, ProductPosted};
use crdt_model::product::state::{BARCODES_MAX, ProductChange, ProductState};
use crdt_model::product::{FIELD_NAME, FIELD_PRICE, FIELD_UNIT};
use crdt_model::scope::Scope;
use crdt_model::scope_state::read_document;
use crdt_model::seal::{SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;
use crdt_model::time::BusinessDate;

use super::batch::Batch;
use super::command::{CommandError, CustomerDraft, Input, Outcome, ProductDraft, ProductEdit};
use super::log::Draft;
use super::orders::{CONTACT_BYTES_MAX, draft_request};
use super::{Replica, ReplicaError, Stop};

/// Bytes of a product's or customer's change, about.
const SMALL_DOCUMENT_BYTES: usize = 2 * 1024;
/// Bytes of a bar code in a product's change, about.
const BARCODE_BYTES: usize = 64;

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
        let codes = product.barcodes.len() * BARCODE_BYTES;
        if !draft.fits(SMALL_DOCUMENT_BYTES + product.name.as_str().len() + codes, 1) {
            self.roll(batch, draft, input.now.at)?;
        }
        let id = DocumentId::of_sku(product.sku.as_str());
        let posted = Event::ProductPosted(ProductPosted { sku: product.sku.clone() });
        let events = [posted].into_iter().chain(product.barcodes.iter().map(added)).collect();
        let events = self.with_keys(draft, events);
        let text = |text: &Text| FieldValue::Text(text.as_str().to_owned());
        let mut fields = vec![(FIELD_NAME, text(&product.name))];
        fields.extend(product.unit.as_ref().map(|unit| (FIELD_UNIT, text(unit))));
        fields.extend(product.price.map(price_field));
        let row = self.create_document(draft, id, events, fields)?;
        self.fold_in(batch, &draft.scope.clone(), vec![row])?;
        self.remember_known(id);
        Ok(())
    }

    /// Adds bar codes to a product and sets its price; what it says already is not written again.
    pub(super) fn edit_product(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        edit: &ProductEdit,
    ) -> Result<Outcome, Stop> {
        let id = DocumentId::of_sku(edit.sku.as_str());
        let (scope, product) = self.product_to_edit(batch, &edit.sku)?;
        let change = product.change_to(&edit.barcodes, edit.price);
        if product.barcodes.len() + change.barcodes.len() > BARCODES_MAX {
            return Err(CommandError::TooManyBarcodes { sku: edit.sku.clone() }.into());
        }
        if !change.is_empty() {
            let mut draft = self.draft(scope.clone(), draft_request(input), TransactionId::ZERO);
            self.change_product(batch, &mut draft, input, id, &change)?;
            self.commit(batch, draft, input.now.at)?;
        }
        Ok(Outcome::Product { scope, id })
    }

    /// The document of a product that this node may edit: the catalogue's where there is one.
    fn product_to_edit(&self, batch: &Batch<'_, '_>, sku: &Text) -> Result<(Scope, ProductState), Stop> {
        let id = DocumentId::of_sku(sku.as_str());
        for scope in [Scope::Catalogue, self.site_scope()] {
            if let Some(DocumentRow::Product(product)) = read_document(batch, &scope, &id)? {
                self.check_editable(&scope, id)?;
                return Ok((scope, product));
            }
        }
        Err(CommandError::UnknownSku { line: 0, sku: sku.clone() }.into())
    }

    /// This node may edit the fields of a document, and the document takes it.
    fn check_editable(&self, scope: &Scope, id: DocumentId) -> Result<(), CommandError> {
        if self.is_parked(scope, id) {
            return Err(CommandError::Parked { id });
        }
        let denied = may_edit(self.control(), &self.identity.author_id(), scope);
        denied.map_err(|denied| CommandError::NotAllowed { code: denied.code() })
    }

    /// Writes what a product does not say yet into a draft.
    pub(super) fn change_product(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        input: &Input,
        id: DocumentId,
        change: &ProductChange,
    ) -> Result<(), ReplicaError> {
        if !draft.fits(SMALL_DOCUMENT_BYTES + change.barcodes.len() * BARCODE_BYTES, 1) {
            self.roll(batch, draft, input.now.at)?;
        }
        let events = self.with_keys(draft, change.barcodes.iter().map(added).collect());
        let fields = change.price.map(price_field).into_iter().collect();
        let row = self.append_to_document(batch, draft, id, events, fields)?;
        self.fold_in(batch, &draft.scope.clone(), vec![row])
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

fn added(barcode: &Barcode) -> Event {
    Event::BarcodeAdded(BarcodeAdded { barcode: barcode.clone() })
}

fn price_field(price: UnitPrice) -> (&'static str, FieldValue) {
    (FIELD_PRICE, FieldValue::Text(price.to_string()))
}
