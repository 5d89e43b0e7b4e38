//! What commands bring: orders, lines, payments, products, customers and imported orders that are still to be written.
//!
//! Not the events that become of them, and no check.
//!
//! Invariant: plain values; what a draft may hold is decided where it is written. Proved by the tests of each command.

use crdt_model::customer::event::ExternalCustomer;
use crdt_model::id::DocumentId;
use crdt_model::money::{Currency, Money, UnitPrice};
use crdt_model::order::event::{ExternalOrder, Handover, Tender};
use crdt_model::order::state::Purpose;
use crdt_model::product::barcode::Barcode;
use crdt_model::quantity::Quantity;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

/// A line of a new order.
#[derive(Debug, Clone)]
pub struct LineDraft {
    /// Exact SKU.
    pub sku: Text,
    /// A name for this line alone.
    pub name: Option<Text>,
    /// How many.
    pub quantity: Quantity,
    /// Price of one.
    pub price: UnitPrice,
}

/// A payment of a new order.
#[derive(Debug, Clone)]
pub struct PaymentDraft {
    /// How.
    pub tender: Tender,
    /// How much.
    pub amount: Money,
    /// Terminal's number.
    pub reference: Option<Text>,
}

/// A new order.
#[derive(Debug, Clone)]
pub struct OrderDraft {
    /// Its origin outside, if any.
    pub external: Option<ExternalOrder>,
    /// Its customer, if known.
    pub customer: Option<DocumentId>,
    /// Name, phone, address and note as one JSON text, to be sealed.
    pub contact: Option<String>,
    /// Sent later or taken away.
    pub handover: Handover,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Country or region.
    pub region: Option<Text>,
    /// Its lines.
    pub lines: Vec<LineDraft>,
    /// Money that came with it.
    pub payments: Vec<PaymentDraft>,
}

/// A new product.
#[derive(Debug, Clone)]
pub struct ProductDraft {
    /// Exact SKU.
    pub sku: Text,
    /// Its name.
    pub name: Text,
    /// Base unit.
    pub unit: Option<Text>,
    /// Its bar codes.
    pub barcodes: Vec<Barcode>,
    /// List price of one base unit.
    pub price: Option<UnitPrice>,
}

/// What an edit adds to a product.
#[derive(Debug, Clone)]
pub struct ProductEdit {
    /// Exact SKU.
    pub sku: Text,
    /// Bar codes that it carries as well.
    pub barcodes: Vec<Barcode>,
    /// Its list price from now on; `None` leaves it.
    pub price: Option<UnitPrice>,
}

/// A new customer; the texts are in the order of `customer::SEALED_FIELDS`.
#[derive(Debug, Clone)]
pub struct CustomerDraft {
    /// Its number in a channel.
    pub external: Option<ExternalCustomer>,
    /// Plain texts to be sealed: name, phone, e-mail, address.
    pub details: [Option<String>; 4],
}

/// What a stock fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockKind {
    /// Goods came in.
    Receipt,
    /// Stock was found to differ.
    Adjustment,
}

/// A line of an imported order.
#[derive(Debug, Clone)]
pub struct ImportLine {
    /// Exact SKU.
    pub sku: Text,
    /// Name in this row.
    pub name: Option<Text>,
    /// As in the row; negative in credit orders and adjustments.
    pub quantity: Quantity,
    /// Price of one.
    pub price: UnitPrice,
}

/// An imported order of the past.
#[derive(Debug, Clone)]
pub struct ImportOrder {
    /// What it is.
    pub purpose: Purpose,
    /// Channel, number and literal time.
    pub external: ExternalOrder,
    /// When, in the channel's zone.
    pub time: EventTime,
    /// The customer's number in the channel.
    pub customer: Option<Text>,
    /// Country or region.
    pub region: Option<Text>,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Its lines, at most 2,000.
    pub lines: Vec<ImportLine>,
}
