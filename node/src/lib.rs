//! Placeholder.
pub mod replica;
pub mod store;
