//! Paging: how a caller asks for a part of a list and how it is answered.
//!
//! Invariant: 1 to 500 items a page, and `has_more` exactly where there is a cursor. Proved by
//! `a_page_of_501_items_is_refused` and `the_last_page_has_no_cursor`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use crate::app::model::{Page, PageLimit, PageRequest};

/// Characters of a cursor.
pub const CURSOR_CHARS_MAX: usize = 1_024;

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
        let has_more = page.next_cursor.is_some();
        Self { items: page.items.into_iter().map(write).collect(), next_cursor: page.next_cursor, has_more }
    }
}

impl Errors {
    /// The page that `limit` and `cursor` ask for.
    pub fn page(&mut self, limit: Option<&str>, cursor: Option<String>) -> PageRequest {
        let wanted = limit.map(|limit| limit.parse().ok().and_then(|items| PageLimit::new(items).ok()));
        if wanted == Some(None) {
            self.add(At::Field("limit"), "it is not a number from 1 to 500", "Give 1 to 500, or leave it out for 50.");
        }
        let fits = |cursor: &String| cursor.len() <= CURSOR_CHARS_MAX && cursor.bytes().all(|b| b.is_ascii_graphic());
        if cursor.as_ref().is_some_and(|cursor| cursor.is_empty() || !fits(cursor)) {
            self.add(
                At::Field("cursor"),
                "it is not a cursor",
                "Give the `next_cursor` of the page before, unchanged.",
            );
        }
        PageRequest { limit: wanted.flatten().unwrap_or_default(), cursor }
    }
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
        assert!(page(None, Some(&"c".repeat(CURSOR_CHARS_MAX))).is_some());
        for cursor in ["c".repeat(CURSOR_CHARS_MAX + 1), String::new(), "a b".into(), "ü".into()] {
            assert_eq!(page(None, Some(&cursor)), None, "{cursor}");
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
