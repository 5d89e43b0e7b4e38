//! Quantities: whole thousandths of an item's base unit.
//!
//! Invariants: within ±10^12 thousandths, integer arithmetic only, no value wraps. Proved by
//! `quantities_keep_three_decimals_exactly` and `a_quantity_past_the_bound_is_refused`.

use std::fmt;
use std::str::FromStr;

use crate::codec::{DecodeError, Reader, Writer};
use crate::decimal::{DecimalError, format_scaled, parse_scaled};

/// The largest absolute quantity, in thousandths.
pub const QUANTITY_THOUSANDTHS_MAX: i64 = 1_000_000_000_000;

/// A count of units in thousandths of the base unit; negative where goods leave or are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Checks the bound.
    pub fn from_thousandths(thousandths: i64) -> Result<Self, DecimalError> {
        if thousandths.unsigned_abs() > QUANTITY_THOUSANDTHS_MAX as u64 {
            return Err(DecimalError::OutOfBounds);
        }
        Ok(Self(thousandths))
    }

    /// The quantity in thousandths.
    pub fn thousandths(self) -> i64 {
        self.0
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Writes it.
    pub fn encode(self, writer: &mut Writer) {
        writer.signed(self.0);
    }

    /// Reads it and checks the bound.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_thousandths(reader.signed(field)?).map_err(|_| DecodeError::OutOfRange { field })
    }
}

impl FromStr for Quantity {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::from_thousandths(parse_scaled(text, 3)?)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format_thousandths(i128::from(self.0)))
    }
}

/// Writes a sum of thousandths as the shortest decimal text.
pub fn format_thousandths(sum: i128) -> String {
    format_scaled(sum, 3, 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn quantities_keep_three_decimals_exactly() {
        for text in ["0", "6", "-80995", "0.125", "1.5"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
        assert!("0.0001".parse::<Quantity>().is_err());
    }

    #[test]
    fn a_quantity_past_the_bound_is_refused() {
        assert!("1000000000".parse::<Quantity>().is_ok());
        assert_eq!("1000000000.001".parse::<Quantity>(), Err(DecimalError::OutOfBounds));
        assert_eq!("-1000000000.001".parse::<Quantity>(), Err(DecimalError::OutOfBounds));
    }
}
