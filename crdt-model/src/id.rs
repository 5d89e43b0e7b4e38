//! Identities: fixed-width newtypes, ids that sort by time, and derived ids for what several nodes may import.
//!
//! A document id is 16 bytes: 48 bits of milliseconds, the version nibble 7 (random) or 8 (derived), 74 further bits.
//! A derived id takes the day of the order and 74 hash bits of its origin, so that two nodes that import the same row
//! write the same document.
//!
//! Invariants: ids of one millisecond onwards sort after earlier ones; equal origins give equal ids. Proved by
//! `random_ids_sort_by_time` and `equal_origins_give_equal_ids`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};
use crate::scope::Scope;
use crate::time::{BusinessDate, Timestamp};

const MILLIS_PER_DAY: u64 = 86_400_000;

/// The text is not an id of the wanted length in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an id is {digits} hexadecimal digits")]
pub struct IdError {
    /// Digits that the id has.
    pub digits: usize,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// All bytes zero: "none" where the format allows it.
            pub const ZERO: Self = Self([0; $length]);

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Writes it.
            pub fn encode(&self, writer: &mut Writer) {
                writer.fixed(&self.0);
            }

            /// Reads it.
            pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(reader.array(field)?))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $length];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError { digits: 2 * $length })?;
                Ok(Self(bytes))
            }
        }
    };
}

byte_id!(
    /// A document; sorts by time.
    DocumentId,
    16
);
byte_id!(
    /// An organisation: the hash of its genesis commit.
    OrgId,
    32
);
byte_id!(
    /// An Ed25519 public key that signs commits; one per node incarnation.
    AuthorId,
    32
);
byte_id!(
    /// An Ed25519 public key that authenticates connections.
    DeviceId,
    32
);
byte_id!(
    /// One process start.
    SessionId,
    8
);
byte_id!(
    /// The hash of a signed commit.
    CommitHash,
    32
);
byte_id!(
    /// A repeatable request: hash of principal and idempotency key.
    RequestId,
    16
);
byte_id!(
    /// Links the commits of one user action.
    TransactionId,
    16
);
byte_id!(
    /// Who acted; zero is the node itself.
    UserId,
    16
);
byte_id!(
    /// The key of a sealed value: first 16 bytes of its hash.
    KeyId,
    16
);
byte_id!(
    /// Rights that a keeper lent to one holder.
    LoanId,
    16
);
byte_id!(
    /// An event's place in its document: derived from the commit that wrote it.
    EventKey,
    8
);

impl DocumentId {
    /// A random id of a moment; `random` gives 74 bits.
    pub fn random(now: Timestamp, random: [u8; 10]) -> Self {
        Self::assemble(now.0.max(0) as u64, 7, random)
    }

    /// The id of what is known elsewhere under (`kind`, `origin` parts), on `day`.
    pub fn derived(kind: DerivedKind, day: BusinessDate, origin: &[&str]) -> Self {
        let mut text = Writer::with_capacity(96);
        text.fixed(b"tradepost/derived-id/1").byte(kind as u8);
        for part in origin {
            text.fixed(&(part.len() as u64).to_be_bytes()).fixed(part.as_bytes());
        }
        Self::assemble(day.days().max(0) as u64 * MILLIS_PER_DAY, 8, hash_start(&text.finish()))
    }

    /// The id of an item: everywhere the same for the same SKU text.
    pub fn of_sku(sku: &str) -> Self {
        let epoch = BusinessDate::from_days(0).expect("invariant: 1970-01-01 is a valid business date");
        Self::derived(DerivedKind::Product, epoch, &[sku])
    }

    /// The event id of `key` in this document.
    pub fn event(self, key: EventKey) -> EventId {
        EventId { document: self, key }
    }

    fn assemble(millis: u64, version: u8, tail: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&tail);
        bytes[6] = (version << 4) | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }
}

/// What a derived id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DerivedKind {
    /// An order of a channel: (channel, external number).
    Order = 1,
    /// A product: (SKU).
    Product = 2,
    /// A customer of a channel: (channel, external number).
    Customer = 3,
    /// A member of the organisation or another control record: (name).
    Control = 4,
}

impl LoanId {
    /// Its last 8 bytes: what a case about it is keyed by.
    pub fn tail(&self) -> EventKey {
        let mut key = [0; 8];
        key.copy_from_slice(&self.0[8..]);
        EventKey(key)
    }
}

impl EventKey {
    /// The key of the `index`-th event of a commit.
    pub fn derive(author: &AuthorId, session: &SessionId, scope: &Scope, seq: u64, index: u16) -> Self {
        let mut origin = Writer::with_capacity(96);
        origin.fixed(author.as_bytes()).fixed(session.as_bytes()).fixed(&scope.to_bytes());
        origin.fixed(&seq.to_be_bytes()).fixed(&index.to_be_bytes());
        Self(hash_start(&origin.finish()))
    }

    /// The map key in the document: a point and 11 characters.
    pub fn map_key(&self) -> String {
        let mut text = String::with_capacity(12);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(self.0, &mut text);
        text
    }

    /// Reads a map key; `None` where it is not one in its only form.
    pub fn from_map_key(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix('.')?).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

/// An event: its document and its key there. Used in every citation and tie-break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The document.
    pub document: DocumentId,
    /// The key in it.
    pub key: EventKey,
}

impl EventId {
    /// Writes it: 24 bytes.
    pub fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.document.0).fixed(&self.key.0);
    }

    /// Reads it.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { document: DocumentId::decode(field, reader)?, key: EventKey::decode(field, reader)? })
    }
}

/// The first `N` of the 32 bytes of a hash.
fn hash_start<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let hash = blake3::hash(bytes);
    *hash.as_bytes().first_chunk().expect("invariant: no id takes more than 32 bytes of its hash")
}

/// The Automerge actor of a session of an author.
pub fn actor_of(author: &AuthorId, session: &SessionId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(author.as_bytes()).update(session.as_bytes());
    let mut actor = [0; 16];
    hasher.finalize_xof().fill(&mut actor);
    actor
}

/// The request id of an idempotency key used by `principal`.
pub fn request_of(principal: &[u8], key: &str) -> RequestId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"tradepost/request/1").update(principal).update(key.as_bytes());
    let mut request = [0; 16];
    hasher.finalize_xof().fill(&mut request);
    RequestId(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The forms that every program must derive alike, part by part (architecture, section 13).
    #[test]
    fn derived_ids_hash_their_parts_in_order() {
        let scope: Scope = "lane/SH01~WH02".parse().unwrap();
        let key = EventKey::derive(&AuthorId([1; 32]), &SessionId([2; 8]), &scope, 0x0304, 5);
        let parts: [&[u8]; 5] = [&[1; 32], &[2; 8], b"\x05SH01~WH02", &[0, 0, 0, 0, 0, 0, 3, 4], &[0, 5]];
        assert_eq!(key.0, blake3::hash(&parts.concat()).as_bytes()[..8]);
        let day = BusinessDate::from_days(1).unwrap();
        let id = DocumentId::derived(DerivedKind::Order, day, &["web", "7"]);
        let text =
            [b"tradepost/derived-id/1", &[DerivedKind::Order as u8][..], &[0, 0, 0, 0, 0, 0, 0, 3], b"web"].concat();
        let hash = blake3::hash(&[&text[..], &[0, 0, 0, 0, 0, 0, 0, 1], b"7"].concat());
        assert_eq!(id.0[10..], hash.as_bytes()[4..10]);
    }

    #[test]
    fn random_ids_sort_by_time() {
        let earlier = DocumentId::random(Timestamp(1_000), [0xff; 10]);
        let later = DocumentId::random(Timestamp(1_001), [0; 10]);
        assert!(earlier < later);
        assert_eq!((earlier.0[6] >> 4, earlier.0[8] >> 6), (7, 2));
    }

    #[test]
    fn equal_origins_give_equal_ids() {
        let day: BusinessDate = "2010-12-01".parse().unwrap();
        let id = |parts: &[&str]| DocumentId::derived(DerivedKind::Order, day, parts);
        assert_eq!(id(&["online-retail", "536365"]), id(&["online-retail", "536365"]));
        assert_ne!(id(&["online-retail", "536365"]), id(&["online-retail5", "36365"]));
        assert_eq!(id(&["a", "b"]).0[6] >> 4, 8);
        assert_ne!(DocumentId::of_sku("85123a"), DocumentId::of_sku("85123A"));
    }

    #[test]
    fn an_event_key_has_one_map_key() {
        let key = EventKey([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(EventKey::from_map_key(&key.map_key()), Some(key));
        assert_eq!(key.map_key().len(), 12);
        for text in ["", ".", ".short", "name", ".AQIDBAUGBwh", ".AQIDBAUGBwgA"] {
            assert_eq!(EventKey::from_map_key(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_is_read_from_its_own_text() {
        let id = DocumentId([7; 16]);
        assert_eq!(id.to_string().parse::<DocumentId>().unwrap(), id);
        assert_eq!("xyz".parse::<DocumentId>(), Err(IdError { digits: 32 }));
    }
}
