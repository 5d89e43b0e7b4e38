//! Real replicas over real stores, joined by sessions whose streams are cut at random bytes and whose nodes are restarted.
#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crdt_model::commit::SignedCommit;
use crdt_model::order::event::Handover;
use crdt_model::scope::SiteCode;

use super::super::*;
use super::fake::Dice;
use crate::replica::tests::network::{HQ, KEEPER, Network, TILL, WAREHOUSE, author_of};
use crate::replica::tests::world::{cancel, confirm, line, list, order, product, ship, stock, walk_in};
use crate::replica::{Arrival, Command, Outcome, StockKind};
use crate::store::Table;

/// Who has a stream to whom.
const PAIRS: [(usize, usize); 4] = [(HQ, KEEPER), (HQ, TILL), (HQ, WAREHOUSE), (KEEPER, TILL)];

struct End {
    node: usize,
    peer: usize,
    session: Session,
    inbox: Vec<u8>,
    arrivals: VecDeque<Incoming>,
    is_complete: bool,
}

/// The nodes and their open streams.
struct Twin {
    network: Network,
    links: BTreeMap<(usize, usize), [End; 2]>,
    stored: u64,
    came: u64,
}

fn device(node: usize) -> DeviceId {
    // Head office's is the one that the genesis names.
    DeviceId([if node == HQ { 9 } else { node as u8 }; 32])
}

impl Twin {
    fn new() -> Self {
        Self { network: Network::new(&["lamp", "chair"]), links: BTreeMap::new(), stored: 0, came: 0 }
    }

    fn grants(&mut self, node: usize, peer: usize) -> Grants {
        let site = |network: &Network, node: usize| -> SiteCode { network.nodes[node].site.clone() };
        let control = Arc::new(self.network.nodes[node].control());
        Grants::Sites { control, here: site(&self.network, node), there: site(&self.network, peer) }
    }

    fn open(&mut self, pair: (usize, usize)) {
        let end = |network: &Network, node: usize, peer: usize| {
            let org = network.org;
            let author = author_of(&network.nodes[node].key);
            let config =
                SessionConfig { org, author, peer: device(peer), addresses: Vec::new(), pause: Pause::Running };
            let session = Session::new(config);
            End { node, peer, session, inbox: Vec::new(), arrivals: VecDeque::new(), is_complete: false }
        };
        let ends = [end(&self.network, pair.0, pair.1), end(&self.network, pair.1, pair.0)];
        self.links.insert(pair, ends);
        for at in [0, 1] {
            self.step(pair, at, |session, log, grants| session.start(log, grants));
        }
    }

    /// Runs one step of a session and does what it says.
    fn step(
        &mut self,
        pair: (usize, usize),
        at: usize,
        run: impl FnOnce(&mut Session, &crate::store::Snapshot, &Grants) -> Vec<Effect>,
    ) {
        let (node, peer) = (self.links[&pair][at].node, self.links[&pair][at].peer);
        let grants = self.grants(node, peer);
        let log = self.network.nodes[node].store.read().unwrap();
        let ends = self.links.get_mut(&pair).unwrap();
        for effect in run(&mut ends[at].session, &log, &grants) {
            match effect {
                Effect::Send(bytes) => ends[1 - at].inbox.extend(bytes),
                Effect::Ingest(incoming) => {
                    assert!(self.network.share(pair.0, pair.1, &incoming.scope), "{} at {node}", incoming.scope);
                    ends[at].arrivals.push_back(incoming);
                }
                Effect::Close(closing) => panic!("{pair:?} {at}: {closing:?}"),
                Effect::Fork { scope, author, seq, .. } => panic!("{pair:?} {scope} {author} {seq}"),
                Effect::Greeted { .. } | Effect::PeerHas { .. } | Effect::Announced { .. } => {}
            }
        }
        ends[at].is_complete = ends[at].session.status().is_complete;
    }

    fn deliver(&mut self, pair: (usize, usize), at: usize, bytes: usize) {
        let end = &mut self.links.get_mut(&pair).unwrap()[at];
        let rest = end.inbox.split_off(bytes.min(end.inbox.len()));
        let part = std::mem::replace(&mut end.inbox, rest);
        self.step(pair, at, |session, log, grants| session.receive(&part, log, grants));
    }

    /// Verifies and stores the first frame that waits at one end.
    fn ingest(&mut self, pair: (usize, usize), at: usize) {
        let end = &mut self.links.get_mut(&pair).unwrap()[at];
        let (node, Some(incoming)) = (end.node, end.arrivals.pop_front()) else { return };
        let commits: Vec<SignedCommit> = incoming.commits.into_iter().map(|commit| commit.verify().unwrap()).collect();
        self.came += commits.len() as u64;
        let arrival = Arrival { commits, keys: incoming.keys };
        match self.network.done(node, Command::Receive(arrival)) {
            Outcome::Received(received) => {
                assert_eq!((&received.refused, received.waiting, received.set_aside), (&None, 0, 0));
                self.stored += received.stored;
            }
            other => panic!("{other:?}"),
        }
        self.step(pair, at, |session, log, grants| session.durable(incoming.frame, log, grants));
        self.news(node);
    }

    fn news(&mut self, node: usize) {
        let ends: Vec<_> =
            self.links.iter().flat_map(|(pair, ends)| [(*pair, 0, ends[0].node), (*pair, 1, ends[1].node)]).collect();
        for (pair, at, _) in ends.into_iter().filter(|end| end.2 == node) {
            self.step(pair, at, |session, log, grants| session.news(log, grants));
        }
    }

    /// A power cut: its streams end, whatever was under way is lost.
    fn restart(&mut self, node: usize) {
        self.links.retain(|pair, _| pair.0 != node && pair.1 != node);
        let org = self.network.org;
        self.network.nodes[node].restart(org);
    }

    fn act(&mut self, dice: &mut Dice, node: usize, orders: &mut Vec<DocumentId>) {
        let mut sale = order(Handover::Later, vec![line("lamp", "2"), line("chair", "1")]);
        sale.contact = Some(format!("Ann Example {}", dice.below(1_000)));
        let known = (!orders.is_empty()).then(|| orders[dice.below(orders.len())]);
        let command = match (dice.below(7), known) {
            (0, _) => stock(StockKind::Receipt, "lamp", 3),
            (1, Some(id)) => confirm(id),
            (2, Some(id)) => ship(id, None),
            (3, Some(id)) => cancel(id, None),
            (4, _) if node == HQ => Command::PostProduct(product(&format!("P{}", dice.below(90)))),
            (5, _) => walk_in("lamp", "1"),
            _ => Command::PlaceOrder(sale),
        };
        if let Ok(Outcome::Order { id, scope }) = self.network.run(node, command)
            && scope.to_string() == "site/SH01"
        {
            orders.push(id);
        }
        self.news(node);
    }

    /// Opens every stream and lets everything arrive.
    fn heal(&mut self) {
        for pair in PAIRS {
            if !self.links.contains_key(&pair) {
                self.open(pair);
            }
        }
        let is_idle =
            |twin: &Self| twin.links.values().flatten().all(|end| end.inbox.is_empty() && end.arrivals.is_empty());
        while !is_idle(self) {
            for pair in PAIRS {
                for at in [0, 1] {
                    self.deliver(pair, at, usize::MAX);
                    self.ingest(pair, at);
                }
            }
        }
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed);
    let mut twin = Twin::new();
    let mut orders = Vec::new();
    for _ in 0..150 {
        let pair = PAIRS[dice.below(4)];
        match dice.below(12) {
            0..=3 => {
                let node = [HQ, KEEPER, TILL][dice.below(3)];
                twin.act(&mut dice, node, &mut orders);
            }
            4 if twin.links.contains_key(&pair) && dice.below(3) == 0 => drop(twin.links.remove(&pair)),
            5 if dice.below(8) == 0 => twin.restart(dice.below(4)),
            _ if !twin.links.contains_key(&pair) => twin.open(pair),
            6 | 7 => twin.ingest(pair, dice.below(2)),
            _ => twin.deliver(pair, dice.below(2), 1 + dice.below(3_000)),
        }
    }
    twin.heal();
    twin.network.check_equal();
    for end in twin.links.values().flatten() {
        let status = end.session.status();
        assert!(end.is_complete && !end.session.is_waiting(), "seed {seed}: {} {} {status:?}", end.node, end.peer);
        assert_eq!((status.waiting_out.commits, status.waiting_in.commits), (0, 0), "seed {seed}");
    }
    let keys = |node: usize| list(&twin.network.nodes[node].store.read().unwrap(), Table::Keys, &[]);
    let of_store = keys(KEEPER);
    assert_eq!(keys(TILL), of_store, "seed {seed}");
    let of_office = keys(HQ);
    assert!(!of_store.is_empty() && of_store.iter().all(|key| of_office.contains(key)), "seed {seed}");
    assert_eq!(keys(WAREHOUSE), [], "no key of another site's customers");
    assert!(twin.stored <= twin.came);
}

#[test]
fn replicas_that_are_cut_anywhere_end_equal() {
    for seed in 0..8 {
        play(seed);
    }
}

#[test]
fn two_replicas_resume_exactly_where_they_were_cut() {
    for seed in 0..4 {
        let mut dice = Dice(100 + seed);
        let mut twin = Twin::new();
        let mut orders = Vec::new();
        for _ in 0..25 {
            twin.act(&mut dice, KEEPER, &mut orders);
        }
        let (pair, missing) = ((HQ, KEEPER), twin.network.missing(KEEPER, HQ).len() as u64);
        for _ in 0..6 {
            twin.open(pair);
            for _ in 0..dice.below(30) {
                let at = dice.below(2);
                twin.deliver(pair, at, 1 + dice.below(1_500));
                twin.ingest(pair, at);
            }
            twin.links.clear();
        }
        twin.open(pair);
        while twin.links[&pair].iter().any(|end| !end.inbox.is_empty() || !end.arrivals.is_empty()) {
            for at in [0, 1] {
                twin.deliver(pair, at, usize::MAX);
                twin.ingest(pair, at);
            }
        }
        assert_eq!(
            (twin.stored, twin.came),
            (missing, missing),
            "seed {seed}: nothing was stored or handed over twice"
        );
    }
}
