//! Which scopes a site holds (architecture section 5): by rule from `control`, never by a list of grants.
//!
//! Head office holds everything; any other site `control`, `catalogue`, the customers of its territory, its own scope and
//! every lane that it is an end of. What two sites share is what both hold.
//!
//! Invariant: a site that `control` does not know holds nothing. Proved by `each_site_holds_what_its_kind_says`.

use crate::control::event::SiteKind;
use crate::control::state::Control;
use crate::scope::{Scope, SiteCode};

/// What a site holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Every scope.
    All,
    /// These, and every lane that names the site.
    Scopes(Vec<Scope>),
}

/// Lists what a site holds, lanes left out; an unknown site holds no scope.
pub fn scopes_of(control: &Control, site: &SiteCode) -> Held {
    let Some(known) = control.sites.get(site) else { return Held::Scopes(Vec::new()) };
    match known.kind {
        SiteKind::HeadOffice => Held::All,
        SiteKind::Store | SiteKind::Warehouse | SiteKind::Field => Held::Scopes(vec![
            Scope::Control,
            Scope::Catalogue,
            Scope::Customers(known.territory.clone()),
            Scope::Site(site.clone()),
        ]),
    }
}

/// Whether a site holds a scope.
pub fn holds(control: &Control, site: &SiteCode, scope: &Scope) -> bool {
    match scopes_of(control, site) {
        Held::All => true,
        Held::Scopes(scopes) => {
            let ends = matches!(scope, Scope::Lane(low, high) if low == site || high == site);
            scopes.contains(scope) || (ends && !scopes.is_empty())
        }
    }
}

/// Whether two sites exchange a scope: both hold it.
pub fn shares(control: &Control, one: &SiteCode, other: &SiteCode, scope: &Scope) -> bool {
    holds(control, one, scope) && holds(control, other, scope)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::control::event::Site;
    use crate::event::Event;
    use crate::id::{DocumentId, EventKey};
    use crate::text::Text;

    fn control() -> Control {
        let site = |code: &str, kind, territory: &str| {
            let (code, territory) = (SiteCode::new(code).unwrap(), SiteCode::new(territory).unwrap());
            Event::Site(Site { code, kind, zone: Text::new("Europe/London").unwrap(), territory })
        };
        let events = [
            site("HQ", SiteKind::HeadOffice, "MAIN"),
            site("SH01", SiteKind::Store, "MAIN"),
            site("WH01", SiteKind::Warehouse, "NORTH"),
            site("REP1", SiteKind::Field, "MAIN"),
        ];
        let ids = (0u8..).map(|number| DocumentId([1; 16]).event(EventKey([number; 8])));
        Control::of_events(ids.zip(&events).collect())
    }

    fn held(site: &str) -> Vec<&'static str> {
        let all = [
            "control",
            "catalogue",
            "customers/MAIN",
            "customers/NORTH",
            "site/HQ",
            "site/SH01",
            "site/WH01",
            "lane/HQ~SH01",
            "lane/SH01~WH01",
            "lane/REP1~SH01",
        ];
        let site = SiteCode::new(site).unwrap();
        all.into_iter().filter(|scope| holds(&control(), &site, &scope.parse().unwrap())).collect()
    }

    #[test]
    fn each_site_holds_what_its_kind_says() {
        assert_eq!(held("HQ").len(), 10);
        let store =
            ["control", "catalogue", "customers/MAIN", "site/SH01", "lane/HQ~SH01", "lane/SH01~WH01", "lane/REP1~SH01"];
        assert_eq!(held("SH01"), store);
        assert_eq!(held("WH01"), ["control", "catalogue", "customers/NORTH", "site/WH01", "lane/SH01~WH01"]);
        assert_eq!(held("REP1"), ["control", "catalogue", "customers/MAIN", "lane/REP1~SH01"]);
        assert_eq!(held("XX"), Vec::<&str>::new());
    }

    #[test]
    fn two_sites_share_what_both_hold() {
        let code = |code: &str| SiteCode::new(code).unwrap();
        let share = |scope: &str| shares(&control(), &code("SH01"), &code("WH01"), &scope.parse().unwrap());
        assert!(share("control") && share("catalogue") && share("lane/SH01~WH01"));
        assert!(!share("site/SH01") && !share("customers/MAIN") && !share("lane/HQ~SH01"));
    }
}
