//! Cutting a sorted list into pages.
//!
//! The cursor is the last item's sort key, so a page goes on at the right place however the list changed meanwhile.
//!
//! Invariant: every item that stays is on exactly one page. Proved by `pages_hold_every_item_once`.

use super::error::AppError;
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

/// A cursor that holds a key.
pub(super) fn cursor_of(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a cursor.
pub(super) fn bytes_of<const N: usize>(cursor: &str) -> Result<[u8; N], AppError> {
    let wrong = || AppError::field("/cursor", "not a cursor of this list", "Give `next_cursor` of the page before.");
    if cursor.len() != 2 * N || !cursor.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut key = [0; N];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&cursor[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::app::model::PageLimit;

    #[test]
    fn a_key_comes_back_from_its_cursor() {
        assert_eq!(bytes_of(&cursor_of(&[0, 0xab, 255])), Ok([0, 0xab, 255]));
        for wrong in ["00abf", "00abff00", "00abfg", "é0abf"] {
            assert!(bytes_of::<3>(wrong).is_err(), "{wrong}");
        }
    }

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
