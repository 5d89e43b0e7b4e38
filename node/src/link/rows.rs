//! What a node keeps for itself about links: peers, invitations, its port and its pause.
//!
//! Rows of the tables `peers` (by device), `invites` (by invite id) and `local`. None of it is signed or sent.
//!
//! Invariants: one encoding each; of a ticket's misuse a bounded list is kept. Proved by `rows_are_read_back` and
//! `misuse_of_a_ticket_is_kept_to_its_limit`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::control::event::{Site, SiteKind};
use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::time::Timestamp;

use crate::sync::PeerAddress;

/// Addresses that are kept of a peer.
pub const PEER_ADDRESSES_MAX: usize = 16;
/// Name of the row with this node's sync address.
pub const LOCAL_SYNC_LISTEN: &[u8] = b"sync listen";
/// Name of the row that is there while sync is paused.
pub const LOCAL_SYNC_PAUSED: &[u8] = b"sync paused";
/// Name of the row that is there until this node's admission is durable: its organisation and site.
pub const LOCAL_JOINING: &[u8] = b"joining";

/// Devices that are remembered for trying one ticket without a right to it.
pub const MISUSES_MAX: usize = 8;
/// How long the same device may try again before that is written again, in milliseconds.
const MISUSE_MS_MIN: i64 = 60_000;

/// Scopes of a peer's durable heads.
const ACKED_SCOPES_MAX: usize = 4_096;
/// Authors in one of them.
const ACKED_AUTHORS_MAX: usize = 4_096;
const VERSION: u8 = 1;
/// Invitations of version 1 have no misuses.
const INVITE_VERSION: u8 = 2;

/// The durable heads of a peer: the last number of each author, by scope.
pub type Acked = BTreeMap<Scope, BTreeMap<AuthorId, u64>>;

/// What is remembered of a peer, by its device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerRow {
    /// Where it said it is.
    pub addresses: Vec<SocketAddr>,
    /// Where an operator said it is: tried first, and kept whatever the peer says.
    pub set: Option<SocketAddr>,
    /// The last moment at which each held all that the other had, or the last frame.
    pub last_exchange: Option<Timestamp>,
    /// What it has on disk, as far as it said.
    pub acked: Acked,
}

impl PeerRow {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).list(&self.addresses, encode_address);
        writer.option(self.set.as_ref(), encode_address);
        writer.option(self.last_exchange.as_ref(), |w, at| {
            w.signed(at.0);
        });
        let acked: Vec<_> = self.acked.iter().collect();
        writer.list(&acked, |w, (scope, heads)| {
            scope.encode(w);
            let heads: Vec<_> = heads.iter().collect();
            w.list(&heads, |w, (author, seq)| {
                w.fixed(&author.0).number(**seq);
            });
        });
        writer.finish()
    }

    /// Reads its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = versioned(bytes)?;
        let row = Self {
            addresses: reader.list("addresses", PEER_ADDRESSES_MAX, decode_address)?,
            set: reader.option("set address", decode_address)?,
            last_exchange: reader.option("last exchange", |r| Ok(Timestamp(r.signed("last exchange")?)))?,
            acked: reader.list("acked", ACKED_SCOPES_MAX, decode_heads)?.into_iter().collect(),
        };
        reader.end()?;
        Ok(row)
    }

    /// All addresses to try, the operator's first.
    pub fn all_addresses(&self) -> Vec<SocketAddr> {
        let others = self.addresses.iter().copied().filter(|address| Some(*address) != self.set);
        self.set.into_iter().chain(others).collect()
    }
}

/// An invitation that was given out, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// What proves the secret.
    pub verifier: [u8; 32],
    /// Where the new device will belong.
    pub site: Site,
    /// Until when.
    pub expires: Timestamp,
    /// The first device that proved the secret: no other may.
    pub device: Option<DeviceId>,
    /// Other devices that proved the secret too late, the first ones and the last.
    pub misuses: Vec<Misuse>,
}

/// A device that knew a ticket's secret and was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misuse {
    /// The device.
    pub device: DeviceId,
    /// When it tried last.
    pub at: Timestamp,
    /// Why it was refused.
    pub why: MisuseKind,
}

/// What was wrong with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MisuseKind {
    /// Another device had used it.
    Used,
    /// Its time was over.
    Expired,
}

impl MisuseKind {
    /// The stable code that the device was told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Used => "ticket_used",
            Self::Expired => "ticket_expired",
        }
    }
}

impl InviteRow {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(INVITE_VERSION).fixed(&self.verifier);
        self.site.code.encode(&mut writer);
        writer.byte(self.site.kind as u8).text(&self.site.zone);
        self.site.territory.encode(&mut writer);
        writer.signed(self.expires.0);
        writer.option(self.device.as_ref(), |w, device| device.encode(w));
        writer.list(&self.misuses, |w, misuse| {
            misuse.device.encode(w);
            w.signed(misuse.at.0).byte(match misuse.why {
                MisuseKind::Used => 1,
                MisuseKind::Expired => 2,
            });
        });
        writer.finish()
    }

    /// Notes a device that was refused; whether that is worth writing: a device that tries again at once is not.
    pub fn note(&mut self, misuse: Misuse) -> bool {
        let known = self.misuses.iter_mut().find(|known| known.device == misuse.device);
        match known {
            Some(known) if misuse.at.0.saturating_sub(known.at.0) < MISUSE_MS_MIN && known.why == misuse.why => {
                return false;
            }
            Some(known) => *known = misuse,
            None => {
                self.misuses.truncate(MISUSES_MAX - 1);
                self.misuses.push(misuse);
            }
        }
        true
    }

    /// Reads its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte("version")?;
        if !(VERSION..=INVITE_VERSION).contains(&version) {
            return Err(DecodeError::OutOfRange { field: "version" });
        }
        let verifier = reader.array("verifier")?;
        let code = SiteCode::decode("site", &mut reader)?;
        let number = reader.byte("site kind")?;
        let kind = SiteKind::ALL.into_iter().find(|(kind, _)| *kind as u8 == number);
        let (kind, _) = kind.ok_or(DecodeError::OutOfRange { field: "site kind" })?;
        let zone = reader.text("zone")?;
        let territory = SiteCode::decode("territory", &mut reader)?;
        let expires = Timestamp(reader.signed("expires")?);
        let device = reader.option("device", |r| DeviceId::decode("device", r))?;
        let misuses =
            if version == VERSION { Vec::new() } else { reader.list("misuses", MISUSES_MAX, decode_misuse)? };
        reader.end()?;
        Ok(Self { verifier, site: Site { code, kind, zone, territory }, expires, device, misuses })
    }
}

fn decode_misuse(reader: &mut Reader<'_>) -> Result<Misuse, DecodeError> {
    let (device, at) = (DeviceId::decode("misuse device", reader)?, Timestamp(reader.signed("misuse time")?));
    let why = match reader.byte("misuse kind")? {
        1 => MisuseKind::Used,
        2 => MisuseKind::Expired,
        0 | 3..=u8::MAX => return Err(DecodeError::OutOfRange { field: "misuse kind" }),
    };
    Ok(Misuse { device, at, why })
}

/// The bytes of a socket address as a row of its own.
pub fn encode_listen(address: &SocketAddr) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.byte(VERSION);
    encode_address(&mut writer, address);
    writer.finish()
}

/// Reads a row of [`encode_listen`].
pub fn decode_listen(bytes: &[u8]) -> Result<SocketAddr, DecodeError> {
    let mut reader = versioned(bytes)?;
    let address = decode_address(&mut reader)?;
    reader.end()?;
    Ok(address)
}

fn decode_heads(reader: &mut Reader<'_>) -> Result<(Scope, BTreeMap<AuthorId, u64>), DecodeError> {
    let scope = Scope::decode("acked scope", reader)?;
    let head = |r: &mut Reader<'_>| Ok((AuthorId::decode("acked author", r)?, r.number("acked seq")?));
    let heads = reader.list("acked heads", ACKED_AUTHORS_MAX, head)?;
    Ok((scope, heads.into_iter().collect()))
}

fn versioned(bytes: &[u8]) -> Result<Reader<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.byte("version")? {
        VERSION => Ok(reader),
        _newer => Err(DecodeError::OutOfRange { field: "version" }),
    }
}

/// An address as it is told in HELLO.
pub fn told(address: &SocketAddr) -> PeerAddress {
    match address.ip() {
        IpAddr::V4(ip) => PeerAddress::V4(ip.octets(), address.port()),
        IpAddr::V6(ip) => PeerAddress::V6(ip.octets(), address.port()),
    }
}

/// An address that was told in HELLO.
pub fn heard(address: &PeerAddress) -> SocketAddr {
    match address {
        PeerAddress::V4(octets, port) => (*octets, *port).into(),
        PeerAddress::V6(octets, port) => (*octets, *port).into(),
    }
}

/// Writes a socket address: 4 or 6, its bytes, its port.
pub fn encode_address(writer: &mut Writer, address: &SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => writer.byte(4).fixed(&ip.octets()),
        IpAddr::V6(ip) => writer.byte(6).fixed(&ip.octets()),
    };
    writer.fixed(&address.port().to_be_bytes());
}

/// Reads a socket address.
pub fn decode_address(reader: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    let ip = match reader.byte("address")? {
        4 => IpAddr::V4(Ipv4Addr::from(reader.array::<4>("address")?)),
        6 => IpAddr::V6(Ipv6Addr::from(reader.array::<16>("address")?)),
        0..=3 | 5 | 7..=u8::MAX => return Err(DecodeError::OutOfRange { field: "address" }),
    };
    Ok(SocketAddr::new(ip, u16::from_be_bytes(reader.array("port")?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn rows_are_read_back() {
        let peer = PeerRow {
            addresses: vec![address("10.0.0.7:4433"), address("[::1]:4433")],
            set: Some(address("[::1]:4433")),
            last_exchange: Some(Timestamp(-1)),
            acked: [(Scope::Control, [(AuthorId([1; 32]), 7)].into()), (Scope::Catalogue, BTreeMap::new())].into(),
        };
        assert_eq!(PeerRow::decode(&peer.encode()).unwrap(), peer);
        assert_eq!(PeerRow::decode(&PeerRow::default().encode()).unwrap(), PeerRow::default());
        let code = SiteCode::new("SH01").unwrap();
        let zone = crdt_model::text::Text::new("Europe/London").unwrap();
        let site = Site { code: code.clone(), kind: SiteKind::Store, zone, territory: code };
        let misuse = Misuse { device: DeviceId([2; 32]), at: Timestamp(8), why: MisuseKind::Used };
        let (expires, device) = (Timestamp(9), Some(DeviceId([1; 32])));
        let invite = InviteRow { verifier: [7; 32], site, expires, device, misuses: vec![misuse] };
        assert_eq!(InviteRow::decode(&invite.encode()).unwrap(), invite);
        let mut earlier = InviteRow { misuses: Vec::new(), ..invite }.encode();
        (earlier[0], _) = (1, earlier.pop());
        assert_eq!(InviteRow::decode(&earlier).unwrap().misuses, [], "a row of the version before");
        let listen = address("0.0.0.0:4433");
        assert_eq!(decode_listen(&encode_listen(&listen)).unwrap(), listen);
    }

    #[test]
    fn an_address_that_is_told_is_heard() {
        for each in ["10.0.0.7:4433", "[::1]:4433"] {
            assert_eq!(heard(&told(&address(each))), address(each));
        }
    }

    #[test]
    fn a_damaged_row_is_an_error() {
        let good = PeerRow { set: Some(address("1.2.3.4:5")), ..PeerRow::default() }.encode();
        assert!(PeerRow::decode(&good[..good.len() - 1]).is_err());
        assert!(PeerRow::decode(&[&good[..], &[0]].concat()).is_err());
        assert!(decode_listen(&[2, 4, 0, 0, 0, 0, 0, 1]).is_err() && decode_listen(&[1, 5]).is_err());
    }

    #[test]
    fn misuse_of_a_ticket_is_kept_to_its_limit() {
        let site = SiteCode::new("SH01").unwrap();
        let zone = crdt_model::text::Text::new("Europe/London").unwrap();
        let site = Site { code: site.clone(), kind: SiteKind::Store, zone, territory: site };
        let mut row = InviteRow { verifier: [7; 32], site, expires: Timestamp(9), device: None, misuses: Vec::new() };
        let misuse = |device: u8, at: i64| Misuse {
            device: DeviceId([device; 32]),
            at: Timestamp(at),
            why: MisuseKind::Expired,
        };
        assert!(row.note(misuse(1, 10)));
        assert!(!row.note(misuse(1, 10 + MISUSE_MS_MIN - 1)), "the same again at once is no news");
        assert!(row.note(misuse(1, 10 + MISUSE_MS_MIN)));
        assert!(row.note(Misuse { why: MisuseKind::Used, ..misuse(1, 10 + MISUSE_MS_MIN) }), "another reason is");
        let limit = u8::try_from(MISUSES_MAX).unwrap();
        (2..=limit + 1).for_each(|device| assert!(row.note(misuse(device, 99))));
        let devices: Vec<u8> = row.misuses.iter().map(|misuse| misuse.device.0[0]).collect();
        assert_eq!(devices, [1, 2, 3, 4, 5, 6, 7, limit + 1], "the first ones and the last");
        assert!(InviteRow::decode(&row.encode()).is_ok());
        row.misuses.push(misuse(99, 1));
        assert!(InviteRow::decode(&row.encode()).is_err(), "one past the limit");
    }

    #[test]
    fn addresses_at_the_limit_are_read_and_one_more_refused() {
        let row = |count: usize| PeerRow { addresses: vec![address("1.2.3.4:5"); count], ..PeerRow::default() };
        assert!(PeerRow::decode(&row(PEER_ADDRESSES_MAX).encode()).is_ok());
        assert!(PeerRow::decode(&row(PEER_ADDRESSES_MAX + 1).encode()).is_err());
    }

    #[test]
    fn the_operators_address_comes_first_and_once() {
        let row = PeerRow {
            addresses: vec![address("1.1.1.1:1"), address("2.2.2.2:2")],
            set: Some(address("2.2.2.2:2")),
            ..PeerRow::default()
        };
        assert_eq!(row.all_addresses(), [address("2.2.2.2:2"), address("1.1.1.1:1")]);
    }
}
