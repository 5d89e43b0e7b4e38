//! Composite keys: building them, taking them apart, and ranges over them.
//!
//! Not here: which table uses which parts; that is drawn in [`super`].
//!
//! Invariants: keys sort as bytes in the order of their parts (`numbers_sort_by_value`,
//! `texts_sort_and_never_run_into_the_next_part`); what was built is read back the same
//! (`parts_read_back_what_was_built`); a prefix range holds exactly the keys that start with the
//! prefix, also at byte 0xFF (`prefix_range_holds_exactly_the_keys_with_the_prefix`); narrowing a
//! range never widens it (`a_position_outside_a_range_never_widens_it`).

use std::ops::Bound;

/// Longest scope id in bytes; its length is one byte of the key.
pub const SCOPE_BYTES_MAX: usize = 255;

/// Ends a text part; sorts below every escaped or plain byte.
const TEXT_END: [u8; 2] = [0, 0];
/// Stands for a zero byte inside a text part.
const TEXT_ZERO: [u8; 2] = [0, 0xFF];

/// A composite key under construction; numbers are big-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// Starts an empty key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a scope: one byte of length, then its bytes.
    ///
    /// # Panics
    /// If the scope is longer than [`SCOPE_BYTES_MAX`].
    #[must_use]
    pub fn scope(mut self, scope: &[u8]) -> Self {
        let length = u8::try_from(scope.len()).expect("invariant: a scope id is at most 255 bytes long");
        self.0.push(length);
        self.bytes(scope)
    }

    /// Appends one byte.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// Appends four bytes.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends eight bytes.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends bytes as they are: of fixed width, or the last part.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a part of any length that others may follow: it sorts like its bytes, zero bytes
    /// are escaped and two zero bytes end it.
    #[must_use]
    pub fn text(self, text: &[u8]) -> Self {
        self.text_start(text).bytes(&TEXT_END)
    }

    /// Appends the start of a text part, to find every text that begins so.
    #[must_use]
    pub fn text_start(mut self, text: &[u8]) -> Self {
        for &byte in text {
            match byte {
                0 => self.0.extend_from_slice(&TEXT_ZERO),
                1..=u8::MAX => self.0.push(byte),
            }
        }
        self
    }

    /// Returns the bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the range of all keys that start with this one.
    #[must_use]
    pub fn range(&self) -> KeyRange {
        KeyRange::prefix(&self.0)
    }
}

impl std::ops::Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Takes a key apart, part by part; `None` where the bytes end too early.
#[derive(Clone, Debug)]
pub struct KeyParts<'k>(&'k [u8]);

impl<'k> KeyParts<'k> {
    /// Starts at the first part.
    #[must_use]
    pub fn new(key: &'k [u8]) -> Self {
        Self(key)
    }

    /// Takes a scope.
    pub fn scope(&mut self) -> Option<&'k [u8]> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*part)
    }

    /// Takes `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Option<&'k [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    /// Takes a text part with its end.
    pub fn text(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            match self.u8()? {
                0 => match self.u8()? {
                    0 => return Some(text),
                    0xFF => text.push(0),
                    1..=0xFE => return None,
                },
                byte @ 1..=u8::MAX => text.push(byte),
            }
        }
    }

    /// Returns what is left.
    #[must_use]
    pub fn rest(self) -> &'k [u8] {
        self.0
    }
}

/// A range of keys of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// Every key that starts with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let upper = prefix_successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { lower: Bound::Included(prefix.to_vec()), upper }
    }

    /// Every key from `from` (included) to `to` (excluded); empty if `to` is not above `from`.
    #[must_use]
    pub fn between(from: &[u8], to: &[u8]) -> Self {
        Self { lower: Bound::Included(from.to_vec()), upper: Bound::Excluded(to.to_vec()) }
    }

    /// Keeps only `key` and the keys above it.
    #[must_use]
    pub fn from(self, key: &[u8]) -> Self {
        let lower = match self.lower {
            Bound::Included(lower) if lower.as_slice() > key => Bound::Included(lower),
            Bound::Excluded(lower) if lower.as_slice() >= key => Bound::Excluded(lower),
            Bound::Included(_) | Bound::Excluded(_) | Bound::Unbounded => Bound::Included(key.to_vec()),
        };
        Self { lower, ..self }
    }

    /// Keeps only the keys above `key`, as a cursor of a page going forward does.
    #[must_use]
    pub fn after(self, key: &[u8]) -> Self {
        let lower = match self.lower {
            Bound::Included(lower) if lower.as_slice() > key => Bound::Included(lower),
            Bound::Excluded(lower) if lower.as_slice() > key => Bound::Excluded(lower),
            Bound::Included(_) | Bound::Excluded(_) | Bound::Unbounded => Bound::Excluded(key.to_vec()),
        };
        Self { lower, ..self }
    }

    /// Keeps only the keys below `key`, as a cursor of a page going backward does.
    #[must_use]
    pub fn before(self, key: &[u8]) -> Self {
        let upper = match self.upper {
            Bound::Included(upper) if upper.as_slice() < key => Bound::Included(upper),
            Bound::Excluded(upper) if upper.as_slice() < key => Bound::Excluded(upper),
            Bound::Included(_) | Bound::Excluded(_) | Bound::Unbounded => Bound::Excluded(key.to_vec()),
        };
        Self { upper, ..self }
    }

    /// The two ends, as redb takes them.
    pub(super) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.lower.as_ref().map(Vec::as_slice), self.upper.as_ref().map(Vec::as_slice))
    }
}

/// Returns the smallest key above every key that starts with `prefix`; `None` if there is none.
#[must_use]
pub fn prefix_successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut successor = prefix[..=last].to_vec();
    successor[last] += 1;
    Some(successor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn holds(range: &KeyRange, key: &[u8]) -> bool {
        use std::ops::RangeBounds;
        RangeBounds::<[u8]>::contains(&range.bounds(), key)
    }

    #[test]
    fn numbers_sort_by_value() {
        let numbers = [0, 1, 255, 256, u64::from(u32::MAX), u64::MAX];
        let keys: Vec<_> = numbers.iter().map(|&n| Key::new().u64(n)).collect();
        assert!(keys.is_sorted());
    }

    #[test]
    fn texts_sort_and_never_run_into_the_next_part() {
        let texts: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"\0a", b"a", b"a\0", b"ab"];
        let keys: Vec<_> = texts.iter().map(|text| Key::new().text(text).u64(u64::MAX)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_ne!(Key::new().text(b"a").text(b"b"), Key::new().text(b"ab").text(b""));
    }

    #[test]
    fn parts_read_back_what_was_built() {
        let key = Key::new().scope(b"site/HQ").u8(7).u32(8).text(b"a\0b").u64(9).bytes(b"end");
        let mut parts = KeyParts::new(&key);
        assert_eq!(parts.scope(), Some(b"site/HQ".as_slice()));
        assert_eq!(parts.u8(), Some(7));
        assert_eq!(parts.u32(), Some(8));
        assert_eq!(parts.text(), Some(b"a\0b".to_vec()));
        assert_eq!(parts.u64(), Some(9));
        assert_eq!(parts.rest(), b"end");
    }

    #[test]
    fn a_key_that_ends_too_early_has_no_part() {
        assert_eq!(KeyParts::new(&[3, 1, 2]).scope(), None);
        assert_eq!(KeyParts::new(&[0; 7]).u64(), None);
        assert_eq!(KeyParts::new(b"no end").text(), None);
        assert_eq!(KeyParts::new(&[0, 1]).text(), None);
    }

    #[test]
    fn a_scope_of_255_bytes_fits_a_key() {
        let scope = [0xFF; SCOPE_BYTES_MAX];
        let key = Key::new().scope(&scope);
        assert_eq!(KeyParts::new(&key).scope(), Some(scope.as_slice()));
    }

    #[test]
    #[should_panic(expected = "invariant: a scope id is at most 255 bytes long")]
    fn a_scope_of_256_bytes_is_a_bug() {
        let _key = Key::new().scope(&[0; SCOPE_BYTES_MAX + 1]);
    }

    #[test]
    fn scopes_of_different_length_never_mix() {
        let range = Key::new().scope(b"site/A").range();
        assert!(!holds(&range, &Key::new().scope(b"site/AB").u64(1)));
        assert!(holds(&range, &Key::new().scope(b"site/A").bytes(b"B")));
    }

    #[test]
    fn prefix_successor_skips_trailing_ff() {
        assert_eq!(prefix_successor(b"a"), Some(b"b".to_vec()));
        assert_eq!(prefix_successor(&[1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(prefix_successor(&[0xFE]), Some(vec![0xFF]));
        assert_eq!(prefix_successor(&[0xFF, 0xFF]), None);
        assert_eq!(prefix_successor(&[]), None);
    }

    #[test]
    fn prefix_range_holds_exactly_the_keys_with_the_prefix() {
        let bytes = [0, 1, 0x7F, 0xFE, 0xFF];
        let mut words: Vec<Vec<u8>> = vec![vec![]];
        for _ in 0..3 {
            let longer = words.iter().flat_map(|word| bytes.iter().map(|&byte| [word.as_slice(), &[byte]].concat()));
            words = words.iter().cloned().chain(longer).collect();
        }
        for prefix in &words {
            let range = KeyRange::prefix(prefix);
            for word in &words {
                assert_eq!(holds(&range, word), word.starts_with(prefix), "{prefix:?} {word:?}");
            }
        }
    }

    #[test]
    fn a_position_inside_a_range_narrows_it() {
        let range = KeyRange::prefix(b"m").after(b"mb").before(b"md");
        assert!(!holds(&range, b"mb") && holds(&range, b"mc") && !holds(&range, b"md"));
        let range = KeyRange::prefix(b"m").from(b"mb");
        assert!(!holds(&range, b"ma") && holds(&range, b"mb") && !holds(&range, b"n"));
        assert!(!holds(&range.clone().from(b"a"), b"ma") && !holds(&range.after(b"mb").from(b"mb"), b"mb"));
    }

    #[test]
    fn a_position_outside_a_range_never_widens_it() {
        let range = KeyRange::prefix(b"m").after(b"a").before(b"z");
        assert!(!holds(&range, b"b") && holds(&range, b"m") && !holds(&range, b"n"));
        let narrow = KeyRange::all().after(b"m").after(b"a").before(b"p").before(b"z");
        assert!(!holds(&narrow, b"m") && holds(&narrow, b"n") && !holds(&narrow, b"p"));
    }
}
