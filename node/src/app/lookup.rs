//! What a till looks up while an order is taken: an item by its code, a customer by phone tail or pinyin.
//!
//! Invariants: a code is an exact SKU before it is anything else, then a bar code, then a part of a name; customers are
//! found by what people say of themselves. Proved by `a_code_on_two_products_is_told_not_guessed` and
//! `customers_are_found_by_phone_tail_name_and_initials`.

use crdt_model::text::Text;

use super::App;
use super::error::AppError;
use super::model::{CustomerView, PageLimit, PageRequest, ProductFilter, ProductView};

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

impl App {
    /// The item of a code: its SKU, else its barcode, else the only one whose SKU or name holds the text.
    pub fn find_product(&self, code: &str) -> Result<Found, AppError> {
        let mut by_code = self.products_of_code(code)?;
        if let Some(product) = by_code.pop() {
            by_code.push(product.clone());
            return Ok(if by_code.len() == 1 { Found::One(Box::new(product)) } else { Found::Several(by_code) });
        }
        let Ok(query) = Text::new(code) else { return Ok(Found::Nothing) };
        let limit = PageLimit::new(OFFERED_MAX as u64).unwrap_or_default();
        let page = self.products(ProductFilter { query: Some(query) }, PageRequest { limit, cursor: None })?;
        Ok(match &page.items[..] {
            [] => Found::Nothing,
            [product] => Found::One(Box::new(product.clone())),
            [_, _, ..] => Found::Several(page.items),
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

    use super::*;
    use crate::app::model::DetailsState;

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
}
