//! What becomes of commits that are not as they should be, and of the honest ones around them.
#![allow(clippy::unwrap_used)]

use crdt_model::commit::SignedCommit;
use crdt_model::document::{FieldValue, Put};
use crdt_model::event::Event;
use crdt_model::id::{CommitHash, DeviceId, OrgId, SessionId};
use crdt_model::journal::event::{Booking, StockFact};
use crdt_model::order::event::Confirmed;
use ed25519_dalek::SigningKey;

use super::super::*;
use super::network::*;
use super::world::*;
use crate::store::Table;

const JOURNAL: DocumentId = DocumentId([0x55; 16]);

fn fact() -> Event {
    let quantity = "5".parse().unwrap();
    Event::Receipt(StockFact { time: moment(1), epoch: 1, sku: text("lamp"), quantity, reference: None, reason: None })
}

fn mint() -> Event {
    let quantity = "5".parse().unwrap();
    Event::Mint(Booking { epoch: 1, fact: JOURNAL.event(EventKey([1; 8])), sku: text("lamp"), quantity })
}

fn newer(key: EventKey) -> Put {
    Put { key: key.map_key(), value: FieldValue::Bytes(vec![0x04, 0xff, 1, 7]) }
}

/// Delivers one commit to head office: code of the refusal, or of what is newly set aside or parked, or `applied`.
fn outcome(network: &mut Network, commit: &SignedCommit) -> String {
    let received = network.receive(HQ, vec![commit.clone()]);
    if let Some(refusal) = received.refused {
        assert_eq!(received.stored, 0);
        assert!(!network.nodes[HQ].holds(commit), "nothing of it is stored");
        return refusal.code.to_owned();
    }
    let key = crdt_model::rows::RowKey::of(&commit.commit().scope).fixed(&commit.hash().0);
    let node = &network.nodes[HQ];
    let reason = node.rows(Table::SetAside, &commit.commit().scope).remove(key.as_bytes());
    match (received.waiting, received.set_aside, received.parked) {
        (0, 0, 0) => "applied".to_owned(),
        (1, 0, 0) => "waits".to_owned(),
        (0, 1, 0) => reason.map(|row| String::from_utf8(row[1..=usize::from(row[0])].to_vec()).unwrap()).unwrap(),
        (0, 0, 1) => node.parked().pop().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_own_change_after_a_foreign_one_keeps_both() {
    let mut network = Network::new(&["lamp"]);
    let id = network.order(KEEPER, place("lamp", "3"));
    network.done(KEEPER, confirm(id));
    network.settle();
    network.done(HQ, cancel(id, Some(of_line(1, "2"))));
    network.settle();
    network.done(KEEPER, ship(id, None));
    network.settle();
    network.check_equal();
    assert!(network.run(KEEPER, ship(id, None)).is_err(), "one of three was left to ship");
}

#[test]
fn each_bad_commit_has_its_outcome_and_code() {
    let mut network = Network::new(&["lamp"]);
    network.order(TILL, place("lamp", "1"));
    network.settle();
    let of = |network: &Network, make: &dyn Fn(&Forge<'_>) -> SignedCommit| make(&Forge::new(network, TILL, scope()));
    let good = |forge: &Forge<'_>| forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &fact())]);
    type Make<'a> = &'a dyn Fn(&Forge<'_>) -> SignedCommit;
    let stranger: Make<'_> = &|forge| {
        let forge = Forge { key: SigningKey::from_bytes(&[99; 32]), ..forge.clone() };
        forge.sign(good(&forge))
    };
    let foreign: Make<'_> = &|forge| forge.sign(crdt_model::commit::Commit { org: OrgId([8; 32]), ..good(forge) });
    let chain: Make<'_> = &|forge| {
        let other = forge.deps();
        let prev = other.first().map_or(forge.control_heads()[0], |dep| dep.hash);
        forge.sign(crdt_model::commit::Commit { prev, ..good(forge) })
    };
    let waits: Make<'_> = &|forge| {
        let heads = vec![CommitHash([9; 32])];
        forge.sign(crdt_model::commit::Commit { control_heads: heads, ..good(forge) })
    };
    let wrong_heads: Make<'_> =
        &|forge| forge.sign(crdt_model::commit::Commit { control_heads: vec![forge.head().1], ..good(forge) });
    let forged_mint: Make<'_> =
        &|forge| forge.sign(forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &mint())]));
    let foreign_key: Make<'_> =
        &|forge| forge.sign(forge.creating(JOURNAL, vec![Put::event(forge.event_key(1), &fact())]));
    let fork: Make<'_> = &|forge| {
        let (_, first) = forge.head();
        let commits = forge.network.nodes[HQ].commits();
        let last = commits.iter().find(|commit| commit.hash() == first).unwrap().commit().clone();
        forge.sign(crdt_model::commit::Commit { seq: last.seq, prev: last.prev, ..good(forge) })
    };
    let unknown: Make<'_> =
        &|forge| forge.sign(forge.creating(DocumentId([0x56; 16]), vec![newer(forge.event_key(0))]));
    let cases: [(Make<'_>, &str); 9] = [
        (stranger, "not_a_member"),
        (foreign, "wrong_org"),
        (chain, "bad_chain"),
        (waits, "waits"),
        (wrong_heads, "bad_control_heads"),
        (forged_mint, "not_keeper"),
        (foreign_key, "event_key"),
        (fork, "fork"),
        (unknown, "newer_event"),
    ];
    for (make, expected) in cases {
        let commit = of(&network, make);
        assert_eq!(outcome(&mut network, &commit), expected);
        network.order(KEEPER, place("lamp", "1"));
        assert_eq!(network.deliver(KEEPER, HQ).stored, 1, "honest commits flow after {expected}");
    }
    let last = of(&network, &|forge| forge.sign(good(forge)));
    assert_eq!(outcome(&mut network, &last), "applied", "also those of the same author");
    assert_eq!(network.nodes[HQ].count(Table::SetAside), 3);
}

#[test]
fn what_follows_a_change_that_was_set_aside_is_set_aside_too() {
    let mut network = Network::new(&["lamp"]);
    let forge = Forge::new(&network, TILL, scope());
    let bad = forge.sign(forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &mint())]));
    assert_eq!(outcome(&mut network, &bad), "not_keeper");
    let forge = Forge::new(&network, TILL, scope());
    let after = forge.sign(forge.appending(JOURNAL, vec![Put::event(forge.event_key(0), &fact())]));
    assert_eq!(outcome(&mut network, &after), "change_deps");
    let forge = Forge::new(&network, TILL, scope());
    let beside = forge.sign(forge.creating(DocumentId([0x57; 16]), vec![Put::event(forge.event_key(0), &fact())]));
    assert_eq!(outcome(&mut network, &beside), "applied", "it does not spread along the log");
}

#[test]
fn a_change_follows_only_what_the_deps_of_its_author_name() {
    let mut network = Network::new(&["lamp"]);
    let id = network.order(KEEPER, place("lamp", "1"));
    network.settle();
    let confirmed = Event::Confirmed(Confirmed { time: moment(1), placed: EventKey([1; 8]) });
    let make = |network: &Network, named: bool| {
        let forge = Forge::new(network, TILL, scope());
        let mut commit = forge.appending(id, vec![Put::event(forge.event_key(0), &confirmed)]);
        if !named {
            commit.deps.clear();
        }
        forge.sign(commit)
    };
    let blind = make(&network, false);
    assert_eq!(outcome(&mut network, &blind), "change_deps", "though head office holds what it follows");
    let forge = Forge { session: SessionId([78; 8]), ..Forge::new(&network, TILL, scope()) };
    let head = forge.network.nodes[HQ].commits().into_iter().find(|held| held.commit().scope == Scope::Control);
    let old = crdt_model::commit::Commit {
        control_heads: vec![head.unwrap().hash()],
        ..forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &fact())])
    };
    let old = forge.sign(old);
    assert_eq!(outcome(&mut network, &old), "not_a_member", "the genesis alone does not know it");
}

#[test]
fn a_commit_that_cites_less_of_control_than_the_one_before_is_set_aside() {
    let mut network = Network::new(&["lamp"]);
    let forge = Forge::new(&network, TILL, scope());
    let old = forge.control_heads();
    network.done(HQ, channel("shop", "SH01"));
    let forge = Forge::new(&network, TILL, scope());
    let first = forge.sign(forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &fact())]));
    assert_eq!(outcome(&mut network, &first), "applied");
    let forge = Forge::new(&network, TILL, scope());
    let mut second = forge.creating(DocumentId([0x58; 16]), vec![Put::event(forge.event_key(0), &fact())]);
    second.control_heads = old;
    let second = forge.sign(second);
    assert_eq!(outcome(&mut network, &second), "control_behind");
}

#[test]
fn keys_are_kept_with_the_arrival_that_brings_them() {
    let mut network = Network::new(&[]);
    let key = crdt_model::seal::SealKey::new([4; 32]);
    let record = crdt_model::seal::KeyRecord { subject: JOURNAL, key: key.clone() };
    let arrival = Arrival { commits: Vec::new(), keys: vec![record.clone(), record] };
    network.done(HQ, Command::Receive(arrival));
    let rows = list(&network.nodes[HQ].store.read().unwrap(), Table::Keys, &JOURNAL.0);
    assert_eq!(rows, [([&JOURNAL.0[..], &key.id().0].concat(), key.as_bytes().to_vec())]);
}

#[test]
fn more_authors_than_one_commit_names_are_seen_by_empty_commits_first() {
    let mut network = Network::new(&["lamp"]);
    for seed in 0..260 {
        let admission = Admission { author: author_of(&many(seed)), ..admission_of(0, "SH01") };
        network.done(HQ, Command::Admit(admission));
    }
    network.deliver(HQ, KEEPER);
    let forge = Forge::new(&network, TILL, scope());
    let pattern = forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &fact())]);
    let first = |seed| {
        let (author, session) = (author_of(&many(seed)), SessionId([1; 8]));
        let key = EventKey::derive(&author, &session, &scope(), 1, 0);
        let puts = vec![Put::event(key, &fact())];
        let chunk = crdt_model::document::Document::first_chunk(actor_of(&author, &session), puts).unwrap();
        let document = DocumentId([[1; 14].as_slice(), &seed.to_be_bytes()].concat().try_into().unwrap());
        let changes = vec![crdt_model::commit::DocumentChange { document, chunk }];
        let commit = crdt_model::commit::Commit { author, session, changes, ..pattern.clone() };
        SignedCommit::sign(commit, &many(seed)).unwrap()
    };
    let commits = (0..260).map(first).collect();
    assert_eq!(network.receive(KEEPER, commits).stored, 260);
    network.order(KEEPER, place("lamp", "1"));
    let commits = network.nodes[KEEPER].commits();
    let own = commits.iter().filter(|held| held.commit().author == author_of(&key_of(KEEPER)));
    assert_eq!(own.map(|held| held.commit().deps.len()).collect::<Vec<_>>(), [256, 4, 0]);
    assert_eq!(network.deliver(KEEPER, HQ).set_aside, 0);
    let rows = |node: usize| network.nodes[node].rows(Table::Rows, &scope());
    assert_eq!(rows(HQ), rows(KEEPER));
}

fn many(seed: u16) -> SigningKey {
    let mut bytes = [200; 32];
    bytes[..2].copy_from_slice(&seed.to_be_bytes());
    SigningKey::from_bytes(&bytes)
}

#[test]
fn a_newer_event_parks_its_document_alone() {
    let mut network = Network::new(&["lamp"]);
    let (id, other) = (network.order(KEEPER, place("lamp", "1")), network.order(KEEPER, place("lamp", "1")));
    network.settle();
    let forge = Forge::new(&network, TILL, scope());
    let ahead = forge.sign(forge.appending(id, vec![newer(forge.event_key(0))]));
    let before = network.nodes[HQ].rows(Table::Rows, &scope());
    assert_eq!(outcome(&mut network, &ahead), "newer_event");
    assert_eq!(network.nodes[HQ].rows(Table::Rows, &scope()), before, "it stays as it was");
    assert_eq!(network.run(HQ, cancel(id, None)), Err(CommandError::Parked { id }));
    network.done(HQ, cancel(other, None));
    network.done(KEEPER, confirm(id));
    assert_eq!(network.deliver(KEEPER, HQ).parked, 1, "a further change is kept behind it");
    for restarted in [true, false] {
        if restarted {
            network.nodes[HQ].restart(network.org);
        }
        network.done(HQ, Command::Rebuild);
        assert_eq!(network.nodes[HQ].parked(), ["newer_event"]);
        assert_eq!(network.run(HQ, cancel(id, None)), Err(CommandError::Parked { id }));
    }
    assert_eq!(network.nodes[HQ].count(Table::SetAside), 0);
}

#[test]
fn what_is_behind_a_parked_document_is_taken_when_it_opens_again() {
    let mut network = Network::new(&["lamp"]);
    let id = network.order(KEEPER, place("lamp", "1"));
    network.settle();
    let node = &mut network.nodes[HQ];
    let parked = node.store.write(|tx| {
        let mut batch = Batch::new(tx);
        let fault = super::super::judge::Fault { code: "document", detail: String::new() };
        node.replica.park(&mut batch, &scope(), id, &fault, Vec::new())?;
        batch.flush()?;
        Ok::<_, ReplicaError>(())
    });
    parked.unwrap();
    network.done(KEEPER, confirm(id));
    network.done(KEEPER, cancel(id, None));
    let commits = network.missing(KEEPER, HQ);
    assert_eq!(network.deliver(KEEPER, HQ).parked, 2);
    network.nodes[HQ].restart(network.org);
    network.done(HQ, Command::Remember(Vec::new()));
    assert_eq!(network.nodes[HQ].parked(), Vec::<String>::new());
    assert!(commits.iter().all(|commit| network.nodes[HQ].state(commit) == CommitState::Applied as u8));
    network.settle();
    network.check_equal();
}

#[test]
fn a_foreign_line_is_set_aside_and_the_order_stays_whole() {
    let mut network = Network::new(&["lamp"]);
    let id = network.order(KEEPER, place("lamp", "1"));
    network.settle();
    let before = network.nodes[HQ].rows(Table::Rows, &scope());
    let forge = Forge::new(&network, TILL, scope());
    let placed = EventKey::derive(&author_of(&key_of(KEEPER)), &SessionId([1; 8]), &scope(), 1, 1);
    let line = super::super::orders::line_event(placed, 2, line("lamp", "1"));
    let commit = forge.sign(forge.appending(id, vec![Put::event(forge.event_key(0), &line)]));
    assert_eq!(outcome(&mut network, &commit), "foreign_line");
    assert_eq!(network.nodes[HQ].rows(Table::Rows, &scope()), before);
}

#[test]
fn a_commit_out_of_bounds_is_set_aside_with_its_code() {
    let mut network = Network::new(&["lamp"]);
    let confirmed = Event::Confirmed(Confirmed { time: moment(1), placed: EventKey([1; 8]) });
    for (scope, code) in [("site/WH01", "scope_not_held"), ("customers/MAIN", "document_kind")] {
        let forge = Forge::new(&network, TILL, scope.parse().unwrap());
        let puts = vec![Put::event(forge.event_key(0), &confirmed)];
        let commit = forge.sign(forge.creating(JOURNAL, puts));
        assert_eq!(outcome(&mut network, &commit), code);
    }
    let forge = Forge::new(&network, TILL, Scope::Control);
    let site = crdt_model::control::event::Keeper { site: code("SH01"), epoch: 2, author: author_of(&forge.key) };
    let mut commit = forge.creating(JOURNAL, vec![Put::event(forge.event_key(0), &Event::Keeper(site))]);
    commit.control_heads = Vec::new();
    let commit = forge.sign(commit);
    assert_eq!(outcome(&mut network, &commit), "not_allowed");
    assert_eq!(network.nodes[HQ].control().epoch(&code("SH01")), 1, "it made nobody keeper");
}

#[test]
fn a_till_that_is_not_the_keeper_records_facts_and_books_nothing() {
    let mut network = Network::new(&["lamp"]);
    network.done(TILL, stock(StockKind::Receipt, "lamp", 3));
    network.order(TILL, walk_in("lamp", "1"));
    let sums = network.nodes[TILL].store.write(|tx| {
        let item = DocumentId::of_sku("lamp");
        let sums = crdt_model::scope_state::read_stock(&Batch::new(tx), &scope(), &item).unwrap();
        Ok::<_, ReplicaError>(sums)
    });
    let sums = sums.unwrap();
    assert_eq!((sums.on_hand, sums.minted(), sums.burned()), (2_000, 0, 0));
    network.settle();
    network.check_equal();
    assert_eq!(network.nodes[HQ].count(Table::SetAside), 0);
}

#[test]
fn head_office_writes_intents_in_a_store_s_scope_and_no_shipment() {
    let mut network = Network::new(&["lamp"]);
    let id = network.order(KEEPER, place("lamp", "2"));
    network.settle();
    assert_eq!(network.run(HQ, ship(id, None)), Err(CommandError::NotAllowed { code: "not_allowed" }));
    network.done(HQ, cancel(id, Some(of_line(1, "1"))));
    network.done(KEEPER, ship(id, Some(of_line(1, "2"))));
    network.settle();
    network.check_equal();
    assert_eq!(network.run(KEEPER, channel("shop", "SH01")), Err(CommandError::NotAllowed { code: "not_allowed" }));
}

#[test]
fn a_node_that_is_not_admitted_writes_nothing() {
    let mut network = Network::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity {
        key: SigningKey::from_bytes(&[66; 32]),
        session: SessionId([1; 8]),
        org: network.org,
        site: code("SH02"),
    };
    let (store, mut replica) = (open(&folder), Replica::new(identity, [1; 32]));
    let input = |command| Input { now: moment(1), request: None, command };
    let mut ask = |command| store.write(|tx| replica.handle(tx, &[&input(command)])).unwrap().pop().unwrap();
    assert_eq!(ask(Command::PostProduct(product("lamp"))), Err(CommandError::NotAdmitted));
    let commits: Vec<_> =
        network.nodes[HQ].commits().into_iter().filter(|held| held.commit().scope == Scope::Control).collect();
    let Ok(Outcome::Received(received)) = ask(Command::Receive(Arrival { commits, keys: Vec::new() })) else {
        panic!()
    };
    assert_eq!((received.stored, received.refused), (5, None));
    assert_eq!(ask(Command::PostProduct(product("lamp"))), Err(CommandError::NotAdmitted));
    let denied = network.run(KEEPER, Command::Admit(admission_of(66, "SH02")));
    assert_eq!(denied, Err(CommandError::NotRegistrar));
}

fn admission_of(seed: u8, site: &str) -> Admission {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let kind = crdt_model::control::event::SiteKind::Store;
    let site = crdt_model::control::event::Site {
        code: code(site),
        kind,
        zone: text("Europe/London"),
        territory: code("MAIN"),
    };
    Admission { author: author_of(&key), device: DeviceId([seed; 32]), site }
}

#[test]
fn an_admission_asked_twice_gives_one_letter() {
    let mut network = Network::new(&[]);
    let admitted = |letter: &str| Ok(Outcome::Admitted { letter: text(letter) });
    let before = network.nodes[HQ].count(Table::CommitOrder);
    for _ in 0..2 {
        assert_eq!(network.run(HQ, Command::Admit(admission_of(66, "SH01"))), admitted("C"));
    }
    assert_eq!(network.nodes[HQ].count(Table::CommitOrder), before + 1);
    assert_eq!(network.run(HQ, Command::Admit(admission_of(67, "SH02"))), admitted("A"));
    let control = network.nodes[HQ].control();
    assert_eq!(control.keeper(&code("SH02"), 1), Some(author_of(&SigningKey::from_bytes(&[67; 32]))));
    assert_eq!(control.keeper(&code("SH01"), 1), Some(author_of(&key_of(KEEPER))));
    let mut other = admission_of(67, "SH02");
    other.device = DeviceId([1; 32]);
    assert!(matches!(network.run(HQ, Command::Admit(other)), Err(CommandError::Exists { .. })));
    let mut other = admission_of(68, "SH02");
    other.site.territory = code("NORTH");
    assert_eq!(network.run(HQ, Command::Admit(other)), Err(CommandError::OtherSite { code: code("SH02") }));
}

#[test]
fn local_rows_are_kept_without_a_commit() {
    let mut network = Network::new(&[]);
    let before = network.nodes[TILL].count(Table::CommitOrder);
    let put = |key: &[u8]| LocalChange::Put { table: LocalTable::Peers, key: key.to_vec(), value: vec![1] };
    let delete = LocalChange::Delete { table: LocalTable::Peers, key: b"a".to_vec() };
    network.done(TILL, Command::Remember(vec![put(b"a"), put(b"b"), delete]));
    network.nodes[TILL].restart(network.org);
    assert_eq!(network.nodes[TILL].count(Table::Peers), 1);
    assert_eq!(network.nodes[TILL].count(Table::CommitOrder), before);
}
