//! Why a session ends: stable codes, on the wire and in status.
//!
//! Invariant: a released code never changes its meaning. Proved by `reason_codes_are_pinned`.

use crdt_model::codec::DecodeError;

use crate::sync::frame::FrameError;
use crate::sync::log::LogError;
use crate::sync::run::RunError;

/// A stable reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Another organisation.
    WrongOrg,
    /// No protocol that both know.
    Protocol,
    /// A frame that breaks a rule of the protocol.
    BadFrame,
    /// A commit that breaks a rule of its form, or has a false signature.
    BadCommit,
    /// A scope that the peer does not hold.
    NotGranted,
    /// The author that the peer names is not admitted for its device.
    NotAdmitted,
    /// More than the allowed bytes without an acknowledgement.
    Flood,
    /// Nothing came where something was due.
    Silent,
    /// Paused.
    Paused,
    /// The store could not be read or written.
    Storage,
    /// A reason of a later program.
    Other,
}

impl Reason {
    /// Every reason with its code.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::WrongOrg, "wrong_org"),
        (Self::Protocol, "protocol"),
        (Self::BadFrame, "bad_frame"),
        (Self::BadCommit, "bad_commit"),
        (Self::NotGranted, "not_granted"),
        (Self::NotAdmitted, "not_admitted"),
        (Self::Flood, "flood"),
        (Self::Silent, "silent"),
        (Self::Paused, "paused"),
        (Self::Storage, "storage"),
        (Self::Other, "other"),
    ];

    /// Its code on the wire.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("other", |(_, code)| code)
    }

    /// The reason of a code.
    pub fn of_code(code: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == code).map_or(Self::Other, |(reason, _)| *reason)
    }
}

/// Which end closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This one.
    Here,
    /// The peer.
    There,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Why.
    pub reason: Reason,
    /// Who closed.
    pub by: Side,
    /// What exactly, for the log; empty where the peer closed.
    pub detail: String,
}

/// Ends a step: the session closes.
#[derive(Debug)]
pub(super) struct Stop {
    pub reason: Reason,
    pub detail: String,
}

impl Stop {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::new(Reason::Storage, error.to_string())
    }
}

impl From<FrameError> for Stop {
    fn from(error: FrameError) -> Self {
        Self::new(Reason::BadFrame, error.to_string())
    }
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::new(Reason::BadFrame, error.to_string())
    }
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        let reason = match error {
            RunError::Commit(_) => Reason::BadCommit,
            RunError::Decode(_) | RunError::OtherScope { .. } | RunError::TooMuch => Reason::BadFrame,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_codes_are_pinned() {
        let codes: Vec<_> = Reason::ALL.iter().map(|(_, code)| *code).collect();
        assert_eq!(
            codes.join(" "),
            "wrong_org protocol bad_frame bad_commit not_granted not_admitted flood silent paused storage other"
        );
        for (reason, code) in Reason::ALL {
            assert_eq!((reason.code(), Reason::of_code(code)), (code, reason));
        }
        assert_eq!(Reason::of_code("of_tomorrow"), Reason::Other);
    }
}
