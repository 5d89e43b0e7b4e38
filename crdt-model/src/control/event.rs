//! The bodies of control events.
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{AuthorId, DeviceId};
use crate::money::Currency;
use crate::scope::{SiteCode, TerritoryCode};
use crate::text::Text;

/// Root keys of an organisation.
pub const ROOT_KEYS_MAX: usize = 3;

/// What a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SiteKind {
    /// Writes in every scope, sees everything.
    HeadOffice = 1,
    /// Sells.
    Store = 2,
    /// Ships.
    Warehouse = 3,
    /// A seller's laptop.
    Field = 4,
}

impl SiteKind {
    /// Every kind with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::HeadOffice, "head-office"),
        (Self::Store, "store"),
        (Self::Warehouse, "warehouse"),
        (Self::Field, "field"),
    ];

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// A site is opened; its code is never reused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its code.
    pub code: SiteCode,
    /// What it is.
    pub kind: SiteKind,
    /// IANA zone name, `Europe/London`.
    pub zone: Text,
    /// Whose customers it serves.
    pub territory: TerritoryCode,
}

impl Site {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.code.encode(writer);
        writer.byte(self.kind as u8).text(&self.zone);
        self.territory.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = SiteCode::decode("site", reader)?;
        let number = reader.byte("site kind")?;
        let kind = SiteKind::ALL.into_iter().find(|(kind, _)| *kind as u8 == number);
        Ok(Self {
            code,
            kind: kind.map(|(kind, _)| kind).ok_or(DecodeError::OutOfRange { field: "site kind" })?,
            zone: reader.text("zone")?,
            territory: SiteCode::decode("territory", reader)?,
        })
    }
}

/// An author is admitted with the device that it speaks from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Signs commits.
    pub author: AuthorId,
    /// Authenticates connections.
    pub device: DeviceId,
    /// Its site.
    pub site: SiteCode,
    /// `A`..`ZZ`, in the numbers of its orders.
    pub device_letter: Text,
}

impl Member {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.author.encode(writer);
        self.device.encode(writer);
        self.site.encode(writer);
        writer.text(&self.device_letter);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            author: AuthorId::decode("author", reader)?,
            device: DeviceId::decode("device", reader)?,
            site: SiteCode::decode("site", reader)?,
            device_letter: reader.text("device letter")?,
        })
    }
}

/// An author keeps a site's rights from an epoch on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// The site.
    pub site: SiteCode,
    /// The epoch, from 1.
    pub epoch: u32,
    /// The keeper.
    pub author: AuthorId,
}

impl Keeper {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.site.encode(writer);
        writer.number(u64::from(self.epoch));
        self.author.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            site: SiteCode::decode("site", reader)?,
            epoch: crate::order::event::decode_epoch(reader)?,
            author: AuthorId::decode("author", reader)?,
        })
    }
}

/// A channel: its intake writes at its home site only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: Text,
    /// The one site that takes it in.
    pub home: SiteCode,
    /// IANA zone of its times.
    pub zone: Text,
}

impl Channel {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.text(&self.name);
        self.home.encode(writer);
        writer.text(&self.zone);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.text("channel")?, home: SiteCode::decode("home", reader)?, zone: reader.text("zone")? })
    }
}

/// The organisation begins: its first commit holds this alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The organisation's name.
    pub name: Text,
    /// Its currency.
    pub currency: Currency,
    /// 1 to 3 Ed25519 public keys that can replace admins.
    pub root_keys: Vec<[u8; 32]>,
    /// BLAKE3 of the recovery secret.
    pub recovery_verifier: [u8; 32],
    /// The first site.
    pub site: Site,
    /// The first member: the author that signs it.
    pub member: Member,
    /// Keeps the first site's rights in epoch 1.
    pub keeper: AuthorId,
    /// Writes admissions, device letters, keepers and epochs.
    pub registrar: AuthorId,
}

/// The format of everything that an organisation writes.
pub const ORGANISATION_FORMAT: u64 = 1;

impl Genesis {
    /// Derives the verifier of a recovery secret.
    pub fn verifier_of(secret: &[u8; 16]) -> [u8; 32] {
        blake3::derive_key("tradepost 2026 recovery verifier", secret)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.number(ORGANISATION_FORMAT).text(&self.name);
        self.currency.encode(writer);
        writer.list(&self.root_keys, |w, key| {
            w.fixed(key);
        });
        writer.fixed(&self.recovery_verifier);
        self.site.encode(writer);
        self.member.encode(writer);
        self.keeper.encode(writer);
        self.registrar.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.number("format")? != ORGANISATION_FORMAT {
            return Err(DecodeError::OutOfRange { field: "format" });
        }
        let genesis = Self {
            name: reader.text("organisation")?,
            currency: Currency::decode("currency", reader)?,
            root_keys: reader.list("root keys", ROOT_KEYS_MAX, |r| r.array("root keys"))?,
            recovery_verifier: reader.array("recovery verifier")?,
            site: Site::decode(reader)?,
            member: Member::decode(reader)?,
            keeper: AuthorId::decode("keeper", reader)?,
            registrar: AuthorId::decode("registrar", reader)?,
        };
        if genesis.root_keys.is_empty() || !genesis.root_keys.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::OutOfRange { field: "root keys" });
        }
        let author = genesis.member.author;
        let own = genesis.member.site == genesis.site.code && genesis.keeper == author && genesis.registrar == author;
        own.then_some(genesis).ok_or(DecodeError::OutOfRange { field: "first member" })
    }
}
