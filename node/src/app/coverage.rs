//! Which sites a report covers: the rule of `report/coverage` over the sites whose scope this node holds.
//!
//! Not the links: they tell the application what they see of each site ([`App::set_site_states`]); before they do, every
//! other site counts as never heard of.
//!
//! Invariant: only sites whose scope is held contribute. Proved by `a_report_covers_the_sites_that_are_held_and_says_why`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use crdt_model::control::grants;
use crdt_model::control::state::Control;
use crdt_model::scope::{Scope, SiteCode};

use super::App;
use super::model::{CoverageRow, CoverageState};
use crate::clock;
use crate::report::coverage::{Completeness, SiteCoverage, coverage};
pub use crate::report::coverage::{LinkState, SiteSeen};

/// What the links see of each site, by its code.
#[derive(Debug, Default)]
pub(super) struct SiteStates(RwLock<BTreeMap<SiteCode, SiteSeen>>);

impl App {
    /// Takes what the links see of each site now, in place of what they saw before.
    pub fn set_site_states(&self, states: BTreeMap<SiteCode, SiteSeen>) {
        *self.inner.site_states.0.write().unwrap_or_else(PoisonError::into_inner) = states;
    }

    /// What a figure that sums sites covers at this moment.
    pub(super) fn coverage(&self, control: &Control) -> (Vec<CoverageRow>, Completeness) {
        let own = &self.facts().site;
        let holds = |site: &&SiteCode| grants::holds(control, own, &Scope::Site((*site).clone()));
        let held: BTreeSet<SiteCode> = control.sites.keys().filter(holds).cloned().collect();
        let states = self.inner.site_states.0.read().unwrap_or_else(PoisonError::into_inner);
        let (sites, completeness) = coverage(own, &held, &states);
        (sites.into_iter().map(|(site, coverage)| self.coverage_row(site, coverage)).collect(), completeness)
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
