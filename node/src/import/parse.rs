//! Cells to model types, each failure a sentence that says what to do.
//!
//! Not the rules between rows of an order (those are `map`'s).
//!
//! Invariants: parsing is exact or a fault; a SKU keeps its case, its inner blanks and its leading zeros. Proved by
//! `a_sku_is_the_exact_text_without_blanks_around_it` and `numbers_past_their_bounds_are_faults`.

use crdt_model::decimal::DecimalError;
use crdt_model::money::{Currency, UnitPrice};
use crdt_model::product::barcode::Barcode;
use crdt_model::product::state::BARCODES_MAX;
use crdt_model::quantity::Quantity;
use crdt_model::text::Text;

use super::cells::PackedCells;
use super::columns::{Columns, Field};
use super::rejects::{Fault, excerpt};

/// Bytes of a text that names something: SKU, order, customer, region; keys are made of them.
const KEY_BYTES_MAX: usize = 1_024;
/// Bytes of a free text; with its SKU it must fit one event of an order.
const TEXT_BYTES_MAX: usize = 14 * 1_024;

/// The cells of a spooled row, found by field.
pub(super) struct FieldCells<'a> {
    columns: &'a Columns,
    texts: Vec<&'a str>,
}

impl<'a> FieldCells<'a> {
    pub(super) fn new(columns: &'a Columns, cells: &'a PackedCells) -> Result<Self, Fault> {
        let texts = cells.iter().map(std::str::from_utf8).collect::<Result<_, _>>();
        Ok(Self { columns, texts: texts.map_err(|_| undecodable())? })
    }

    /// The cell without blanks around it; empty where the file has no such column.
    pub(super) fn get(&self, field: Field) -> &'a str {
        let cell = self.columns.place(field).and_then(|place| self.texts.get(place));
        let cell = cell.copied().unwrap_or_default();
        match field {
            Field::Sku | Field::ExternalNumber => trim_key(cell),
            Field::OrderTime
            | Field::Name
            | Field::Quantity
            | Field::Price
            | Field::Customer
            | Field::Region
            | Field::Currency
            | Field::Unit
            | Field::Barcode => cell.trim(),
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, field: Field) -> Result<Text, Fault> {
        required_text(field, self.get(field))
    }

    /// A text that may be empty.
    pub(super) fn text_or_none(&self, field: Field) -> Result<Option<Text>, Fault> {
        let cell = self.get(field);
        if cell.is_empty() { Ok(None) } else { text(field, cell).map(Some) }
    }

    pub(super) fn quantity(&self) -> Result<Quantity, Fault> {
        let cell = self.get(Field::Quantity);
        let quantity = cell.parse::<Quantity>().map_err(|error| number_fault(Field::Quantity, cell, error))?;
        if quantity == Quantity::ZERO {
            return Err(Fault::of(
                Field::Quantity,
                "The quantity is 0. Give the number of units, or leave the row out.",
            ));
        }
        Ok(quantity)
    }

    pub(super) fn price(&self) -> Result<UnitPrice, Fault> {
        let cell = self.get(Field::Price);
        let price = cell.parse::<UnitPrice>().map_err(|error| number_fault(Field::Price, cell, error))?;
        if price < UnitPrice::default() {
            let reason = format!(
                "The price {} is negative. Give a price of 0 or more; a credit has a negative quantity.",
                excerpt(cell)
            );
            return Err(Fault::of(Field::Price, reason));
        }
        Ok(price)
    }

    /// A price that may be empty.
    pub(super) fn price_or_none(&self) -> Result<Option<UnitPrice>, Fault> {
        if self.get(Field::Price).is_empty() { Ok(None) } else { self.price().map(Some) }
    }

    /// The bar codes of a cell, parted by `;`, `,`, `|` or blanks, each once.
    pub(super) fn barcodes(&self) -> Result<Vec<Barcode>, Fault> {
        let part = |char: char| matches!(char, ';' | ',' | '|' | '；' | '，' | '、') || char.is_whitespace();
        let mut codes: Vec<Barcode> = Vec::new();
        for text in self.get(Field::Barcode).split(part).filter(|text| !text.is_empty()) {
            let code = Barcode::new(text).map_err(|error| {
                let remedy = "Correct the code, or leave the cell empty; several codes are parted by `;`.";
                Fault::of(Field::Barcode, format!("`{}`: {error}. {remedy}", excerpt(text)))
            })?;
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        if codes.len() > BARCODES_MAX {
            let reason = format!("The cell has more than {BARCODES_MAX} bar codes. Take some out.");
            return Err(Fault::of(Field::Barcode, reason));
        }
        Ok(codes)
    }

    pub(super) fn currency(&self) -> Result<Option<Currency>, Fault> {
        match self.get(Field::Currency) {
            "" => Ok(None),
            code => currency_of(code).map(Some).ok_or_else(|| {
                let reason =
                    format!("`{}` is not a currency. Give its ISO 4217 code, such as CNY or GBP.", excerpt(code));
                Fault::of(Field::Currency, reason)
            }),
        }
    }
}

/// The currency of an ISO 4217 code in capital letters; `None` for what is none or has no minor digits of its own.
pub(super) fn currency_of(code: &str) -> Option<Currency> {
    let digits = iso_currency::Currency::from_code(code)?.exponent()?;
    Currency::new(code, u8::try_from(digits).ok()?).ok()
}

/// The key's text, ASCII blanks around it dropped; anything else in it is part of the identity.
pub(super) fn trim_key(cell: &str) -> &str {
    cell.trim_matches(|char: char| char.is_ascii_whitespace())
}

pub(super) fn required_text(field: Field, cell: &str) -> Result<Text, Fault> {
    if cell.is_empty() {
        return Err(Fault::of(field, format!("The cell of `{}` is empty. Fill it in.", field.name())));
    }
    text(field, cell)
}

pub(super) fn undecodable() -> Fault {
    Fault::of_row(
        "The row has bytes that are not text in the file's encoding. Mend them, or name the encoding with --encoding.",
    )
}

fn text(field: Field, cell: &str) -> Result<Text, Fault> {
    let bytes_max = match field {
        Field::Name | Field::Unit | Field::Barcode => TEXT_BYTES_MAX,
        Field::ExternalNumber
        | Field::OrderTime
        | Field::Sku
        | Field::Quantity
        | Field::Price
        | Field::Customer
        | Field::Region
        | Field::Currency => KEY_BYTES_MAX,
    };
    let fits = Text::new(cell).ok().filter(|text| text.as_str().len() <= bytes_max);
    fits.ok_or_else(|| {
        let name = field.name();
        Fault::of(field, format!("The text of `{name}` is too long: the limit is {bytes_max} bytes. Shorten it."))
    })
}

fn number_fault(field: Field, cell: &str, error: DecimalError) -> Fault {
    let (name, cell) = (field.name(), excerpt(cell));
    let reason = match error {
        DecimalError::NotANumber if cell.is_empty() => format!("The cell of `{name}` is empty. Fill it in."),
        DecimalError::NotANumber => {
            format!(
                "`{cell}` is not a number. Write digits and at most one point, such as 1234.5, without blanks or commas."
            )
        }
        DecimalError::TooPrecise { digits_max } => {
            format!("{cell} has more than {digits_max} digits after the point. Round it to {digits_max}.")
        }
        DecimalError::OutOfBounds => {
            format!("{cell} is larger than a {name} can be. Correct it, or split the row.")
        }
    };
    Fault::of(field, reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::cells::Cells;
    use super::super::columns::{FileKind, Mapping};
    use super::*;

    /// Runs `read` on an order row in which `field` holds `cell`.
    fn with<T>(field: Field, cell: &str, read: impl Fn(&FieldCells<'_>) -> Result<T, Fault>) -> Result<T, String> {
        let header: Vec<String> = FileKind::Orders.fields().iter().map(|field| field.name().to_owned()).collect();
        let mapping = header.iter().fold(Mapping::default(), |mapping, name| {
            mapping.over(&Mapping::from_flags([format!("{name}:{name}").as_str()]).unwrap())
        });
        let columns = mapping.resolve(FileKind::Orders, &header).unwrap();
        let mut cells = Cells::default();
        for name in &header {
            cells.push(if name == field.name() { cell.as_bytes() } else { b"" });
        }
        let packed = cells.pack();
        let cells = FieldCells::new(&columns, &packed).unwrap();
        read(&cells).map_err(|fault| {
            let reject = fault.at(1, PackedCells::default());
            assert_eq!(reject.field, Some(field));
            reject.reason
        })
    }

    fn quantity(cell: &str) -> Result<String, String> {
        with(Field::Quantity, cell, |cells| cells.quantity()).map(|quantity| quantity.to_string())
    }

    fn price(cell: &str) -> Result<String, String> {
        with(Field::Price, cell, |cells| cells.price()).map(|price| price.to_string())
    }

    #[test]
    fn a_sku_is_the_exact_text_without_blanks_around_it() {
        for (cell, sku) in [(" 0085a  B\t", "0085a  B"), ("85123A", "85123A"), ("\u{3000}x", "\u{3000}x")] {
            assert_eq!(with(Field::Sku, cell, |cells| cells.text(Field::Sku)).unwrap().as_str(), sku);
        }
        assert!(with(Field::Sku, " ", |cells| cells.text(Field::Sku)).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_name_loses_the_blanks_around_it_and_may_be_empty() {
        let name = |cell| with(Field::Name, cell, |cells| cells.text_or_none(Field::Name)).unwrap();
        assert_eq!(name("\u{3000}茶壶 ").unwrap().as_str(), "茶壶");
        assert_eq!(name(" \u{3000}"), None);
    }

    #[test]
    fn a_text_of_the_limit_is_taken_and_one_byte_more_is_a_fault() {
        for (field, bytes_max) in [(Field::Name, TEXT_BYTES_MAX), (Field::Sku, KEY_BYTES_MAX)] {
            let text = |bytes| with(field, &"a".repeat(bytes), |cells| cells.text_or_none(field));
            assert!(text(bytes_max).is_ok());
            assert!(text(bytes_max + 1).unwrap_err().contains("too long"));
        }
    }

    #[test]
    fn numbers_past_their_bounds_are_faults() {
        assert_eq!(price("0.123456").unwrap(), "0.123456");
        assert_eq!(price("0.1234567").unwrap_err(), "0.1234567 has more than 6 digits after the point. Round it to 6.");
        assert!(price("1000000000.000001").unwrap_err().contains("larger than a price"));
        assert_eq!(quantity("1000000000").unwrap(), "1000000000");
        assert!(quantity("1000000000.001").unwrap_err().contains("larger than a quantity"));
        assert!(quantity("1.0001").unwrap_err().contains("Round it to 3"));
    }

    #[test]
    fn what_is_no_number_is_a_fault_that_quotes_it() {
        assert!(quantity("twelve").unwrap_err().starts_with("`twelve` is not a number."));
        assert!(quantity("1,234").unwrap_err().contains("without blanks or commas"));
        assert!(quantity("").unwrap_err().contains("empty"));
        assert!(quantity("0.000").unwrap_err().contains("is 0"));
        assert!(price("-0.01").unwrap_err().contains("negative"));
        assert_eq!(price(" 0 ").unwrap(), "0");
    }

    #[test]
    fn a_currency_has_its_iso_digits_or_is_a_fault() {
        let currency = |cell| with(Field::Currency, cell, |cells| cells.currency());
        assert_eq!(currency("JPY").unwrap(), Some(Currency::new("JPY", 0).unwrap()));
        assert_eq!(currency("").unwrap(), None);
        for cell in ["gbp", "£", "XXX", "ABCD"] {
            assert!(currency(cell).unwrap_err().contains("ISO 4217"), "{cell}");
        }
    }

    #[test]
    fn cells_that_are_not_utf8_are_a_fault_of_the_row() {
        let columns =
            Mapping::from_list("sku:a,name:b").unwrap().resolve(FileKind::Products, &["a".to_owned(), "b".to_owned()]);
        let mut cells = Cells::default();
        cells.push(b"\xFF");
        assert_eq!(FieldCells::new(&columns.unwrap(), &cells.pack()).err().unwrap(), undecodable());
    }
}
