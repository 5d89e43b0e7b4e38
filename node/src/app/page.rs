//! Cutting a sorted list into pages.
//!
//! The cursor is the last item's sort key, so a page goes on at the right place however the list changed meanwhile.
//!
//! Invariant: every item that stays is on exactly one page. Proved by `pages_hold_every_item_once`.

use super::model::{Page, PageRequest};

/// The page that `request` asks for of items sorted by `key`.
pub(super) fn cut<T>(items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    let after = |item: &T| request.cursor.as_ref().is_none_or(|cursor| key(item) > *cursor);
    let mut rest: Vec<T> = items.into_iter().filter(after).collect();
    rest.sort_by_cached_key(&key);
    first(rest, request, key)
}

/// The first page of items that are sorted and already start behind the cursor.
pub(super) fn first<T>(mut rest: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    let more = rest.len() > request.limit.items();
    rest.truncate(request.limit.items());
    let next_cursor = rest.last().filter(|_| more).map(key);
    Page { items: rest, next_cursor }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::app::model::PageLimit;

    #[test]
    fn pages_hold_every_item_once() {
        let items: Vec<String> = (10..35).rev().map(|n| n.to_string()).collect();
        let mut request = PageRequest { limit: PageLimit::new(10).unwrap(), cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = cut(items.clone(), &request, String::clone);
            seen.extend(page.items);
            request.cursor = page.next_cursor;
            if request.cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, (10..35).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
