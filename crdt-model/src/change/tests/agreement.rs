//! Tests against Automerge: what the scanner accepts, Automerge reads the same way.
//!
//! Not the list of rules, that is `refusals.rs`.
#![allow(clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::{Key, OpType};
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT, ScalarValue};
use proptest::prelude::*;

use super::super::*;
use super::forge::{Forge, seal};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, ScalarValue),
    Fill(u8, ScalarValue),
    Delete(u8),
    Merge(u8),
    Commit,
}

fn scalar() -> impl Strategy<Value = ScalarValue> {
    prop_oneof![
        Just(ScalarValue::Null),
        any::<bool>().prop_map(ScalarValue::Boolean),
        (0i64..3).prop_map(ScalarValue::Int),
        any::<i64>().prop_map(ScalarValue::Int),
        any::<u64>().prop_map(ScalarValue::Uint),
        "\\PC{0,8}".prop_map(|s| ScalarValue::Str(s.into())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(ScalarValue::Bytes),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..6, scalar()).prop_map(|(key, value)| Step::Put(key, value)),
        1 => (1u8..40, scalar()).prop_map(|(count, value)| Step::Fill(count, value)),
        2 => (0u8..6).prop_map(Step::Delete),
        1 => any::<u8>().prop_map(Step::Merge),
        2 => Just(Step::Commit),
    ]
}

fn replicas() -> Vec<AutoCommit> {
    let actor = |i: u8| ActorId::from([0x55 ^ (i * 0x3b); 16]);
    (0..3).map(|i| AutoCommit::new().with_actor(actor(i))).collect()
}

fn commit(doc: &mut AutoCommit) {
    doc.commit_with(CommitOptions::default().with_time(0));
}

fn apply(docs: &mut [AutoCommit], at: usize, step: &Step) {
    let doc = &mut docs[at];
    match step {
        Step::Put(key, value) => doc.put(ROOT, format!("key/{key}"), value.clone()).unwrap(),
        Step::Fill(count, value) => (0..*count).for_each(|i| {
            let key = format!("fill/{}", i / 3);
            doc.put(ROOT, key, value.clone()).unwrap();
        }),
        // Automerge refuses to delete an absent key; that writes nothing.
        Step::Delete(key) => drop(doc.delete(ROOT, format!("key/{key}"))),
        Step::Merge(from) => {
            commit(doc);
            let mut other = docs[usize::from(*from) % docs.len()].fork();
            commit(&mut other);
            docs[at].merge(&mut other).unwrap();
        }
        Step::Commit => commit(doc),
    }
}

/// All changes of three replicas that took these steps and then met.
fn history(steps: &[(u8, Step)]) -> Vec<Change> {
    let mut docs = replicas();
    for (at, step) in steps {
        apply(&mut docs, usize::from(*at) % 3, step);
    }
    docs.iter_mut().for_each(commit);
    for from in [1, 2] {
        apply(&mut docs, 0, &Step::Merge(from));
    }
    docs[0].get_changes(&[])
}

fn scalar_of(value: Scalar<'_>) -> ScalarValue {
    match value {
        Scalar::Null => ScalarValue::Null,
        Scalar::Bool(b) => ScalarValue::Boolean(b),
        Scalar::Int(i) => ScalarValue::Int(i),
        Scalar::Uint(u) => ScalarValue::Uint(u),
        Scalar::Str(s) => ScalarValue::Str(s.into()),
        Scalar::Bytes(b) => ScalarValue::Bytes(b.to_vec()),
    }
}

fn assert_same(scanned: &ScannedChange<'_>, change: &Change) {
    assert_eq!(scanned.hash, change.hash().0);
    assert_eq!(scanned.actor, change.actor_id().to_bytes());
    assert_eq!(scanned.seq, change.seq());
    assert_eq!(scanned.start_op, change.start_op().get());
    assert_eq!(scanned.op_count, change.len() as u64);
    assert_eq!(scanned.puts.len(), change.len());
    let deps: Vec<_> = change.deps().iter().map(|dep| dep.0).collect();
    assert_eq!(scanned.deps, deps);
    let operations = change.decode().operations;
    for ((put, preds), op) in scanned.puts_with_preds().zip(&operations) {
        assert_eq!(Key::Map(put.key.into()), op.key);
        let action = match put.action {
            OpAction::Put(value) => OpType::Put(scalar_of(value)),
            OpAction::Delete => OpType::Delete,
        };
        assert_eq!(action, op.action);
        let preds = preds.iter().map(|p| (u64::from(p.counter), &p.actor[..]));
        let theirs = op.pred.iter().map(|p| (p.counter(), p.actor().to_bytes()));
        assert!(preds.eq(theirs));
    }
}

/// Scans; what is accepted Automerge reads the same and writes again byte for byte.
fn scan_and_compare(chunk: &[u8]) -> Result<(), ScanError> {
    let scanned = scan(chunk)?;
    let change = Change::from_bytes(chunk.to_vec()).expect("Automerge accepts what we accept");
    assert_same(&scanned, &change);
    assert_eq!(Change::from(change.decode()).raw_bytes(), chunk);
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn scan_reads_what_automerge_reads(
        steps in prop::collection::vec((any::<u8>(), step()), 1..60),
    ) {
        for change in history(&steps) {
            let scanned = scan(change.raw_bytes()).expect("an honest change is accepted");
            assert_same(&scanned, &change);
        }
    }

    #[test]
    fn accepted_bytes_are_the_bytes_automerge_writes(
        steps in prop::collection::vec((any::<u8>(), step()), 1..20),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for change in history(&steps) {
            let mut contents = contents_of(change.raw_bytes()).to_vec();
            for (index, byte) in &edits {
                let at = index.index(contents.len());
                contents[at] = *byte;
                let _ = scan_and_compare(&seal(&contents));
            }
        }
    }
}

/// What a chunk holds after its header.
fn contents_of(chunk: &[u8]) -> &[u8] {
    let length_bytes = chunk[9..].iter().position(|b| b & 0x80 == 0).unwrap() + 1;
    &chunk[9 + length_bytes..]
}

/// A change with each kind of column: two puts and a delete over others' operations.
fn rich_chunk() -> Vec<u8> {
    let steps = [
        (0, Step::Put(1, ScalarValue::Int(-70))),
        (1, Step::Put(1, ScalarValue::Str("é".into()))),
        (0, Step::Merge(1)),
        (0, Step::Put(1, ScalarValue::Bytes(vec![1, 2]))),
        (0, Step::Put(2, ScalarValue::Uint(300))),
        (0, Step::Put(2, ScalarValue::Boolean(true))),
        (0, Step::Delete(1)),
    ];
    let changes = history(&steps);
    let rich = changes.iter().max_by_key(|change| change.len()).unwrap();
    assert_eq!(rich.len(), 4);
    rich.raw_bytes().to_vec()
}

#[test]
fn one_changed_byte_is_refused() {
    for chunk in [rich_chunk(), Forge::one_put().chunk()] {
        assert_eq!(scan_and_compare(&chunk), Ok(()));
        for at in 0..chunk.len() {
            for flip in 1..=255u8 {
                let mut changed = chunk.clone();
                changed[at] ^= flip;
                assert!(scan(&changed).is_err(), "byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn one_changed_byte_with_a_fitting_checksum_is_refused_or_read_alike() {
    let contents = contents_of(&rich_chunk()).to_vec();
    let (mut refused, mut accepted) = (0, 0);
    for at in 0..contents.len() {
        for flip in 1..=255u8 {
            let mut changed = contents.clone();
            changed[at] ^= flip;
            match scan_and_compare(&seal(&changed)) {
                Ok(()) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 0 && accepted > 0, "{refused} {accepted}");
}

#[test]
fn arbitrary_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let seed = state;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..5_000 {
        let len = random() as usize % 200;
        let contents: Vec<u8> = (0..len).map(|_| (random() % 32) as u8).collect();
        let chunk = seal(&contents);
        let outcome = catch_unwind(AssertUnwindSafe(|| scan_and_compare(&chunk)));
        assert!(outcome.is_ok(), "seed {seed:#x}: {contents:?}");
    }
}

fn refused(write: impl FnOnce(&mut AutoCommit)) -> ScanError {
    let mut doc = replicas().swap_remove(0);
    write(&mut doc);
    commit(&mut doc);
    let changes = doc.get_changes(&[]);
    let last = changes.last().unwrap();
    scan(last.raw_bytes()).expect_err("must be refused")
}

#[test]
fn structures_beyond_a_flat_map_are_refused() {
    use ScanError as E;
    for (kind, action) in [(ObjType::Map, 0), (ObjType::List, 2), (ObjType::Text, 4)] {
        let error = refused(|doc| drop(doc.put_object(ROOT, "k", kind).unwrap()));
        assert_eq!(error, E::ActionForbidden { op: 0, action });
    }
    let nested = refused(|doc| {
        let map = doc.put_object(ROOT, "k", ObjType::Map).unwrap();
        commit(doc);
        doc.put(&map, "k", 1).unwrap();
    });
    assert_eq!(nested, E::NestedObject { spec: 1 });
    let text = refused(|doc| {
        let text = doc.put_object(ROOT, "k", ObjType::Text).unwrap();
        commit(doc);
        doc.splice_text(&text, 0, 0, "text").unwrap();
        let mark = Mark::new("bold".into(), true, 0, 2);
        doc.mark(&text, mark, ExpandMark::Both).unwrap();
    });
    assert_eq!(text, E::NestedObject { spec: 1 });
}

#[test]
fn values_beyond_plain_scalars_are_refused() {
    use ScanError as E;
    let put = |value: ScalarValue| refused(|doc| doc.put(ROOT, "k", value).unwrap());
    let kind = |kind| E::ValueKind { op: 0, kind };
    assert_eq!(put(ScalarValue::F64(1.5)), kind(5));
    assert_eq!(put(ScalarValue::counter(1)), kind(8));
    assert_eq!(put(ScalarValue::Timestamp(1)), kind(9));
    let increment = refused(|doc| {
        doc.put(ROOT, "k", ScalarValue::counter(1)).unwrap();
        commit(doc);
        doc.increment(ROOT, "k", 2).unwrap();
    });
    assert_eq!(increment, E::ActionForbidden { op: 0, action: 5 });
    let (message, time) = (|| CommitOptions::default().with_message("m"), 5);
    let messaged = refused(|doc| {
        doc.put(ROOT, "k", 1).unwrap();
        doc.commit_with(message().with_time(0));
    });
    assert_eq!(messaged, E::Message { len: 1 });
    let timed = refused(|doc| {
        doc.put(ROOT, "k", 1).unwrap();
        doc.commit_with(CommitOptions::default().with_time(time));
    });
    assert_eq!(timed, E::Timestamp { found: 5 });
}

#[test]
fn compressed_and_saved_documents_are_refused() {
    let mut doc = replicas().swap_remove(0);
    doc.put(ROOT, "k", "x".repeat(2_000)).unwrap();
    commit(&mut doc);
    let mut change = doc.get_changes(&[]).remove(0);
    assert_eq!(scan_and_compare(change.raw_bytes()), Ok(()));
    let compressed = change.bytes().into_owned();
    assert_eq!(scan(&compressed), Err(ScanError::ChunkType { found: 2 }));
    assert_eq!(scan(&doc.save()), Err(ScanError::ChunkType { found: 0 }));
}
