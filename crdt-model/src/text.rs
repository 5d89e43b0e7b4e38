//! Text as documents hold it: UTF-8 in Unicode normal form C, at most 16 KiB.
//!
//! Invariant: equal to the eye means equal in bytes as far as normal form C goes, so that a SKU or a channel name typed
//! on two systems is one key. Case is kept. Proved by `text_is_kept_in_normal_form_c`.

use std::borrow::Borrow;

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::codec::{DecodeError, STRING_BYTES_MAX};

/// A normalised text of at most [`STRING_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

/// A text is longer than a document may hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the text has {bytes} bytes, the limit is {STRING_BYTES_MAX}")]
pub struct TextTooLong {
    /// Its length in bytes after normalisation.
    pub bytes: usize,
}

impl Text {
    /// Normalises and checks the length.
    pub fn new(text: &str) -> Result<Self, TextTooLong> {
        let normal = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
        match normal.len() {
            0..=STRING_BYTES_MAX => Ok(Self(normal)),
            bytes => Err(TextTooLong { bytes }),
        }
    }

    /// Reads a text that must already be in normal form.
    pub fn from_bytes(field: &'static str, bytes: &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotCanonical { field })?;
        if !text.is_ascii() && !is_nfc(text) {
            return Err(DecodeError::NotCanonical { field });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_is_kept_in_normal_form_c() {
        let composed = Text::new("Caf\u{e9}").unwrap();
        assert_eq!(Text::new("Cafe\u{301}").unwrap(), composed);
        assert!(Text::from_bytes("t", "Cafe\u{301}".as_bytes()).is_err());
        assert_eq!(Text::from_bytes("t", composed.as_str().as_bytes()).unwrap(), composed);
    }

    #[test]
    fn letter_case_is_kept() {
        assert_ne!(Text::new("85123a").unwrap(), Text::new("85123A").unwrap());
    }

    #[test]
    fn a_text_of_16_kib_is_held_and_one_byte_more_is_not() {
        assert!(Text::new(&"a".repeat(STRING_BYTES_MAX)).is_ok());
        assert_eq!(Text::new(&"a".repeat(STRING_BYTES_MAX + 1)).unwrap_err().bytes, STRING_BYTES_MAX + 1);
    }
}
