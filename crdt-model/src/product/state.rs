//! The folded product: SKU and editable fields with every concurrent value.
//!
//! Invariants: concurrent edits of one field are all kept, the first is shown on every node; of several adoptions the
//! lowest event key stands. Proved by `concurrent_names_of_a_product_are_all_kept` and
//! `of_two_adoptions_the_lowest_key_stands` in `merge_laws`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::document::{Content, FieldValue};
use crate::event::Event;
use crate::money::UnitPrice;
use crate::product::{FIELD_BARCODE, FIELD_NAME, FIELD_PRICE, FIELD_UNIT};
use crate::text::Text;

/// Concurrent values of one field that are kept.
pub const FIELD_VALUES_MAX: usize = 64;

/// A folded product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductState {
    /// Exact SKU text.
    pub sku: Text,
    /// Names, the shown one first.
    pub names: Vec<Text>,
    /// Base units, the shown one first.
    pub units: Vec<Text>,
    /// Barcodes, the shown one first.
    pub barcodes: Vec<Text>,
    /// List prices as they were written, the shown one first.
    pub prices: Vec<Text>,
    /// The item of the catalogue that head office took it over as: its own SKU, or the one that it is another name of.
    pub adopted: Option<Text>,
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
            barcodes: texts(FIELD_BARCODE),
            prices: texts(FIELD_PRICE),
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

    /// The list price of one base unit; none where it was never set or is no price.
    pub fn price(&self) -> Option<UnitPrice> {
        let price: UnitPrice = self.prices.first()?.as_str().parse().ok()?;
        (price >= UnitPrice::default()).then_some(price)
    }

    /// Writes the row.
    pub fn encode(&self, writer: &mut Writer) {
        writer.text(&self.sku);
        for values in [&self.names, &self.units, &self.barcodes, &self.prices] {
            writer.list(values, |w, value| {
                w.text(value);
            });
        }
        writer.option(self.adopted.as_ref(), |w, sku| {
            w.text(sku);
        });
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sku = reader.text("sku")?;
        let mut texts = || reader.list("values", FIELD_VALUES_MAX, |r| r.text("value"));
        let (names, units, barcodes, prices) = (texts()?, texts()?, texts()?, texts()?);
        Ok(Self { sku, names, units, barcodes, prices, adopted: reader.option("adopted", |r| r.text("adopted"))? })
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
