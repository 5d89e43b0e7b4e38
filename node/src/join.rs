//! Enrolment: how an invited device becomes a member.
//!
//! `host` is the inviter's side, `guest` the new device's, `message` what they say, `proof` how the secret and the keys are
//! proved. The new device dials the key of its ticket, proves the secret, gets `control` alone, verifies it from the
//! genesis, shows its author key, and is done when its admission is durable in its own store.
//!
//! Invariants: a ticket admits one device; the secret itself never travels. Proved by
//! `a_ticket_admits_one_device_and_that_one_again` and `a_proof_is_good_for_one_meeting_alone`.

pub(crate) mod guest;
pub(crate) mod host;
pub(crate) mod message;
pub(crate) mod proof;

pub use guest::{JoinReport, JoinRequest, join};
