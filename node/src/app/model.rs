//! What goes into and comes out of the application: plain typed values, one set for HTTP, command line and import.
//!
//! Not the wire and not the stored form: nothing here is serialised, `http/` and `store/` have their own structs.
//! Texts are checked where they come in, so whoever holds one of these values need not check its form again.
//!
//! Invariants: an idempotency key is 1 to 128 visible ASCII characters, a page holds 1 to 500 items. Proved by
//! `an_idempotency_key_has_1_to_128_visible_characters` and `a_page_holds_1_to_500_items`.

use std::fmt;

use crdt_model::decimal::{DecimalError, parse_scaled};
use crdt_model::money::{Currency, Money};
use crdt_model::quantity::{Quantity, format_thousandths};
use thiserror::Error;

mod catalogue;
mod fulfilment;
mod import;
mod order;
mod report;
mod status;
mod stock;

pub use catalogue::{
    ChannelView, CustomerView, DetailsState, NewChannel, NewCustomer, NewProduct, ProductChanges, ProductFilter,
    ProductView,
};
pub use fulfilment::{FulfilmentFilter, FulfilmentLineView, FulfilmentShipRequest, FulfilmentStatus, FulfilmentView};
pub use import::{
    ColumnMapping, DocumentCounts, ImportDelimiter, ImportKind, ImportMode, ImportRequest, ImportState, ImportView,
    OrderCounts,
};
pub use order::{
    CancelRequest, CaseView, ContactDetails, EntryKind, FulfilmentState, LineQuantity, NewOrder, NewOrderLine,
    NewPayment, OrderCustomerView, OrderFilter, OrderLineView, OrderState, OrderView, PaymentState, Purpose, Secured,
    SendRequest, ShipRequest,
};
pub use report::{CoverageRow, CoverageState, SalesBy, SalesFigures, SalesReport, SalesReportRequest, SalesRow};
pub use status::{ContentDigest, RebuildView, ScopeStatus, StateDigest, StatusView};
pub use stock::{
    LedgerEntry, LedgerSubject, LoanFilter, LoanRequest, LoanView, PromiseLine, PromiseView, StockEntryRequest,
    StockFilter, StockView,
};

/// Lines that one order may have.
pub const ORDER_LINES_MAX: usize = 2_000;
/// Payments that one new order may carry.
pub const PAYMENTS_MAX: usize = 100;
/// Bytes of a text that names something: SKU, channel, external number, region, tender, reference.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Bytes of a free text: name, address, note, reason.
pub const TEXT_BYTES_MAX: usize = 4 * 1_024;
/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY_MAX: usize = 128;
/// Items of a page when the caller names no limit.
pub const PAGE_ITEMS_DEFAULT: u16 = 50;
/// The most items of a page.
pub const PAGE_ITEMS_MAX: u16 = 500;

/// The caller's name for one request; a repeated one gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is not an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an idempotency key is 1 to {IDEMPOTENCY_KEY_MAX} visible ASCII characters")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Checks length and characters.
    pub fn new(text: &str) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=IDEMPOTENCY_KEY_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(IdempotencyKeyError) }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes a write repeatable: the caller's key and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The caller's key; none where a repetition is a new request.
    pub idempotency_key: Option<IdempotencyKey>,
    /// BLAKE3 of method, address and body. One key with two hashes is refused.
    pub body_hash: [u8; 32],
}

/// The wanted number of items is not between 1 and the limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a page holds 1 to {PAGE_ITEMS_MAX} items")]
pub struct PageLimitError;

/// How many items of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// Checks the range.
    pub fn new(items: u64) -> Result<Self, PageLimitError> {
        match u16::try_from(items) {
            Ok(items @ 1..=PAGE_ITEMS_MAX) => Ok(Self(items)),
            Ok(_) | Err(_) => Err(PageLimitError),
        }
    }

    /// The number of items.
    pub fn items(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(PAGE_ITEMS_DEFAULT)
    }
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// The most items to answer.
    pub limit: PageLimit,
    /// Where to go on: the `next_cursor` of the page before; none starts at the first item.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items in the list's stable order.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end. Opaque to callers.
    pub next_cursor: Option<String>,
}

/// A sum of quantities in thousandths of the base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct QuantitySum(pub i128);

impl From<Quantity> for QuantitySum {
    fn from(quantity: Quantity) -> Self {
        Self(i128::from(quantity.thousandths()))
    }
}

impl fmt::Display for QuantitySum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format_thousandths(self.0))
    }
}

/// A sum of amounts in minor units of a currency that stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MoneySum(pub i128);

impl From<Money> for MoneySum {
    fn from(money: Money) -> Self {
        Self(i128::from(money.minor()))
    }
}

/// A decimal number that becomes money once its currency is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedAmount(String);

impl TypedAmount {
    /// Checks that it is a number of at most four digits after the point, the most that a currency has.
    pub fn new(text: &str) -> Result<Self, DecimalError> {
        Money::from_minor(parse_scaled(text, 4)?)?;
        Ok(Self(text.to_owned()))
    }

    /// The amount in `currency`; refused where the number has more digits than its minor unit.
    pub fn in_currency(&self, currency: &Currency) -> Result<Money, DecimalError> {
        currency.parse(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_idempotency_key_has_1_to_128_visible_characters() {
        for (text, fits) in [
            (String::new(), false),
            ("k".into(), true),
            ("k".repeat(128), true),
            ("k".repeat(129), false),
            ("a b".into(), false),
            ("é".into(), false),
            ("a\u{7f}".into(), false),
        ] {
            assert_eq!(IdempotencyKey::new(&text).is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn a_page_holds_1_to_500_items() {
        for (items, fits) in [(0, false), (1, true), (500, true), (501, false), (u64::MAX, false)] {
            assert_eq!(PageLimit::new(items).is_ok(), fits, "{items}");
        }
        assert_eq!(PageLimit::default().items(), 50);
    }

    #[test]
    fn an_amount_waits_for_its_currency() {
        let (yen, pound) = (Currency::new("JPY", 0).unwrap(), Currency::new("GBP", 2).unwrap());
        let amount = TypedAmount::new("15.30").unwrap();
        assert_eq!(amount.in_currency(&pound).unwrap().minor(), 1530);
        assert_eq!(amount.in_currency(&yen), Err(DecimalError::TooPrecise { digits_max: 0 }));
        assert_eq!(TypedAmount::new("0.12345"), Err(DecimalError::TooPrecise { digits_max: 4 }));
    }

    #[test]
    fn sums_beyond_one_quantity_are_written_whole() {
        assert_eq!(QuantitySum(5_588_375_000).to_string(), "5588375");
        assert_eq!(QuantitySum(i128::from(i64::MAX) * 4).to_string(), "36893488147419103.228");
    }
}
