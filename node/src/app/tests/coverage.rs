//! Tests of what a report says of the sites that it covers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crdt_model::control::event::{Site, SiteKind};
use crdt_model::control::state::Control;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use crdt_model::time::Timestamp;

use super::failures::Node;
use crate::app::coverage::{LinkState, SiteSeen};
use crate::app::model::CoverageState;
use crate::report::coverage::Completeness;

fn site(code: &str) -> SiteCode {
    SiteCode::new(code).unwrap()
}

fn control(own: SiteKind) -> Control {
    let with = |code: &str, kind| {
        let zone = Text::new("Europe/London").unwrap();
        (site(code), Site { code: site(code), kind, zone, territory: site("MAIN") })
    };
    let sites = [with("SH01", own), with("SH02", SiteKind::Store), with("WH01", SiteKind::Warehouse)];
    let mut control = Control::default();
    control.sites = sites.into();
    control
}

#[test]
fn a_report_covers_the_sites_that_are_held_and_says_why() {
    let node = Node::new();
    let (rows, completeness) = node.app.coverage(&control(SiteKind::Store)).unwrap();
    let names = |rows: &[crate::app::model::CoverageRow]| {
        rows.iter().map(|row| (row.site.to_string(), row.state)).collect::<Vec<_>>()
    };
    assert_eq!((names(&rows), completeness), (vec![("SH01".into(), CoverageState::Live)], Completeness::Complete));

    let office = control(SiteKind::HeadOffice);
    let (rows, completeness) = node.app.coverage(&office).unwrap();
    assert_eq!(completeness, Completeness::Incomplete);
    assert!(rows[1..].iter().all(|row| row.state == CoverageState::Never && row.as_of.is_none()));

    let seen = |state| SiteSeen { state, last_ack: Some(Timestamp(0)), reason: "paused_there" };
    let live = LinkState::Open { complete: true };
    let some = BTreeMap::from([(site("SH02"), seen(LinkState::Closed)), (site("WH01"), seen(live))]);
    let (rows, completeness) = node.app.covering(&office, &some);
    assert_eq!(completeness, Completeness::Incomplete);
    assert_eq!((rows[1].state, rows[1].reason.as_deref()), (CoverageState::Behind, Some("paused_there")));
    assert_eq!(rows[1].as_of.unwrap().at, Timestamp(0));
    assert_eq!((rows[2].state, rows[2].reason.as_deref()), (CoverageState::Live, None));

    let all = ["SH02", "WH01"].map(|code| (site(code), seen(live)));
    assert_eq!(node.app.covering(&office, &all.into()).1, Completeness::Complete);
}
