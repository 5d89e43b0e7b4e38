//! What comes out of a body is what went in, whatever the commits hold; hostile bodies end in errors.
#![allow(clippy::unwrap_used)]
use crdt_model::commit::{COMMIT_BYTES_MAX, Dependency, DocumentChange, SignedCommit};
use crdt_model::document::{Document, FieldValue, Put};
use crdt_model::id::{OrgId, SessionId, TransactionId, UserId, actor_of};
use crdt_model::order::event::Handover;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::seal::{KeyRecord, SealKey};
use crdt_model::time::Hlc;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::super::*;
use crate::replica::Command;
use crate::replica::tests::world::{Shop, cancel, channel, confirm, line, of_line, order, place, ship, walk_in};
use crate::sync::log::{Have, Log};
use crdt_model::id::RequestId;

/// Every commit of a shop in each scope, in the order of the log.
pub fn commits_of(shop: &Shop) -> Vec<(Scope, Vec<SignedCommit>)> {
    let log = shop.store.read().unwrap();
    let all = |scope: Scope| {
        let bytes = log.next_commits(&scope, &mut Have::new(), &|_| false, usize::MAX).unwrap();
        (scope, bytes.iter().map(|bytes| SignedCommit::verify(bytes).unwrap()).collect())
    };
    log.scopes().unwrap().into_iter().map(all).collect()
}

/// Writes commits with the keys that a shop has for them.
pub fn encode_all(shop: &Shop, scope: &Scope, commits: &[SignedCommit]) -> Vec<u8> {
    let log = shop.store.read().unwrap();
    let mut encoder = Encoder::new(shop.org, scope);
    let mut sent = std::collections::HashSet::new();
    for commit in commits {
        let prepared = Prepared::new(commit);
        for subject in prepared.subjects().into_iter().filter(|subject| sent.insert(*subject)) {
            log.keys(subject).unwrap().into_iter().for_each(|key| encoder.push_key(key));
        }
        encoder.push(&prepared);
    }
    encoder.finish()
}

/// A shop in which everything that can be written was written.
fn busy_shop() -> Shop {
    let mut shop = Shop::with(&["A", "B", "C"]);
    shop.done(channel("web", "SH01"));
    shop.receive("A", 50);
    shop.done(walk_in("B", "2"));
    let id = shop.order(place("A", "7"));
    shop.done(confirm(id));
    shop.done(ship(id, Some(of_line(1, "3"))));
    shop.done(cancel(id, None));
    shop.restart();
    let mut draft = order(Handover::Later, vec![line("A", "1"), line("C", "2.5")]);
    draft.contact = Some("Ann Example\n+44 20 7946 0000\n1 High Street, London".into());
    shop.done(Command::PlaceOrder(draft));
    shop
}

#[test]
fn every_commit_comes_back_byte_for_byte() {
    let shop = busy_shop();
    let mut scopes = 0;
    for (scope, commits) in commits_of(&shop) {
        let data = decode(shop.org, &encode_all(&shop, &scope, &commits)).unwrap();
        assert_eq!(data.scope, scope);
        assert_eq!(data.bytes, commits.iter().map(|commit| commit.bytes().len()).sum::<usize>());
        let back: Vec<SignedCommit> = data.commits.into_iter().map(|commit| commit.verify().unwrap()).collect();
        assert_eq!(back, commits);
        scopes += 1;
    }
    assert!(scopes >= 2);
}

const KEY: [u8; 32] = [7; 32];
const ORG: OrgId = OrgId([1; 32]);

fn base() -> Commit {
    Commit {
        org: ORG,
        author: AuthorId(SigningKey::from_bytes(&KEY).verifying_key().to_bytes()),
        session: SessionId([2; 8]),
        scope: Scope::Site(SiteCode::new("SH01").unwrap()),
        seq: 1,
        prev: CommitHash::ZERO,
        deps: Vec::new(),
        control_heads: vec![CommitHash([6; 32])],
        hlc: Hlc(77 << 16),
        user: UserId::ZERO,
        request: RequestId::ZERO,
        transaction: TransactionId::ZERO,
        kind_flags: 0,
        changes: Vec::new(),
    }
}

/// A commit with whatever the envelope may hold and chunks of any kind.
fn any_commit() -> impl Strategy<Value = SignedCommit> {
    let chunk = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (any::<bool>(), "[a-z.]{1,14}", prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(own, key, value)| {
            let actor = if own { actor_of(&base().author, &base().session) } else { [9; 16] };
            Document::first_chunk(actor, vec![Put { key, value: FieldValue::Bytes(value) }]).unwrap()
        }),
    ];
    let change = (prop::collection::vec(0u8..3, 16..=16), chunk);
    let changes = prop::collection::vec(change, 0..4);
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 16]>());
    (1u64..3, any::<u64>(), ids, changes, any::<bool>()).prop_map(
        |(seq, hlc, (user, request, transaction), changes, deps)| {
            let mut commit = Commit { seq, hlc: Hlc(hlc), ..base() };
            commit.prev = if seq == 1 { CommitHash::ZERO } else { CommitHash([3; 32]) };
            (commit.user, commit.request, commit.transaction) =
                (UserId(user), RequestId(request), TransactionId(transaction));
            if deps {
                commit.deps = vec![Dependency { author: AuthorId([4; 32]), seq: 9, hash: CommitHash([5; 32]) }];
            }
            let change = |(id, chunk): (Vec<u8>, Vec<u8>)| DocumentChange {
                document: DocumentId(id.try_into().unwrap()),
                chunk,
            };
            commit.changes = changes.into_iter().map(change).collect();
            SignedCommit::sign(commit, &SigningKey::from_bytes(&KEY)).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn any_commits_come_back_byte_for_byte(commits in prop::collection::vec(any_commit(), 1..6)) {
        let mut encoder = Encoder::new(ORG, &base().scope);
        encoder.push_key(KeyRecord { subject: DocumentId([1; 16]), key: SealKey::new([8; 32]) });
        commits.iter().for_each(|commit| encoder.push(&Prepared::new(commit)));
        let data = decode(ORG, &encoder.finish()).unwrap();
        let back: Vec<SignedCommit> = data.commits.into_iter().map(|commit| commit.verify().unwrap()).collect();
        prop_assert_eq!(back, commits);
    }

    #[test]
    fn any_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(decode(ORG, &body));
    }
}

#[test]
fn damaged_bodies_never_panic() {
    let shop = busy_shop();
    for (scope, commits) in commits_of(&shop) {
        let body = encode_all(&shop, &scope, &commits);
        for at in 0..body.len() {
            for value in [body[at] ^ 1, body[at] ^ 0x80, 0, 0xff] {
                let mut damaged = body.clone();
                damaged[at] = value;
                drop(decode(shop.org, &damaged));
            }
            assert!(decode(shop.org, &body[..at]).is_err(), "cut at {at}");
        }
        assert!(decode(shop.org, &[&body[..], &[0]].concat()).is_err(), "a byte more");
    }
}

#[test]
fn what_a_body_becomes_is_bounded() {
    let full = |seq: u64, prev| {
        let chunk = vec![0; 127 * 1024];
        let change = |n| DocumentChange { document: DocumentId([n; 16]), chunk: chunk.clone() };
        let commit = Commit { seq, prev, changes: vec![change(1), change(2)], ..base() };
        SignedCommit::sign(commit, &SigningKey::from_bytes(&KEY)).unwrap()
    };
    let mut commits = vec![full(1, CommitHash::ZERO)];
    while commits.iter().map(|commit| commit.bytes().len()).sum::<usize>() + COMMIT_BYTES_MAX <= BODY_COMMITS_BYTES_MAX
    {
        let prev = commits.last().unwrap().hash();
        commits.push(full(commits.len() as u64 + 1, prev));
    }
    let encode = |commits: &[SignedCommit]| {
        let mut encoder = Encoder::new(ORG, &base().scope);
        commits.iter().for_each(|commit| encoder.push(&Prepared::new(commit)));
        encoder.finish()
    };
    assert_eq!(decode(ORG, &encode(&commits)).unwrap().commits.len(), commits.len());
    let prev = commits.last().unwrap().hash();
    commits.push(full(commits.len() as u64 + 1, prev));
    assert_eq!(decode(ORG, &encode(&commits)), Err(RunError::TooMuch));
}

#[test]
fn a_commit_of_another_scope_is_refused() {
    let foreign = Commit { org: OrgId([9; 32]), ..base() };
    let commit = SignedCommit::sign(foreign, &SigningKey::from_bytes(&KEY)).unwrap();
    let other = Scope::Site(SiteCode::new("SH02").unwrap());
    for (scope, fits) in [(&base().scope, true), (&other, false)] {
        let mut encoder = Encoder::new(ORG, scope);
        encoder.push(&Prepared::new(&commit));
        assert_eq!(decode(ORG, &encoder.finish()).is_ok(), fits);
    }
}
