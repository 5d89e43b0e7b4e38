//! The small texts commands take: order lines, payments, shipped quantities, column mappings, keys.
//! It splits and never judges amounts: the node does.
//! Invariant: an article number may hold colons; proved by `sku_may_hold_colons`.

use serde_json::{Value, json};
use thiserror::Error;

/// Longest idempotency key, in characters.
pub const KEY_CHARS_MAX: usize = 128;

/// A text that has not the form its option asks for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueError {
    /// Not `SKU:QTY:PRICE`.
    #[error("write SKU:QTY:PRICE, such as 85123A:6:2.55")]
    Line,
    /// Not `TENDER:AMOUNT[:REF]`.
    #[error("write TENDER:AMOUNT or TENDER:AMOUNT:REF, such as cash:15.30")]
    Payment,
    /// Not `N:QTY`.
    #[error("write N:QTY, the line's number from 1 and a quantity, such as 1:6")]
    LineQuantity,
    /// Not `field=Column`.
    #[error("write field=Column; a column with a comma in its name must be renamed in the file")]
    Mapping,
    /// Not 1 to 128 visible ASCII characters.
    #[error("write 1 to {KEY_CHARS_MAX} visible ASCII characters")]
    Key,
}

/// One line of a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// Article number, exact text.
    pub sku: String,
    /// Decimal text.
    pub quantity: String,
    /// Decimal text, in the order's currency.
    pub price: String,
}

impl OrderLine {
    /// Splits `SKU:QTY:PRICE` from the right.
    pub fn parse(text: &str) -> Result<OrderLine, ValueError> {
        let mut parts = text.rsplitn(3, ':').map(str::trim);
        let (price, quantity, sku) = (parts.next(), parts.next(), parts.next());
        match (sku, quantity, price) {
            (Some(sku), Some(quantity), Some(price))
                if !sku.is_empty() && !quantity.is_empty() && !price.is_empty() =>
            {
                Ok(OrderLine { sku: sku.to_owned(), quantity: quantity.to_owned(), price: price.to_owned() })
            }
            _ => Err(ValueError::Line),
        }
    }

    /// The line as the API takes it.
    pub fn to_json(&self) -> Value {
        json!({"sku": self.sku, "quantity": self.quantity, "price": self.price})
    }
}

/// One payment of a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Kind of money: cash, card...
    pub tender: String,
    /// Decimal text, in the order's currency.
    pub amount: String,
    /// Receipt or transfer number.
    pub reference: Option<String>,
}

impl Payment {
    /// Splits `TENDER:AMOUNT[:REF]` from the left; the reference may hold colons.
    pub fn parse(text: &str) -> Result<Payment, ValueError> {
        let mut parts = text.splitn(3, ':').map(str::trim);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(tender), Some(amount), reference)
                if !tender.is_empty() && !amount.is_empty() && reference != Some("") =>
            {
                Ok(Payment {
                    tender: tender.to_owned(),
                    amount: amount.to_owned(),
                    reference: reference.map(str::to_owned),
                })
            }
            _ => Err(ValueError::Payment),
        }
    }

    /// The payment as the API takes it.
    pub fn to_json(&self) -> Value {
        let mut payment = json!({"tender": self.tender, "amount": self.amount});
        if let Some(reference) = &self.reference {
            payment["reference"] = json!(reference);
        }
        payment
    }
}

/// A quantity of one line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineQuantity {
    /// The line's number, from 1.
    pub line: u32,
    /// Decimal text.
    pub quantity: String,
}

impl LineQuantity {
    /// Splits `N:QTY`.
    pub fn parse(text: &str) -> Result<LineQuantity, ValueError> {
        let (line, quantity) = text.split_once(':').ok_or(ValueError::LineQuantity)?;
        let line: u32 = line.trim().parse().map_err(|_| ValueError::LineQuantity)?;
        let quantity = quantity.trim();
        if line == 0 || quantity.is_empty() {
            return Err(ValueError::LineQuantity);
        }
        Ok(LineQuantity { line, quantity: quantity.to_owned() })
    }

    /// The quantity as the API takes it.
    pub fn to_json(&self) -> Value {
        json!({"line": self.line, "quantity": self.quantity})
    }
}

/// Which column of a file fills a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: String,
    /// The column's heading.
    pub column: String,
}

impl Mapping {
    /// Splits `field=Column`.
    pub fn parse(text: &str) -> Result<Mapping, ValueError> {
        let (field, column) = text.split_once('=').ok_or(ValueError::Mapping)?;
        let (field, column) = (field.trim(), column.trim());
        let bad = field.is_empty() || column.is_empty();
        if bad || column.contains(',') || field.contains([',', ':']) {
            return Err(ValueError::Mapping);
        }
        Ok(Mapping { field: field.to_owned(), column: column.to_owned() })
    }

    /// All mappings of a mapping file: one `field = Column` a line, `#` starts a remark line.
    /// Fails with the offending line.
    pub fn parse_file(text: &str) -> Result<Vec<Mapping>, String> {
        text.trim_start_matches('\u{feff}')
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| Mapping::parse(line).map_err(|_| line.to_owned()))
            .collect()
    }
}

/// The mappings as the API's query takes them; none when there are none.
pub fn mapping_query(mappings: &[Mapping]) -> Option<String> {
    let pairs: Vec<String> = mappings.iter().map(|mapping| format!("{}:{}", mapping.field, mapping.column)).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// Checks an idempotency key.
pub fn parse_key(text: &str) -> Result<String, ValueError> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=KEY_CHARS_MAX).contains(&text.len()) { Ok(text.to_owned()) } else { Err(ValueError::Key) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sku_may_hold_colons() {
        let line = OrderLine::parse("A:B:c:6:2.55").unwrap();
        assert_eq!(line.to_json(), json!({"sku": "A:B:c", "quantity": "6", "price": "2.55"}));
    }

    #[test]
    fn line_without_a_part_is_refused() {
        for text in ["", "A", "A:6", ":6:2.55", "A::2.55", "A:6:", "::"] {
            assert_eq!(OrderLine::parse(text), Err(ValueError::Line), "{text}");
        }
    }

    #[test]
    fn payment_reference_is_optional_and_may_hold_colons() {
        let plain = Payment::parse("cash:15.30").unwrap();
        assert_eq!(plain.to_json(), json!({"tender": "cash", "amount": "15.30"}));
        let long = Payment::parse("card:15.30:T:1").unwrap();
        assert_eq!(long.reference.as_deref(), Some("T:1"));
        for text in ["", "cash", "cash:", ":5", "cash:5:"] {
            assert_eq!(Payment::parse(text), Err(ValueError::Payment), "{text}");
        }
    }

    #[test]
    fn line_numbers_start_at_one() {
        assert_eq!(LineQuantity::parse("1:6").unwrap().to_json(), json!({"line": 1, "quantity": "6"}));
        for text in ["0:6", "x:6", "1", "1:", "-1:2", "4294967296:1"] {
            assert_eq!(LineQuantity::parse(text), Err(ValueError::LineQuantity), "{text}");
        }
    }

    #[test]
    fn mapping_file_has_one_pair_a_line() {
        let text = "\u{feff}# orders\nsku = Stock Code\n\nprice=单价:含税\n";
        let mappings = Mapping::parse_file(text).unwrap();
        assert_eq!(mapping_query(&mappings).unwrap(), "sku:Stock Code,price:单价:含税");
        assert_eq!(Mapping::parse_file("sku=A\nprice"), Err("price".to_owned()));
        assert_eq!(mapping_query(&[]), None);
    }

    #[test]
    fn mapping_that_the_query_cannot_carry_is_refused() {
        for text in ["sku", "=A", "sku=", "sku=A,B", "s:k=A"] {
            assert_eq!(Mapping::parse(text), Err(ValueError::Mapping), "{text}");
        }
    }

    #[test]
    fn key_is_at_most_128_visible_characters() {
        assert!(parse_key(&"k".repeat(KEY_CHARS_MAX)).is_ok());
        for key in ["", "a b", "é", &"k".repeat(KEY_CHARS_MAX + 1)] {
            assert_eq!(parse_key(key), Err(ValueError::Key), "{key}");
        }
    }
}
