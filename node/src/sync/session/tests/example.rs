//! The annotated bytes of docs/sync-protocol.md: what the program writes is what the page shows.
#![allow(clippy::unwrap_used)]
use crdt_model::commit::{Commit, DocumentChange, SIGNATURE_BYTES, SignedCommit};
use crdt_model::document::{Document, Put};
use crdt_model::event::Event;
use crdt_model::id::{EventKey, RequestId, SessionId, TransactionId, UserId, actor_of};
use crdt_model::order::event::Confirmed;
use crdt_model::time::{BusinessDate, EventTime, Hlc, Timestamp};

use super::super::*;
use super::fake::{ORG, nodes, scope};
use crate::sync::message::{Ack, Front, encode_have, encode_heads};
use crate::sync::run::{Encoder, Prepared};

const PAGE: &str = include_str!("../../../../../docs/sync-protocol.md");

/// Bytes with what they mean, in order; long fixed parts are shortened in the middle.
fn annotate(title: &str, bytes: &[u8], parts: &[(usize, &str)]) -> String {
    let mut lines = format!("# {title}: {} bytes\n", bytes.len());
    let mut at = 0;
    for (length, meaning) in parts {
        let part = &bytes[at..at + length];
        let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let shown = if *length > 16 { format!("{}..{}", hex(&part[..6]), hex(&part[length - 2..])) } else { hex(part) };
        lines += &format!("{shown:<34} {meaning}\n");
        at += length;
    }
    assert_eq!(at, bytes.len(), "{title}: every byte is named\n{lines}");
    lines
}

fn confirmation() -> SignedCommit {
    let node = nodes(&["HQ", "SH01"]).remove(1);
    let (session, scope) = (SessionId([2; 8]), scope("site/SH01"));
    let time = EventTime {
        at: Timestamp(1_291_190_400_000),
        offset_minutes: 0,
        business_date: BusinessDate::from_days(14_944).unwrap(),
    };
    let event = Event::Confirmed(Confirmed { time, placed: EventKey([5; 8]) });
    let key = EventKey::derive(&node.author(), &session, &scope, 1, 0);
    let chunk = Document::first_chunk(actor_of(&node.author(), &session), vec![Put::event(key, &event)]).unwrap();
    let document = DocumentId::random(Timestamp(1_291_190_400_000), [3; 10]);
    let commit = Commit {
        org: ORG,
        author: node.author(),
        session,
        scope,
        seq: 1,
        prev: CommitHash::ZERO,
        deps: Vec::new(),
        control_heads: vec![CommitHash([6; 32])],
        hlc: Hlc(1_291_190_400_000 << 16),
        user: UserId::ZERO,
        request: RequestId::ZERO,
        transaction: TransactionId::ZERO,
        kind_flags: 0,
        changes: vec![DocumentChange { document, chunk }],
    };
    SignedCommit::sign(commit, &node.key).unwrap()
}

fn hello() -> String {
    let hello = Hello {
        protocols: PROTOCOLS,
        features: 1,
        org: ORG,
        author: nodes(&["HQ", "SH01"])[1].author(),
        pause: Pause::Running,
        addresses: vec![PeerAddress::V4([192, 168, 1, 10], 4_711)],
    };
    let parts = [
        (4, "length of what follows"),
        (1, "kind HELLO"),
        (1, "flags: not compressed, not skippable"),
        (2, "oldest and newest protocol"),
        (1, "features: answers ASK"),
        (32, "organisation"),
        (32, "author"),
        (1, "not paused"),
        (1, "one address"),
        (5, "IPv4 192.168.1.10"),
        (2, "port 4711"),
    ];
    annotate("HELLO", &write_frame(FrameKind::Hello, &hello.encode()).unwrap(), &parts)
}

fn front_heads_have_and_ack() -> String {
    let site = scope("site/SH01");
    let hash = CommitHash([7; 32]);
    let front = Front { control: [8; 32], others: [9; 32], yours: vec![(site.clone(), 300, hash)] };
    let parts = [
        (32, "hash over the heads of control"),
        (32, "hash over all other shared scopes"),
        (1, "one scope in which I hold commits of yours"),
        (6, "site/SH01: length, kind 4, code"),
        (2, "your number 300"),
        (32, "your commit there"),
    ];
    let mut page = annotate("FRONT, body", &front.encode(), &parts);
    let head = Head { author: AuthorId([1; 32]), seq: 300, hash };
    let parts = [(6, "site/SH01"), (1, "one author"), (32, "author"), (2, "number 300"), (32, "commit")];
    page += &annotate("HEADS, body (FORK alike)", &encode_heads(&site, &[head]), &parts);
    let parts = [(6, "site/SH01"), (1, "12 commits"), (3, "of 20,000 bytes")];
    page += &annotate("HAVE, body", &encode_have(&site, Totals { commits: 12, bytes: 20_000 }), &parts);
    let ack = Ack { frames: 3, heads: vec![(site, vec![head])] };
    let parts = [
        (1, "DATA frames 1 to 3 are dealt with"),
        (1, "one scope with new durable heads"),
        (6, "site/SH01"),
        (1, "one author"),
        (32, "author"),
        (2, "number 300"),
        (32, "commit"),
    ];
    page + &annotate("ACK, body", &ack.encode(), &parts)
}

fn data() -> String {
    let signed = confirmation();
    let mut encoder = Encoder::new(ORG, &signed.commit().scope);
    encoder.push(&Prepared::new(&signed));
    let parts = [
        (6, "site/SH01"),
        (1, "no keys"),
        (1, "one commit"),
        (2, "146 bytes of noise"),
        (32, "noise: author"),
        (8, "noise: session"),
        (32, "noise: control head"),
        (10, "noise: the random part of the document id"),
        (SIGNATURE_BYTES, "noise: signature"),
        (1, "flags: nothing follows from before"),
        (1, "author: new, in the noise"),
        (1, "number 1, so there is no previous commit"),
        (1, "one control head, in the noise"),
        (6, "clock: milliseconds since the author's last, here since 0"),
        (1, "clock: counter"),
        (1, "one change"),
        (1, "document: new"),
        (1, "its time: that of the clock"),
        (1, "form: head as expected, puts in the order of keys"),
        (1, "one event"),
        (1, "one put"),
        (2, "value of 21 bytes under the next derived key"),
        (1, "one token in it"),
        (1, "after 3 bytes"),
        (1, "token 0: the instant of the clock"),
        (15, "the rest of the value"),
    ];
    let title = format!("DATA, body; the commit has {} bytes as stored", signed.bytes().len());
    annotate(&title, &encoder.finish(), &parts)
}

#[test]
fn the_page_shows_the_bytes_that_are_written() {
    let block = [hello(), front_heads_have_and_ack(), data()].concat();
    assert!(PAGE.contains(&block), "docs/sync-protocol.md must show\n{block}");
}

#[test]
fn the_page_names_every_frame_reason_and_limit() {
    for kind in FrameKind::ALL {
        let name = format!("{kind:?}").to_uppercase();
        assert!(PAGE.contains(&format!("| {} | {name} |", kind as u8)), "{name}");
    }
    for (_, code) in Reason::ALL {
        assert!(PAGE.contains(&format!("`{code}`")), "{code}");
    }
}
