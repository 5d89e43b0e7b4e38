//! Products, customers and channels as the application takes and shows them.
//!
//! Not their documents: concurrent values of a field are already settled here.
//!
//! Invariant: a new channel's zone is one that this build knows; a shown zone may be newer. The parsing of the zone is
//! proved by `an_unknown_zone_is_refused` in `http/channels.rs`.

use chrono_tz::Tz;
use crdt_model::id::DocumentId;
use crdt_model::money::UnitPrice;
use crdt_model::product::barcode::Barcode;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;

use super::order::words;

/// A product to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// The exact SKU text, case kept.
    pub sku: Text,
    /// The name.
    pub name: Text,
    /// The base unit, `pcs`.
    pub unit: Option<Text>,
    /// Its bar codes.
    pub barcodes: Vec<Barcode>,
    /// The list price of one base unit, in the organisation's currency.
    pub price: Option<UnitPrice>,
}

/// What to add to a product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductChanges {
    /// Bar codes that it carries as well.
    pub barcodes: Vec<Barcode>,
    /// The list price from now on; none leaves it.
    pub price: Option<UnitPrice>,
}

/// Which products a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductFilter {
    /// Part of SKU, name or barcode.
    pub query: Option<Text>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    /// Its identity, the same everywhere for one SKU.
    pub id: DocumentId,
    /// The SKU.
    pub sku: Text,
    /// The name.
    pub name: Text,
    /// The base unit.
    pub unit: Option<Text>,
    /// Its bar codes, leading zeros kept.
    pub barcodes: Vec<Text>,
    /// The list price of one base unit, in the organisation's currency.
    pub price: Option<UnitPrice>,
    /// Whether a site made it and head office has not adopted it yet.
    pub provisional: bool,
    /// Where its document lives.
    pub scope: Scope,
    /// The item of the catalogue of which it is another name.
    pub alias_of: Option<Text>,
}

impl ProductView {
    /// The first of its bar codes.
    pub fn barcode(&self) -> Option<&Text> {
        self.barcodes.first()
    }
}

/// A customer to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// The name.
    pub name: Text,
    /// The phone number as typed.
    pub phone: Option<Text>,
    /// The e-mail address as typed.
    pub email: Option<Text>,
    /// The postal address as typed.
    pub address: Option<Text>,
}

words!(
    /// Whether a customer's sealed details can be read here.
    DetailsState {
        /// They are shown.
        Open = "open",
        /// The key has not arrived yet.
        Pending = "pending",
        /// The key was destroyed.
        Erased = "erased",
    }
);

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerView {
    /// The identity.
    pub id: DocumentId,
    /// The number in the channel.
    pub external_number: Option<Text>,
    /// The channel of that number.
    pub channel: Option<Text>,
    /// The name.
    pub name: Option<Text>,
    /// The phone number.
    pub phone: Option<Text>,
    /// The e-mail address.
    pub email: Option<Text>,
    /// The postal address.
    pub address: Option<Text>,
    /// Whether the four fields above could be read.
    pub details: DetailsState,
}

/// A channel to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
    /// Its name.
    pub name: Text,
    /// The site that takes its orders.
    pub home: SiteCode,
    /// The zone in which its files tell time.
    pub zone: Tz,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelView {
    /// Its name.
    pub name: Text,
    /// The site that takes its orders.
    pub home: SiteCode,
    /// The name of its zone.
    pub zone: Text,
}
