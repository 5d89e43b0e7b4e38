//! What comes into the replica and what comes out: commands with their times, outcomes and refusals.
//!
//! Not what they do, and not the answers that are kept of them (`request_index`).
//!
//! Invariant: a refusal names ids and numbers, and nothing was written. Proved by
//! `the_own_log_is_contiguous_after_dropped_batches` and the tests of each command.

use thiserror::Error;

use crdt_model::control::event::Channel;
use crdt_model::id::{AuthorId, DocumentId, LoanId, RequestId};
use crdt_model::order::decide::RuleError;
use crdt_model::order::event::LineQuantity;
use crdt_model::quantity::Quantity;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::admit::Admission;
use super::adopt::AdoptError;
pub use super::drafts::{
    CustomerDraft, ImportLine, ImportOrder, LineDraft, OrderDraft, PaymentDraft, ProductDraft, ProductEdit, StockKind,
};
use super::fulfilments::{FulfilmentError, Sending};
use super::loans::LoanError;
use super::local::LocalChange;
use super::receive::{Arrival, Received};

/// The time of an input, as the node's clock and the site's zone give it.
pub type Now = EventTime;

/// A repeatable request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Hash of principal and idempotency key.
    pub id: RequestId,
    /// Hash of method, address and body.
    pub body_hash: [u8; 32],
}

/// A command with its time.
#[derive(Debug, Clone)]
pub struct Input {
    /// When it came in.
    pub now: Now,
    /// What makes it repeatable, if anything does.
    pub request: Option<RequestKey>,
    /// What to do.
    pub command: Command,
}

/// What the replica is asked to do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take an order.
    PlaceOrder(OrderDraft),
    /// Confirm it.
    ConfirmOrder {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
    },
    /// Ship it, or a part.
    ShipOrder {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
        /// Quantities; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
    },
    /// Cancel it, or a part.
    CancelOrder {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
        /// Quantities; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
        /// Why.
        reason: Option<Text>,
    },
    /// Let another site ship lines of an order.
    SendOrder(Sending),
    /// Goods of a fulfilment leave this site.
    ShipFulfilment {
        /// Its lane.
        scope: Scope,
        /// Its document.
        id: DocumentId,
        /// Quantities; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
        /// A waybill or other paper.
        reference: Option<Text>,
    },
    /// Lines of a fulfilment go back to the site that took the order.
    CancelFulfilment {
        /// Its lane.
        scope: Scope,
        /// Its document.
        id: DocumentId,
        /// Quantities; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
        /// Why.
        reason: Option<Text>,
    },
    /// Add a product.
    PostProduct(ProductDraft),
    /// Add bar codes to a product, or set its price.
    EditProduct(ProductEdit),
    /// Head office takes a site's provisional product over.
    AdoptProduct {
        /// Exact SKU.
        sku: Text,
        /// The site that made it.
        site: SiteCode,
        /// The item of the catalogue of which it is another name; `None` takes it over as it is.
        alias_of: Option<Text>,
    },
    /// Add a customer.
    PostCustomer(CustomerDraft),
    /// Add a channel.
    AddChannel(Channel),
    /// Goods came, or stock was found to differ.
    RecordStock {
        /// Which of both.
        kind: StockKind,
        /// Exact SKU.
        sku: Text,
        /// Change of the stock on hand.
        quantity: Quantity,
        /// Paper.
        reference: Option<Text>,
        /// Why.
        reason: Option<Text>,
    },
    /// The keeper lends rights to another till of its site.
    LendStock {
        /// Exact SKU.
        sku: Text,
        /// How much, more than zero.
        quantity: Quantity,
        /// Who may promise it from now on.
        holder: AuthorId,
    },
    /// The holder gives rights of a loan back.
    ReturnLoan {
        /// The loan.
        loan: LoanId,
        /// How much; `None` for all that is left.
        quantity: Option<Quantity>,
    },
    /// The keeper books what others recorded, covers what its site ships for others, and lends again to holders that ran
    /// low; nothing for anybody else.
    Refill,
    /// Orders of the past.
    ImportOrders(Vec<ImportOrder>),
    /// Products of a file.
    ImportProducts(Vec<ProductDraft>),
    /// Claim a request for an import; without a request it does nothing.
    StartImport {
        /// What the import is called unless the request has one already.
        id: DocumentId,
    },
    /// Make all rows anew from the commits.
    Rebuild,
    /// Take in commits of other authors.
    Receive(Arrival),
    /// Admit an author; the registrar alone may.
    Admit(Admission),
    /// Keep what concerns this node alone; no commit.
    Remember(Vec<LocalChange>),
}

/// What an import batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Documents written.
    pub created: u64,
    /// Known, and changed by what the file says beyond it.
    pub updated: u64,
    /// Known with equal content.
    pub unchanged: u64,
    /// Products made on the way.
    pub products_created: u64,
    /// Customers made on the way.
    pub customers_created: u64,
    /// Positions in the batch of known orders with other content.
    pub differing: Vec<usize>,
}

/// What a refill did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefillCounts {
    /// Facts of others that were booked.
    pub booked: u64,
    /// Loans made.
    pub loans: u64,
    /// Fulfilments whose promises changed.
    pub fulfilments: u64,
}

/// What a command did; told after it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An order was taken or changed.
    Order {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
    },
    /// A fulfilment changed.
    Fulfilment {
        /// Its lane.
        scope: Scope,
        /// Its document.
        id: DocumentId,
    },
    /// A product exists.
    Product {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
    },
    /// A customer exists.
    Customer {
        /// Its scope.
        scope: Scope,
        /// Its document.
        id: DocumentId,
    },
    /// A channel exists.
    Channel {
        /// Its document.
        id: DocumentId,
    },
    /// Stock of an item changed.
    Stock {
        /// The item.
        item: DocumentId,
    },
    /// A loan was made or given back.
    Loan {
        /// Its scope.
        scope: Scope,
        /// Its name.
        loan: LoanId,
    },
    /// The keeper did its duty.
    Refilled(RefillCounts),
    /// The request belongs to this import.
    Import {
        /// The import.
        id: DocumentId,
    },
    /// An import batch is durable.
    Imported(ImportCounts),
    /// All rows are made anew.
    Rebuilt {
        /// Documents folded.
        documents: u64,
        /// Scopes.
        scopes: u64,
        /// Commits read.
        commits: u64,
    },
    /// Commits of others are taken in.
    Received(Received),
    /// An author is a member.
    Admitted {
        /// The letter in the numbers of its orders.
        letter: Text,
    },
    /// Local rows are kept.
    Remembered,
}

/// Why a command wrote nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError {
    /// A business rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A rule of adoption.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// A rule of loans.
    #[error(transparent)]
    Loan(#[from] LoanError),
    /// A rule of fulfilments.
    #[error(transparent)]
    Fulfilment(#[from] FulfilmentError),
    /// No product with this SKU.
    #[error("line {line}: no product `{sku}`")]
    UnknownSku {
        /// The line, 0 where there are no lines.
        line: usize,
        /// The SKU.
        sku: Text,
    },
    /// A product cannot carry more bar codes.
    #[error("`{sku}` has as many bar codes as a product may have")]
    TooManyBarcodes {
        /// The SKU.
        sku: Text,
    },
    /// No such order here.
    #[error("no order {id}")]
    UnknownOrder {
        /// The order.
        id: DocumentId,
    },
    /// No such customer here.
    #[error("no customer {id}")]
    UnknownCustomer {
        /// The customer.
        id: DocumentId,
    },
    /// No such channel.
    #[error("no channel `{name}`")]
    UnknownChannel {
        /// Its name.
        name: Text,
    },
    /// The channel's orders are taken elsewhere.
    #[error("channel `{name}` has its home at {home}")]
    OtherHome {
        /// The channel.
        name: Text,
        /// Its home.
        home: SiteCode,
    },
    /// No such site.
    #[error("no site {code}")]
    UnknownSite {
        /// Its code.
        code: SiteCode,
    },
    /// Amounts of another currency than the organisation's cannot be added to its figures.
    #[error("the order is in {given}, the organisation counts in {own}")]
    OtherCurrency {
        /// The order's.
        given: String,
        /// The organisation's.
        own: String,
    },
    /// It exists already.
    #[error("{what} `{name}` exists already")]
    Exists {
        /// `product`, `channel`, `order`.
        what: &'static str,
        /// Its name.
        name: Text,
    },
    /// The request key was used with another body.
    #[error("the request was used with another body")]
    RequestReused,
    /// The contact is too long to seal.
    #[error("the contact details are too long")]
    ContactTooLong,
    /// A text does not fit the event that it belongs to.
    #[error("the text of `{field}` is too long")]
    TextTooLong {
        /// The position of its line, where it is a line's.
        line: Option<usize>,
        /// Its field.
        field: &'static str,
    },
    /// This node is not a member: it may write nothing.
    #[error("this node is not admitted to the organisation")]
    NotAdmitted,
    /// Only the registrar admits.
    #[error("only the registrar admits nodes")]
    NotRegistrar,
    /// The site's node may not write this.
    #[error("this site may not write that: {code}")]
    NotAllowed {
        /// The reason code of the capability table.
        code: &'static str,
    },
    /// The site is known with another kind, zone or territory.
    #[error("site {code} exists with another kind, zone or territory")]
    OtherSite {
        /// Its code.
        code: SiteCode,
    },
    /// Every device letter of the site is used.
    #[error("site {code} has no device letter left")]
    NoLetterLeft {
        /// The site.
        code: SiteCode,
    },
    /// The document holds what this program does not understand; it is read-only until it does.
    #[error("document {id} waits for a newer program and is read-only")]
    Parked {
        /// The document.
        id: DocumentId,
    },
    /// The order is larger than a document may be.
    #[error("the order is larger than a document may be")]
    OrderTooLarge,
}
