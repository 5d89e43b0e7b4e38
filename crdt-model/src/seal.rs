//! Sealed values: personal data as ciphertext under a key of its subject (architecture section 13).
//!
//! `version u8 ‖ key id 16 ‖ nonce 24 ‖ XChaCha20-Poly1305 ciphertext`; the associated data binds organisation,
//! document and field. The nonce is derived from the text, so equal text in a field gives equal bytes and sealing needs
//! no randomness. Destroying every key of a subject erases its data everywhere.
//!
//! Invariants: a value opens only with its own key, organisation, document and field; a key record certifies itself.
//! Proved by `a_sealed_value_opens_only_in_its_own_place` and `equal_text_in_a_field_gives_equal_bytes`.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use thiserror::Error;

use crate::codec::{DecodeError, Reader, STRING_BYTES_MAX, Writer};
use crate::event::EventKind;
use crate::id::{DocumentId, KeyId, OrgId};

const VERSION: u8 = 1;
const OVERHEAD: usize = 1 + 16 + 24 + 16;

/// A 256-bit key of one subject; its bytes are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SealKey({})", self.id())
    }
}

impl SealKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first 16 bytes of the key's hash.
    pub fn id(&self) -> KeyId {
        let mut id = [0; 16];
        blake3::Hasher::new().update(&self.0).finalize_xof().fill(&mut id);
        KeyId(id)
    }

    /// The key itself, for its record.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A key and whose data it opens: the customer, or the order where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The customer or order.
    pub subject: DocumentId,
    /// The key.
    pub key: SealKey,
}

/// Where a sealed value stands: bound into it.
#[derive(Debug, Clone, Copy)]
pub struct SealedPlace<'a> {
    /// The organisation.
    pub org: OrgId,
    /// The document.
    pub document: DocumentId,
    /// Field name or event kind.
    pub field: SealedField<'a>,
}

/// The field or event that holds a sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedField<'a> {
    /// An editable field, by name.
    Field(&'a str),
    /// An event, by kind.
    Event(EventKind),
}

/// A sealed value as documents hold it; opaque to folds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealedValue(Vec<u8>);

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// The text is longer than a document may hold.
    #[error("the text has {bytes} bytes, too many to seal")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The bytes are not a sealed value.
    #[error("not a sealed value")]
    Malformed,
    /// Another key sealed it.
    #[error("sealed under key {key}")]
    OtherKey {
        /// The key that opens it.
        key: KeyId,
    },
    /// Altered, or moved from another place.
    #[error("the sealed value was altered or belongs elsewhere")]
    Forged,
}

impl SealedValue {
    /// Seals `plain` for its place.
    pub fn seal(key: &SealKey, place: SealedPlace<'_>, plain: &str) -> Result<Self, SealError> {
        if plain.len() + OVERHEAD > STRING_BYTES_MAX {
            return Err(SealError::TooLong { bytes: plain.len() });
        }
        let associated = associated_data(place);
        let nonce = nonce_for(key, &associated, plain.as_bytes());
        let sealed = cipher(key)
            .encrypt(&XNonce::from(nonce), Payload { msg: plain.as_bytes(), aad: &associated })
            .expect("invariant: XChaCha20-Poly1305 encrypts texts below its limit");
        let mut writer = Writer::new();
        writer.byte(VERSION).fixed(&key.id().0).fixed(&nonce).fixed(&sealed);
        Ok(Self(writer.finish()))
    }

    /// Opens it.
    pub fn open(&self, key: &SealKey, place: SealedPlace<'_>) -> Result<String, SealError> {
        let sealed_under = self.key_id();
        if sealed_under != key.id() {
            return Err(SealError::OtherKey { key: sealed_under });
        }
        let nonce: [u8; 24] = self.0[17..41].try_into().map_err(|_| SealError::Malformed)?;
        let payload = Payload { msg: &self.0[41..], aad: &associated_data(place) };
        let plain = cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Forged)?;
        String::from_utf8(plain).map_err(|_| SealError::Forged)
    }

    /// Checks the outer form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let fits = (OVERHEAD..=STRING_BYTES_MAX).contains(&bytes.len()) && bytes[0] == VERSION;
        if fits { Ok(Self(bytes.to_vec())) } else { Err(SealError::Malformed) }
    }

    /// The bytes as the document holds them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that opens it.
    pub fn key_id(&self) -> KeyId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[1..17]);
        KeyId(id)
    }

    /// Writes it into an event.
    pub fn encode(&self, writer: &mut Writer) {
        writer.blob(&self.0);
    }

    /// Reads it from an event.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(reader.blob(field, STRING_BYTES_MAX)?).map_err(|_| DecodeError::NotCanonical { field })
    }
}

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.0.into())
}

fn associated_data(place: SealedPlace<'_>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.fixed(&place.org.0).fixed(&place.document.0);
    match place.field {
        SealedField::Field(name) => writer.fixed(name.as_bytes()),
        SealedField::Event(kind) => writer.fixed(&(kind as u16).to_be_bytes()),
    };
    writer.finish()
}

fn nonce_for(key: &SealKey, associated: &[u8], plain: &[u8]) -> [u8; 24] {
    let subkey = blake3::derive_key("tradepost 2026 sealed value nonce", &key.0);
    let mut nonce = [0; 24];
    // The length keeps a longer field name with a shorter text apart from its neighbour.
    let border = (associated.len() as u64).to_be_bytes();
    blake3::Hasher::new_keyed(&subkey).update(&border).update(associated).update(plain).finalize_xof().fill(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(field: &str) -> SealedPlace<'_> {
        SealedPlace { org: OrgId([1; 32]), document: DocumentId([2; 16]), field: SealedField::Field(field) }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place() {
        let key = SealKey::new([9; 32]);
        let sealed = SealedValue::seal(&key, place("phone"), "13800138000").unwrap();
        assert_eq!(sealed.open(&key, place("phone")).unwrap(), "13800138000");
        assert_eq!(sealed.open(&key, place("name")), Err(SealError::Forged));
        let other = SealKey::new([8; 32]);
        assert_eq!(sealed.open(&other, place("phone")), Err(SealError::OtherKey { key: key.id() }));
        assert!(!String::from_utf8_lossy(sealed.as_bytes()).contains("138001"));
    }

    #[test]
    fn equal_text_in_a_field_gives_equal_bytes() {
        let key = SealKey::new([9; 32]);
        let seal = |text| SealedValue::seal(&key, place("name"), text).unwrap();
        assert_eq!(seal("张三"), seal("张三"));
        assert_ne!(seal("张三"), seal("李四"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let key = SealKey::new([9; 32]);
        let sealed = SealedValue::seal(&key, place("name"), "Zhang San").unwrap();
        for at in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = SealedValue::from_bytes(&bytes).and_then(|value| value.open(&key, place("name")));
            assert!(opened.is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_text_at_the_limit_is_sealed_and_one_past_it_is_refused() {
        let key = SealKey::new([9; 32]);
        let limit = STRING_BYTES_MAX - OVERHEAD;
        assert!(SealedValue::seal(&key, place("n"), &"a".repeat(limit)).is_ok());
        assert!(SealedValue::seal(&key, place("n"), &"a".repeat(limit + 1)).is_err());
    }
}
