//! Checks the texts of a request and collects what is wrong with them, each under its pointer.
//!
//! A check answers a stand-in where the text is wrong; [`Errors::finish`] then refuses the whole value.
//!
//! Invariants: at most 100 errors are kept, an error names field and remedy, no check costs an allocation for its
//! pointer while all is well. Proved by `a_wrong_number_names_field_and_remedy`, `a_text_past_its_limit_is_refused` and
//! `at_most_a_hundred_errors_are_listed`.

use std::fmt;

use crdt_model::decimal::DecimalError;
use crdt_model::id::DocumentId;
use crdt_model::money::{Currency, UnitPrice};
use crdt_model::product::barcode::Barcode;
use crdt_model::quantity::Quantity;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use crdt_model::time::BusinessDate;

use super::error::Problem;
use crate::app::error::FieldError;
use crate::app::model::{KEY_BYTES_MAX, TEXT_BYTES_MAX, TypedAmount};

/// Errors that one answer lists.
pub const ERRORS_LISTED_MAX: usize = 100;
/// Characters of a wrong text that an error repeats.
const ECHO_CHARS_MAX: usize = 40;

/// Where a text stands in the request.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// A field of the body, or a query parameter.
    Field(&'static str),
    /// A field of an object in the body.
    Under(&'static str, &'static str),
    /// A field of an item of a list in the body.
    Item(&'static str, usize, &'static str),
}

impl fmt::Display for At {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(formatter, "/{field}"),
            Self::Under(object, field) => write!(formatter, "/{object}/{field}"),
            Self::Item(list, index, field) => write!(formatter, "/{list}/{index}/{field}"),
        }
    }
}

/// Which quantities a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// More than nothing.
    Positive,
    /// Anything but nothing.
    NotZero,
}

/// What is wrong with a request so far.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    /// The value, or every error.
    pub fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(value) } else { Err(Problem::invalid(self.0)) }
    }

    /// Notes an error.
    pub fn add(&mut self, at: At, detail: impl Into<String>, remedy: impl Into<String>) {
        if self.0.len() < ERRORS_LISTED_MAX {
            self.0.push(FieldError { pointer: at.to_string(), detail: detail.into(), remedy: remedy.into() });
        }
    }

    /// Free text: of any content, at most [`TEXT_BYTES_MAX`] bytes.
    pub fn text(&mut self, at: At, raw: &str) -> Text {
        let text = Text::new(raw).ok().filter(|text| text.as_str().len() <= TEXT_BYTES_MAX);
        text.unwrap_or_else(|| {
            let detail = format!("it has {} bytes, the limit is {TEXT_BYTES_MAX}", raw.len());
            self.add(at, detail, format!("Shorten it to {TEXT_BYTES_MAX} bytes."));
            Text::default()
        })
    }

    /// Free text that may be absent; an empty one is.
    pub fn optional_text(&mut self, at: At, raw: Option<String>) -> Option<Text> {
        raw.filter(|raw| !raw.is_empty()).map(|raw| self.text(at, &raw))
    }

    /// A text that names something: not blank, no control characters, at most [`KEY_BYTES_MAX`] bytes.
    pub fn name(&mut self, at: At, raw: &str) -> Text {
        if raw.trim().is_empty() {
            self.add(at, "it is blank", "Fill it in, or leave the field out where it is optional.");
        } else if raw.len() > KEY_BYTES_MAX {
            self.add(at, format!("it has {} bytes, the limit is {KEY_BYTES_MAX}", raw.len()), "Shorten it.");
        } else if raw.chars().any(char::is_control) {
            self.add(at, "it holds a control character", "Take out line breaks, tabs and other control characters.");
        } else {
            return self.text(at, raw);
        }
        Text::default()
    }

    /// A naming text that may be absent.
    pub fn optional_name(&mut self, at: At, raw: Option<String>) -> Option<Text> {
        raw.map(|raw| self.name(at, &raw))
    }

    /// A bar code.
    pub fn barcode(&mut self, at: At, raw: &str) -> Option<Barcode> {
        let barcode = Barcode::new(raw);
        if let Err(error) = &barcode {
            self.add(at, format!("`{}`: {error}", echo(raw)), "Give all 8, 12, 13 or 14 digits, the check digit too.");
        }
        barcode.ok()
    }

    /// A quantity in decimal text.
    pub fn quantity(&mut self, at: At, raw: &str, sign: Sign) -> Quantity {
        let quantity: Quantity = self.decimal(at, raw, raw.parse(), "-1000000000 and 1000000000");
        let fits = match sign {
            Sign::Positive => quantity.is_positive(),
            Sign::NotZero => quantity != Quantity::ZERO,
        };
        if raw.parse::<Quantity>().is_ok() && !fits {
            let wanted = if sign == Sign::Positive { "more than 0" } else { "other than 0" };
            self.add(at, format!("the quantity `{}` is not {wanted}", echo(raw)), format!("Give a quantity {wanted}."));
        }
        quantity
    }

    /// A unit price in decimal text, not below nothing.
    pub fn price(&mut self, at: At, raw: &str) -> UnitPrice {
        let price: UnitPrice = self.decimal(at, raw, raw.parse(), "0 and 1000000000");
        if price.millionths() < 0 {
            self.add(at, format!("the price `{}` is below 0", echo(raw)), "Give a price of 0 or more.");
        }
        price
    }

    /// An amount in decimal text, above nothing; its digits are checked again once its currency is known.
    pub fn amount(&mut self, at: At, raw: &str, currency: Option<&Currency>) -> Option<TypedAmount> {
        let amount = self.decimal(at, raw, TypedAmount::new(raw).map(Some), "-100000000000 and 100000000000")?;
        if let Some(Err(error)) = currency.map(|currency| amount.in_currency(currency)) {
            self.decimal(at, raw, Err::<(), _>(error), "-100000000000 and 100000000000");
            return None;
        }
        if raw.starts_with('-') || raw.bytes().all(|b| matches!(b, b'0' | b'.' | b'+')) {
            self.add(
                at,
                format!("the amount `{}` is not above 0", echo(raw)),
                "Leave the payment out, or give its amount.",
            );
        }
        Some(amount)
    }

    /// The currency of an ISO 4217 code.
    pub fn currency(&mut self, at: At, raw: &str) -> Option<Currency> {
        let known = iso_currency::Currency::from_code(raw).and_then(|known| known.exponent());
        let currency = known.and_then(|digits| u8::try_from(digits).ok()).and_then(|d| Currency::new(raw, d).ok());
        if currency.is_none() {
            self.add(at, format!("`{}` is not a currency", echo(raw)), "Give the ISO 4217 code, such as CNY or GBP.");
        }
        currency
    }

    /// A document id.
    pub fn id(&mut self, at: At, raw: &str) -> DocumentId {
        raw.parse().unwrap_or_else(|_| {
            self.add(at, format!("`{}` is not an id", echo(raw)), "Give the 32 hexadecimal digits of the id.");
            DocumentId::ZERO
        })
    }

    /// A site code.
    pub fn site(&mut self, at: At, raw: &str) -> Option<SiteCode> {
        let site = SiteCode::new(raw);
        if let Err(error) = &site {
            self.add(at, format!("`{}`: {error}", echo(raw)), "Give the code of a site, such as HQ.");
        }
        site.ok()
    }

    /// A day.
    pub fn date(&mut self, at: At, raw: Option<&str>) -> Option<BusinessDate> {
        let date = raw?.parse();
        if let Err(error) = &date {
            let error: &crdt_model::time::DateError = error;
            self.add(at, format!("`{}`: {error}", echo(raw?)), "Write the day as 2010-12-01.");
        }
        date.ok()
    }

    /// The first and the last day of a range.
    pub fn dates(&mut self, from: Option<&str>, to: Option<&str>) -> (Option<BusinessDate>, Option<BusinessDate>) {
        let (from, to) = (self.date(At::Field("from"), from), self.date(At::Field("to"), to));
        if let (Some(first), Some(last)) = (from, to)
            && first > last
        {
            self.add(At::Field("to"), format!("{last} is before {first}"), "Give the earlier day as `from`.");
        }
        (from, to)
    }

    /// One of a set of words.
    pub fn word<T>(&mut self, at: At, raw: &str, parse: fn(&str) -> Option<T>, words: &[&str]) -> Option<T> {
        let value = parse(raw);
        if value.is_none() {
            self.add(
                at,
                format!("`{}` is not one of its words", echo(raw)),
                format!("Give one of: {}.", words.join(", ")),
            );
        }
        value
    }

    /// A query parameter that is a switch: absent, `true`, `false`, or without a value.
    pub fn switch(&mut self, at: At, raw: Option<&str>) -> bool {
        match raw {
            None | Some("false") => false,
            Some("true" | "") => true,
            Some(other) => {
                self.add(at, format!("`{}` is neither true nor false", echo(other)), "Give true or false.");
                false
            }
        }
    }

    fn decimal<T: Default>(&mut self, at: At, raw: &str, parsed: Result<T, DecimalError>, range: &str) -> T {
        parsed.unwrap_or_else(|error| {
            let remedy = match error {
                DecimalError::NotANumber => {
                    "Write digits and one point, as 2.55: no currency, blanks or commas.".to_owned()
                }
                DecimalError::TooPrecise { digits_max } => format!("Round it to {digits_max} digits after the point."),
                DecimalError::OutOfBounds => format!("Give a number between {range}."),
            };
            self.add(at, format!("`{}`: {error}", echo(raw)), remedy);
            T::default()
        })
    }
}

fn echo(raw: &str) -> String {
    let mut short: String = raw.chars().take(ECHO_CHARS_MAX).collect();
    if short.len() < raw.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const AT: At = At::Item("lines", 3, "price");

    fn refused<T>(check: impl FnOnce(&mut Errors) -> T) -> Vec<FieldError> {
        let mut errors = Errors::default();
        check(&mut errors);
        errors.0
    }

    #[test]
    fn a_wrong_number_names_field_and_remedy() {
        for (raw, remedy) in [
            ("1.1234567", "Round it to 6 digits after the point."),
            ("£2.55", "Write digits and one point, as 2.55: no currency, blanks or commas."),
            ("1000000000.01", "Give a number between 0 and 1000000000."),
            ("-1", "Give a price of 0 or more."),
        ] {
            let errors = refused(|errors| errors.price(AT, raw));
            assert_eq!(errors.len(), 1, "{raw}");
            assert_eq!((errors[0].pointer.as_str(), errors[0].remedy.as_str()), ("/lines/3/price", remedy), "{raw}");
        }
        assert!(refused(|errors| errors.price(AT, "1000000000")).is_empty());
        assert!(refused(|errors| errors.price(AT, "0")).is_empty());
    }

    #[test]
    fn a_quantity_is_refused_once() {
        for (raw, sign, count) in [
            ("1", Sign::Positive, 0),
            ("0", Sign::Positive, 1),
            ("-1", Sign::Positive, 1),
            ("x", Sign::Positive, 1),
            ("-1", Sign::NotZero, 0),
            ("0", Sign::NotZero, 1),
            ("1000000000", Sign::Positive, 0),
            ("1000000000.001", Sign::Positive, 1),
            ("0.0001", Sign::Positive, 1),
        ] {
            assert_eq!(refused(|errors| errors.quantity(AT, raw, sign)).len(), count, "{raw}");
        }
    }

    #[test]
    fn a_text_past_its_limit_is_refused() {
        for (length, count) in [(1, 0), (KEY_BYTES_MAX, 0), (KEY_BYTES_MAX + 1, 1)] {
            assert_eq!(refused(|errors| errors.name(AT, &"a".repeat(length))).len(), count, "{length}");
        }
        for (length, count) in [(TEXT_BYTES_MAX, 0), (TEXT_BYTES_MAX + 1, 1)] {
            assert_eq!(refused(|errors| errors.text(AT, &"a".repeat(length))).len(), count, "{length}");
        }
        for raw in ["", "  ", "a\nb", "a\u{0}"] {
            assert_eq!(refused(|errors| errors.name(AT, raw)).len(), 1, "{raw:?}");
        }
    }

    #[test]
    fn an_amount_keeps_the_digits_of_its_currency() {
        let yen = Currency::new("JPY", 0).unwrap();
        assert!(refused(|errors| errors.amount(AT, "15.30", None)).is_empty());
        assert_eq!(refused(|errors| errors.amount(AT, "15.30", Some(&yen))).len(), 1);
        assert_eq!(refused(|errors| errors.amount(AT, "0.00", None)).len(), 1);
        assert_eq!(refused(|errors| errors.amount(AT, "", None)).len(), 1);
    }

    #[test]
    fn a_currency_is_one_of_iso_4217() {
        let mut errors = Errors::default();
        assert_eq!(errors.currency(AT, "JPY").unwrap().minor_digits(), 0);
        assert_eq!(errors.currency(AT, "GBP").unwrap().minor_digits(), 2);
        for raw in ["gbp", "XYZ", "", "POUND"] {
            assert_eq!(errors.currency(AT, raw), None, "{raw}");
        }
    }

    #[test]
    fn a_range_of_days_runs_forward() {
        assert!(refused(|errors| errors.dates(Some("2010-12-01"), Some("2010-12-01"))).is_empty());
        assert_eq!(refused(|errors| errors.dates(Some("2010-12-02"), Some("2010-12-01")))[0].pointer, "/to");
        assert_eq!(refused(|errors| errors.dates(Some("01/12/2010"), None))[0].pointer, "/from");
    }

    #[test]
    fn at_most_a_hundred_errors_are_listed() {
        let errors = refused(|errors| (0..=ERRORS_LISTED_MAX).for_each(|_| errors.add(AT, "d", "r")));
        assert_eq!(errors.len(), ERRORS_LISTED_MAX);
    }

    #[test]
    fn a_long_wrong_text_is_not_repeated_whole() {
        let errors = refused(|errors| errors.price(AT, &"9".repeat(10_000)));
        assert!(errors[0].detail.len() < 120);
    }
}
