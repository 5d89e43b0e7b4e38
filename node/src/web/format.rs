//! Money, quantities, days and times as people read them in their language and their site's zone.
//!
//! Invariant: no digit is lost; what is shown parses back to the same amount. Proved by
//! `amounts_are_grouped_and_keep_every_digit`.

use chrono::{DateTime, FixedOffset};
use crdt_model::money::Currency;
use crdt_model::time::EventTime;

use super::texts::Language;
use crate::app::model::{MoneySum, QuantitySum};

/// An amount with the sign of its currency: `¥1,234.50`, `-£3.00`, `JPY 5,000`.
pub fn money(currency: &Currency, amount: MoneySum) -> String {
    let digits = grouped(&currency.format(amount.0.abs()));
    let minus = if amount.0 < 0 { "-" } else { "" };
    match sign_of(currency.code()) {
        Some(sign) => format!("{minus}{sign}{digits}"),
        None => format!("{minus}{} {digits}", currency.code()),
    }
}

/// The sign of a currency that has one of its own here.
fn sign_of(code: &str) -> Option<char> {
    match code {
        "CNY" => Some('\u{a5}'),
        "GBP" => Some('\u{a3}'),
        "USD" => Some('$'),
        "EUR" => Some('\u{20ac}'),
        _no_sign => None,
    }
}

/// A quantity with its thousands parted.
pub fn quantity(sum: QuantitySum) -> String {
    grouped(&sum.to_string())
}

/// A number of things.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A decimal text with its thousands parted by commas, as both languages do.
pub fn grouped(decimal: &str) -> String {
    let (minus, decimal) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (whole, fraction) = decimal.split_once('.').map_or((decimal, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = minus.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

fn local(at: &EventTime) -> Option<DateTime<FixedOffset>> {
    let offset = FixedOffset::east_opt(i32::from(at.offset_minutes) * 60)?;
    Some(DateTime::from_timestamp_millis(at.at.0)?.with_timezone(&offset))
}

/// Day and time of a moment, as its site saw it.
pub fn moment(language: Language, at: &EventTime) -> String {
    let Some(local) = local(at) else { return at.rfc3339() };
    match language {
        Language::Zh => local.format("%Y-%m-%d %H:%M").to_string(),
        Language::En => local.format("%-d %b %Y %H:%M").to_string(),
    }
}

/// The time alone where it is of the day of `now`, else day and time.
pub fn clock_time(language: Language, at: &EventTime, now: &EventTime) -> String {
    match (local(at), at.business_date == now.business_date) {
        (Some(local), true) => local.format("%H:%M").to_string(),
        (Some(_) | None, _) => moment(language, at),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::time::Timestamp;

    use super::*;
    use crate::clock;

    #[test]
    fn amounts_are_grouped_and_keep_every_digit() {
        let (yuan, yen) = (Currency::new("CNY", 2).unwrap(), Currency::new("JPY", 0).unwrap());
        for (minor, text) in [
            (0, "\u{a5}0.00"),
            (5, "\u{a5}0.05"),
            (99_999, "\u{a5}999.99"),
            (100_000, "\u{a5}1,000.00"),
            (-123_456_789, "-\u{a5}1,234,567.89"),
        ] {
            let shown = money(&yuan, MoneySum(minor));
            assert_eq!(shown, text);
            let back = yuan.parse(&shown.replace(['\u{a5}', ','], "")).unwrap();
            assert_eq!(i128::from(back.minor()), minor);
        }
        assert_eq!(money(&yen, MoneySum(5_000)), "JPY 5,000");
        assert_eq!(quantity(QuantitySum(-1_234_500)), "-1,234.5");
        assert_eq!((count(999), count(541_909)), ("999".into(), "541,909".into()));
    }

    #[test]
    fn a_moment_is_told_in_the_zone_of_its_site() {
        let at = clock::moment(Timestamp(1_795_488_120_000), chrono_tz::Asia::Shanghai);
        assert_eq!(moment(Language::Zh, &at), "2026-11-24 10:42");
        assert_eq!(moment(Language::En, &at), "24 Nov 2026 10:42");
        assert_eq!(clock_time(Language::En, &at, &at), "10:42");
        let later = clock::moment(Timestamp(1_795_488_120_000 + 86_400_000), chrono_tz::Asia::Shanghai);
        assert_eq!(clock_time(Language::En, &at, &later), "24 Nov 2026 10:42");
    }
}
