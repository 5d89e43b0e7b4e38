//! The bodies of all frames but DATA, in the project's own codec.
//!
//! Who may say what at which moment is `session`'s. Every list has a limit and one order, so a message has one encoding.
//!
//! Invariant: decode then encode is the identity. Proved by `every_message_has_one_encoding` and
//! `a_list_at_its_limit_is_read_and_one_past_it_refused`.

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::id::{AuthorId, CommitHash, OrgId};
use crdt_model::scope::Scope;

use super::log::{Head, Totals};

/// Heads of one scope.
pub const HEADS_MAX: usize = 4_096;
/// Scopes of one session.
pub const SCOPES_MAX: usize = 4_096;
/// Addresses that a node tells of itself.
pub const ADDRESSES_MAX: usize = 16;
/// Bytes of a reason code.
pub const REASON_BYTES_MAX: usize = 32;

/// The first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The oldest and newest protocol that the speaker knows.
    pub protocols: (u16, u16),
    /// Optional features, a bit each; bit 0: it answers ASK.
    pub features: u64,
    /// The organisation.
    pub org: OrgId,
    /// Who signs the speaker's commits: its incarnation.
    pub author: AuthorId,
    /// Whether the speaker exchanges nothing for now.
    pub pause: Pause,
    /// Where the speaker can be reached now.
    pub addresses: Vec<PeerAddress>,
}

/// Whether a node exchanges commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Pause {
    /// It does.
    Running = 0,
    /// An operator stopped it.
    Paused = 1,
}

impl Hello {
    /// Writes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.number(u64::from(self.protocols.0)).number(u64::from(self.protocols.1)).number(self.features);
        writer.fixed(&self.org.0).fixed(&self.author.0).byte(self.pause as u8);
        writer.list(&self.addresses, encode_address);
        writer.finish()
    }

    /// Reads it; what a later protocol adds behind the last field is left alone.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let oldest = reader.number_up_to("protocol", u64::from(u16::MAX))? as u16;
        let newest = reader.number_up_to("protocol", u64::from(u16::MAX))? as u16;
        Ok(Self {
            protocols: (oldest, newest),
            features: reader.number("features")?,
            org: OrgId::decode("org", &mut reader)?,
            author: AuthorId::decode("author", &mut reader)?,
            pause: if reader.flag("pause")? { Pause::Paused } else { Pause::Running },
            addresses: reader.list("addresses", ADDRESSES_MAX, decode_address)?,
        })
    }
}

/// Where a node can be reached, as HELLO tells it; the transport makes a socket address of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerAddress {
    /// IPv4 octets and port.
    V4([u8; 4], u16),
    /// IPv6 octets and port.
    V6([u8; 16], u16),
}

fn encode_address(writer: &mut Writer, address: &PeerAddress) {
    let port = match address {
        PeerAddress::V4(octets, port) => {
            writer.byte(4).fixed(octets);
            port
        }
        PeerAddress::V6(octets, port) => {
            writer.byte(6).fixed(octets);
            port
        }
    };
    writer.fixed(&port.to_be_bytes());
}

fn decode_address(reader: &mut Reader<'_>) -> Result<PeerAddress, DecodeError> {
    let port = |reader: &mut Reader<'_>| reader.array("port").map(u16::from_be_bytes);
    match reader.byte("address")? {
        4 => Ok(PeerAddress::V4(reader.array("address")?, port(reader)?)),
        6 => Ok(PeerAddress::V6(reader.array("address")?, port(reader)?)),
        0..=3 | 5 | 7..=u8::MAX => Err(DecodeError::OutOfRange { field: "address" }),
    }
}

/// The second frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// Over the heads of `control`.
    pub control: [u8; 32],
    /// Over the heads of all other shared scopes.
    pub others: [u8; 32],
    /// The last commits of the other side that the speaker holds: a restored backup is seen by it.
    pub yours: Vec<(Scope, u64, CommitHash)>,
}

impl Front {
    /// Writes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.fixed(&self.control).fixed(&self.others);
        writer.list(&self.yours, |w, (scope, seq, hash)| {
            scope.encode(w);
            w.number(*seq).fixed(&hash.0);
        });
        writer.finish()
    }

    /// Reads it.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let control = reader.array("control hash")?;
        let others = reader.array("hash of other scopes")?;
        let yours = reader.list("heads", SCOPES_MAX, |r| {
            Ok((Scope::decode("scope", r)?, r.number("seq")?, CommitHash::decode("head", r)?))
        })?;
        sorted("heads", &yours, |entry| &entry.0)?;
        reader.end()?;
        Ok(Self { control, others, yours })
    }
}

/// Writes a SCOPES body: a hash over the heads of each scope, by scope.
pub fn encode_scopes(scopes: &[(Scope, [u8; 32])]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.list(scopes, |w, (scope, hash)| {
        scope.encode(w);
        w.fixed(hash);
    });
    writer.finish()
}

/// Reads a SCOPES body.
pub fn decode_scopes(body: &[u8]) -> Result<Vec<(Scope, [u8; 32])>, DecodeError> {
    let mut reader = Reader::new(body);
    let scopes =
        reader.list("scopes", SCOPES_MAX, |r| Ok((Scope::decode("scope", r)?, r.array("hash of a scope")?)))?;
    sorted("scopes", &scopes, |entry| &entry.0)?;
    reader.end()?;
    Ok(scopes)
}

/// Writes a HEADS or FORK body: heads of a scope, by author.
pub fn encode_heads(scope: &Scope, heads: &[Head]) -> Vec<u8> {
    let mut writer = Writer::new();
    write_heads(&mut writer, scope, heads);
    writer.finish()
}

/// Reads a HEADS or FORK body.
pub fn decode_heads(body: &[u8]) -> Result<(Scope, Vec<Head>), DecodeError> {
    let mut reader = Reader::new(body);
    let heads = read_heads(&mut reader)?;
    reader.end()?;
    Ok(heads)
}

fn write_heads(writer: &mut Writer, scope: &Scope, heads: &[Head]) {
    scope.encode(writer);
    writer.list(heads, |w, head| {
        w.fixed(&head.author.0).number(head.seq).fixed(&head.hash.0);
    });
}

fn read_heads(reader: &mut Reader<'_>) -> Result<(Scope, Vec<Head>), DecodeError> {
    let scope = Scope::decode("scope", reader)?;
    let heads = reader.list("heads", HEADS_MAX, |r| {
        let author = AuthorId::decode("author", r)?;
        let seq = r.number("seq")?;
        match seq {
            0 => Err(DecodeError::OutOfRange { field: "seq" }),
            seq => Ok(Head { author, seq, hash: CommitHash::decode("head", r)? }),
        }
    })?;
    sorted("heads", &heads, |head| &head.author)?;
    Ok((scope, heads))
}

/// Writes a HAVE body.
pub fn encode_have(scope: &Scope, totals: Totals) -> Vec<u8> {
    let mut writer = Writer::new();
    scope.encode(&mut writer);
    writer.number(totals.commits).number(totals.bytes);
    writer.finish()
}

/// Reads a HAVE body.
pub fn decode_have(body: &[u8]) -> Result<(Scope, Totals), DecodeError> {
    let mut reader = Reader::new(body);
    let scope = Scope::decode("scope", &mut reader)?;
    let totals = Totals { commits: reader.number("commits")?, bytes: reader.number("bytes")? };
    reader.end()?;
    Ok((scope, totals))
}

/// What a node has made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// DATA frames of this connection that were dealt with, from 1.
    pub frames: u64,
    /// The durable heads that changed, by scope.
    pub heads: Vec<(Scope, Vec<Head>)>,
}

impl Ack {
    /// Writes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.number(self.frames);
        writer.list(&self.heads, |w, (scope, heads)| write_heads(w, scope, heads));
        writer.finish()
    }

    /// Reads it.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let frames = reader.number("frames")?;
        let heads = reader.list("scopes", SCOPES_MAX, read_heads)?;
        sorted("scopes", &heads, |entry| &entry.0)?;
        reader.end()?;
        Ok(Self { frames, heads })
    }
}

/// Reads a CLOSE body: a reason code of lower-case letters and `_`.
pub fn decode_reason(body: &[u8]) -> Result<String, DecodeError> {
    let fits = body.len() <= REASON_BYTES_MAX && body.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    if fits { Ok(String::from_utf8_lossy(body).into_owned()) } else { Err(DecodeError::OutOfRange { field: "reason" }) }
}

/// Writes the body of ASK or TOLD: the number of the question.
pub fn encode_ask(number: u64) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.number(number);
    writer.finish()
}

/// Reads the body of ASK or TOLD.
pub fn decode_ask(body: &[u8]) -> Result<u64, DecodeError> {
    let mut reader = Reader::new(body);
    let number = reader.number("question")?;
    reader.end()?;
    Ok(number)
}

fn sorted<T, K: Ord>(field: &'static str, list: &[T], key: impl Fn(&T) -> &K) -> Result<(), DecodeError> {
    let rising = list.is_sorted_by(|one, next| key(one) < key(next));
    if rising { Ok(()) } else { Err(DecodeError::NotCanonical { field }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn heads(count: usize) -> Vec<Head> {
        let author = |n: usize| AuthorId([&(n as u64).to_be_bytes()[..], &[5; 24]].concat().try_into().unwrap());
        (0..count).map(|n| Head { author: author(n), seq: 1 + n as u64, hash: CommitHash([n as u8; 32]) }).collect()
    }

    #[test]
    fn every_message_has_one_encoding() {
        let hello = Hello {
            protocols: (1, 300),
            features: 0,
            org: OrgId([1; 32]),
            author: AuthorId([2; 32]),
            pause: Pause::Paused,
            addresses: vec![PeerAddress::V4([10, 0, 0, 7], 4_711), PeerAddress::V6([1; 16], 9)],
        };
        assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
        let yours = vec![(Scope::Control, 7, CommitHash([3; 32])), (scope("site/SH01"), 9, CommitHash([4; 32]))];
        let front = Front { control: [5; 32], others: [6; 32], yours };
        assert_eq!(Front::decode(&front.encode()).unwrap(), front);
        let scopes = vec![(Scope::Catalogue, [1; 32]), (scope("lane/HQ~SH01"), [2; 32])];
        assert_eq!(decode_scopes(&encode_scopes(&scopes)).unwrap(), scopes);
        let listed = (scope("site/SH01"), heads(3));
        assert_eq!(decode_heads(&encode_heads(&listed.0, &listed.1)).unwrap(), listed);
        let totals = Totals { commits: 20_000, bytes: u64::MAX };
        assert_eq!(decode_have(&encode_have(&Scope::Control, totals)).unwrap(), (Scope::Control, totals));
        let ack = Ack { frames: 500, heads: vec![(Scope::Control, heads(1)), listed] };
        assert_eq!(Ack::decode(&ack.encode()).unwrap(), ack);
        assert_eq!(decode_ask(&encode_ask(u64::MAX)).unwrap(), u64::MAX);
        assert!(decode_ask(&[1, 0]).is_err());
        assert_eq!(decode_reason(b"wrong_org").unwrap(), "wrong_org");
        assert!(decode_reason(b"Wrong org").is_err());
    }

    #[test]
    fn a_list_at_its_limit_is_read_and_one_past_it_refused() {
        for (count, fits) in [(HEADS_MAX, true), (HEADS_MAX + 1, false)] {
            assert_eq!(decode_heads(&encode_heads(&Scope::Control, &heads(count))).is_ok(), fits);
        }
        for (count, fits) in [(SCOPES_MAX, true), (SCOPES_MAX + 1, false)] {
            let scopes: Vec<_> = (0..count).map(|n| (scope(&format!("site/X{n:04}")), [0; 32])).collect();
            assert_eq!(decode_scopes(&encode_scopes(&scopes)).is_ok(), fits);
        }
        for (length, fits) in [(REASON_BYTES_MAX, true), (REASON_BYTES_MAX + 1, false)] {
            assert_eq!(decode_reason(&vec![b'a'; length]).is_ok(), fits);
        }
    }

    #[test]
    fn sixteen_addresses_are_read_and_one_more_is_refused() {
        let hello = |count| Hello {
            protocols: (1, 1),
            features: 0,
            org: OrgId([1; 32]),
            author: AuthorId([2; 32]),
            pause: Pause::Running,
            addresses: vec![PeerAddress::V4([127, 0, 0, 1], 1); count],
        };
        assert!(Hello::decode(&hello(ADDRESSES_MAX).encode()).is_ok());
        assert!(Hello::decode(&hello(ADDRESSES_MAX + 1).encode()).is_err());
    }

    #[test]
    fn an_unsorted_list_or_a_head_zero_is_refused() {
        let mut list = heads(2);
        list.reverse();
        assert!(decode_heads(&encode_heads(&Scope::Control, &list)).is_err());
        list[0].seq = 0;
        assert!(decode_heads(&encode_heads(&Scope::Control, &list[..1])).is_err());
        let twice = [(Scope::Control, [0; 32]), (Scope::Control, [0; 32])];
        assert!(decode_scopes(&encode_scopes(&twice)).is_err());
    }
}
