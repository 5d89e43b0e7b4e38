//! Honest pairs: what they exchange, how often, in which order, and what a cut costs.
#![allow(clippy::unwrap_used)]
use crdt_model::seal::SealKey;

use super::super::*;
use super::fake::{Dice, Link, Node, config, nodes, scope};

const SHARED: [&str; 4] = ["control", "catalogue", "customers/MAIN", "site/SH01"];

/// Head office and a store, each with commits that the other lacks.
fn apart() -> Vec<Node> {
    let mut nodes = nodes(&["HQ", "SH01"]);
    for _ in 0..20 {
        nodes[0].write(&Scope::Control, 100);
        nodes[0].write(&Scope::Catalogue, 300);
        nodes[1].write(&scope("site/SH01"), 500);
        nodes[1].write(&scope("customers/MAIN"), 50);
        nodes[0].write(&scope("customers/MAIN"), 50);
    }
    nodes
}

fn assert_equal(nodes: &[Node], scopes: &[&str]) {
    for node in &nodes[1..] {
        assert_eq!(nodes[0].heads(scopes), node.heads(scopes));
    }
}

#[test]
fn nodes_that_differ_end_equal_and_know_it() {
    let mut nodes = apart();
    let mut link = Link::open(&nodes, 0, 1);
    link.settle(&mut nodes);
    link.assert_open();
    assert_equal(&nodes, &SHARED);
    for end in &link.ends {
        let status = end.session.status();
        assert!(status.is_complete && !end.session.is_waiting(), "{status:?}");
        assert_eq!((status.waiting_out, status.waiting_in), Default::default());
        for name in SHARED {
            assert!(end.session.peer_has(&scope(name), &nodes[0].heads(&[name])[0]), "{name}");
        }
    }
}

#[test]
fn equal_nodes_need_one_round_trip_and_less_than_a_kilobyte() {
    let mut nodes = apart();
    Link::open(&nodes, 0, 1).settle(&mut nodes);
    let mut again = Link::open(&nodes, 0, 1);
    assert_eq!(again.settle(&mut nodes), 1);
    again.assert_open();
    let sent: u64 = again.ends.iter().map(|end| end.session.status().bytes_sent).sum();
    assert!(sent <= 1_024, "{sent} bytes");
    assert!(again.ends.iter().all(|end| end.session.status().is_complete && end.commits_in == 0));
}

#[test]
fn each_commit_travels_once_in_a_session() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut nodes = apart();
        let mut link = Link::open(&nodes, 0, 1);
        for _ in 0..400 {
            let at = dice.below(2);
            match dice.below(4) {
                0 => {
                    nodes[at].write(&scope(SHARED[1 + dice.below(3)]), 40);
                    link.news(&nodes, at);
                }
                1 => link.ingest(&mut nodes, at),
                _ => link.deliver(&nodes, at, 1 + dice.below(900)),
            }
        }
        link.settle(&mut nodes);
        link.assert_open();
        assert_equal(&nodes, &SHARED);
        assert!(nodes.iter().all(|node| node.twice == 0), "seed {seed}");
        assert!(link.ends.iter().all(|end| end.session.status().is_complete), "seed {seed}");
    }
}

#[test]
fn a_pair_cut_at_any_frame_ends_equal() {
    for seed in 0..15 {
        let mut dice = Dice(seed);
        let mut nodes = apart();
        for _ in 0..12 {
            let mut link = Link::open(&nodes, 0, 1);
            for _ in 0..dice.below(60) {
                let at = dice.below(2);
                match dice.below(3) {
                    0 => link.ingest(&mut nodes, at),
                    _ => link.deliver(&nodes, at, 1 + dice.below(4_000)),
                }
            }
            link.assert_open();
            nodes[dice.below(2)].write(&scope("site/SH01"), 200);
        }
        let mut last = Link::open(&nodes, 0, 1);
        last.settle(&mut nodes);
        last.assert_open();
        assert_equal(&nodes, &SHARED);
        assert!(nodes.iter().all(|node| node.twice == 0), "seed {seed}: resumed exactly");
    }
}

#[test]
fn a_commit_is_pushed_while_the_session_is_open() {
    let mut nodes = apart();
    let mut link = Link::open(&nodes, 0, 1);
    link.settle(&mut nodes);
    nodes[1].write(&scope("site/SH01"), 80);
    link.news(&nodes, 1);
    assert_eq!(link.settle(&mut nodes), 2, "DATA there, ACK back");
    assert_equal(&nodes, &SHARED);
    nodes[0].write(&scope("lane/HQ~SH01"), 80);
    link.news(&nodes, 0);
    link.settle(&mut nodes);
    assert_equal(&nodes, &["lane/HQ~SH01"]);
    link.assert_open();
}

#[test]
fn an_answer_follows_all_that_was_held_at_the_question() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut nodes = apart();
        let mut link = Link::open(&nodes, 0, 1);
        let (mut asked, mut held) = (0, Vec::new());
        for step in 0..300 {
            let at = dice.below(2);
            match dice.below(6) {
                // The store writes and says nothing of it: the answer covers it all the same.
                0 => nodes[1].write(&scope(SHARED[1 + dice.below(3)]), 40),
                1 => link.ingest(&mut nodes, at),
                2 if link.ends[0].session.status().told == asked => {
                    asked += 1;
                    held = nodes[1].heads(&SHARED);
                    link.ask(&nodes, 0, asked);
                }
                _ => link.deliver(&nodes, at, 1 + dice.below(3_000)),
            }
            let status = link.ends[0].session.status();
            if status.told == asked && status.is_complete {
                assert!(nodes[0].has(&SHARED, &held), "seed {seed}, step {step}");
            }
        }
        link.settle(&mut nodes);
        link.assert_open();
        assert!(asked > 0 && link.ends[0].session.status().told == asked, "seed {seed}: {asked} asked");
        assert!(nodes[0].has(&SHARED, &held) && !link.ends[0].session.is_waiting(), "seed {seed}");
    }
}

#[test]
fn each_key_of_a_subject_travels_once_and_before_its_commit() {
    let mut nodes = nodes(&["HQ", "SH01"]);
    // The document of every commit of these tests.
    let subject = DocumentId([3; 16]);
    let record = |byte| KeyRecord { subject, key: SealKey::new([byte; 32]) };
    let customers = scope("customers/MAIN");
    nodes[1].keys.push(record(1));
    nodes[1].write(&customers, 10);
    let mut link = Link::open(&nodes, 0, 1);
    link.settle(&mut nodes);
    assert_eq!(link.ends[0].keys_in, [record(1)]);
    nodes[1].write(&customers, 10);
    nodes[1].write(&scope("site/SH01"), 10);
    link.news(&nodes, 1);
    link.settle(&mut nodes);
    nodes[1].keys.push(record(2));
    nodes[1].write(&customers, 10);
    link.news(&nodes, 1);
    link.settle(&mut nodes);
    assert_eq!(link.ends[0].keys_in, [record(1), record(2)]);
}

#[test]
fn scopes_come_in_their_order() {
    let mut nodes = nodes(&["HQ", "SH01", "SH02"]);
    for name in ["site/SH02", "catalogue", "customers/MAIN", "lane/SH01~SH02", "site/SH01", "control"] {
        nodes[0].write(&scope(name), 10);
    }
    let mut link = Link::open(&nodes, 0, 1);
    link.settle(&mut nodes);
    let order: Vec<String> = link.ends[1].order.iter().map(ToString::to_string).collect();
    assert_eq!(order, ["control", "site/SH01", "lane/SH01~SH02", "customers/MAIN", "catalogue"]);
}

#[test]
fn a_node_never_gets_bytes_of_a_scope_that_it_does_not_hold() {
    let mut nodes = nodes(&["HQ", "SH01", "WH01"]);
    for _ in 0..10 {
        nodes[1].write(&scope("site/SH01"), 100);
        nodes[1].write(&scope("lane/SH01~WH01"), 100);
        nodes[0].write(&Scope::Control, 100);
        nodes[0].write(&scope("site/HQ"), 100);
    }
    for _ in 0..3 {
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            let mut link = Link::open(&nodes, one, other);
            link.settle(&mut nodes);
            link.assert_open();
            let of_warehouse = link.ends.iter().filter(|end| end.node == 2);
            for end in of_warehouse {
                assert!(end.scopes.iter().all(|scope| matches!(scope, Scope::Control | Scope::Lane(..))));
            }
        }
    }
    assert_equal(&nodes, &["control", "lane/SH01~WH01"]);
    assert_eq!(nodes[2].commits.len(), 2);
}

#[test]
fn a_sender_stops_at_four_mebibytes_without_an_answer() {
    let mut nodes = nodes(&["HQ", "SH01"]);
    for _ in 0..80 {
        nodes[1].write(&scope("site/SH01"), 100_000);
    }
    let mut link = Link::open(&nodes, 0, 1);
    let mut most = 0;
    for _ in 0..50 {
        for at in [0, 1] {
            link.deliver(&nodes, at, usize::MAX);
        }
        most = most.max(link.ends[0].arrivals.iter().flat_map(|f| &f.commits).map(|c| c.bytes().len()).sum());
    }
    assert!(most > 3 * 1024 * 1024 && most <= IN_FLIGHT_BYTES_MAX, "{most}");
    assert!(link.ends[1].session.status().waiting_out.commits == 80);
    assert!(link.ends[0].session.status().waiting_in.commits == 80);
    link.settle(&mut nodes);
    assert_equal(&nodes, &["site/SH01"]);
    link.assert_open();
}

#[test]
fn a_fork_is_told_to_both_and_everything_else_goes_on() {
    let mut nodes = apart();
    Link::open(&nodes, 0, 1).settle(&mut nodes);
    let site = scope("site/SH01");
    // A backup of the store is restored: it goes on from an older commit.
    nodes[1].commits.get_mut(&site).unwrap().truncate(15);
    nodes[1].write(&site, 7);
    nodes[1].write(&Scope::Catalogue, 9);
    nodes[0].write(&site, 33);
    let author = nodes[1].author();
    let mut link = Link::open(&nodes, 0, 1);
    link.settle(&mut nodes);
    link.assert_open();
    for end in &link.ends {
        assert!(end.forks.iter().all(|fork| (&fork.0, fork.1) == (&site, author)), "{:?}", end.forks);
        assert!(!end.forks.is_empty());
        assert!(end.session.status().is_complete);
    }
    assert!(link.ends[1].forks.contains(&(site.clone(), author, 20)), "head office remembers more than the store");
    assert_equal(&nodes, &["catalogue", "control"]);
    let of_office = nodes[1].heads(&["site/SH01"])[0].iter().any(|head| head.author == nodes[0].author());
    assert!(of_office, "the other author's log of the scope is exchanged");
}

#[test]
fn a_node_that_joins_gets_control_alone_until_it_is_admitted() {
    let mut nodes = apart();
    let mut joiner = Session::new(config(&nodes[1], &nodes[0]));
    let mut office = Session::new(config(&nodes[0], &nodes[1]));
    let full = nodes[0].grants(&nodes[1].site.clone());
    let mut known = Grants::ControlOnly;
    nodes[1].commits.clear();
    let mut to_joiner = sent(office.start(&nodes[0], &full));
    let mut to_office = sent(joiner.start(&nodes[1], &known));
    let mut scopes = Vec::new();
    for _ in 0..20 {
        let effects = joiner.receive(&std::mem::take(&mut to_joiner), &nodes[1], &known);
        for effect in effects {
            match effect {
                Effect::Send(bytes) => to_office.extend(bytes),
                Effect::Ingest(incoming) => {
                    scopes.push(incoming.scope.clone());
                    let frame = incoming.frame;
                    nodes[1].store(incoming);
                    // The admission came with it.
                    known = nodes[1].grants(&nodes[0].site.clone());
                    to_office.extend(sent(joiner.durable(frame, &nodes[1], &known)));
                }
                Effect::Close(closing) => panic!("{closing:?}"),
                Effect::Greeted { .. } | Effect::PeerHas { .. } | Effect::Announced { .. } | Effect::Fork { .. } => {}
            }
        }
        to_joiner.extend(sent(office.receive(&std::mem::take(&mut to_office), &nodes[0], &full)));
    }
    assert_eq!(scopes[0], Scope::Control);
    assert_eq!(nodes[0].heads(&["control", "catalogue"]), nodes[1].heads(&["control", "catalogue"]));
    assert!(joiner.status().is_complete && office.status().is_complete);
}

/// The bytes of the effects, all of which must be sendings or reports.
fn sent(effects: Vec<Effect>) -> Vec<u8> {
    let bytes = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send(bytes) => Some(bytes),
        Effect::Close(closing) => panic!("{closing:?}"),
        Effect::Greeted { .. }
        | Effect::Ingest(_)
        | Effect::PeerHas { .. }
        | Effect::Announced { .. }
        | Effect::Fork { .. } => None,
    });
    bytes.flatten().collect()
}

#[test]
fn a_paused_node_says_so_and_exchanges_nothing() {
    let mut nodes = apart();
    let paused = SessionConfig { pause: Pause::Paused, ..config(&nodes[1], &nodes[0]) };
    let mut link = Link::with(&nodes, [0, 1], [config(&nodes[0], &nodes[1]), paused]);
    link.settle(&mut nodes);
    let closings: Vec<_> = link.ends.iter().map(|end| end.closing.clone().map(|c| (c.reason, c.by))).collect();
    assert_eq!(closings, [Some((Reason::Paused, Side::There)), Some((Reason::Paused, Side::Here))]);
    assert!(link.ends.iter().all(|end| end.commits_in == 0));
}
