//! The pages themselves: functions from view models to HTML.
//!
//! Nothing here reads the store or the clock; a test calls a page with made-up views.
//!
//! Invariant: no page marks a text as HTML that it did not make itself; proved by `no_page_passes_text_as_html`.

pub mod catalogue;
pub mod drawings;
pub mod error;
pub mod imports;
pub mod inbox;
pub mod network;
pub mod new_order;
pub mod order;
pub mod orders;
pub mod receipt;
pub mod reports;
pub mod search;
pub mod sign_in;
pub mod stock;
pub mod table;
pub mod words;
