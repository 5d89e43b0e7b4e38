//! Fulfilments as the application takes and shows them.
//!
//! Not the document and not its fold.
//!
//! Invariant: each status has one word, that of the fold. Proved by `every_status_of_a_fulfilment_has_its_word`.

use crdt_model::id::DocumentId;
use crdt_model::quantity::Quantity;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::order::words;
use super::{CaseView, ContactDetails, LineQuantity, QuantitySum, Secured};

words!(
    /// How far a fulfilment is.
    FulfilmentStatus {
        /// Known to the shipper; not all of it is covered by rights.
        Planned = "planned",
        /// All that is to leave is covered by rights.
        Allocated = "allocated",
        /// Some has left.
        PartlyShipped = "partly_shipped",
        /// All that is wanted has left.
        Shipped = "shipped",
        /// Called off before anything left.
        Cancelled = "cancelled",
        /// Called off although goods had left: a case.
        CancelledAfterDispatch = "cancelled_after_dispatch",
    }
);

/// Which fulfilments a list holds; empty fields do not narrow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FulfilmentFilter {
    /// Shipped by this site.
    pub site: Option<SiteCode>,
    /// This far.
    pub status: Option<FulfilmentStatus>,
}

/// What to ship of a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FulfilmentShipRequest {
    /// The lines; none is all that is left.
    pub lines: Option<Vec<LineQuantity>>,
    /// A waybill or other paper.
    pub reference: Option<Text>,
}

/// A fulfilment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentView {
    /// Its identity.
    pub id: DocumentId,
    /// The lane in which it lies.
    pub scope: Scope,
    /// The order.
    pub order: DocumentId,
    /// The order's human number.
    pub order_number: String,
    /// The site that took the order.
    pub taker: SiteCode,
    /// The site that ships.
    pub shipper: SiteCode,
    /// When it was sent.
    pub sent_at: EventTime,
    /// How far it is.
    pub status: FulfilmentStatus,
    /// How much of what is to leave is covered by rights.
    pub secured: Secured,
    /// How it shall travel.
    pub service: Option<Text>,
    /// Who gets it.
    pub contact: Option<ContactDetails>,
    /// Free text.
    pub note: Option<Text>,
    /// Papers of what left.
    pub references: Vec<Text>,
    /// How many lines it has.
    pub line_count: u32,
    /// The lines by number; none in lists.
    pub lines: Option<Vec<FulfilmentLineView>>,
    /// The open cases about it; none in lists.
    pub cases: Option<Vec<CaseView>>,
}

/// A line of a fulfilment with its ladder of quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentLineView {
    /// The number of the order's line.
    pub line: u32,
    /// The item.
    pub sku: Text,
    /// The item's name.
    pub name: Option<Text>,
    /// Sent to the shipper.
    pub quantity: Quantity,
    /// Called off.
    pub cancelled: QuantitySum,
    /// Covered by the shipper's rights.
    pub secured: QuantitySum,
    /// Left the shipper.
    pub shipped: QuantitySum,
    /// Still to leave.
    pub open: QuantitySum,
}
