//! Stock as the application takes and shows it.
//!
//! Not the ledger: a view is one item at one site, summed by the fold.
//!
//! Invariant: all figures are sums of thousandths and may be below nothing; nothing here clamps them. Their text is
//! proved by `sums_beyond_one_quantity_are_written_whole`.

use crdt_model::quantity::Quantity;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::QuantitySum;

/// Goods that came in, or a correction of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEntryRequest {
    /// The item.
    pub sku: Text,
    /// How much: more than nothing for a receipt, signed and not nothing for an adjustment.
    pub quantity: Quantity,
    /// The delivery note's number.
    pub reference: Option<Text>,
    /// Why; always there for an adjustment.
    pub reason: Option<Text>,
}

/// Which rows of stock a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockFilter {
    /// Only this item.
    pub sku: Option<Text>,
}

/// One item at one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockView {
    /// The site.
    pub site: SiteCode,
    /// The item.
    pub sku: Text,
    /// The item's name.
    pub name: Text,
    /// In the building by the book.
    pub on_hand: QuantitySum,
    /// On hand and not sellable.
    pub unavailable: QuantitySum,
    /// Promised to orders.
    pub reserved: QuantitySum,
    /// Of the reserved: covered by rights.
    pub secured: QuantitySum,
    /// Rights lent to other nodes.
    pub allotted: QuantitySum,
    /// What may still be promised.
    pub available: QuantitySum,
    /// Rights that nothing uses.
    pub free_rights: QuantitySum,
    /// Rights made by the keeper.
    pub minted: QuantitySum,
    /// Rights destroyed by the keeper.
    pub burned: QuantitySum,
    /// Rights used up by goods that left.
    pub spent: QuantitySum,
    /// When the figures were true.
    pub as_of: EventTime,
}
