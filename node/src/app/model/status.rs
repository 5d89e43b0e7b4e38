//! The node's own state: counts and digests.
//!
//! Invariant: a digest is written as 64 lower-case hexadecimal digits. Proved by `a_digest_is_64_digits`.

use std::fmt;

use crdt_model::id::OrgId;
use crdt_model::money::Currency;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;

/// The canonical digest of a scope's state or of all content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateDigest(pub [u8; 32]);

impl fmt::Display for StateDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(blake3::Hash::from(self.0).to_hex().as_str())
    }
}

/// Whether the status should hold the digest over all content, which reads everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentDigest {
    /// Calculate it.
    Wanted,
    /// Leave it out.
    Unwanted,
}

/// The node's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusView {
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub org_name: Text,
    /// The node's site.
    pub site: SiteCode,
    /// The site's kind, `head-office`.
    pub site_kind: String,
    /// The site's zone.
    pub zone: Text,
    /// The site's currency.
    pub currency: Currency,
    /// The author's short hexadecimal name.
    pub node: String,
    /// The program's version.
    pub version: &'static str,
    /// Where it answers; none in process.
    pub url: Option<String>,
    /// Commits held.
    pub commits: u64,
    /// Order documents held.
    pub orders: u64,
    /// Cases without an end.
    pub cases_open: u64,
    /// Commits set aside.
    pub set_aside: u64,
    /// Documents parked.
    pub parked: u64,
    /// Tickets that somebody without a right to them tried to use.
    pub alerts: u64,
    /// Each scope.
    pub scopes: Vec<ScopeStatus>,
    /// The digest over all content, where it was wanted.
    pub content_digest: Option<StateDigest>,
}

/// What the node holds of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeStatus {
    /// The scope.
    pub scope: Scope,
    /// Documents.
    pub documents: u64,
    /// Of them orders.
    pub orders: u64,
    /// Commits.
    pub commits: u64,
    /// Digest of the folded state.
    pub digest: StateDigest,
}

/// What a rebuild of the views went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RebuildView {
    /// Documents folded again.
    pub documents: u64,
    /// Scopes.
    pub scopes: u64,
    /// Commits read.
    pub commits: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_digest_is_64_digits() {
        assert_eq!(StateDigest([0xAB; 32]).to_string(), "ab".repeat(32));
    }
}
