//! Making a new organisation in an empty folder.
//!
//! Keys and the recovery secret are made here; the secrets are returned once, for a person to write down, and stand in no
//! file. The genesis commit holds the public halves.
//!
//! Invariant: a folder is initialised once. Proved by `a_folder_is_initialised_once`.

use std::net::SocketAddr;
use std::path::PathBuf;

use bip39::Mnemonic;
use chrono_tz::Tz;
use ed25519_dalek::SigningKey;
use iso_currency::Currency as IsoCurrency;

use crdt_model::control::event::{Genesis, Member, Site, SiteKind};
use crdt_model::id::{AuthorId, DeviceId, SessionId};
use crdt_model::money::Currency;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;

use crate::app::organisation;
use crate::error::NodeError;
use crate::folder::Folder;
use crate::replica::{GenesisDraft, write_genesis};
use crate::run::{is_joining, open_store};
use crate::store::Table;
use crate::{clock, entropy, listen};

/// What a new organisation begins with.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The folder to make.
    pub data: PathBuf,
    /// The organisation's name.
    pub org: String,
    /// The code of its first site.
    pub site: String,
    /// `head-office`, `store`, `warehouse` or `field`.
    pub kind: String,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA zone name.
    pub zone: String,
    /// The territory of its customers.
    pub territory: String,
    /// Where other nodes will reach this one; a free port where none is given.
    pub sync_listen: Option<SocketAddr>,
}

/// What was made; the words are told this once.
#[derive(Debug, Clone)]
pub struct InitReport {
    /// The organisation, in hexadecimal digits.
    pub org_id: String,
    /// Its first site.
    pub site: String,
    /// The node's author, in hexadecimal digits.
    pub node: String,
    /// The root key as 24 words: replaces admins.
    pub root_words: String,
    /// The recovery secret as 12 words: installs a new root.
    pub recovery_words: String,
}

/// Makes the folder, its keys and the genesis commit.
pub fn init(request: &InitRequest) -> Result<InitReport, NodeError> {
    let site = site_of(request)?;
    let currency = currency_of(&request.currency)?;
    let name = text("org", &request.org)?;
    let folder = Folder::new(&request.data);
    folder.create()?;
    // The open store is the lock: of two that begin at once, one is told that the folder is held.
    let store = open_store(&folder)?;
    if organisation(&store).map_err(|error| NodeError::Write(error.to_string()))?.is_some() {
        return Err(NodeError::AlreadyInitialised { data: request.data.clone() });
    }
    if is_joining(&store)? {
        return Err(NodeError::NotAdmitted { data: request.data.clone() });
    }
    let listen = listen::choose(request.sync_listen)?;
    let random = NodeError::io("asking for random bytes");
    let secrets = (entropy::bytes::<32>(), entropy::bytes::<16>(), entropy::bytes::<8>(), entropy::bytes::<10>());
    let (Ok(root), Ok(recovery), Ok(session), Ok(id)) = secrets else {
        return Err(random(std::io::Error::other("the operating system gave none")));
    };
    let key = folder.create_key("author.key")?;
    let device = folder.create_key("device.key")?;
    let author = AuthorId(key.verifying_key().to_bytes());
    let member = Member {
        author,
        device: DeviceId(device.verifying_key().to_bytes()),
        site: site.code.clone(),
        device_letter: text("device letter", "A")?,
    };
    let genesis = Genesis {
        name,
        currency,
        root_keys: vec![SigningKey::from_bytes(&root).verifying_key().to_bytes()],
        recovery_verifier: Genesis::verifier_of(&recovery),
        site,
        member,
        keeper: author,
        registrar: author,
    };
    let draft = GenesisDraft { genesis, key, session: SessionId(session), now: clock::now(), random: id };
    let org = store.write(|tx| {
        let (name, value) = listen::listen_row(listen);
        tx.put(Table::Local, name, &value)?;
        write_genesis(tx, draft)
    })?;
    Ok(InitReport {
        org_id: org.to_string(),
        site: request.site.clone(),
        node: author.to_string(),
        root_words: words(&root)?,
        recovery_words: words(&recovery)?,
    })
}

/// What the database says wrote it.
pub(crate) fn version() -> String {
    format!("tradepost {}", env!("CARGO_PKG_VERSION"))
}

fn words(secret: &[u8]) -> Result<String, NodeError> {
    let mnemonic = Mnemonic::from_entropy(secret).map_err(std::io::Error::other);
    mnemonic.map(|mnemonic| mnemonic.to_string()).map_err(NodeError::io("writing a secret as words"))
}

fn text(field: &'static str, text: &str) -> Result<Text, NodeError> {
    let checked = Text::new(text.trim()).ok().filter(|text| !text.as_str().is_empty());
    checked.ok_or_else(|| NodeError::BadRequest {
        field,
        detail: "empty or longer than 16 KiB".to_owned(),
        remedy: "Give a short name.",
    })
}

fn site_of(request: &InitRequest) -> Result<Site, NodeError> {
    let code = |field, code: &str| {
        SiteCode::new(code).map_err(|error| NodeError::BadRequest {
            field,
            detail: error.to_string(),
            remedy: "Give 2 to 8 capital letters or digits, like HQ or SH01.",
        })
    };
    let kind = SiteKind::from_name(&request.kind).ok_or_else(|| NodeError::BadRequest {
        field: "kind",
        detail: format!("no kind `{}`", request.kind),
        remedy: "Give head-office, store, warehouse or field.",
    })?;
    Ok(Site {
        code: code("site", &request.site)?,
        kind,
        zone: text("zone", zone_of(&request.zone)?.name())?,
        territory: code("territory", &request.territory)?,
    })
}

/// The zone of an IANA name.
pub(crate) fn zone_of(name: &str) -> Result<Tz, NodeError> {
    name.parse().map_err(|_| NodeError::BadRequest {
        field: "zone",
        detail: format!("no zone `{name}`"),
        remedy: "Give an IANA name like Asia/Shanghai or Europe/London.",
    })
}

/// The currency of an ISO 4217 code, with its minor digits.
pub(crate) fn currency_of(code: &str) -> Result<Currency, NodeError> {
    let known = IsoCurrency::from_code(code);
    let digits = known.and_then(|currency| currency.exponent()).and_then(|digits| u8::try_from(digits).ok());
    let currency = digits.and_then(|digits| Currency::new(code, digits).ok());
    currency.ok_or_else(|| NodeError::BadRequest {
        field: "currency",
        detail: format!("no currency `{code}`"),
        remedy: "Give an ISO 4217 code like CNY or GBP.",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(data: PathBuf) -> InitRequest {
        InitRequest {
            data,
            org: "Demo".into(),
            site: "HQ".into(),
            kind: "head-office".into(),
            currency: "GBP".into(),
            zone: "Europe/London".into(),
            territory: "MAIN".into(),
            sync_listen: None,
        }
    }

    #[test]
    fn a_folder_is_initialised_once() {
        let place = tempfile::tempdir().unwrap();
        let request = request(place.path().join("hq"));
        let report = init(&request).unwrap();
        assert_eq!(report.root_words.split(' ').count(), 24);
        assert_eq!(report.recovery_words.split(' ').count(), 12);
        assert_eq!(init(&request).unwrap_err().code(), "already_initialised");
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let place = tempfile::tempdir().unwrap();
        let good = request(place.path().join("hq"));
        for (field, wrong) in [
            ("site", InitRequest { site: "hq!".into(), ..good.clone() }),
            ("kind", InitRequest { kind: "shop".into(), ..good.clone() }),
            ("currency", InitRequest { currency: "XXQ".into(), ..good.clone() }),
            ("zone", InitRequest { zone: "Mars/Base".into(), ..good.clone() }),
            ("org", InitRequest { org: "  ".into(), ..good.clone() }),
        ] {
            let error = init(&wrong).unwrap_err();
            assert_eq!(error.code(), "bad_request");
            assert!(error.to_string().starts_with(field), "{error}");
        }
        assert!(!good.data.exists());
    }
}
