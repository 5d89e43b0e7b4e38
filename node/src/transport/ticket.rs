//! The invitation of one device, as text: where the inviter is, its key, and a secret that proves the invitation.
//!
//! The text form is iroh's (`tradepost` and base32), the bytes are postcard's. It is signed by nobody: the secret is what
//! counts, and the inviter keeps only what is derived from it.
//!
//! Invariants: one ticket has one text; whatever is too long or has bytes left over is refused. Proved by
//! `a_ticket_is_read_back_from_its_text` and `a_damaged_ticket_is_refused`.

use std::net::SocketAddr;

use crdt_model::id::{DeviceId, OrgId};
use crdt_model::scope::SiteCode;
use crdt_model::time::Timestamp;
use iroh_tickets::{ParseError, Ticket as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Addresses in a ticket.
pub const TICKET_ADDRESSES_MAX: usize = 8;
/// Characters of a ticket.
pub const TICKET_CHARS_MAX: usize = 2_048;

/// What a new device needs to ask for admission.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The organisation: the hash of its genesis.
    pub org: OrgId,
    /// The device that invites; what answers with another key is not it.
    pub inviter: DeviceId,
    /// Where it was when it invited.
    pub addresses: Vec<SocketAddr>,
    /// 128 bits that prove the invitation.
    pub secret: [u8; 16],
    /// The site that the new device will belong to.
    pub site: SiteCode,
    /// Until when, by the inviter's clock.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ticket").field("org", &self.org).field("site", &self.site).finish_non_exhaustive()
    }
}

/// A text is not a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a ticket: {detail}")]
pub struct TicketError {
    /// What is wrong.
    pub detail: String,
}

/// The bytes of a ticket.
#[derive(Serialize, Deserialize)]
enum Wire {
    V1(WireV1),
}

#[derive(Serialize, Deserialize)]
struct WireV1 {
    org: [u8; 32],
    inviter: [u8; 32],
    addresses: Vec<SocketAddr>,
    secret: [u8; 16],
    site: String,
    expires: i64,
}

impl iroh_tickets::Ticket for Wire {
    const KIND: &'static str = "tradepost";

    fn encode_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("invariant: a ticket is fixed bytes, numbers and a short text")
    }

    fn decode_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (wire, rest) = postcard::take_from_bytes(bytes)?;
        if rest.is_empty() { Ok(wire) } else { Err(ParseError::verification_failed("bytes follow the ticket")) }
    }
}

impl Ticket {
    /// The text to hand over.
    pub fn to_text(&self) -> String {
        let addresses = self.addresses.iter().take(TICKET_ADDRESSES_MAX).copied().collect();
        let wire = Wire::V1(WireV1 {
            org: self.org.0,
            inviter: self.inviter.0,
            addresses,
            secret: self.secret,
            site: self.site.to_string(),
            expires: self.expires.0,
        });
        wire.encode_string()
    }

    /// Reads a text.
    pub fn from_text(text: &str) -> Result<Self, TicketError> {
        let refuse = |detail: &str| TicketError { detail: detail.to_owned() };
        if text.len() > TICKET_CHARS_MAX {
            return Err(refuse("it is too long"));
        }
        let Wire::V1(wire) = Wire::decode_string(text.trim()).map_err(|error| refuse(&error.to_string()))?;
        if wire.addresses.len() > TICKET_ADDRESSES_MAX {
            return Err(refuse("it has too many addresses"));
        }
        let ticket = Self {
            org: OrgId(wire.org),
            inviter: DeviceId(wire.inviter),
            addresses: wire.addresses,
            secret: wire.secret,
            site: SiteCode::new(&wire.site).map_err(|error| refuse(&error.to_string()))?,
            expires: Timestamp(wire.expires),
        };
        if ticket.to_text() == text.trim() { Ok(ticket) } else { Err(refuse("it is not in its only form")) }
    }

    /// The name of the invitation, by which the inviter finds it.
    pub fn invite_id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::derive_key("tradepost 2026 invite id", &self.secret)[..16]);
        id
    }

    /// What proves the secret; the inviter keeps this and not the secret.
    pub fn verifier(&self) -> [u8; 32] {
        blake3::derive_key("tradepost 2026 invite verifier", &self.secret)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ticket(addresses: usize) -> Ticket {
        Ticket {
            org: OrgId([1; 32]),
            inviter: DeviceId([2; 32]),
            addresses: (0..addresses).map(|at| SocketAddr::from(([127, 0, 0, 1], 7000 + at as u16))).collect(),
            secret: [3; 16],
            site: SiteCode::new("SH01").unwrap(),
            expires: Timestamp(1_800_000_000_000),
        }
    }

    #[test]
    fn a_ticket_is_read_back_from_its_text() {
        for addresses in [0, 1, TICKET_ADDRESSES_MAX] {
            let ticket = ticket(addresses);
            let text = ticket.to_text();
            assert!(text.starts_with("tradepost") && text.len() <= TICKET_CHARS_MAX, "{}", text.len());
            assert_eq!(Ticket::from_text(&format!(" {text}\n")).unwrap(), ticket);
        }
        let many = Ticket::from_text(&ticket(TICKET_ADDRESSES_MAX + 1).to_text()).unwrap();
        assert_eq!(many.addresses.len(), TICKET_ADDRESSES_MAX);
    }

    #[test]
    fn a_damaged_ticket_is_refused() {
        let text = ticket(1).to_text();
        let cases = ["", "tradepost", "tradepost!", &text[1..], &text[..text.len() - 3], &format!("{text}aaaaaaaa")];
        for damaged in cases {
            assert!(Ticket::from_text(damaged).is_err(), "{damaged}");
        }
        assert!(Ticket::from_text(&text.to_uppercase()).is_err());
        assert!(Ticket::from_text(&"a".repeat(TICKET_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn the_inviter_keeps_nothing_that_tells_the_secret() {
        let ticket = ticket(1);
        assert_ne!(ticket.verifier()[..16], ticket.secret);
        assert_ne!(ticket.invite_id(), ticket.verifier()[..16]);
        assert!(!format!("{ticket:?}").contains("03"), "{ticket:?}");
    }
}
