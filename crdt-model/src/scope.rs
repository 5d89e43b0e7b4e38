//! Scopes: the unit of replication, access, atomicity and pruning (architecture section 5).
//!
//! Encoded as one kind byte and the codes in canonical text. A site code is `[A-Z0-9]{2,8}` and never reused; a lane
//! names its two sites in byte order.
//!
//! Invariant: one scope has one encoding and one text. Proved by `a_scope_has_one_text_and_one_encoding`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};

/// The code of a site: 2 to 8 capital letters or digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteCode(String);

/// The code of a territory: same form as a site's.
pub type TerritoryCode = SiteCode;

/// Why a text is not a site code or scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// Not 2 to 8 capital letters or digits.
    #[error("a site or territory code has 2 to 8 characters A-Z or 0-9")]
    Code,
    /// Not the text of a scope.
    #[error("a scope is control, catalogue, customers/CODE, site/CODE or lane/CODE~CODE in byte order")]
    Scope,
}

impl SiteCode {
    /// Checks the form.
    pub fn new(code: &str) -> Result<Self, ScopeError> {
        let fits = (2..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if fits { Ok(Self(code.to_owned())) } else { Err(ScopeError::Code) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.blob(self.0.as_bytes());
    }

    /// Reads it and checks the form.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = reader.blob(field, 8)?;
        std::str::from_utf8(bytes).ok().and_then(|code| Self::new(code).ok()).ok_or(DecodeError::OutOfRange { field })
    }
}

impl fmt::Display for SiteCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Bytes of a scope id: kind, two codes and the mark between them.
pub const SCOPE_BYTES_MAX: usize = 18;

/// A unit of replication.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Sites, members, keepers, channels, policies. Held by everyone.
    Control,
    /// Products and prices. Held by everyone.
    Catalogue,
    /// Customers of a territory.
    Customers(TerritoryCode),
    /// Orders and stock of a site.
    Site(SiteCode),
    /// What two sites share; the first code is the lower in byte order.
    Lane(SiteCode, SiteCode),
}

impl Scope {
    /// The lane between two sites, whichever is named first.
    pub fn lane(one: SiteCode, other: SiteCode) -> Result<Self, ScopeError> {
        match one.cmp(&other) {
            std::cmp::Ordering::Less => Ok(Self::Lane(one, other)),
            std::cmp::Ordering::Greater => Ok(Self::Lane(other, one)),
            std::cmp::Ordering::Equal => Err(ScopeError::Scope),
        }
    }

    /// The scope id: kind byte and its codes in canonical text, `SH01` or `HQ~SH01`.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Control => vec![1],
            Self::Catalogue => vec![2],
            Self::Customers(code) => [b"\x03", code.0.as_bytes()].concat(),
            Self::Site(code) => [b"\x04", code.0.as_bytes()].concat(),
            Self::Lane(low, high) => [b"\x05", low.0.as_bytes(), b"~", high.0.as_bytes()].concat(),
        }
    }

    /// Reads a whole scope id.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let wrong = || DecodeError::OutOfRange { field: "scope" };
        let (kind, codes) = bytes.split_first().ok_or_else(wrong)?;
        let codes = std::str::from_utf8(codes).map_err(|_| wrong())?;
        let scope = match kind {
            1 => "control".to_owned(),
            2 => "catalogue".to_owned(),
            3 => format!("customers/{codes}"),
            4 => format!("site/{codes}"),
            5 => format!("lane/{codes}"),
            0 | 6..=u8::MAX => return Err(wrong()),
        };
        let scope: Self = scope.parse().map_err(|_| wrong())?;
        if scope.to_bytes() == bytes { Ok(scope) } else { Err(DecodeError::NotCanonical { field: "scope" }) }
    }

    /// Writes its id, length first.
    pub fn encode(&self, writer: &mut Writer) {
        writer.blob(&self.to_bytes());
    }

    /// Reads it.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(reader.blob(field, SCOPE_BYTES_MAX)?)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => formatter.write_str("control"),
            Self::Catalogue => formatter.write_str("catalogue"),
            Self::Customers(code) => write!(formatter, "customers/{code}"),
            Self::Site(code) => write!(formatter, "site/{code}"),
            Self::Lane(low, high) => write!(formatter, "lane/{low}~{high}"),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        match text.split_once('/') {
            None if text == "control" => Ok(Self::Control),
            None if text == "catalogue" => Ok(Self::Catalogue),
            Some(("customers", code)) => SiteCode::new(code).map(Self::Customers),
            Some(("site", code)) => SiteCode::new(code).map(Self::Site),
            Some(("lane", codes)) => {
                let (low, high) = codes.split_once('~').ok_or(ScopeError::Scope)?;
                let (low, high) = (SiteCode::new(low)?, SiteCode::new(high)?);
                if low < high { Ok(Self::Lane(low, high)) } else { Err(ScopeError::Scope) }
            }
            Some(_) | None => Err(ScopeError::Scope),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_scope_has_one_text_and_one_encoding() {
        for text in ["control", "catalogue", "customers/MAIN", "site/SH01", "lane/HQ~SH01"] {
            let scope: Scope = text.parse().unwrap();
            assert_eq!(scope.to_string(), text);
            assert_eq!(Scope::from_bytes(&scope.to_bytes()).unwrap(), scope);
        }
        let lane = Scope::lane(SiteCode::new("SH01").unwrap(), SiteCode::new("HQ").unwrap()).unwrap();
        assert_eq!(lane.to_string(), "lane/HQ~SH01");
        assert!("lane/SH01~HQ".parse::<Scope>().is_err());
    }

    #[test]
    fn a_site_code_has_two_to_eight_capitals_or_digits() {
        for (code, fits) in
            [("HQ", true), ("A", false), ("ABCDEFGH", true), ("ABCDEFGHI", false), ("sh01", false), ("", false)]
        {
            assert_eq!(SiteCode::new(code).is_ok(), fits, "{code}");
        }
    }
}
