//! Money in minor units, unit prices as exact decimals, and line totals.
//!
//! Invariants: amounts lie within ±10^15 minor units, prices keep up to six digits after the point, a line total is
//! rounded half to even once, sums are `i128`. Proved by `a_line_total_rounds_half_to_even` and
//! `a_price_with_seven_digits_is_refused`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};
use crate::decimal::{DecimalError, format_scaled, parse_scaled};
use crate::quantity::Quantity;

/// The largest absolute amount, in minor units.
pub const MONEY_MINOR_MAX: i64 = 1_000_000_000_000_000;
/// Digits after the point that a unit price keeps.
pub const PRICE_DIGITS_MAX: u32 = 6;

/// An ISO 4217 currency with the number of digits of its minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    minor_digits: u8,
}

/// The text is not the form of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a currency is three capital letters with 0 to 4 minor digits")]
pub struct CurrencyError;

impl Currency {
    /// Takes a three-letter code and its ISO 4217 minor digits (2 for CNY and GBP, 0 for JPY).
    pub fn new(code: &str, minor_digits: u8) -> Result<Self, CurrencyError> {
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if !bytes.iter().all(u8::is_ascii_uppercase) || minor_digits > 4 {
            return Err(CurrencyError);
        }
        Ok(Self { code: bytes, minor_digits })
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("invariant: the constructor checks for ASCII letters")
    }

    /// Digits of the minor unit.
    pub fn minor_digits(&self) -> u32 {
        u32::from(self.minor_digits)
    }

    /// Writes a sum of minor units as decimal text, `15.30`.
    pub fn format(&self, minor: i128) -> String {
        format_scaled(minor, self.minor_digits(), self.minor_digits())
    }

    /// Reads decimal text as an amount of this currency.
    pub fn parse(&self, text: &str) -> Result<Money, DecimalError> {
        Money::from_minor(parse_scaled(text, self.minor_digits())?)
    }

    /// Writes it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.code).byte(self.minor_digits);
    }

    /// Reads it.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code: [u8; 3] = reader.array(field)?;
        let digits = reader.byte(field)?;
        let text = std::str::from_utf8(&code).map_err(|_| DecodeError::NotCanonical { field })?;
        Self::new(text, digits).map_err(|_| DecodeError::OutOfRange { field })
    }
}

/// An amount in minor units; its currency stands in the document's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Checks the bound.
    pub fn from_minor(minor: i64) -> Result<Self, DecimalError> {
        if minor.unsigned_abs() > MONEY_MINOR_MAX as u64 {
            return Err(DecimalError::OutOfBounds);
        }
        Ok(Self(minor))
    }

    /// The amount in minor units.
    pub fn minor(self) -> i64 {
        self.0
    }

    /// Writes it.
    pub fn encode(self, writer: &mut Writer) {
        writer.signed(self.0);
    }

    /// Reads it and checks the bound.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_minor(reader.signed(field)?).map_err(|_| DecodeError::OutOfRange { field })
    }
}

/// The price of one base unit, in millionths of the major unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnitPrice(i64);

impl UnitPrice {
    /// No price.
    pub const ZERO: Self = Self(0);

    /// Checks the bound: ±10^15 millionths.
    pub fn from_millionths(millionths: i64) -> Result<Self, DecimalError> {
        if millionths.unsigned_abs() > MONEY_MINOR_MAX as u64 {
            return Err(DecimalError::OutOfBounds);
        }
        Ok(Self(millionths))
    }

    /// The price in millionths of the major unit.
    pub fn millionths(self) -> i64 {
        self.0
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Price times quantity in minor units of `currency`, rounded half to even.
    pub fn total(self, quantity: Quantity, currency: &Currency) -> Result<Money, DecimalError> {
        let rounded = self.total_of(i128::from(quantity.thousandths()), currency);
        Money::from_minor(i64::try_from(rounded).map_err(|_| DecimalError::OutOfBounds)?)
    }

    /// Price times a sum of thousandths in minor units of `currency`, rounded half to even; for sums that folds make.
    pub fn total_of(self, thousandths: i128, currency: &Currency) -> i128 {
        divide_half_even(i128::from(self.0) * thousandths, 10i128.pow(9 - currency.minor_digits()))
    }

    /// Writes it as mantissa and digits (2.55 is 255 and 2), the shortest form only.
    pub fn encode(self, writer: &mut Writer) {
        let (mut mantissa, mut digits) = (self.0, PRICE_DIGITS_MAX);
        while digits > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            digits -= 1;
        }
        writer.signed(mantissa * 8 + i64::from(digits));
    }

    /// Reads it; a needless zero digit is refused.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let packed = reader.signed(field)?;
        let (mantissa, digits) = (packed.div_euclid(8), packed.rem_euclid(8) as u32);
        if digits > PRICE_DIGITS_MAX {
            return Err(DecodeError::OutOfRange { field });
        }
        if digits > 0 && mantissa % 10 == 0 {
            return Err(DecodeError::NotCanonical { field });
        }
        let millionths = mantissa.checked_mul(10i64.pow(PRICE_DIGITS_MAX - digits));
        millionths.and_then(|m| Self::from_millionths(m).ok()).ok_or(DecodeError::OutOfRange { field })
    }
}

impl FromStr for UnitPrice {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::from_millionths(parse_scaled(text, PRICE_DIGITS_MAX)?)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format_scaled(i128::from(self.0), PRICE_DIGITS_MAX, 0))
    }
}

fn divide_half_even(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    let up = match (remainder * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn gbp() -> Currency {
        Currency::new("GBP", 2).unwrap()
    }

    #[test]
    fn a_line_total_rounds_half_to_even() {
        for (price, quantity, total) in [
            ("0.005", "1", 0),
            ("0.015", "1", 2),
            ("0.025", "1", 2),
            ("-0.015", "1", -2),
            ("2.55", "6", 1530),
            ("0.001", "1", 0),
        ] {
            let price: UnitPrice = price.parse().unwrap();
            assert_eq!(price.total(quantity.parse().unwrap(), &gbp()).unwrap().minor(), total, "{price}");
        }
    }

    #[test]
    fn a_price_with_seven_digits_is_refused() {
        assert!("0.123456".parse::<UnitPrice>().is_ok());
        assert_eq!("0.1234567".parse::<UnitPrice>(), Err(DecimalError::TooPrecise { digits_max: 6 }));
    }

    #[test]
    fn an_amount_past_the_bound_is_refused() {
        assert!(Money::from_minor(MONEY_MINOR_MAX).is_ok());
        assert!(Money::from_minor(MONEY_MINOR_MAX + 1).is_err());
        assert!(Money::from_minor(i64::MIN).is_err());
        let dear = UnitPrice::from_millionths(MONEY_MINOR_MAX).unwrap();
        assert!(dear.total("1000000000".parse().unwrap(), &gbp()).is_err());
    }

    #[test]
    fn yen_has_no_minor_digits() {
        let yen = Currency::new("JPY", 0).unwrap();
        assert_eq!(yen.format(1530), "1530");
        assert!(yen.parse("1.5").is_err());
    }

    proptest! {
        #[test]
        fn a_price_has_one_encoding(millionths in -MONEY_MINOR_MAX..=MONEY_MINOR_MAX) {
            let price = UnitPrice::from_millionths(millionths).unwrap();
            let mut writer = Writer::new();
            price.encode(&mut writer);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(UnitPrice::decode("p", &mut reader).unwrap(), price);
            reader.end().unwrap();
        }
    }
}
