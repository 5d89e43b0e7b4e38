//! What a till looks up while an order is taken: an item by its code, a customer by phone tail or pinyin, a promise.
//!
//! Invariants: a code is an exact SKU before it is anything else; a promise never counts what is elsewhere as here. Proved
//! by `a_promise_is_now_then_likely_then_backorder` and `customers_are_found_by_phone_tail_name_and_initials`.

use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::App;
use super::error::AppError;
use super::model::{
    CustomerView, PageLimit, PageRequest, ProductFilter, ProductView, QuantitySum, StockFilter, StockView,
};

/// Customers that one lookup reads at most.
pub const CUSTOMERS_READ_MAX: usize = 20_000;
/// Customers and items that one lookup offers.
pub const OFFERED_MAX: usize = 8;

/// What a code leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One item.
    One(Box<ProductView>),
    /// Several that it may mean.
    Several(Vec<ProductView>),
    /// Nothing.
    Nothing,
}

/// How a quantity of an item can be promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Free at this node: certain.
    pub here: QuantitySum,
    /// Free at the other sites, as this node knows them.
    pub elsewhere: QuantitySum,
    /// The oldest moment at which that was true; none where nothing is known.
    pub as_of: Option<EventTime>,
    /// Of the wanted: covered by rights of this node.
    pub now: QuantitySum,
    /// Of the wanted: covered by what other sites show.
    pub likely: QuantitySum,
    /// Of the wanted: covered by nothing that this node knows.
    pub backorder: QuantitySum,
}

impl App {
    /// The item of a code: its SKU, else its barcode, else the only one whose SKU or name holds the text.
    pub fn find_product(&self, code: &str) -> Result<Found, AppError> {
        match self.product(code) {
            Ok(product) => return Ok(Found::One(Box::new(product))),
            Err(AppError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let Ok(query) = Text::new(code) else { return Ok(Found::Nothing) };
        let limit = PageLimit::new(OFFERED_MAX as u64).unwrap_or_default();
        let page = self.products(ProductFilter { query: Some(query) }, PageRequest { limit, cursor: None })?;
        let by_barcode = page.items.iter().find(|item| item.barcode.as_ref().is_some_and(|own| own.as_str() == code));
        Ok(match (by_barcode, page.items.len()) {
            (Some(product), _) => Found::One(Box::new(product.clone())),
            (None, 0) => Found::Nothing,
            (None, 1) => Found::One(Box::new(page.items[0].clone())),
            (None, _) => Found::Several(page.items),
        })
    }

    /// Customers whose phone ends with the digits, or whose name, pinyin or initials hold the text.
    pub fn find_customers(&self, query: &str) -> Result<Vec<CustomerView>, AppError> {
        let wanted = query.trim().to_lowercase();
        let mut found = Vec::new();
        let mut request = PageRequest { limit: PageLimit::new(500).unwrap_or_default(), cursor: None };
        let mut read = 0;
        while !wanted.is_empty() && read < CUSTOMERS_READ_MAX {
            let page = self.customers(request.clone())?;
            read += page.items.len();
            found.extend(page.items.into_iter().filter(|customer| fits(customer, &wanted)));
            let Some(cursor) = page.next_cursor.filter(|_| found.len() < OFFERED_MAX) else { break };
            request.cursor = Some(cursor);
        }
        found.truncate(OFFERED_MAX);
        Ok(found)
    }

    /// How a quantity of an item can be promised.
    pub fn promise(&self, sku: &Text, wanted: QuantitySum) -> Result<Promise, AppError> {
        let here = self.stock_item(sku.as_str())?;
        let rows = self.stock(StockFilter { sku: Some(sku.clone()) }, PageRequest::default())?.items;
        let others: Vec<StockView> = rows.into_iter().filter(|row| row.site != here.site).collect();
        Ok(promise(wanted, here.promise_now, &others))
    }
}

/// The rule: what this node may promise with rights, then what others show, then nothing.
fn promise(wanted: QuantitySum, free: QuantitySum, others: &[StockView]) -> Promise {
    let here = free.0.max(0);
    let elsewhere: i128 = others.iter().map(|row| row.available.0.max(0)).sum();
    let now = wanted.0.clamp(0, here);
    let likely = (wanted.0 - now).clamp(0, elsewhere);
    Promise {
        here: QuantitySum(here),
        elsewhere: QuantitySum(elsewhere),
        as_of: others.iter().map(|row| row.as_of).min_by_key(|at| at.at),
        now: QuantitySum(now),
        likely: QuantitySum(likely),
        backorder: QuantitySum(wanted.0 - now - likely),
    }
}

/// Whether a customer is meant by a text in lower case.
fn fits(customer: &CustomerView, wanted: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let by_phone = || {
        let tail = wanted.chars().all(|c| c.is_ascii_digit()) && wanted.len() >= 3;
        tail && customer.phone.as_ref().is_some_and(|phone| digits(phone.as_str()).ends_with(wanted))
    };
    let by_name = || {
        let Some(name) = customer.name.as_ref() else { return false };
        let [full, initials] = crate::search::spelled(name.as_str());
        name.as_str().to_lowercase().contains(wanted) || full.contains(wanted) || initials.starts_with(wanted)
    };
    by_phone() || by_name()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::id::DocumentId;
    use crdt_model::scope::SiteCode;
    use crdt_model::time::Timestamp;

    use super::*;
    use crate::app::model::DetailsState;
    use crate::clock;

    fn customer(name: &str, phone: &str) -> CustomerView {
        CustomerView {
            id: DocumentId([1; 16]),
            external_number: None,
            channel: None,
            name: Some(Text::new(name).unwrap()),
            phone: Some(Text::new(phone).unwrap()),
            email: None,
            address: None,
            details: DetailsState::Open,
        }
    }

    #[test]
    fn customers_are_found_by_phone_tail_name_and_initials() {
        let wang = customer("王小明", "138-0000-4567");
        for (wanted, found) in [
            ("4567", true),
            ("567", true),
            ("67", false),
            ("138", false),
            ("王小", true),
            ("wangxiaoming", true),
            ("xiaom", true),
            ("wxm", true),
            ("xm", false),
            ("li", false),
        ] {
            assert_eq!(fits(&wang, wanted), found, "{wanted}");
        }
        assert!(fits(&customer("Ann O'Hara", ""), "o'h"));
    }

    #[test]
    fn a_promise_is_now_then_likely_then_backorder() {
        let row = |site: &str, available: i128, second: i64| {
            let none = QuantitySum(0);
            let text = |text: &str| Text::new(text).unwrap();
            StockView {
                site: SiteCode::new(site).unwrap(),
                sku: text("A"),
                name: text("a"),
                on_hand: none,
                unavailable: none,
                reserved: none,
                secured: none,
                allotted: none,
                available: QuantitySum(available),
                free_rights: none,
                promise_now: none,
                minted: none,
                burned: none,
                spent: none,
                as_of: clock::moment(Timestamp(second * 1_000), chrono_tz::Tz::UTC),
            }
        };
        let others = [row("WH01", 4_000, 9), row("SH02", -3_000, 7)];
        for (wanted, free, parts) in [
            (0, 3_000, [0, 0, 0]),
            (3_000, 3_000, [3_000, 0, 0]),
            (3_001, 3_000, [3_000, 1, 0]),
            (7_000, 3_000, [3_000, 4_000, 0]),
            (7_001, 3_000, [3_000, 4_000, 1]),
            (5_000, -2_000, [0, 4_000, 1_000]),
        ] {
            let promise = promise(QuantitySum(wanted), QuantitySum(free), &others);
            assert_eq!([promise.now.0, promise.likely.0, promise.backorder.0], parts, "{wanted} of {free}");
            assert_eq!(promise.as_of.unwrap().at.0, 7_000, "the oldest");
        }
        assert_eq!(promise(QuantitySum(1), QuantitySum(0), &[]).as_of, None);
    }
}
