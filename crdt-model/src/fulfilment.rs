//! Fulfilments: lines of an order that another site ships, in the lane of the two sites.
//!
//! The *taker* took the order, the *shipper* has the goods. `event` holds the bodies, `state` the folded document, `fold`
//! the pure function between them, `decide` what a command writes. The order itself stays in the taker's scope and says
//! what it sent (`order::sent`); `whole` puts both together.

pub mod decide;
pub mod event;
pub mod fold;
pub mod state;
pub mod whole;

/// Bytes of the lines of one fulfilment: it is written in one change, further lines go into a further one.
pub const FULFILMENT_BYTES_MAX: usize = 80 * 1024;
