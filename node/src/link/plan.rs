//! Who dials whom: one pure rule over the members, so that of each pair exactly one side does.
//!
//! Branches dial head office. Devices of one site dial those admitted before them. Two other sites are linked while there
//! is something in their lane; the higher code dials.
//!
//! Invariant: of two linked members exactly one dials. Proved by `of_each_linked_pair_exactly_one_dials`.

use std::collections::BTreeSet;

use crdt_model::control::event::{Member, SiteKind};
use crdt_model::control::state::Control;
use crdt_model::scope::{Scope, SiteCode};

/// What two members are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// We dial.
    Dials,
    /// The peer dials.
    Awaits,
    /// They have nothing of their own to exchange.
    Apart,
}

/// Says what `own` does about `peer`; `lanes` are the lanes that hold something.
pub fn side(control: &Control, lanes: &BTreeSet<Scope>, own: &Member, peer: &Member) -> Side {
    if own.author == peer.author || own.device == peer.device {
        return Side::Apart;
    }
    if own.site == peer.site {
        return dials_if(admitted_rank(own) > admitted_rank(peer));
    }
    match (is_head_office(control, &own.site), is_head_office(control, &peer.site)) {
        (false, true) => Side::Dials,
        (true, false) => Side::Awaits,
        (true, true) => dials_if(own.site > peer.site),
        (false, false) => {
            let lane = Scope::lane(own.site.clone(), peer.site.clone());
            if lane.is_ok_and(|lane| lanes.contains(&lane)) { dials_if(own.site > peer.site) } else { Side::Apart }
        }
    }
}

fn dials_if(first: bool) -> Side {
    if first { Side::Dials } else { Side::Awaits }
}

/// Letters rise with admission: A to Z, then AA.
fn admitted_rank(member: &Member) -> (usize, &str, [u8; 32]) {
    (member.device_letter.as_str().len(), member.device_letter.as_str(), member.author.0)
}

fn is_head_office(control: &Control, site: &SiteCode) -> bool {
    control.sites.get(site).is_some_and(|site| site.kind == SiteKind::HeadOffice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::control::event::Site;
    use crdt_model::id::{AuthorId, DeviceId};
    use crdt_model::text::Text;

    fn code(code: &str) -> SiteCode {
        SiteCode::new(code).unwrap()
    }

    fn control() -> Control {
        let sites = [
            ("HQ", SiteKind::HeadOffice),
            ("HQ2", SiteKind::HeadOffice),
            ("SH01", SiteKind::Store),
            ("WH01", SiteKind::Warehouse),
            ("REP1", SiteKind::Field),
        ];
        let site = |(name, kind): (&str, SiteKind)| {
            let (zone, territory) = (Text::new("Europe/London").unwrap(), code("MAIN"));
            (code(name), Site { code: code(name), kind, zone, territory })
        };
        let mut control = Control::default();
        control.sites.extend(sites.map(site));
        control
    }

    fn member(site: &str, letter: &str, number: u8) -> Member {
        let device_letter = Text::new(letter).unwrap();
        Member { author: AuthorId([number; 32]), device: DeviceId([number; 32]), site: code(site), device_letter }
    }

    fn members() -> Vec<Member> {
        let all = [("HQ", "A"), ("HQ", "B"), ("HQ2", "A"), ("SH01", "A"), ("SH01", "Z"), ("SH01", "AA"), ("WH01", "A")];
        let numbered = all.iter().chain([&("REP1", "A")]).zip([9, 1, 8, 2, 7, 3, 6, 4]);
        numbered.map(|((site, letter), number)| member(site, letter, number)).collect()
    }

    #[test]
    fn of_each_linked_pair_exactly_one_dials() {
        let lanes = BTreeSet::from(["lane/SH01~WH01".parse().unwrap()]);
        for one in members() {
            for other in members() {
                let sides = (side(&control(), &lanes, &one, &other), side(&control(), &lanes, &other, &one));
                let fits = matches!(
                    sides,
                    (Side::Dials, Side::Awaits) | (Side::Awaits, Side::Dials) | (Side::Apart, Side::Apart)
                );
                assert!(fits, "{one:?} {other:?} {sides:?}");
            }
        }
    }

    #[test]
    fn branches_dial_head_office_and_later_tills_earlier_ones() {
        let none = BTreeSet::new();
        let lanes = BTreeSet::from(["lane/SH01~WH01".parse().unwrap()]);
        let of = |lanes, own: (&str, &str), peer: (&str, &str)| {
            side(&control(), lanes, &member(own.0, own.1, 1), &member(peer.0, peer.1, 2))
        };
        assert_eq!(of(&none, ("SH01", "A"), ("HQ", "B")), Side::Dials);
        assert_eq!(of(&none, ("SH01", "AA"), ("SH01", "Z")), Side::Dials);
        assert_eq!(of(&none, ("SH01", "A"), ("WH01", "A")), Side::Apart);
        assert_eq!(of(&lanes, ("WH01", "A"), ("SH01", "A")), Side::Dials);
        assert_eq!(of(&none, ("HQ2", "A"), ("HQ", "A")), Side::Dials);
        assert_eq!(of(&none, ("HQ", "A"), ("HQ", "A")), Side::Awaits);
    }
}
