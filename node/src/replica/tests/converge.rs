//! Replicas that write at once and hear of each other in any order show the same rows in the end.
#![allow(clippy::unwrap_used)]

use crdt_model::order::event::Handover;
use proptest::prelude::*;

use super::super::*;
use super::fulfilments::{cancel_sent, fulfilments_at, send, ship_sent, stock_of};
use super::network::*;
use super::random::history;
use super::world::*;
use crate::store::Table;
use crate::store::sim_disk::Rng;

const SKUS: [&str; 3] = ["lamp", "chair", "椅子"];

/// What happens in one history.
struct Play {
    rng: Rng,
    network: Network,
    orders: Vec<DocumentId>,
    sent: Vec<DocumentId>,
    written: u64,
}

impl Play {
    fn new(seed: u64) -> Self {
        let network = Network::new(&SKUS);
        Self { rng: Rng::new(seed), network, orders: Vec::new(), sent: Vec::new(), written: 0 }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next() % limit
    }

    fn step(&mut self) {
        let node = self.below(4) as usize;
        match self.below(3) {
            0 => self.hear(node),
            _ => self.act(node),
        }
    }

    fn act(&mut self, node: usize) {
        let command = self.command(node);
        let before = self.network.nodes[node].count(Table::CommitOrder);
        if let Ok(Outcome::Order { id, scope }) = self.network.run(node, command)
            && scope == self::scope()
        {
            self.orders.push(id);
            self.sent = fulfilments_at(&self.network.nodes[node]);
        }
        self.written += self.network.nodes[node].count(Table::CommitOrder) - before;
    }

    fn command(&mut self, node: usize) -> Command {
        let sku = SKUS[self.below(3) as usize];
        let order = match self.orders.len() as u64 {
            0 => None,
            count => {
                let at = self.below(count) as usize;
                Some(self.orders[at])
            }
        };
        let sent = match self.sent.len() as u64 {
            0 => None,
            count => {
                let at = self.below(count) as usize;
                Some(self.sent[at])
            }
        };
        match (self.below(16), order) {
            (0 | 1, _) => stock(StockKind::Receipt, sku, 1 + self.rng.next() as i64 % 5),
            (2, _) => stock(StockKind::Adjustment, sku, -1),
            (3, Some(id)) => confirm(id),
            (4, Some(id)) => ship(id, Some(of_line(1, "1"))),
            (5, Some(id)) => cancel(id, None),
            (11 | 12, Some(id)) => send(id, None),
            (13, Some(id)) => cancel(id, Some(of_line(1, "1"))),
            (14, _) if sent.is_some() => match self.below(3) {
                0 => cancel_sent(sent.unwrap_or(DocumentId::ZERO), Some(of_line(1, "1"))),
                _ => ship_sent(sent.unwrap_or(DocumentId::ZERO), None),
            },
            (15, _) => Command::Refill,
            (6, _) => Command::PostProduct(product(["found", "lost"][self.below(2) as usize])),
            (7, _) if node == KEEPER || node == TILL => {
                let number = self.below(6);
                let price = if self.below(3) == 0 { "9" } else { "1.25" };
                Command::ImportOrders(vec![history(number, 1 + number % 2, price)])
            }
            (8, _) => Command::PostCustomer(CustomerDraft {
                external: None,
                details: [Some("somebody".into()), None, None, None],
            }),
            (9, _) => walk_in(sku, "1"),
            (10, _) if node == KEEPER => {
                Command::LendStock { sku: text(sku), quantity: "1".parse().unwrap(), holder: author_of(&key_of(TILL)) }
            }
            _ => Command::PlaceOrder(order_of(sku)),
        }
    }

    /// A part of what another node holds arrives, in any order and some of it twice.
    fn hear(&mut self, node: usize) {
        let from = self.below(4) as usize;
        if from == node {
            return self.network.nodes[node].restart(self.network.org);
        }
        let mut commits = self.network.missing(from, node);
        let cut = self.below(commits.len() as u64 + 1) as usize;
        if self.below(2) == 0 {
            for at in (1..commits.len()).rev() {
                let other = self.below(at as u64 + 1) as usize;
                commits.swap(at, other);
            }
        }
        commits.truncate(cut + 1);
        let twice = commits.first().cloned();
        commits.extend(twice);
        assert_eq!(self.network.receive(node, commits).refused, None);
    }
}

/// Once everybody has met and the keeper has done its duty, its rights are what is there and not promised.
fn check_rights_at_rest(node: &Node) {
    for sku in SKUS {
        let sums = stock_of(node, "site/WH01", sku);
        assert_eq!(sums.allotted(), 0, "{sku}: {sums:?}");
        assert_eq!(sums.free_rights(1), sums.on_hand - sums.secured, "{sku}: {sums:?}");
    }
}

fn order_of(sku: &str) -> OrderDraft {
    order(Handover::Later, vec![line(sku, "2"), line("lamp", "1")])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replicas_converge_whatever_the_order_of_delivery(seed: u64) {
        let mut play = Play::new(seed);
        let setup = play.network.nodes[HQ].count(Table::CommitOrder);
        for _ in 0..60 {
            play.step();
        }
        play.network.settle();
        let before = play.network.nodes[WAREHOUSE].count(Table::CommitOrder);
        play.network.done(WAREHOUSE, Command::Refill);
        play.written += play.network.nodes[WAREHOUSE].count(Table::CommitOrder) - before;
        play.network.settle();
        play.network.check_equal();
        check_rights_at_rest(&play.network.nodes[WAREHOUSE]);
        for node in &play.network.nodes {
            prop_assert_eq!(node.set_aside(), Vec::<String>::new());
            prop_assert_eq!(node.parked(), Vec::<String>::new());
        }
        let held = play.network.nodes[HQ].count(Table::CommitOrder);
        prop_assert_eq!(held, setup + play.written, "head office holds every commit of everybody");
        let tables = [Table::Rows, Table::OrdersByStatus, Table::SalesByDay, Table::StockOverLanes, Table::CasesAcross];
        let all = |play: &Play| tables.map(|table| play.network.nodes[HQ].rows(table, &scope()));
        let before = all(&play);
        play.network.done(HQ, Command::Rebuild);
        prop_assert_eq!(all(&play), before, "through Automerge alike");
    }
}

#[test]
fn an_arrival_in_reverse_waits_in_memory_and_is_whole_in_the_end() {
    let mut network = Network::new(&["lamp"]);
    for _ in 0..5 {
        network.order(TILL, place("lamp", "1"));
    }
    let mut commits = network.missing(TILL, HQ);
    commits.reverse();
    let last = commits.pop().unwrap();
    let received = network.receive(HQ, commits);
    assert_eq!((received.stored, received.waiting), (0, 4));
    let received = network.receive(HQ, vec![last]);
    assert_eq!((received.stored, received.waiting), (5, 0));
    assert_eq!(received.touched, [scope()]);
    network.settle();
    network.check_equal();
}

#[test]
fn a_commit_names_what_its_author_has_seen_of_others_since_the_last_one() {
    let mut network = Network::new(&["lamp"]);
    network.order(TILL, place("lamp", "1"));
    network.deliver(TILL, KEEPER);
    network.order(KEEPER, place("lamp", "1"));
    network.order(KEEPER, place("lamp", "1"));
    let own = |commit: &crdt_model::commit::SignedCommit| commit.commit().author == author_of(&key_of(KEEPER));
    let commits: Vec<_> = network.nodes[KEEPER].commits().into_iter().filter(own).collect();
    let deps: Vec<usize> = commits.iter().map(|commit| commit.commit().deps.len()).collect();
    assert_eq!(deps, [1, 0]);
    network.nodes[KEEPER].restart(network.org);
    network.order(KEEPER, place("lamp", "1"));
    let last = network.nodes[KEEPER].commits().into_iter().rfind(own).unwrap();
    assert_eq!(last.commit().deps.len(), 0, "a restart remembers what was seen");
    assert!(last.commit().hlc > commits[1].commit().hlc, "and the clock does not go back");
}
