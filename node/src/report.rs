//! Reports: pure functions over read rows, no store and no clock.

pub mod coverage;
pub mod sales;
