//! Peers that break the rules: each is closed with its reason, within the bounds, and nothing of theirs is kept.
#![allow(clippy::unwrap_used)]
use crdt_model::id::OrgId;

use super::super::*;
use super::fake::{Dice, Node, config, nodes, scope};
use crate::sync::message::{Ack, Front, encode_ask, encode_have, encode_heads, encode_scopes};
use crate::sync::run::{Encoder, Prepared};

/// A warehouse that speaks to a shop by hand.
struct Talk {
    nodes: Vec<Node>,
    session: Session,
    grants: Grants,
    effects: Vec<Effect>,
}

fn hello_of(node: &Node) -> Hello {
    Hello {
        protocols: PROTOCOLS,
        features: 0,
        org: super::fake::ORG,
        author: node.author(),
        pause: Pause::Running,
        addresses: Vec::new(),
    }
}

impl Talk {
    fn silent() -> Self {
        let mut nodes = nodes(&["SH01", "WH01"]);
        nodes[0].write(&Scope::Control, 10);
        for _ in 0..5 {
            nodes[0].write(&scope("site/SH01"), 10);
            nodes[0].write(&scope("lane/SH01~WH01"), 10);
        }
        // Both hold the same control.
        nodes[1].commits = nodes[0].commits.clone();
        nodes[1].commits.retain(|scope, _| *scope == Scope::Control);
        let mut session = Session::new(config(&nodes[0], &nodes[1]));
        let grants = nodes[0].grants(&nodes[1].site);
        let effects = session.start(&nodes[0], &grants);
        Self { nodes, session, grants, effects }
    }

    /// After HELLO and a FRONT with equal control and other scopes that differ.
    fn open() -> Self {
        let mut talk = Self::silent();
        talk.say(FrameKind::Hello, &hello_of(&talk.nodes[1]).encode());
        let control = super::super::compare::heads_hash(&talk.nodes[1].heads(&["control"])[0]);
        talk.say(FrameKind::Front, &Front { control, others: [0; 32], yours: Vec::new() }.encode());
        assert_eq!(talk.closing(), None);
        talk
    }

    fn say(&mut self, kind: FrameKind, body: &[u8]) {
        let frame = write_frame(kind, body).unwrap();
        let effects = self.session.receive(&frame, &self.nodes[0], &self.grants);
        self.effects.extend(effects);
    }

    fn closing(&self) -> Option<Reason> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Close(closing) => Some(closing.reason),
            _ => None,
        })
    }

    fn data(&self, scope: &Scope, from: u64, count: usize, bytes: usize) -> Vec<u8> {
        let mut sender = Node { commits: Default::default(), ..super::fake::nodes(&["SH01", "WH01"]).pop().unwrap() };
        let mut encoder = Encoder::new(super::fake::ORG, scope);
        for n in 1..from + count as u64 {
            let signed = sender.next(scope, bytes);
            if n >= from {
                encoder.push(&Prepared::new(&signed));
            }
            sender.commits.entry(scope.clone()).or_default().push(signed);
        }
        encoder.finish()
    }
}

#[test]
fn another_organisation_protocol_or_device_is_named() {
    let close = |change: fn(&mut Hello)| {
        let mut talk = Talk::silent();
        let mut hello = hello_of(&talk.nodes[1]);
        change(&mut hello);
        talk.say(FrameKind::Hello, &hello.encode());
        talk.closing()
    };
    assert_eq!(close(|_| {}), None);
    assert_eq!(close(|hello| hello.org = OrgId([9; 32])), Some(Reason::WrongOrg));
    assert_eq!(close(|hello| hello.protocols = (2, 9)), Some(Reason::Protocol));
    assert_eq!(close(|hello| hello.protocols = (1, 9)), None);
    assert_eq!(close(|hello| hello.author = AuthorId([9; 32])), Some(Reason::NotAdmitted));
}

#[test]
fn a_peer_that_asks_for_a_foreign_scope_is_closed() {
    let site = scope("site/SH01");
    let scopes = encode_scopes(&[(site.clone(), [0; 32])]);
    let data = Talk::open().data(&site, 1, 1, 10);
    for (kind, body) in [
        (FrameKind::Heads, encode_heads(&site, &[])),
        (FrameKind::Scopes, scopes),
        (FrameKind::Have, encode_have(&site, Totals::default())),
        (FrameKind::Fork, encode_heads(&site, &[])),
        (FrameKind::Data, data),
    ] {
        let mut talk = Talk::open();
        talk.say(kind, &body);
        assert_eq!(talk.closing(), Some(Reason::NotGranted), "{kind:?}");
        let ingested = talk.effects.iter().any(|effect| matches!(effect, Effect::Ingest(_)));
        assert!(!ingested, "{kind:?}");
    }
}

#[test]
fn a_question_rises_and_an_answer_has_a_question() {
    let mut talk = Talk::open();
    for (number, fine) in [(1, true), (7, true), (7, false)] {
        talk.say(FrameKind::Ask, &encode_ask(number));
        assert_eq!(talk.closing(), (!fine).then_some(Reason::BadFrame), "question {number}");
    }
    let mut talk = Talk::open();
    talk.say(FrameKind::Told, &encode_ask(1));
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "an answer that nobody asked for");
}

#[test]
fn a_peer_that_answers_no_questions_is_not_waited_for() {
    let mut talk = Talk::open();
    let sent = talk.session.ask(3, &talk.nodes[0], &talk.grants);
    assert!(sent.is_empty() && talk.session.status().told == 3, "{sent:?}");
}

#[test]
fn frames_out_of_their_order_are_refused() {
    let mut talk = Talk::silent();
    talk.say(FrameKind::Heads, &encode_heads(&Scope::Control, &[]));
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "before HELLO");
    let mut talk = Talk::open();
    talk.say(FrameKind::Hello, &hello_of(&talk.nodes[1]).encode());
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "HELLO twice");
    let lane = scope("lane/SH01~WH01");
    let mut talk = Talk::open();
    talk.say(FrameKind::Heads, &encode_heads(&lane, &[]));
    assert_eq!(talk.closing(), None);
    talk.say(FrameKind::Heads, &encode_heads(&lane, &[]));
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "asks for everything again");
    let mut talk = Talk::open();
    talk.say(FrameKind::Data, &talk.data(&scope("catalogue"), 1, 1, 10));
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "data of a scope that was never compared");
    let mut talk = Talk::open();
    talk.say(FrameKind::Ack, &Ack { frames: 9, heads: Vec::new() }.encode());
    assert_eq!(talk.closing(), Some(Reason::BadFrame), "acknowledges what was not sent");
}

#[test]
fn a_commit_sent_twice_is_refused() {
    let lane = scope("lane/SH01~WH01");
    let mut talk = Talk::open();
    let body = talk.data(&lane, 1, 3, 10);
    talk.say(FrameKind::Data, &body);
    assert_eq!(talk.closing(), None);
    talk.say(FrameKind::Data, &body);
    assert_eq!(talk.closing(), Some(Reason::BadFrame));
}

#[test]
fn a_peer_that_floods_is_closed() {
    let lane = scope("lane/SH01~WH01");
    let mut talk = Talk::open();
    let mut frames = 0;
    while talk.closing().is_none() {
        talk.say(FrameKind::Data, &talk.data(&lane, 1 + 5 * frames, 5, 100_000));
        frames += 1;
        assert!(frames < 20);
    }
    assert_eq!(talk.closing(), Some(Reason::Flood));
    let held: usize = talk
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Ingest(incoming) => incoming.commits.iter().map(|commit| commit.bytes().len()).sum(),
            _ => 0,
        })
        .sum();
    assert!(held <= IN_FLIGHT_BYTES_MAX, "{held}");
}

#[test]
fn a_peer_that_announces_more_than_it_sends_stays_named() {
    let lane = scope("lane/SH01~WH01");
    let mut talk = Talk::open();
    talk.say(FrameKind::Scopes, &encode_scopes(&[(lane.clone(), [7; 32])]));
    let head = Head { author: talk.nodes[1].author(), seq: 1_000, hash: CommitHash([1; 32]) };
    talk.say(FrameKind::Heads, &encode_heads(&lane, &[head]));
    talk.say(FrameKind::Have, &encode_have(&lane, Totals { commits: u64::MAX, bytes: u64::MAX }));
    talk.say(FrameKind::Data, &talk.data(&lane, 1, 3, 10));
    assert_eq!(talk.closing(), None);
    let status = talk.session.status();
    assert!(!status.is_complete && talk.session.is_waiting());
    assert_eq!(status.waiting_in.commits, u64::MAX);
    let effects = talk.session.close(Reason::Silent, "30 s");
    assert!(matches!(effects.last(), Some(Effect::Close(Closing { reason: Reason::Silent, by: Side::Here, .. }))));
    assert!(talk.session.receive(&[1, 2, 3], &talk.nodes[0], &talk.grants).is_empty(), "nothing follows");
}

#[test]
fn a_false_signature_or_another_author_is_left_to_the_verifier() {
    let lane = scope("lane/SH01~WH01");
    let mut talk = Talk::open();
    let mut body = talk.data(&lane, 1, 1, 10);
    // The signature stands last in the noise, before the first item.
    let at = body.len() - 40;
    body[at] ^= 1;
    talk.say(FrameKind::Data, &body);
    let verified = talk.effects.into_iter().find_map(|effect| match effect {
        Effect::Ingest(mut incoming) => Some(incoming.commits.remove(0).verify().is_ok()),
        _ => None,
    });
    assert_ne!(verified, Some(true));
}

#[test]
fn garbage_never_panics_and_always_closes_or_waits() {
    for seed in 0..2_000 {
        let mut dice = Dice(seed);
        let mut talk = if seed % 2 == 0 { Talk::open() } else { Talk::silent() };
        let body: Vec<u8> = (0..dice.below(80)).map(|_| dice.below(256) as u8).collect();
        talk.say(FrameKind::ALL[dice.below(9)], &body);
        let noise: Vec<u8> = (0..dice.below(80)).map(|_| dice.below(7) as u8).collect();
        let effects = talk.session.receive(&noise, &talk.nodes[0], &talk.grants);
        drop(effects);
    }
}
