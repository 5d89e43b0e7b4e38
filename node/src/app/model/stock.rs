//! Stock as the application takes and shows it.
//!
//! Not the ledger: a view is one item at one site, summed by the fold.
//!
//! Invariant: all figures are sums of thousandths and may be below nothing; nothing here clamps them. Their text is
//! proved by `sums_beyond_one_quantity_are_written_whole`.

use crdt_model::id::{AuthorId, LoanId};
use crdt_model::journal::loan::LoanOrigin;
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

/// Rights to lend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanRequest {
    /// The item.
    pub sku: Text,
    /// How much, more than nothing.
    pub quantity: Quantity,
    /// Another node of this site: its short name, author or device letter.
    pub holder: Text,
}

/// Which loans a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoanFilter {
    /// Only this item.
    pub sku: Option<Text>,
    /// Used-up loans as well.
    pub closed: bool,
}

/// Rights that the keeper lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanView {
    /// Its name.
    pub id: LoanId,
    /// The site.
    pub site: SiteCode,
    /// The item.
    pub sku: Text,
    /// Who may promise it.
    pub holder: AuthorId,
    /// The keeper's epoch.
    pub epoch: u32,
    /// Why it was made.
    pub origin: LoanOrigin,
    /// Rights lent.
    pub quantity: QuantitySum,
    /// Given back.
    pub returned: QuantitySum,
    /// Promised by the holder and not yet gone.
    pub secured: QuantitySum,
    /// Gone with goods.
    pub spent: QuantitySum,
    /// What the holder may still promise.
    pub balance: QuantitySum,
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
    /// Rights of the site's current keeper that nothing uses.
    pub free_rights: QuantitySum,
    /// What this node may promise with rights: free rights that it keeps, and its loans.
    pub promise_now: QuantitySum,
    /// Rights made by the keeper.
    pub minted: QuantitySum,
    /// Rights destroyed by the keeper.
    pub burned: QuantitySum,
    /// Rights used up by goods that left.
    pub spent: QuantitySum,
    /// When the figures were true.
    pub as_of: EventTime,
}
