//! Products (商品): the item master. `event` holds the founding event, `state` the folded product.
//!
//! The document id derives from the SKU text, so two sites that meet the same unknown code write the same document.

pub mod event;
pub mod state;

/// Editable field: the name.
pub const FIELD_NAME: &str = "name";
/// Editable field: the base unit.
pub const FIELD_UNIT: &str = "unit";
/// Editable field: the barcode, leading zeros kept.
pub const FIELD_BARCODE: &str = "barcode";
/// Editable field: the list price of one base unit in the organisation's currency, a decimal text.
pub const FIELD_PRICE: &str = "price";
