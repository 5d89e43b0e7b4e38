//! Placeholder.

pub mod change;
