//! Paging: how a caller asks for a part of a list and how it is answered.
//!
//! On the wire a cursor is the application's in hexadecimal digits, so that it fits into an address unchanged whatever
//! SKUs or names it holds.
//!
//! Invariants: 1 to 500 items a page, `has_more` exactly where there is a cursor, and a cursor comes back as it went.
//! Proved by `a_page_of_501_items_is_refused`, `the_last_page_has_no_cursor` and `a_cursor_comes_back_as_it_went`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use crate::app::model::{Page, PageLimit, PageRequest};

/// Characters of a cursor on the wire: one of the longest SKU fits.
pub const CURSOR_CHARS_MAX: usize = 4_096;

/// The parameters of a list without filters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Items of the page, 1 to 500; 50 where it is left out.
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageBody<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

impl<T> PageBody<T> {
    /// Writes each item of `page`.
    pub fn of<V>(page: Page<V>, write: impl Fn(V) -> T) -> Self {
        let next_cursor = page.next_cursor.as_deref().map(to_wire);
        let has_more = next_cursor.is_some();
        Self { items: page.items.into_iter().map(write).collect(), next_cursor, has_more }
    }
}

impl Errors {
    /// The page that `limit` and `cursor` ask for.
    pub fn page(&mut self, limit: Option<&str>, cursor: Option<String>) -> PageRequest {
        let wanted = limit.map(|limit| limit.parse().ok().and_then(|items| PageLimit::new(items).ok()));
        if wanted == Some(None) {
            self.add(At::Field("limit"), "it is not a number from 1 to 500", "Give 1 to 500, or leave it out for 50.");
        }
        let cursor = cursor.map(|cursor| from_wire(&cursor));
        if cursor == Some(None) {
            self.add(
                At::Field("cursor"),
                "it is not a cursor",
                "Give the `next_cursor` of the page before, unchanged.",
            );
        }
        PageRequest { limit: wanted.flatten().unwrap_or_default(), cursor: cursor.flatten() }
    }
}

/// A cursor as it stands in an address.
pub fn to_wire(cursor: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    cursor.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_wire(digits: &str) -> Option<String> {
    if digits.is_empty() || digits.len() > CURSOR_CHARS_MAX || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes = digits.as_bytes().chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?));
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(limit: Option<&str>, cursor: Option<&str>) -> Option<PageRequest> {
        let mut errors = Errors::default();
        let page = errors.page(limit, cursor.map(str::to_owned));
        errors.finish(page).ok()
    }

    #[test]
    fn a_page_of_501_items_is_refused() {
        assert_eq!(page(Some("500"), None).unwrap().limit.items(), 500);
        assert_eq!(page(None, None).unwrap().limit.items(), 50);
        for limit in ["501", "0", "-1", "", "ten", "99999999999999999999"] {
            assert_eq!(page(Some(limit), None), None, "{limit}");
        }
    }

    #[test]
    fn a_cursor_past_its_limit_is_refused() {
        assert!(page(None, Some(&"61".repeat(CURSOR_CHARS_MAX / 2))).is_some());
        for cursor in
            ["61".repeat(CURSOR_CHARS_MAX / 2 + 1), String::new(), "6".into(), "6g".into(), "ü".into(), "ff".into()]
        {
            assert_eq!(page(None, Some(&cursor)), None, "{cursor}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for cursor in ["85123A\u{0}site/HQ", "商品 & +%\u{0}catalogue", "a\nb"] {
            let wire = PageBody::of(Page { items: vec![1], next_cursor: Some(cursor.into()) }, |item| item).next_cursor;
            assert!(wire.as_ref().unwrap().bytes().all(|b| b.is_ascii_alphanumeric()), "{cursor}");
            assert_eq!(page(None, wire.as_deref()).unwrap().cursor.as_deref(), Some(cursor));
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let more = PageBody::of(Page { items: vec![1, 2], next_cursor: Some("c".into()) }, |item| item * 2);
        assert_eq!((more.items, more.has_more), (vec![2, 4], true));
        let last = PageBody::of(Page { items: vec![1], next_cursor: None }, |item| item);
        assert_eq!((last.next_cursor, last.has_more), (None, false));
    }
}
