//! Where this node stands: its place in the organisation, and whether it is in touch with the others.
//!
//! What every page shows on top. Nothing here is stopped by a missing connection.
//!
//! Invariant: a node that meets nobody who could be reached is on its own, and says since when. Proved by
//! `a_node_tells_whether_it_is_on_its_own`.

use chrono_tz::Tz;
use crdt_model::control::event::SiteKind;
use crdt_model::money::Currency;
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::error::AppError;
use super::peers::short_name;
use super::read;
use super::sync::SyncPeerView;
use super::{App, storage};
use crate::link::directory::Exchange;
use crate::link::state::Announced;
use crate::store::{ReadTables, Table};

/// The place of a node in its organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceView {
    /// The organisation's name.
    pub org_name: Text,
    /// The node's site.
    pub site: SiteCode,
    /// What the site is.
    pub kind: SiteKind,
    /// The node's short name.
    pub node: String,
    /// The node's letter at its site.
    pub letter: Text,
    /// The site's zone.
    pub zone: Tz,
    /// The organisation's currency.
    pub currency: Currency,
}

/// Whether a node is in touch with the nodes that it exchanges with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is no other node.
    Alone,
    /// Everyone has everything; the last exchange.
    Level(Option<EventTime>),
    /// Streams are open and changes are on their way.
    Exchanging {
        /// Commits on their way out and in.
        commits: u64,
    },
    /// Head office and some sites are met, these sites are not.
    Without {
        /// Their codes.
        sites: Vec<SiteCode>,
        /// The oldest last exchange with one of them; none where one was never met.
        as_of: Option<EventTime>,
        /// Commits that they do not have.
        waiting: u64,
    },
    /// Nobody is met, or at a branch not head office.
    OnItsOwn {
        /// The last exchange; none where there was none.
        since: Option<EventTime>,
        /// Commits that head office, or whoever is met first, does not have.
        waiting: u64,
        /// Whether an operator stopped the exchange here.
        exchange: Exchange,
    },
}

impl App {
    /// The node's short name.
    pub fn node_name(&self) -> String {
        short_name(&self.facts().author)
    }

    /// How many commits are held; it only grows.
    pub fn commits_held(&self) -> Result<u64, AppError> {
        self.snapshot()?.count(Table::CommitOrder).map_err(storage)
    }

    /// The node's place in its organisation.
    pub fn place(&self) -> Result<PlaceView, AppError> {
        let control = read::control(&self.snapshot()?)?;
        let facts = self.facts();
        let letter = control.members.get(&facts.author).map(|member| member.device_letter.clone());
        Ok(PlaceView {
            org_name: control.genesis.as_ref().map(|genesis| genesis.name.clone()).unwrap_or_default(),
            site: facts.site.clone(),
            kind: control.sites.get(&facts.site).map_or(SiteKind::Store, |site| site.kind),
            node: self.node_name(),
            letter: letter.unwrap_or_default(),
            zone: facts.zone,
            currency: facts.currency,
        })
    }

    /// Whether this node is in touch with the others.
    pub fn standing(&self) -> Result<Standing, AppError> {
        let view = self.sync_status()?;
        let directory = self.directory()?;
        let kind = |site: &SiteCode| directory.control.sites.get(site).map(|site| site.kind);
        let is_office = |peer: &&SyncPeerView| kind(&peer.site) == Some(SiteKind::HeadOffice);
        let own_is_office = kind(&self.facts().site) == Some(SiteKind::HeadOffice);
        let offices: Vec<&SyncPeerView> = view.peers.iter().filter(is_office).collect();
        let needed = if own_is_office || offices.is_empty() { view.peers.iter().collect() } else { offices };
        Ok(standing(view.exchange, &view.peers, &needed))
    }
}

/// The rule: `needed` are the peers without whom a node is on its own.
fn standing(exchange: Exchange, peers: &[SyncPeerView], needed: &[&SyncPeerView]) -> Standing {
    if peers.is_empty() {
        return Standing::Alone;
    }
    let open = |peer: &&SyncPeerView| peer.link.is_open();
    if exchange == Exchange::Paused || !needed.iter().any(open) {
        let since = needed.iter().filter_map(|peer| peer.last_exchange).max_by_key(|at| at.at);
        let waiting = needed.iter().map(|peer| peer.link.waiting_out.commits).min().unwrap_or_default();
        return Standing::OnItsOwn { since, waiting, exchange };
    }
    let away: Vec<&SyncPeerView> = peers.iter().filter(|peer| !open(peer)).collect();
    let met = |site: &SiteCode| peers.iter().any(|peer| peer.site == *site && peer.link.is_open());
    let mut sites: Vec<SiteCode> = away.iter().map(|peer| peer.site.clone()).filter(|site| !met(site)).collect();
    sites.dedup();
    if !sites.is_empty() {
        let last: Option<Vec<EventTime>> = away.iter().map(|peer| peer.last_exchange).collect();
        let as_of = last.and_then(|last| last.into_iter().min_by_key(|at| at.at));
        let waiting = away.iter().map(|peer| peer.link.waiting_out.commits).max().unwrap_or_default();
        return Standing::Without { sites, as_of, waiting };
    }
    let open = || peers.iter().filter(|peer| peer.link.is_open());
    let commits = open().map(|peer| peer.link.waiting_out.commits + peer.link.waiting_in.commits).sum();
    if commits > 0 || open().any(|peer| peer.link.announced == Announced::Missing) {
        return Standing::Exchanging { commits };
    }
    Standing::Level(open().filter_map(|peer| peer.last_exchange).max_by_key(|at| at.at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::time::Timestamp;

    use super::*;
    use crate::clock;
    use crate::link::reason::Reason;
    use crate::link::state::{LinkState, Waiting};

    fn peer(site: &str, reason: Reason, out: u64, last_s: i64) -> SyncPeerView {
        let mut link = LinkState::broken(reason);
        link.waiting_out = Waiting { commits: out, bytes: 0 };
        link.announced = if reason == Reason::Connected { Announced::Held } else { Announced::Missing };
        let last_exchange = (last_s > 0).then(|| clock::moment(Timestamp(last_s * 1_000), Tz::UTC));
        let site = SiteCode::new(site).unwrap();
        SyncPeerView { node: site.to_string(), site, link, last_exchange, address: None }
    }

    fn of(exchange: Exchange, peers: &[SyncPeerView], office: usize) -> Standing {
        let needed: Vec<_> = peers.iter().take(office).collect();
        standing(exchange, peers, &needed)
    }

    #[test]
    fn a_node_tells_whether_it_is_on_its_own() {
        use Exchange::{Paused, Running};
        assert_eq!(of(Running, &[], 0), Standing::Alone);
        let level = [peer("HQ", Reason::Connected, 0, 9)];
        assert!(matches!(of(Running, &level, 1), Standing::Level(Some(at)) if at.at.0 == 9_000));
        let busy = [peer("HQ", Reason::Connected, 3, 9)];
        assert_eq!(of(Running, &busy, 1), Standing::Exchanging { commits: 3 });
        let away = [peer("HQ", Reason::Unreachable, 7, 9), peer("WH01", Reason::Connected, 0, 9)];
        let alone = of(Running, &away, 1);
        assert!(
            matches!(alone, Standing::OnItsOwn { since: Some(at), waiting: 7, .. } if at.at.0 == 9_000),
            "{alone:?}"
        );
        assert!(matches!(of(Paused, &level, 1), Standing::OnItsOwn { exchange: Paused, .. }));
    }

    #[test]
    fn sites_that_are_not_met_are_named_once_with_the_oldest_time() {
        let peers = [
            peer("HQ", Reason::Connected, 0, 20),
            peer("SH01", Reason::Unreachable, 2, 9),
            peer("SH01", Reason::Connected, 0, 20),
            peer("SH02", Reason::Unreachable, 4, 8),
            peer("SH02", Reason::NoAddress, 5, 7),
        ];
        let Standing::Without { sites, as_of, waiting } = of(Exchange::Running, &peers, 1) else { panic!() };
        assert_eq!(sites, [SiteCode::new("SH02").unwrap()]);
        assert_eq!((as_of.unwrap().at.0, waiting), (7_000, 5));
    }
}
