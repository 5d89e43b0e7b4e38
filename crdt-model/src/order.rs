//! Orders: sales, credit orders and historical adjustments.
//!
//! `event` holds the bodies of an order's events, `state` the folded order, `fold` the pure function between them,
//! `decide` what a command writes. Nothing here knows other documents: uniqueness across orders is `scope_state`'s.

pub mod decide;
pub mod event;
pub mod fold;
pub mod state;
