//! Commits that are set aside for what their own bytes say.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::control::event::Channel;
use crate::document::{Document, Put};
use crate::id::{AuthorId, CommitHash, OrgId, RequestId, SessionId, TransactionId, UserId, actor_of};
use crate::order::event::{Confirmed, Line};
use crate::product::event::ProductPosted;
use crate::scope::{Scope, SiteCode};
use crate::text::Text;
use crate::time::{BusinessDate, EventTime, Hlc, Timestamp};

const AUTHOR: AuthorId = AuthorId([1; 32]);
const SESSION: SessionId = SessionId([2; 8]);
const DOCUMENT: DocumentId = DocumentId([3; 16]);

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn commit_of(scope: &str, document: DocumentId, puts: Vec<Put>) -> Commit {
    let chunk = Document::first_chunk(actor_of(&AUTHOR, &SESSION), puts).unwrap();
    Commit {
        org: OrgId([9; 32]),
        author: AUTHOR,
        session: SESSION,
        scope: scope.parse().unwrap(),
        seq: 5,
        prev: CommitHash([1; 32]),
        deps: Vec::new(),
        control_heads: vec![CommitHash([2; 32])],
        hlc: Hlc::default(),
        user: UserId::ZERO,
        request: RequestId::ZERO,
        transaction: TransactionId::ZERO,
        kind_flags: 0,
        changes: vec![DocumentChange { document, chunk }],
    }
}

fn key_at(seq: u64, index: u16) -> EventKey {
    let scope: Scope = "site/SH01".parse().unwrap();
    EventKey::derive(&AUTHOR, &SESSION, &scope, seq, index)
}

fn confirmed() -> Event {
    let time = EventTime { at: Timestamp(0), offset_minutes: 0, business_date: BusinessDate::from_days(0).unwrap() };
    Event::Confirmed(Confirmed { time, placed: EventKey([1; 8]) })
}

fn line(placed: EventKey) -> Event {
    let (quantity, price) = ("1".parse().unwrap(), "1".parse().unwrap());
    Event::Line(Line { placed, number: 1, sku: text("lamp"), name: None, quantity, price })
}

fn channel() -> Event {
    Event::Channel(Channel { name: text("web"), home: SiteCode::new("SH01").unwrap(), zone: text("UTC") })
}

fn code(commit: &Commit) -> &'static str {
    read_changes(commit).map_or_else(|unfit| unfit.code(), |_| "fits")
}

fn site(puts: Vec<Put>) -> Commit {
    commit_of("site/SH01", DOCUMENT, puts)
}

#[test]
fn each_unfit_commit_is_told_by_its_rule() {
    let good = site(vec![Put::event(key_at(5, 0), &confirmed())]);
    assert_eq!(code(&good), "fits");
    let mut cut = good.clone();
    cut.changes[0].chunk.pop();
    assert_eq!(code(&cut), "change_form");
    assert_eq!(code(&site(vec![Put::event(key_at(4, 0), &confirmed())])), "event_key", "of another commit");
    assert_eq!(code(&site(vec![Put::event(key_at(5, 1), &confirmed())])), "event_key", "index 0 is missing");
    let garbage = Put { key: key_at(5, 0).map_key(), value: FieldValue::Bytes(vec![1, 1, 1]) };
    assert_eq!(code(&site(vec![garbage])), "event_form");
    assert_eq!(code(&site(vec![Put::event(key_at(5, 0), &channel())])), "document_kind");
    let two = vec![Put::event(key_at(5, 0), &confirmed()), Put::field("name", FieldValue::Text("x".into()))];
    assert_eq!(code(&site(two)), "document_kind", "a field of a product on an order");
    assert_eq!(code(&site(vec![Put::field("status", FieldValue::Text("x".into()))])), "key_not_writable");
    assert_eq!(code(&site(vec![Put::field("name", FieldValue::Bytes(vec![1]))])), "key_not_writable");
    assert_eq!(code(&site(vec![Put::field(".x", FieldValue::Text("x".into()))])), "key_not_writable");
    let posted = Event::ProductPosted(ProductPosted { sku: text("lamp") });
    let product = vec![Put::event(key_at(5, 0), &posted)];
    assert_eq!(code(&site(product.clone())), "product_id");
    assert_eq!(code(&commit_of("site/SH01", DocumentId::of_sku("lamp"), product)), "fits");
}

#[test]
fn a_line_cites_a_header_of_its_own_author() {
    let of = |header, transaction| {
        let mut commit = site(vec![Put::event(key_at(5, 0), &line(header))]);
        commit.transaction = transaction;
        code(&commit)
    };
    let parts = TransactionId([1; 16]);
    assert_eq!(of(key_at(5, 0), TransactionId::ZERO), "fits");
    assert_eq!(of(EventKey([7; 8]), TransactionId::ZERO), "foreign_line");
    assert_eq!(of(EventKey([7; 8]), parts), "foreign_line");
    assert_eq!(of(key_at(5 + PARTS_MAX, 2_000), parts), "fits", "the header comes with a later part");
    assert_eq!(of(key_at(6 + PARTS_MAX, 0), parts), "foreign_line");
    assert_eq!(of(key_at(6, 0), TransactionId::ZERO), "foreign_line", "a lone commit has no parts");
}

#[test]
fn an_event_of_a_later_program_is_told_apart() {
    let newer = Put { key: key_at(5, 0).map_key(), value: FieldValue::Bytes(vec![0x04, 0xff, 1, 7]) };
    let commit = site(vec![newer]);
    let changes = read_changes(&commit).unwrap();
    assert_eq!(changes[0].newer, Some(Newer { kind: 0x04ff, version: 1 }));
}

#[test]
fn the_subjects_of_a_commit_are_its_documents_and_whom_its_contacts_name() {
    let customer = DocumentId([8; 16]);
    let key = crate::seal::SealKey::new([1; 32]);
    let field = crate::seal::SealedField::Event(crate::event::EventKind::Contact);
    let place = crate::seal::SealedPlace { org: OrgId([9; 32]), document: DOCUMENT, field };
    let sealed = crate::seal::SealedValue::seal(&key, place, "somebody").unwrap();
    let contact = Event::Contact(crate::order::event::Contact { subject: customer, sealed });
    let commit = site(vec![Put::event(key_at(5, 0), &contact)]);
    assert_eq!(subjects(&commit), [DOCUMENT, customer].into());
}

#[test]
fn a_first_change_has_the_content_that_automerge_reads() {
    let id = DocumentId::of_sku("lamp");
    let posted = Event::ProductPosted(ProductPosted { sku: text("lamp") });
    let puts = vec![Put::event(key_at(5, 0), &posted), Put::field("name", FieldValue::Text("a lamp".into()))];
    let commit = commit_of("site/SH01", id, puts);
    let changes = read_changes(&commit).unwrap();
    let loaded = Document::load([commit.changes[0].chunk.as_slice()]).unwrap();
    assert_eq!(first_content(&changes[0]), loaded.content().unwrap());
}
