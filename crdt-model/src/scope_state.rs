//! The state of a scope, kept up to date document by document.
//!
//! A document's row adds a *contribution* (`contribution`): stock, sales, index entries, cases. Replacing a row takes the
//! old contribution away and adds the new one; claims that only one document may win ((channel, external number),
//! request) are settled in `settle`, bookings and loans in
//! `rights`. The same code runs over the node's store and over
//! a map in tests, and a rebuild from nothing gives the same rows.
//!
//! Invariant: the rows are a function of the set of document rows, not of their order. Proved by
//! `any_order_of_updates_gives_the_same_rows` in `merge_laws`.

mod claims;
mod contribution;
mod ledger;
mod rights;
mod settle;
mod skus;
mod views;

pub use contribution::label_of;
pub use rights::{LoanEntry, Unbooked, loan_entry, loans, open_loans, read_loan, unbooked};
pub use settle::{
    ScopeError, add_to_counter, case_key, read_counter, read_document, read_over_lanes, read_stock, replace_document,
};
pub use skus::{barcode_key, sku_key};
pub use views::{fulfilments_of, lane_of};
