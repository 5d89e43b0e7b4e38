//! Decimal text to scaled integers and back, without floats.
//!
//! Invariants: parsing is exact or an error, formatting then parsing is the identity. Proved by
//! `decimal_text_round_trips` and `more_digits_than_the_scale_are_refused`.

use thiserror::Error;

/// Why a text is not a number of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Something else than an optional sign, digits and one point.
    #[error("not a decimal number")]
    NotANumber,
    /// More digits after the point than the kind keeps.
    #[error("more than {digits_max} digits after the point")]
    TooPrecise {
        /// Digits that the kind keeps.
        digits_max: u32,
    },
    /// Larger than the kind's bound.
    #[error("the number is larger than allowed")]
    OutOfBounds,
}

/// Parses `-12.5` into an integer of `10^-scale`.
pub fn parse_scaled(text: &str, scale: u32) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale as usize {
        return Err(DecimalError::TooPrecise { digits_max: scale });
    }
    let padding = scale as usize - fraction.len();
    let mut value: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i64::from(digit - b'0')))
            .ok_or(DecimalError::OutOfBounds)?;
    }
    Ok(if negative { -value } else { value })
}

/// Writes an integer of `10^-scale` with at least `digits_min` digits after the point and no needless zeros.
pub fn format_scaled(value: i128, scale: u32, digits_min: u32) -> String {
    let magnitude = value.unsigned_abs();
    // Small numbers are the rule, and narrow ones are written several times faster.
    let mut digits = u64::try_from(magnitude).map_or_else(|_| magnitude.to_string(), |narrow| narrow.to_string());
    let scale = scale as usize;
    if digits.len() <= scale {
        digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
    }
    let whole = digits.len() - scale;
    while digits.len() > whole + digits_min as usize && digits.ends_with('0') {
        digits.pop();
    }
    if digits.len() > whole {
        digits.insert(whole, '.');
    }
    if value < 0 {
        digits.insert(0, '-');
    }
    digits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decimal_text_round_trips(value in -1_000_000_000_000i64..1_000_000_000_000, scale in 0u32..=6) {
            let text = format_scaled(i128::from(value), scale, 0);
            prop_assert_eq!(parse_scaled(&text, scale).unwrap(), value);
        }
    }

    #[test]
    fn a_number_has_its_digits_and_no_needless_zeros() {
        for (value, scale, digits_min, text) in [
            (0, 0, 0, "0"),
            (0, 3, 0, "0"),
            (0, 2, 2, "0.00"),
            (-5, 3, 0, "-0.005"),
            (100, 0, 0, "100"),
            (-1_500, 3, 0, "-1.5"),
            (2_550_000, 6, 2, "2.55"),
            (2_000_000, 6, 2, "2.00"),
            (i128::from(u64::MAX) + 1, 3, 0, "18446744073709551.616"),
            (i128::MIN, 2, 2, "-1701411834604692317316873037158841057.28"),
        ] {
            assert_eq!(format_scaled(value, scale, digits_min), text);
        }
    }

    #[test]
    fn more_digits_than_the_scale_are_refused() {
        assert_eq!(parse_scaled("0.1234567", 6), Err(DecimalError::TooPrecise { digits_max: 6 }));
        assert_eq!(parse_scaled("0.1234560", 6), Ok(123_456));
    }

    #[test]
    fn words_signs_and_blanks_are_not_numbers() {
        for text in ["", "-", "abc", "1 000", "1,5", ".5", "--1", "1e5", "NaN"] {
            assert_eq!(parse_scaled(text, 2), Err(DecimalError::NotANumber), "{text}");
        }
        assert_eq!(parse_scaled("99999999999999999999", 0), Err(DecimalError::OutOfBounds));
    }
}
