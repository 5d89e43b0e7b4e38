//! The folded product: SKU and editable fields with every concurrent value.
//!
//! Invariants: concurrent edits of one field are all kept, the first is shown on every node; bar codes add up, each once;
//! of several adoptions the lowest event key stands. Proved by `concurrent_names_of_a_product_are_all_kept`,
//! `bar_codes_of_a_product_add_up` and `of_two_adoptions_the_lowest_key_stands` in `merge_laws`.

use std::collections::BTreeSet;

use crate::codec::{DecodeError, Reader, Writer};
use crate::document::{Content, FieldValue};
use crate::event::Event;
use crate::money::UnitPrice;
use crate::product::barcode::Barcode;
use crate::product::{FIELD_BARCODE, FIELD_NAME, FIELD_PRICE, FIELD_UNIT};
use crate::text::Text;

/// Concurrent values of one field that are kept.
pub const FIELD_VALUES_MAX: usize = 64;
/// Bar codes of one product that a row shows.
pub const BARCODES_MAX: usize = 256;

/// A folded product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductState {
    /// Exact SKU text.
    pub sku: Text,
    /// Names, the shown one first.
    pub names: Vec<Text>,
    /// Base units, the shown one first.
    pub units: Vec<Text>,
    /// Barcodes, each once: the ones of the field first, then those that were added, in the order of their texts.
    pub barcodes: Vec<Text>,
    /// List prices of one base unit, the shown one first.
    pub prices: Vec<UnitPrice>,
    /// The item of the catalogue that head office took it over as: its own SKU, or the one that it is another name of.
    pub adopted: Option<Text>,
}

/// What an edit of a product still has to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductChange {
    /// Codes that it does not carry yet.
    pub barcodes: Vec<Barcode>,
    /// A price other than the one that stands.
    pub price: Option<UnitPrice>,
}

impl ProductChange {
    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.barcodes.is_empty() && self.price.is_none()
    }
}

impl ProductState {
    /// Folds a product; `None` until its founding event is held. Of several the lowest key stands.
    pub fn fold(content: &Content) -> Option<Self> {
        let posted = content.events.values().find_map(|event| match event {
            Event::ProductPosted(posted) => Some(posted),
            _other => None,
        })?;
        let adopted = content.events.values().find_map(|event| match event {
            Event::ProductAdopted(adopted) => Some(adopted.sku.clone()),
            _other => None,
        });
        let texts = |field| texts_of(content, field);
        Some(Self {
            sku: posted.sku.clone(),
            names: texts(FIELD_NAME),
            units: texts(FIELD_UNIT),
            barcodes: barcodes_of(content, texts(FIELD_BARCODE)),
            prices: texts(FIELD_PRICE).iter().filter_map(price_of).collect(),
            adopted,
        })
    }

    /// The SKU of which this item is another name.
    pub fn alias_of(&self) -> Option<&Text> {
        self.adopted.as_ref().filter(|sku| **sku != self.sku)
    }

    /// The shown name, else the SKU.
    pub fn name(&self) -> &Text {
        self.names.first().unwrap_or(&self.sku)
    }

    /// The list price that is shown.
    pub fn price(&self) -> Option<UnitPrice> {
        self.prices.first().copied()
    }

    /// What has to be written so that it carries these codes and has this price; what is not given stays.
    pub fn change_to(&self, barcodes: &[Barcode], price: Option<UnitPrice>) -> ProductChange {
        let carried = |code: &&Barcode| !self.barcodes.contains(code.text());
        let settled = |price: &UnitPrice| self.prices[..] != [*price];
        ProductChange { barcodes: barcodes.iter().filter(carried).cloned().collect(), price: price.filter(settled) }
    }

    /// Writes the row.
    pub fn encode(&self, writer: &mut Writer) {
        writer.text(&self.sku);
        for values in [&self.names, &self.units, &self.barcodes] {
            writer.list(values, |w, value| {
                w.text(value);
            });
        }
        writer.list(&self.prices, |w, price| price.encode(w));
        writer.option(self.adopted.as_ref(), |w, sku| {
            w.text(sku);
        });
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sku = reader.text("sku")?;
        let mut texts = |most| reader.list("values", most, |r| r.text("value"));
        let (names, units, barcodes) = (texts(FIELD_VALUES_MAX)?, texts(FIELD_VALUES_MAX)?, texts(BARCODES_MAX)?);
        let prices = reader.list("prices", FIELD_VALUES_MAX, |r| UnitPrice::decode("price", r))?;
        let adopted = reader.option("adopted", |r| r.text("adopted"))?;
        Ok(Self { sku, names, units, barcodes, prices, adopted })
    }
}

fn texts_of(content: &Content, field: &str) -> Vec<Text> {
    let values = content.fields.get(field).map_or(&[][..], Vec::as_slice);
    let texts = values.iter().filter_map(|value| match value {
        FieldValue::Text(text) => Text::new(text).ok(),
        FieldValue::Bytes(_) => None,
    });
    texts.take(FIELD_VALUES_MAX).collect()
}

/// The codes of the field, then those of the events.
fn barcodes_of(content: &Content, mut barcodes: Vec<Text>) -> Vec<Text> {
    let added = content.events.values().filter_map(|event| match event {
        Event::BarcodeAdded(added) => Some(added.barcode.text().clone()),
        _other => None,
    });
    let added: BTreeSet<Text> = added.filter(|code| !barcodes.contains(code)).collect();
    barcodes.extend(added);
    barcodes.truncate(BARCODES_MAX);
    barcodes
}

/// A price that is not below zero; any other text shows nothing.
fn price_of(text: &Text) -> Option<UnitPrice> {
    text.as_str().parse().ok().filter(|price: &UnitPrice| price.millionths() >= 0)
}
