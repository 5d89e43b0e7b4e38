//! What a figure that sums sites covers (architecture section 13).
//!
//! Not the links that know the state of a site, and no clock: both are arguments.
//!
//! Invariants: `live` is an open stream from which everything announced is held; a site that was never heard of is never
//! live; complete is all live. Proved by `an_open_stream_is_live_only_with_all_that_it_announced`,
//! `a_site_is_behind_once_it_was_seen_and_never_before` and `complete_is_all_live`.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::scope::SiteCode;
use crdt_model::time::Timestamp;

/// Why a site is behind that answers but has not given all yet.
pub const CATCHING_UP: &str = "catching_up";
/// Why a site is behind or was never seen of which no link knows anything.
pub const NO_CONTACT: &str = "no_contact";

/// The best stream to a site's nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// One is open.
    Open {
        /// Whether everything that it announced is held.
        complete: bool,
    },
    /// None is.
    Closed,
}

/// What the links know of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteSeen {
    /// Its best stream.
    pub state: LinkState,
    /// When something of it was last held and acknowledged.
    pub last_ack: Option<Timestamp>,
    /// The stable reason code of its link.
    pub reason: &'static str,
}

impl SiteSeen {
    /// What two nodes of one site are together: the better stream, the later time.
    pub fn or(self, other: Self) -> Self {
        let rank = |seen: &Self| match seen.state {
            LinkState::Open { complete: true } => 2,
            LinkState::Open { complete: false } => 1,
            LinkState::Closed => 0,
        };
        let best = if rank(&other) > rank(&self) { other } else { self };
        Self { last_ack: self.last_ack.max(other.last_ack), ..best }
    }
}

/// How current a site's part of a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteCoverage {
    /// Up to date.
    Live,
    /// Seen before and not live.
    Behind {
        /// When it was last acknowledged.
        as_of: Timestamp,
        /// A stable reason code.
        reason: &'static str,
    },
    /// Nothing of it was ever received.
    Never {
        /// A stable reason code.
        reason: &'static str,
    },
}

/// Whether a figure covers every site to this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Every contributing site is live.
    Complete,
    /// One is not.
    Incomplete,
}

/// What a figure over the sites in `held` covers at a node of site `own`, by what the links know.
pub fn coverage(
    own: &SiteCode,
    held: &BTreeSet<SiteCode>,
    states: &BTreeMap<SiteCode, SiteSeen>,
) -> (Vec<(SiteCode, SiteCoverage)>, Completeness) {
    let of = |site: &SiteCode| if site == own { SiteCoverage::Live } else { of_site(states.get(site)) };
    let sites: Vec<_> = held.iter().map(|site| (site.clone(), of(site))).collect();
    let all_live = sites.iter().all(|(_, coverage)| *coverage == SiteCoverage::Live);
    (sites, if all_live { Completeness::Complete } else { Completeness::Incomplete })
}

fn of_site(seen: Option<&SiteSeen>) -> SiteCoverage {
    let Some(seen) = seen else { return SiteCoverage::Never { reason: NO_CONTACT } };
    let reason = match seen.state {
        LinkState::Open { complete: true } => return SiteCoverage::Live,
        LinkState::Open { complete: false } => CATCHING_UP,
        LinkState::Closed => seen.reason,
    };
    match seen.last_ack {
        Some(as_of) => SiteCoverage::Behind { as_of, reason },
        None => SiteCoverage::Never { reason },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn site(code: &str) -> SiteCode {
        SiteCode::new(code).unwrap()
    }

    fn seen(state: LinkState, last_ack: Option<i64>) -> SiteSeen {
        SiteSeen { state, last_ack: last_ack.map(Timestamp), reason: "unreachable" }
    }

    fn of(codes: &[&str], states: &[(&str, SiteSeen)]) -> (Vec<SiteCoverage>, Completeness) {
        let held = codes.iter().map(|code| site(code)).collect();
        let states = states.iter().map(|(code, seen)| (site(code), *seen)).collect();
        let (sites, completeness) = coverage(&site("HQ"), &held, &states);
        assert_eq!(sites.iter().map(|(site, _)| site.clone()).collect::<BTreeSet<_>>(), held);
        (sites.into_iter().map(|(_, coverage)| coverage).collect(), completeness)
    }

    #[test]
    fn an_open_stream_is_live_only_with_all_that_it_announced() {
        let open = |complete| seen(LinkState::Open { complete }, Some(5));
        assert_eq!(of(&["SH01"], &[("SH01", open(true))]).0, [SiteCoverage::Live]);
        let behind = SiteCoverage::Behind { as_of: Timestamp(5), reason: CATCHING_UP };
        assert_eq!(of(&["SH01"], &[("SH01", open(false))]).0, [behind]);
        let nothing_yet = seen(LinkState::Open { complete: true }, None);
        assert_eq!(of(&["SH01"], &[("SH01", nothing_yet)]).0, [SiteCoverage::Live], "it has nothing and says so");
    }

    #[test]
    fn a_site_is_behind_once_it_was_seen_and_never_before() {
        let behind = SiteCoverage::Behind { as_of: Timestamp(7), reason: "unreachable" };
        assert_eq!(of(&["SH01"], &[("SH01", seen(LinkState::Closed, Some(7)))]).0, [behind]);
        let never = |reason| SiteCoverage::Never { reason };
        assert_eq!(of(&["SH01"], &[("SH01", seen(LinkState::Closed, None))]).0, [never("unreachable")]);
        let first = seen(LinkState::Open { complete: false }, None);
        assert_eq!(of(&["SH01"], &[("SH01", first)]).0, [never(CATCHING_UP)]);
        assert_eq!(of(&["SH01"], &[]).0, [never(NO_CONTACT)]);
    }

    #[test]
    fn the_own_site_is_live_and_sites_that_are_not_held_do_not_count() {
        let closed = seen(LinkState::Closed, Some(7));
        let (sites, completeness) = of(&["HQ"], &[("HQ", closed), ("WH01", closed)]);
        assert_eq!((sites, completeness), (vec![SiteCoverage::Live], Completeness::Complete));
    }

    #[test]
    fn complete_is_all_live() {
        let live = seen(LinkState::Open { complete: true }, Some(5));
        let sites = ["HQ", "SH01", "WH01"];
        assert_eq!(of(&sites, &[("SH01", live), ("WH01", live)]).1, Completeness::Complete);
        assert_eq!(of(&sites, &[("SH01", live)]).1, Completeness::Incomplete);
        assert_eq!(of(&[], &[]).1, Completeness::Complete);
    }
}
