//! Customers: profile fields, each sealed under the customer's key. `event` holds the founding event, `state` the fold.

pub mod event;
pub mod state;

/// Editable sealed field: the name.
pub const FIELD_NAME: &str = "name";
/// Editable sealed field: the phone number as typed.
pub const FIELD_PHONE: &str = "phone";
/// Editable sealed field: the e-mail address.
pub const FIELD_EMAIL: &str = "email";
/// Editable sealed field: the address.
pub const FIELD_ADDRESS: &str = "address";
/// The sealed fields in the order in which rows hold them.
pub const SEALED_FIELDS: [&str; 4] = [FIELD_NAME, FIELD_PHONE, FIELD_EMAIL, FIELD_ADDRESS];
