//! Products (商品): the item master. `event` holds its events, `state` the folded product, `barcode` the codes
//! by which it is scanned.
//!
//! The document id derives from the SKU text, so two sites that meet the same unknown code write the same document.

pub mod barcode;
pub mod event;
pub mod state;

/// Editable field: the name.
pub const FIELD_NAME: &str = "name";
/// Editable field: the base unit.
pub const FIELD_UNIT: &str = "unit";
/// Editable field: the one barcode of products of before; further ones are events.
pub const FIELD_BARCODE: &str = "barcode";
/// Editable field: the list price of one base unit in the organisation's currency, as decimal text.
pub const FIELD_PRICE: &str = "price";
