//! The bytes behind the decisions in `docs/decisions/`: each figure there is asserted here.
//!
//! Sizes are of signed commits as they are stored, before any compression. Keys and hashes have fixed lengths, so they do not matter.

use crdt_model::commit::{Commit, DocumentChange, SignedCommit};
use crdt_model::document::{Document, Put};
use crdt_model::event::Event;
use crdt_model::id::{
    AuthorId, CommitHash, DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, UserId, actor_of,
};
use crdt_model::order::event::{Handover, Line, LineSelection, Parts, Placed, RightsBooking};
use crdt_model::time::Hlc;
use ed25519_dalek::SigningKey;

use crate::deeds::*;
use crate::world::site;

const SESSION: SessionId = SessionId([2; 8]);
/// Five lines of the first invoices of the demo data.
const GOODS: [Goods; 5] =
    [("85123A", 6, "2.55"), ("71053", 6, "3.39"), ("84406B", 8, "2.75"), ("84029G", 6, "3.39"), ("84029E", 6, "3.39")];

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn author() -> AuthorId {
    AuthorId(key().verifying_key().to_bytes())
}

fn event_key(index: u16) -> EventKey {
    EventKey::derive(&author(), &SESSION, &site(), 2, index)
}

/// A change that creates a document with these events, under the keys from `first` on.
fn change(document: u8, first: u16, events: &[Event]) -> DocumentChange {
    let puts = (first..).zip(events).map(|(index, event)| Put::event(event_key(index), event)).collect();
    let (_, chunk) = Document::create(actor_of(&author(), &SESSION), puts).unwrap();
    DocumentChange { document: DocumentId([document; 16]), chunk }
}

fn commit_bytes(changes: Vec<DocumentChange>) -> usize {
    let commit = Commit {
        org: OrgId([1; 32]),
        author: author(),
        session: SESSION,
        scope: site(),
        seq: 2,
        prev: CommitHash([3; 32]),
        deps: vec![],
        control_heads: vec![CommitHash([6; 32])],
        hlc: Hlc(77),
        user: UserId::ZERO,
        request: RequestId::ZERO,
        transaction: TransactionId::ZERO,
        kind_flags: 0,
        changes,
    };
    SignedCommit::sign(commit, &key()).unwrap().bytes().len()
}

fn walk_in(booking: RightsBooking, parts: Option<Parts>) -> Vec<Event> {
    let label = Some(text("SH01-A-000123"));
    let header = Placed { handover: Handover::AtOnce, label, line_count: 5, parts, ..header() };
    let mut events = vec![Event::Placed(header)];
    events.extend((1u16..).zip(GOODS).map(|(number, (sku, count, price))| {
        let (placed, sku, quantity, price) = (event_key(0), text(sku), units(count), price.parse().unwrap());
        Event::Line(Line { placed, number, sku, name: None, quantity, price })
    }));
    events.push(ship(LineSelection::All, Handover::AtOnce, booking));
    events
}

/// Decision 0003.
#[test]
fn a_shipment_that_books_itself_saves_the_bytes_of_a_journal_change() {
    let here = commit_bytes(vec![change(1, 0, &walk_in(RightsBooking::Here, None))]);
    let shipped = DocumentId([1; 16]).event(event_key(6));
    let burns: Vec<Event> = GOODS.map(|(sku, count, _)| Event::Burn(booking(shipped, sku, count))).to_vec();
    let later = walk_in(RightsBooking::Later, None);
    let with_journal = commit_bytes(vec![change(1, 0, &later), change(2, 7, &burns)]);
    assert_eq!((here, with_journal), (624, 951));
}

/// Decision 0004.
#[test]
fn the_hash_of_parts_takes_32_bytes_of_a_walk_in() {
    let without = commit_bytes(vec![change(1, 0, &walk_in(RightsBooking::Here, None))]);
    let hashed = walk_in(RightsBooking::Here, Some(Parts { hash: [9; 32] }));
    assert_eq!(commit_bytes(vec![change(1, 0, &hashed)]) - without, 32);
}

/// Decision 0002.
#[test]
fn a_line_with_the_sku_alone_is_shorter_than_one_with_an_item_id() {
    let lines: Vec<usize> = walk_in(RightsBooking::Here, None)[1..6].iter().map(|line| line.encode().len()).collect();
    assert_eq!(lines, [24, 23, 24, 24, 24]);
    let id_bytes = DocumentId::of_sku("85123A").as_bytes().len();
    assert_eq!(id_bytes, 16, "what each line would carry more");
}

/// Decision 0001.
#[test]
fn a_cancel_is_one_event_and_needs_no_release_beside_it() {
    let alone = [cancel(some(&[(1, 2)]))];
    let released = [alone[0].clone(), Event::Released(promise(&[(1, 2, 0)]))];
    assert_eq!([&alone[..], &released].map(|events| commit_bytes(vec![change(1, 0, events)])), [391, 428]);
}
