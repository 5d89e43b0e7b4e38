//! Which sites a report covers: the rule of `report/coverage` over the sites whose scope this node holds.
//!
//! What is seen of a site is the best of its nodes' links at this moment; a node without links (opened for one command)
//! knows when it last heard of each peer.
//!
//! Invariant: only sites whose scope is held contribute. Proved by `a_report_covers_the_sites_that_are_held_and_says_why`.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::control::grants;
use crdt_model::control::state::Control;
use crdt_model::scope::{Scope, SiteCode};

use super::App;
use super::error::AppError;
use super::model::{CoverageRow, CoverageState};
use super::sync::idle_reason;
use crate::clock;
use crate::link::state::{Announced, LinkState as Link};
use crate::report::coverage::{Completeness, SiteCoverage, coverage};
pub use crate::report::coverage::{LinkState, SiteSeen};

impl App {
    /// What a figure that sums sites covers at this moment.
    pub(super) fn coverage(&self, control: &Control) -> Result<(Vec<CoverageRow>, Completeness), AppError> {
        Ok(self.covering(control, &self.sites_seen()?))
    }

    /// As [`Self::coverage`], by what is seen of each site.
    pub(super) fn covering(
        &self,
        control: &Control,
        seen: &BTreeMap<SiteCode, SiteSeen>,
    ) -> (Vec<CoverageRow>, Completeness) {
        let own = &self.facts().site;
        let holds = |site: &&SiteCode| grants::holds(control, own, &Scope::Site((*site).clone()));
        let held: BTreeSet<SiteCode> = control.sites.keys().filter(holds).cloned().collect();
        let (sites, completeness) = coverage(own, &held, seen);
        (sites.into_iter().map(|(site, coverage)| self.coverage_row(site, coverage)).collect(), completeness)
    }

    /// What the links see of each site.
    fn sites_seen(&self) -> Result<BTreeMap<SiteCode, SiteSeen>, AppError> {
        let (directory, links) = (self.directory()?, self.link_states());
        let mut sites: BTreeMap<SiteCode, SiteSeen> = BTreeMap::new();
        for (member, _) in directory.linked() {
            let link = links.get(&member.device).cloned();
            let link = link.unwrap_or_else(|| Link::broken(idle_reason(&directory, &member.device)));
            let before = directory.peers.get(&member.device).and_then(|row| row.last_exchange);
            let state = match link.is_open() {
                true => LinkState::Open { complete: link.announced == Announced::Held },
                false => LinkState::Closed,
            };
            let seen = SiteSeen { state, last_ack: link.last_exchange.max(before), reason: link.reason.code() };
            sites.entry(member.site.clone()).and_modify(|known| *known = known.or(seen)).or_insert(seen);
        }
        Ok(sites)
    }

    fn coverage_row(&self, site: SiteCode, coverage: SiteCoverage) -> CoverageRow {
        let (state, as_of, reason) = match coverage {
            SiteCoverage::Live => (CoverageState::Live, Some(self.now()), None),
            SiteCoverage::Behind { as_of, reason } => {
                (CoverageState::Behind, Some(clock::moment(as_of, self.facts().zone)), Some(reason.to_owned()))
            }
            SiteCoverage::Never { reason } => (CoverageState::Never, None, Some(reason.to_owned())),
        };
        CoverageRow { site, state, as_of, reason }
    }
}
