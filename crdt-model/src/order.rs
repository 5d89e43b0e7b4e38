//! Orders: sales, credit orders and historical adjustments.
//!
//! `event`, `draw` and `sent` hold the bodies of an order's events, `state` the folded order and `line` its lines with their
//! ladder, `fold` the pure function between them, `decide` and
//! `promise` what a command writes, `moves` what each event did. What other sites ship is
//! added by `fulfilment::whole`. Nothing here knows other documents:
//! uniqueness across orders is `scope_state`'s.

pub mod decide;
pub mod draw;
pub mod event;
pub mod fold;
pub mod line;
pub mod moves;
pub mod promise;
pub mod sent;
pub mod state;
