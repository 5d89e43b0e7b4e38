//! A bar code of an item: a GTIN of 8, 12, 13 or 14 digits with its check digit, kept as text.
//!
//! Not here: whose it is. Two products may carry one code; who looks it up is told.
//!
//! Invariants: leading zeros are kept, a wrong check digit never passes; codes that differ by leading zeros alone are one
//! code to a scanner. Proved by `a_code_of_another_length_or_check_digit_is_refused` and
//! `a_scanner_finds_a_code_with_and_without_its_leading_zeros`.

use std::fmt;

use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};
use crate::text::Text;

/// Lengths of a GTIN in digits.
pub const GTIN_DIGITS: [usize; 4] = [8, 12, 13, 14];
/// Digits of the longest form, in which codes are compared.
const GTIN_DIGITS_MAX: usize = 14;

/// A GTIN-8, -12, -13 or -14.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Barcode(Text);

/// Why a text is no bar code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BarcodeError {
    /// Something else than digits.
    #[error("a bar code has digits only")]
    NotDigits,
    /// Another number of digits.
    #[error("a bar code has 8, 12, 13 or 14 digits, not {digits}")]
    Length {
        /// How many it has.
        digits: usize,
    },
    /// The last digit does not follow from the others.
    #[error("the check digit is {found}, it must be {expected}")]
    CheckDigit {
        /// As written.
        found: u8,
        /// As computed.
        expected: u8,
    },
}

impl Barcode {
    /// Checks digits, length and check digit.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: &str) -> Result<Self, BarcodeError> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BarcodeError::NotDigits);
        }
        if !GTIN_DIGITS.contains(&text.len()) {
            return Err(BarcodeError::Length { digits: text.len() });
        }
        let (digits, last) = text.split_at(text.len() - 1);
        let (found, expected) = (last.as_bytes()[0] - b'0', check_digit(digits));
        if found != expected {
            return Err(BarcodeError::CheckDigit { found, expected });
        }
        Text::new(text).map(Self).map_err(|_| BarcodeError::Length { digits: text.len() })
    }

    /// Its digits, as they were given.
    pub fn text(&self) -> &Text {
        &self.0
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(reader.text("barcode")?.as_str()).map_err(|_| DecodeError::OutOfRange { field: "barcode" })
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}

/// From the right, digits count three times and once in turn; the check digit fills the sum up to a ten.
fn check_digit(digits: &str) -> u8 {
    let weights = [3, 1].into_iter().cycle();
    let sum: u32 = digits.bytes().rev().zip(weights).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    ((10 - sum % 10) % 10) as u8
}

/// The form in which codes are looked up: a GTIN with leading zeros to 14 digits, any other text as it is.
pub fn lookup_form(code: &str) -> String {
    match Barcode::new(code) {
        Ok(_) => format!("{code:0>GTIN_DIGITS_MAX$}"),
        Err(_) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_code_of_another_length_or_check_digit_is_refused() {
        for good in ["96385074", "036000291452", "4006381333931", "0012345678905", "10012345678902"] {
            assert_eq!(Barcode::new(good).unwrap().to_string(), good);
        }
        for digits in [0, 1, 7, 9, 11, 15] {
            assert_eq!(Barcode::new(&"0".repeat(digits)), Err(BarcodeError::Length { digits }));
        }
        assert_eq!(Barcode::new("4006381333932"), Err(BarcodeError::CheckDigit { found: 2, expected: 1 }));
        for text in ["400638133393a", "４００６", " 96385074", "-9638507"] {
            assert_eq!(Barcode::new(text), Err(BarcodeError::NotDigits), "{text}");
        }
    }

    #[test]
    fn a_scanner_finds_a_code_with_and_without_its_leading_zeros() {
        assert_eq!(lookup_form("036000291452"), "00036000291452");
        assert_eq!(lookup_form("0036000291452"), lookup_form("036000291452"));
        assert_eq!(lookup_form("OLD-77"), "OLD-77");
    }
}
