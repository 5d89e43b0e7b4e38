//! What a dry run says: the counts that an import of the same batches would have.
//!
//! Not a write: it reads a snapshot a batch, and remembers what earlier batches would have made.
//!
//! Invariant: on the same file over the same store a dry run counts what the import then does. Proved by
//! `a_dry_run_counts_what_the_import_then_does`.

use std::collections::BTreeSet;

use crdt_model::control::event::SiteKind;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::DocumentId;
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;

use super::super::error::AppError;
use super::super::{App, read};
use crate::replica::{
    ImportCounts, ImportOrder, KnownProduct, ProductDraft, Writable, customer_id, import_identity, known_product,
};
use crate::store::{Snapshot, Table};

/// The counts of a dry run.
pub(super) struct Preview {
    app: App,
    /// Products and customers that earlier rows would have made.
    made: BTreeSet<DocumentId>,
    /// Whether this site's products go into the catalogue.
    writes_catalogue: bool,
}

impl Preview {
    /// Nothing made yet.
    pub fn new(app: App) -> Result<Self, AppError> {
        let control = read::control(&app.snapshot()?)?;
        let kind = control.sites.get(&app.facts().site).map(|site| site.kind);
        Ok(Self { app, made: BTreeSet::new(), writes_catalogue: kind == Some(SiteKind::HeadOffice) })
    }

    /// What a batch of orders would do.
    pub fn orders(&mut self, orders: &[ImportOrder]) -> Result<ImportCounts, AppError> {
        let snapshot = self.app.snapshot()?;
        let scope = Scope::Site(self.app.facts().site.clone());
        let mut counts = ImportCounts::default();
        for (at, order) in orders.iter().enumerate() {
            let (id, hash) = import_identity(order);
            let held = match read::document(&snapshot, &scope, &id)? {
                None => taken_by_hand(&snapshot, &scope, order)?,
                held => held,
            };
            match held {
                Some(DocumentRow::Order(held)) if held.content_hash() == hash => counts.unchanged += 1,
                Some(_) => counts.differing.push(at),
                None => {
                    counts.created += 1;
                    self.made_with(&snapshot, order, &mut counts)?;
                }
            }
        }
        Ok(counts)
    }

    /// What a batch of products would do.
    pub fn products(&mut self, products: &[ProductDraft]) -> Result<ImportCounts, AppError> {
        let snapshot = self.app.snapshot()?;
        let mut counts = ImportCounts::default();
        for (at, product) in products.iter().enumerate() {
            match self.held_product(&snapshot, product)? {
                Some(KnownProduct::Equal) => counts.unchanged += 1,
                Some(KnownProduct::Lacks(_)) => counts.updated += 1,
                Some(KnownProduct::Differing) => counts.differing.push(at),
                None => counts.created += 1,
            }
        }
        Ok(counts)
    }

    /// What an import does with a product that is here.
    fn held_product(&self, snapshot: &Snapshot, product: &ProductDraft) -> Result<Option<KnownProduct>, AppError> {
        let item = DocumentId::of_sku(product.sku.as_str());
        let site = Scope::Site(self.app.facts().site.clone());
        let catalogue = read::document(snapshot, &Scope::Catalogue, &item)?;
        let own = read::document(snapshot, &site, &item)?;
        let (held, writable) = match (catalogue, own) {
            (Some(held), _) => (held, if self.writes_catalogue { Writable::Here } else { Writable::Elsewhere }),
            (None, Some(held)) => (held, if self.writes_catalogue { Writable::Elsewhere } else { Writable::Here }),
            (None, None) => return Ok(None),
        };
        Ok(Some(match held {
            DocumentRow::Product(held) if *held.name() == product.name => known_product(&held, product, writable),
            _another_name => KnownProduct::Differing,
        }))
    }

    fn made_with(
        &mut self,
        snapshot: &Snapshot,
        order: &ImportOrder,
        counts: &mut ImportCounts,
    ) -> Result<(), AppError> {
        for line in &order.lines {
            let item = DocumentId::of_sku(line.sku.as_str());
            if !self.made.contains(&item) && read::product(snapshot, &item)?.is_none() {
                self.made.insert(item);
                counts.products_created += 1;
            }
        }
        let Some(number) = &order.customer else { return Ok(()) };
        let id = customer_id(&order.external.channel, number);
        if !self.made.contains(&id) && read::customer(snapshot, &id)?.is_none() {
            self.made.insert(id);
            counts.customers_created += 1;
        }
        Ok(())
    }
}

/// The order with this channel and number that has an id of its own: it was not imported.
fn taken_by_hand(snapshot: &Snapshot, scope: &Scope, order: &ImportOrder) -> Result<Option<DocumentRow>, AppError> {
    let external = &order.external;
    let claim = RowKey::of(scope).text(external.channel.as_str()).text(external.number.as_str()).into_bytes();
    let claimants = read::collect(snapshot, Table::OrdersByExternal, &claim, |key, _| {
        Ok(<[u8; 16]>::try_from(&key[claim.len()..]).ok().map(DocumentId))
    })?;
    claimants.first().map_or(Ok(None), |id| read::document(snapshot, scope, id))
}
