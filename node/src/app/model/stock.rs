//! Stock as the application takes and shows it.
//!
//! Not the ledger: a view is one item at one site, summed by the fold.
//!
//! Invariant: all figures are sums of thousandths and may be below nothing; nothing here clamps them. Their text is
//! proved by `sums_beyond_one_quantity_are_written_whole`.

use crdt_model::id::{AuthorId, DocumentId, LoanId};
use crdt_model::journal::loan::LoanOrigin;
use crdt_model::quantity::Quantity;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::movement::MovementKind;
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

/// What a movement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerSubject {
    /// An order of the site.
    Order(DocumentId),
    /// Lines of another site's order.
    Fulfilment(DocumentId),
    /// Neither: goods that came or were counted, and loans.
    Stock,
}

impl LedgerSubject {
    /// Of a movement in a scope.
    pub fn of(kind: MovementKind, scope: &Scope, document: DocumentId) -> Self {
        let ordered = match kind {
            MovementKind::Sale
            | MovementKind::Shipment
            | MovementKind::Reservation
            | MovementKind::Release
            | MovementKind::Cancellation => true,
            MovementKind::Opening
            | MovementKind::Receipt
            | MovementKind::Adjustment
            | MovementKind::Loan
            | MovementKind::LoanReturn => false,
        };
        match (ordered, scope) {
            (true, Scope::Lane(..)) => Self::Fulfilment(document),
            (true, Scope::Site(_) | Scope::Control | Scope::Catalogue | Scope::Customers(_)) => Self::Order(document),
            (false, _) => Self::Stock,
        }
    }
}

/// A movement in the ledger of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What happened.
    pub kind: MovementKind,
    /// What it belongs to.
    pub subject: LedgerSubject,
    /// Signed change of what the kind changes: goods on hand, promises or loans.
    pub quantity: QuantitySum,
    /// Goods on hand at the site after it; none where it cannot be told.
    pub on_hand: Option<QuantitySum>,
    /// The site whose shelf it is.
    pub site: SiteCode,
    /// The node that wrote it.
    pub node: Option<AuthorId>,
    /// The order's number, or a paper.
    pub reference: Option<Text>,
    /// Why, in words.
    pub reason: Option<Text>,
    /// When, by the clock of the node that wrote it.
    pub time: EventTime,
}

/// A line that might be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseLine {
    /// The item.
    pub sku: Text,
    /// How much, more than nothing.
    pub quantity: Quantity,
}

/// How a line would be promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseView {
    /// The item.
    pub sku: Text,
    /// Its name.
    pub name: Text,
    /// How much is wanted.
    pub quantity: Quantity,
    /// Free rights at this site.
    pub here: QuantitySum,
    /// What the other sites that this node holds show.
    pub elsewhere: QuantitySum,
    /// When the oldest of these figures was true; none where no other site shows the item.
    pub elsewhere_as_of: Option<EventTime>,
    /// Of the wanted: covered by rights that this node may use.
    pub now: QuantitySum,
    /// Of the rest: covered by what other sites show.
    pub likely: QuantitySum,
    /// What is left.
    pub backorder: QuantitySum,
}
