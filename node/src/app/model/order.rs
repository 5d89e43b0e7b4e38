//! Orders as the application takes and shows them.
//!
//! Not the order document and not its fold: a view is what a reader gets, already summed.
//!
//! Invariant: each state has one word, the same in query and answer. Proved by `every_order_state_has_one_word`.

use crdt_model::id::DocumentId;
use crdt_model::money::{Currency, UnitPrice};
use crdt_model::quantity::Quantity;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::{BusinessDate, EventTime};

use super::{FulfilmentView, MoneySum, QuantitySum, TypedAmount};

/// An order to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The channel that it came by; none for the site's own.
    pub channel: Option<Text>,
    /// Its number in the channel; unique there.
    pub external_number: Option<Text>,
    /// The known customer.
    pub customer: Option<DocumentId>,
    /// Who gets it, where the customer is not known or the parcel goes elsewhere.
    pub contact: Option<ContactDetails>,
    /// Whether the goods are already in the customer's hand; such a sale is never refused for stock.
    pub walk_in: bool,
    /// The currency of all amounts; none is the site's.
    pub currency: Option<Currency>,
    /// Country or region for reports.
    pub region: Option<Text>,
    /// Free text.
    pub note: Option<Text>,
    /// 1 to [`super::ORDER_LINES_MAX`] lines.
    pub lines: Vec<NewOrderLine>,
    /// What was paid when the order was taken.
    pub payments: Vec<NewPayment>,
}

/// A line of an order to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrderLine {
    /// The item's exact SKU text.
    pub sku: Text,
    /// How much; more than nothing.
    pub quantity: Quantity,
    /// The price of one base unit; not below nothing.
    pub price: UnitPrice,
    /// The name to print; none is the product's.
    pub name: Option<Text>,
}

/// A payment of an order to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// Cash, card or what the business calls it.
    pub tender: Text,
    /// The amount in the order's currency; not nothing.
    pub amount: TypedAmount,
    /// The slip's or transfer's number.
    pub reference: Option<Text>,
}

/// Who gets an order: sealed in the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactDetails {
    /// The person's name.
    pub name: Option<Text>,
    /// The phone number as typed.
    pub phone: Option<Text>,
    /// The postal address as typed.
    pub address: Option<Text>,
}

/// A quantity of one line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineQuantity {
    /// The line's number, from 1.
    pub line: u32,
    /// How much of it; more than nothing.
    pub quantity: Quantity,
}

/// What to ship of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShipRequest {
    /// The lines; none is all that is left.
    pub lines: Option<Vec<LineQuantity>>,
}

/// What another site shall ship of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// The site that has the goods.
    pub from: SiteCode,
    /// The lines; none is all that is still to leave from the order's own site.
    pub lines: Option<Vec<LineQuantity>>,
    /// How it shall travel.
    pub service: Option<Text>,
}

/// What to cancel of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CancelRequest {
    /// The lines; none is all that is not shipped.
    pub lines: Option<Vec<LineQuantity>>,
    /// Why.
    pub reason: Option<Text>,
}

/// Which orders a list holds; empty fields do not narrow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// In this state.
    pub status: Option<OrderState>,
    /// Of this customer.
    pub customer: Option<DocumentId>,
    /// Of this channel.
    pub channel: Option<Text>,
    /// With this number in the channel.
    pub external: Option<Text>,
    /// Of this business day or later.
    pub from: Option<BusinessDate>,
    /// Of this business day or earlier.
    pub to: Option<BusinessDate>,
}

/// Gives each variant of an enum its word on the wire and on the screen.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word, in the order of [`Self::ALL`].
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The value of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}
pub(super) use words;

words!(
    /// Where an order stands commercially.
    OrderState {
        /// Taken, nothing promised.
        Submitted = "submitted",
        /// Promised to the customer.
        Confirmed = "confirmed",
        /// Called off before anything left.
        Cancelled = "cancelled",
        /// Called off although goods had left: a case.
        CancelledAfterDispatch = "cancelled_after_dispatch",
        /// All shipped or cancelled.
        Completed = "completed",
    }
);

words!(
    /// How far the goods are.
    FulfilmentState {
        /// Nothing has left.
        Unfulfilled = "unfulfilled",
        /// Some has left.
        PartlyShipped = "partly_shipped",
        /// All has left.
        Shipped = "shipped",
        /// All has arrived.
        Delivered = "delivered",
    }
);

words!(
    /// How far the money is.
    PaymentState {
        /// Nothing paid.
        Unpaid = "unpaid",
        /// Less than the total.
        PartlyPaid = "partly_paid",
        /// The total.
        Paid = "paid",
        /// More than the total.
        Overpaid = "overpaid",
        /// The customer has money to come.
        CreditDue = "credit_due",
        /// The source of the order tells nothing of money.
        NotRecorded = "not_recorded",
    }
);

words!(
    /// What an order document is for.
    Purpose {
        /// An order.
        Sale = "sale",
        /// Money back for goods.
        Credit = "credit",
        /// A correction in imported history.
        Adjustment = "adjustment",
    }
);

words!(
    /// Whether an order runs or is only on record.
    EntryKind {
        /// The whole pipeline: stock, review, notices.
        New = "new",
        /// Completed elsewhere; counted in sales, moves no stock.
        History = "history",
    }
);

words!(
    /// How much of a promise is covered by rights to stock.
    Secured {
        /// All of it.
        All = "all",
        /// Some of it.
        Part = "part",
        /// None of it.
        None = "none",
        /// Nothing is promised.
        NotNeeded = "not_needed",
    }
);

/// An order as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Its identity.
    pub id: DocumentId,
    /// Its human number, `HQ-A-000001`.
    pub number: String,
    /// Where its document lives.
    pub scope: Scope,
    /// The site that took it.
    pub site: SiteCode,
    /// The channel that it came by.
    pub channel: Option<Text>,
    /// Its number there.
    pub external_number: Option<Text>,
    /// What it is for.
    pub purpose: Purpose,
    /// Running or on record.
    pub entry: EntryKind,
    /// Whether the goods were handed over when it was taken.
    pub walk_in: bool,
    /// Where it stands.
    pub status: OrderState,
    /// How far the goods are.
    pub fulfilment: FulfilmentState,
    /// How far the money is.
    pub payment: PaymentState,
    /// The currency of every amount of it.
    pub currency: Currency,
    /// When it was ordered, with its business day.
    pub ordered_at: EventTime,
    /// Country or region.
    pub region: Option<Text>,
    /// The known customer.
    pub customer: Option<OrderCustomerView>,
    /// Who gets it.
    pub contact: Option<ContactDetails>,
    /// Free text.
    pub note: Option<Text>,
    /// Sum of the line totals.
    pub total: MoneySum,
    /// Sum of the payments.
    pub paid: MoneySum,
    /// How much of the promise is covered.
    pub secured: Secured,
    /// The order that counts instead of this one.
    pub duplicate_of: Option<DocumentId>,
    /// How many lines it has, also where `lines` is left out.
    pub line_count: u32,
    /// The lines by number; none in lists.
    pub lines: Option<Vec<OrderLineView>>,
    /// The open cases about it; none in lists.
    pub cases: Option<Vec<CaseView>>,
    /// What other sites ship of it; none in lists.
    pub fulfilments: Option<Vec<FulfilmentView>>,
}

/// The customer of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCustomerView {
    /// The customer's document.
    pub id: DocumentId,
    /// The customer's number in the channel.
    pub external_number: Option<Text>,
    /// The name, where it may be read.
    pub name: Option<Text>,
}

/// A line of an order with its ladder of quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLineView {
    /// Its number, from 1.
    pub line: u32,
    /// The item.
    pub sku: Text,
    /// The item's name.
    pub name: Option<Text>,
    /// Ordered.
    pub quantity: Quantity,
    /// Price of one base unit.
    pub price: UnitPrice,
    /// Price times quantity, rounded half to even.
    pub total: MoneySum,
    /// Called off.
    pub cancelled: QuantitySum,
    /// Still to leave at other sites.
    pub sent: QuantitySum,
    /// Promised and still here.
    pub reserved: QuantitySum,
    /// Of the reserved: covered by rights.
    pub secured: QuantitySum,
    /// Left the site.
    pub shipped: QuantitySum,
    /// Arrived.
    pub delivered: QuantitySum,
    /// Confirmed without a promise.
    pub backordered: QuantitySum,
}

/// A clash or exception that a person should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseView {
    /// Its identity in hexadecimal digits: hash of kind, subject and key.
    pub id: String,
    /// The kind's word, `negative_stock`.
    pub kind: String,
    /// Where its subject lives.
    pub scope: Scope,
    /// The document that it is about.
    pub subject: DocumentId,
    /// The subject's human name: order number or SKU.
    pub subject_label: String,
    /// What tells cases of one kind and subject apart.
    pub key: String,
    /// One line, English.
    pub title: String,
    /// One line, Chinese.
    pub title_zh: String,
    /// The facts behind it.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_order_state_has_one_word() {
        for state in OrderState::ALL {
            assert_eq!(OrderState::from_word(state.word()), Some(*state));
        }
        assert_eq!(OrderState::from_word("Submitted"), None);
        assert_eq!(OrderState::WORDS.len(), OrderState::ALL.len());
    }
}
