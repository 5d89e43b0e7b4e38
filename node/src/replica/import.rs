//! Import batches: orders of the past and products of a file.
//!
//! Orders get ids derived from (channel, number), so a re-import finds them; equal content changes nothing, other
//! content is told to the caller. Products and customers are made on the way. Many orders share a commit.
//!
//! Invariant: importing twice writes nothing the second time. Proved by `an_import_run_twice_writes_nothing_new` in
//! `replica/tests.rs`.

use crdt_model::customer::event::ExternalCustomer;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{DerivedKind, DocumentId, TransactionId};
use crdt_model::order::event::{Entry, Handover, Placed};
use crdt_model::order::state::{Purpose, content_hash};
use crdt_model::product::state::{BARCODES_MAX, ProductChange, ProductState};
use crdt_model::rows::{RowKey, RowKind, Rows, ViewTable, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::read_document;
use crdt_model::text::Text;
use crdt_model::time::BusinessDate;

use super::batch::Batch;
use super::command::{CustomerDraft, ImportCounts, ImportOrder, Input, LineDraft, Outcome, ProductDraft};
use super::log::Draft;
use super::orders::{OrderWriting, draft_request};
use super::{Replica, ReplicaError, Stop};

/// Orders of one import batch: one transaction.
pub const IMPORT_ORDERS_MAX: usize = 1_000;
/// Names of products remembered between batches; past it the memory starts anew.
const NAMES_MAX: usize = 50_000;
/// Bytes of a name that is remembered.
const NAME_BYTES_REMEMBERED: usize = 256;

/// The drafts of one batch, one a scope.
struct Drafts {
    orders: Draft,
    products: Draft,
    customers: Draft,
}

impl Replica {
    pub(super) fn import_orders(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        orders: &[ImportOrder],
    ) -> Result<Outcome, Stop> {
        for order in orders {
            self.check_home(&order.external.channel)?;
        }
        let request = draft_request(input);
        let transaction = TransactionId(self.random.bytes());
        let mut drafts = Drafts {
            orders: self.draft(self.site_scope(), request, transaction),
            products: self.draft(self.products_scope(), request, transaction),
            customers: self.draft(self.customers_scope(), request, transaction),
        };
        let apart = drafts.orders.scope != drafts.products.scope;
        let mut counts = ImportCounts::default();
        for (at, order) in orders.iter().enumerate() {
            match self.known_order(batch, order)? {
                Known::Equal => counts.unchanged += 1,
                Known::Differing => counts.differing.push(at),
                Known::No if apart => {
                    let Drafts { orders, products, customers } = &mut drafts;
                    self.import_products_of(batch, products, input, order, &mut counts)?;
                    self.import_order(batch, orders, customers, input, order, &mut counts)?;
                }
                Known::No => {
                    let Drafts { orders, customers, .. } = &mut drafts;
                    self.import_products_of(batch, orders, input, order, &mut counts)?;
                    self.import_order(batch, orders, customers, input, order, &mut counts)?;
                }
            }
        }
        let Drafts { orders, products, customers } = drafts;
        for draft in [products, customers, orders] {
            self.commit(batch, draft, input.now.at)?;
        }
        Ok(Outcome::Imported(counts))
    }

    /// Whether the order is here already, under its derived id or entered by hand.
    fn known_order(&mut self, batch: &Batch<'_, '_>, order: &ImportOrder) -> Result<Known, ReplicaError> {
        let scope = self.site_scope();
        let row = match read_document(batch, &scope, &order_id(order))? {
            Some(row) => Some(row),
            None => self.order_by_number(batch, &scope, order)?,
        };
        if row.is_none() && self.is_parked(&scope, order_id(order)) {
            return Ok(Known::Differing);
        }
        let Some(DocumentRow::Order(held)) = row else { return Ok(Known::No) };
        let (_, hash) = import_identity(order);
        Ok(if hash == held.content_hash() { Known::Equal } else { Known::Differing })
    }

    fn order_by_number(
        &self,
        batch: &Batch<'_, '_>,
        scope: &Scope,
        order: &ImportOrder,
    ) -> Result<Option<DocumentRow>, ReplicaError> {
        let external = &order.external;
        let prefix = RowKey::of(scope).text(external.channel.as_str()).text(external.number.as_str());
        let claims = batch.list(super::batch::table_of(ViewTable::OrdersByExternal), prefix.as_bytes())?;
        let Some((key, _)) = claims.first() else { return Ok(None) };
        let id = crdt_model::codec::Reader::new(&key[prefix.as_bytes().len()..]).array("document id")?;
        Ok(read_document(batch, scope, &DocumentId(id))?)
    }

    fn import_products_of(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        input: &Input,
        order: &ImportOrder,
        counts: &mut ImportCounts,
    ) -> Result<(), ReplicaError> {
        for line in &order.lines {
            if self.product_exists(batch, DocumentId::of_sku(line.sku.as_str()))? {
                continue;
            }
            let name = line.name.clone().unwrap_or_else(|| line.sku.clone());
            let product = ProductDraft { sku: line.sku.clone(), name, unit: None, barcodes: Vec::new(), price: None };
            self.write_product(batch, draft, input, &product)?;
            counts.products_created += 1;
        }
        Ok(())
    }

    fn import_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        customers: &mut Draft,
        input: &Input,
        order: &ImportOrder,
        counts: &mut ImportCounts,
    ) -> Result<(), Stop> {
        if let Some(number) = &order.customer {
            let id = customer_id(&order.external.channel, number);
            if !self.customer_exists(batch, id)? {
                let external = ExternalCustomer { channel: order.external.channel.clone(), number: number.clone() };
                let customer = CustomerDraft { external: Some(external), details: [None, None, None, None] };
                self.write_customer(batch, customers, input, id, &customer)?;
                counts.customers_created += 1;
            }
        }
        let close = match order.purpose {
            Purpose::Sale => Event::Placed,
            Purpose::Credit => Event::CreditPlaced,
            Purpose::Adjustment => Event::AdjustmentPlaced,
        };
        let lines = self.import_lines(batch, order)?;
        let header = header_of(order);
        let writing = OrderWriting { id: order_id(order), header, close, lines, after: Vec::new() };
        self.write_order(batch, draft, writing, input)?;
        counts.created += 1;
        Ok(())
    }

    /// A line keeps its name only where it differs from the product's.
    fn import_lines(&mut self, batch: &Batch<'_, '_>, order: &ImportOrder) -> Result<Vec<LineDraft>, ReplicaError> {
        let mut lines = Vec::with_capacity(order.lines.len());
        for line in &order.lines {
            let name = match &line.name {
                Some(name) if self.product_name(batch, &line.sku)?.as_ref() != Some(name) => Some(name.clone()),
                Some(_) | None => None,
            };
            lines.push(LineDraft { sku: line.sku.clone(), name, quantity: line.quantity, price: line.price });
        }
        Ok(lines)
    }

    fn product_name(&mut self, batch: &Batch<'_, '_>, sku: &Text) -> Result<Option<Text>, ReplicaError> {
        let item = DocumentId::of_sku(sku.as_str());
        if let Some(name) = self.memory().names.get(&item) {
            return Ok(Some(name.clone()));
        }
        for scope in [self.products_scope(), Scope::Catalogue] {
            if let Some(DocumentRow::Product(product)) = read_document(batch, &scope, &item)? {
                let name = ProductState::name(&product).clone();
                self.remember_name(item, &name);
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Long names are read again: the memory of all of them stays small.
    pub(super) fn remember_name(&mut self, item: DocumentId, name: &Text) {
        let names = &mut self.memory().names;
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        if name.as_str().len() <= NAME_BYTES_REMEMBERED {
            names.insert(item, name.clone());
        }
    }

    fn customer_exists(&mut self, batch: &Batch<'_, '_>, id: DocumentId) -> Result<bool, ReplicaError> {
        if self.memory().known.contains(&id) {
            return Ok(true);
        }
        let key = row_key(&self.customers_scope(), RowKind::Document, &id.0);
        let parked = self.is_parked(&self.customers_scope(), id);
        let held = parked || batch.get(ViewTable::Rows, key.as_bytes())?.is_some();
        if held {
            self.remember_known(id);
        }
        Ok(held)
    }

    pub(super) fn import_products(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        products: &[ProductDraft],
    ) -> Result<Outcome, Stop> {
        let mut draft = self.draft(self.products_scope(), draft_request(input), TransactionId::ZERO);
        let mut counts = ImportCounts::default();
        for (at, product) in products.iter().enumerate() {
            let id = DocumentId::of_sku(product.sku.as_str());
            if self.product_exists(batch, id)? {
                match self.known_product(batch, &draft.scope, product)? {
                    KnownProduct::Equal => counts.unchanged += 1,
                    KnownProduct::Differing => counts.differing.push(at),
                    KnownProduct::Lacks(change) => {
                        self.change_product(batch, &mut draft, input, id, &change)?;
                        counts.updated += 1;
                    }
                }
                continue;
            }
            self.write_product(batch, &mut draft, input, product)?;
            counts.created += 1;
        }
        self.commit(batch, draft, input.now.at)?;
        Ok(Outcome::Imported(counts))
    }

    /// What a file says of a product that is here; bar codes and price are added where this node may write them.
    fn known_product(
        &mut self,
        batch: &Batch<'_, '_>,
        writable: &Scope,
        product: &ProductDraft,
    ) -> Result<KnownProduct, ReplicaError> {
        if self.product_name(batch, &product.sku)?.as_ref() != Some(&product.name) {
            return Ok(KnownProduct::Differing);
        }
        let item = DocumentId::of_sku(product.sku.as_str());
        for scope in [Scope::Catalogue, self.site_scope()] {
            if let Some(DocumentRow::Product(held)) = read_document(batch, &scope, &item)? {
                let parked = self.is_parked(&scope, item);
                let writable = if !parked && scope == *writable { Writable::Here } else { Writable::Elsewhere };
                return Ok(known_product(&held, product, writable));
            }
        }
        Ok(KnownProduct::Differing)
    }
}

/// What an import does with a product that is here.
pub enum KnownProduct {
    /// It says nothing new.
    Equal,
    /// It says something else, which a person must settle.
    Differing,
    /// It adds this.
    Lacks(ProductChange),
}

/// What an import of `product` does with the one that is held under the same name.
pub fn known_product(held: &ProductState, product: &ProductDraft, writable: Writable) -> KnownProduct {
    let change = held.change_to(&product.barcodes, product.price);
    let fits = held.barcodes.len() + change.barcodes.len() <= BARCODES_MAX;
    match (change.is_empty(), writable) {
        (true, _) => KnownProduct::Equal,
        (false, Writable::Here) if fits => KnownProduct::Lacks(change),
        (false, Writable::Here | Writable::Elsewhere) => KnownProduct::Differing,
    }
}

/// Where a product's document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    /// By this node.
    Here,
    /// By another site alone.
    Elsewhere,
}

/// Whether an imported order is here already.
enum Known {
    No,
    Equal,
    Differing,
}

/// The derived id of an imported order, and the hash of what the import says of it.
pub fn import_identity(order: &ImportOrder) -> (DocumentId, [u8; 32]) {
    let lines = order.lines.iter().map(|line| (&line.sku, line.quantity, line.price));
    (order_id(order), content_hash(order.purpose, &header_of(order), lines))
}

fn header_of(order: &ImportOrder) -> Placed {
    let customer = order.customer.as_ref().map(|number| customer_id(&order.external.channel, number));
    Placed {
        time: order.time,
        external: Some(order.external.clone()),
        label: None,
        entry: Entry::History,
        handover: Handover::Later,
        currency: order.currency,
        customer,
        region: order.region.clone(),
        request: None,
        line_count: 0,
        parts: None,
    }
}

/// The day of the id is the literal date of the order-time text, never zone-converted.
fn order_id(order: &ImportOrder) -> DocumentId {
    let external = &order.external;
    let day = order.time.business_date;
    DocumentId::derived(DerivedKind::Order, day, &[external.channel.as_str(), external.number.as_str()])
}

/// The id of a channel's customer.
pub fn customer_id(channel: &Text, number: &Text) -> DocumentId {
    let epoch = BusinessDate::from_days(0).expect("invariant: 1970-01-01 is a valid business date");
    DocumentId::derived(DerivedKind::Customer, epoch, &[channel.as_str(), number.as_str()])
}
