//! Head office takes a site's provisional product over: as it is, or as another name of an item of the catalogue.
//!
//! The item enters the catalogue and the site's document learns what became of it: two commits of one transaction.
//! Lines, stock and rights stay under the SKU that the site wrote; reports follow the alias when they are read.
//!
//! Invariant: doing it again writes nothing. Proved by `a_provisional_product_is_adopted_once`.

use thiserror::Error;

use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{DocumentId, TransactionId};
use crdt_model::product::barcode::Barcode;
use crdt_model::product::event::ProductAdopted;
use crdt_model::product::state::ProductState;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::read_document;
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, Outcome, ProductDraft};
use super::orders::draft_request;
use super::{Replica, ReplicaError, Stop};

/// Why a provisional product was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdoptError {
    /// Only head office writes the catalogue.
    #[error("{site} is not head office")]
    NotHeadOffice {
        /// This node's site.
        site: SiteCode,
    },
    /// The site has no such product of its own.
    #[error("{site} has no product `{sku}` of its own")]
    UnknownProduct {
        /// The SKU.
        sku: Text,
        /// The site.
        site: SiteCode,
    },
    /// The other item is not in the catalogue, or is the item itself.
    #[error("`{sku}` is no other item of the catalogue")]
    NoTarget {
        /// The SKU that was named.
        sku: Text,
    },
    /// It was taken over as another item before.
    #[error("`{sku}` is taken over as `{taken}` already")]
    TakenOver {
        /// The SKU.
        sku: Text,
        /// What it was taken over as.
        taken: Text,
    },
}

impl Replica {
    pub(super) fn adopt_product(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (sku, site): (&Text, &SiteCode),
        alias_of: Option<&Text>,
    ) -> Result<Outcome, Stop> {
        if self.products_scope() != Scope::Catalogue {
            let site = self.identity.site.clone();
            return Err(CommandError::from(AdoptError::NotHeadOffice { site }).into());
        }
        let (scope, id) = (Scope::Site(site.clone()), DocumentId::of_sku(sku.as_str()));
        let product = match read_document(batch, &scope, &id).map_err(ReplicaError::from)? {
            Some(DocumentRow::Product(product)) => product,
            Some(_) | None => {
                let unknown = AdoptError::UnknownProduct { sku: sku.clone(), site: site.clone() };
                return Err(CommandError::from(unknown).into());
            }
        };
        let target = alias_of.unwrap_or(sku);
        let known = self.in_catalogue(batch, target)?;
        if alias_of.is_some() && (!known || target == sku) {
            return Err(CommandError::from(AdoptError::NoTarget { sku: target.clone() }).into());
        }
        match &product.adopted {
            Some(taken) if taken == target => return Ok(Outcome::Product { scope: Scope::Catalogue, id }),
            Some(taken) => {
                let taken = AdoptError::TakenOver { sku: sku.clone(), taken: taken.clone() };
                return Err(CommandError::from(taken).into());
            }
            None => {}
        }
        let adopted = Event::ProductAdopted(ProductAdopted { time: input.now, sku: target.clone() });
        self.check_writable(&scope, id, std::slice::from_ref(&adopted))?;
        let transaction = TransactionId(self.random.bytes());
        if !known {
            self.copy_to_catalogue(batch, input, &product, transaction)?;
        }
        let mut draft = self.draft(scope.clone(), draft_request(input), transaction);
        let events = self.with_keys(&mut draft, vec![adopted]);
        let row = self.append_events(batch, &mut draft, id, events)?;
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, &scope, vec![row])?;
        Ok(Outcome::Product { scope: Scope::Catalogue, id: DocumentId::of_sku(target.as_str()) })
    }

    fn in_catalogue(&self, batch: &Batch<'_, '_>, sku: &Text) -> Result<bool, ReplicaError> {
        let id = DocumentId::of_sku(sku.as_str());
        Ok(read_document(batch, &Scope::Catalogue, &id)?.is_some())
    }

    fn copy_to_catalogue(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        product: &ProductState,
        transaction: TransactionId,
    ) -> Result<(), ReplicaError> {
        let copy = ProductDraft {
            sku: product.sku.clone(),
            name: product.name().clone(),
            unit: product.units.first().cloned(),
            barcodes: product.barcodes.iter().filter_map(|code| Barcode::new(code.as_str()).ok()).collect(),
            price: product.price(),
        };
        let mut draft = self.draft(Scope::Catalogue, draft_request(input), transaction);
        self.write_product(batch, &mut draft, input, &copy)?;
        self.commit(batch, draft, input.now.at)
    }
}
