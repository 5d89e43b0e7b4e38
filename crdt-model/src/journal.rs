//! Journals: stock facts that belong to no order, and the keeper's bookings of rights.
//!
//! Also the loans of rights that the keeper makes and its holders give back.
//!
//! A journal has a random id, one (author, session), and at most [`JOURNAL_EVENTS_MAX`] events; then a new one begins.
//! `event`, `loan` and `entrusted` hold
//! the bodies, `state` the folded journal.

pub mod entrusted;
pub mod event;
pub mod loan;
pub mod state;

/// Events of one journal.
pub const JOURNAL_EVENTS_MAX: usize = 128;
