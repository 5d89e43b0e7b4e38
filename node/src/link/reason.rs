//! Why a link is as it is: stable codes, the same in status, coverage and on the wire.
//!
//! Invariant: codes never change. Proved by `reason_codes_are_pinned`.

/// The state of a link in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The stream is open.
    Connected,
    /// It is being opened.
    Connecting,
    /// Nobody answers.
    Unreachable,
    /// The peer does not take us now.
    Refused,
    /// This node is paused.
    PausedHere,
    /// The peer is paused.
    PausedThere,
    /// One side does not know the other as a member.
    NotAdmitted,
    /// The peer belongs to another organisation.
    WrongOrg,
    /// No protocol that both know, or the peer broke its rules.
    Protocol,
    /// The peer sent what is not a frame.
    BadFrame,
    /// The peer sent what is not a valid commit.
    BadCommit,
    /// Two commits of one author under one number.
    Fork,
    /// Nobody has told where the peer is.
    NoAddress,
    /// One side has no room left.
    DiskFull,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Connected,
        Self::Connecting,
        Self::Unreachable,
        Self::Refused,
        Self::PausedHere,
        Self::PausedThere,
        Self::NotAdmitted,
        Self::WrongOrg,
        Self::Protocol,
        Self::BadFrame,
        Self::BadCommit,
        Self::Fork,
        Self::NoAddress,
        Self::DiskFull,
    ];

    /// The code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Connecting => "connecting",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::PausedHere => "paused_here",
            Self::PausedThere => "paused_there",
            Self::NotAdmitted => "not_admitted",
            Self::WrongOrg => "wrong_org",
            Self::Protocol => "protocol",
            Self::BadFrame => "bad_frame",
            Self::BadCommit => "bad_commit",
            Self::Fork => "fork",
            Self::NoAddress => "no_address",
            Self::DiskFull => "disk_full",
        }
    }

    /// What a close by the peer means here; its own pause is a pause there.
    pub fn of_peer(code: &str) -> Self {
        match Self::ALL.into_iter().find(|reason| reason.code() == code) {
            Some(Self::PausedHere) => Self::PausedThere,
            Some(Self::Connected | Self::Connecting | Self::NoAddress | Self::PausedThere) | None => Self::Refused,
            Some(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_codes_are_pinned() {
        let codes = Reason::ALL.map(Reason::code).join(" ");
        assert_eq!(
            codes,
            "connected connecting unreachable refused paused_here paused_there not_admitted wrong_org protocol \
             bad_frame bad_commit fork no_address disk_full"
        );
    }

    #[test]
    fn the_pause_of_a_peer_is_a_pause_there() {
        assert_eq!(Reason::of_peer("paused_here"), Reason::PausedThere);
        assert_eq!(Reason::of_peer("not_admitted"), Reason::NotAdmitted);
        assert_eq!(Reason::of_peer("busy"), Reason::Refused);
        assert_eq!(Reason::of_peer("connected"), Reason::Refused);
    }
}
