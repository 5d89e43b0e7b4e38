//! Tests of the rules: each refusal has its own error, each limit holds at and one past.
//!
//! Not the comparison with Automerge, that is `tests.rs`.

use super::super::*;
use super::forge::*;

fn put(change: impl FnOnce(&mut Forge)) -> Forge {
    Forge::one_put().but(change)
}

fn refused(forge: &Forge) -> ScanError {
    scan(&forge.chunk()).expect_err("must be refused")
}

#[test]
fn the_untouched_forgery_is_accepted() {
    let chunk = Forge::one_put().chunk();
    let change = scan(&chunk).expect("valid");
    assert_eq!((change.seq, change.start_op, change.op_count), (2, 9, 1));
    assert_eq!(change.deps, [[1; 32]]);
    let action = OpAction::Put(Scalar::Int(1));
    let op = ScannedOp { key: "k", action, pred_count: 0 };
    assert_eq!(change.puts, [op]);
}

#[test]
fn other_chunk_types_are_refused_by_one_byte() {
    for found in [0, 2, 3, 4, 255] {
        let mut chunk = vec![0; CHANGE_BYTES_MAX + 1];
        chunk[8] = found;
        assert_eq!(scan(&chunk), Err(ScanError::ChunkType { found }));
        assert_eq!(scan(&chunk[..9]), Err(ScanError::ChunkType { found }));
    }
    assert_eq!(scan(&[1; 8]), Err(ScanError::ChunkTooShort { len: 8 }));
}

#[test]
fn envelope_refusals_name_their_rule() {
    let chunk = Forge::one_put().chunk();
    let held = chunk.len() - 10;
    let with = |at: usize, byte: u8| {
        let mut chunk = chunk.clone();
        chunk[at] = byte;
        scan(&chunk).expect_err("must be refused")
    };
    let found = [0x85, 0x6f, 0x4a, 0];
    assert_eq!(with(3, 0), ScanError::Magic { found });
    let declared = held as u64 + 1;
    assert_eq!(with(9, declared as u8), ScanError::ChunkLength { declared, held });
    let computed = [chunk[4], chunk[5], chunk[6], chunk[7]];
    let mut declared = computed;
    declared[0] ^= 1;
    assert_eq!(with(4, declared[0]), ScanError::Checksum { declared, computed });
    let longer = [chunk.as_slice(), &[0]].concat();
    let (declared, held) = (held as u64, held + 1);
    assert_eq!(scan(&longer), Err(ScanError::ChunkLength { declared, held }));
}

#[test]
fn header_refusals_name_their_rule() {
    let others = |others: &[u8]| {
        let others: Vec<_> = others.iter().map(|o| vec![*o; 16]).collect();
        put(|f| f.others = others)
    };
    use ScanError as E;
    let cases = [
        (put(|f| f.deps = vec![[2; 32], [1; 32]]), E::DepsUnsorted { index: 1 }),
        (put(|f| f.deps = vec![[2; 32]; 2]), E::DepsUnsorted { index: 1 }),
        (put(|f| f.actor = vec![7; 15]), E::ActorLength { index: 0, len: 15 }),
        (put(|f| f.others = vec![vec![8; 17]]), E::ActorLength { index: 1, len: 17 }),
        (put(|f| f.seq = 0), E::SeqOutOfRange { seq: 0, start_op: 9 }),
        (put(|f| f.seq = 10), E::SeqOutOfRange { seq: 10, start_op: 9 }),
        (put(|f| f.start_op = 0), E::StartOpOutOfRange { start_op: 0 }),
        (put(|f| f.start_op = u64::MAX), E::StartOpOutOfRange { start_op: u64::MAX }),
        (put(|f| f.timestamp = -1), E::Timestamp { found: -1 }),
        (put(|f| f.message = vec![b'm']), E::Message { len: 1 }),
        (others(&[7]), E::ActorIsAuthor { index: 1 }),
        (others(&[9, 8]), E::ActorsUnsorted { index: 2 }),
        (others(&[9, 9]), E::ActorsUnsorted { index: 2 }),
        (others(&[9]), E::ActorUnused { index: 1 }),
    ];
    for (forge, error) in cases {
        assert_eq!(refused(&forge), error);
    }
}

#[test]
fn column_refusals_name_their_rule() {
    let one = || Forge::one_put();
    let twice = (KEY, literal(&[text("k")]));
    use ScanError as E;
    let cases = [
        (put(|f| f.columns.clear()), E::NoOps),
        (one().with(KEY | 8, vec![1]), E::ColumnDeflated { spec: 29 }),
        (one().with(1, vec![1]), E::NestedObject { spec: 1 }),
        (one().with(2, vec![1]), E::NestedObject { spec: 2 }),
        (one().with(17, vec![1]), E::ElementKey { spec: 17 }),
        (one().with(19, vec![1]), E::ElementKey { spec: 19 }),
        (one().with(148, vec![1]), E::Mark { spec: 148 }),
        (one().with(165, vec![1]), E::Mark { spec: 165 }),
        (one().with(160, vec![1]), E::ColumnUnknown { spec: 160 }),
        (put(|f| f.columns.swap(0, 1)), E::ColumnsUnsorted { spec: KEY }),
        (put(|f| f.columns.insert(0, twice)), E::ColumnsUnsorted { spec: KEY }),
        (one().with(VALUE, vec![]), E::ColumnEmpty { column: Column::Value }),
        (one().without(KEY), E::ColumnMissing { column: Column::Key }),
        (one().without(INSERT), E::ColumnMissing { column: Column::Insert }),
        (one().without(ACTION), E::ColumnMissing { column: Column::Action }),
        (one().without(VALUE_META), E::ColumnMissing { column: Column::ValueMeta }),
        (one().without(PRED_COUNT), E::ColumnMissing { column: Column::PredCount }),
        (put(|f| f.extra = vec![1, 2]), E::ExtraBytes { len: 2 }),
    ];
    for (forge, error) in cases {
        assert_eq!(refused(&forge), error);
    }
}

#[test]
fn row_refusals_name_their_rule() {
    let with = |spec, bytes| Forge::one_put().with(spec, bytes);
    let number = |n| literal(&[unsigned(n)]);
    let at = |forge: &Forge, bytes: &[u8]| {
        let chunk = forge.chunk();
        let found = chunk.windows(bytes.len()).rposition(|w| w == bytes);
        found.expect("bytes are in the chunk")
    };
    let key = |bytes: &[u8]| with(KEY, literal(&[prefixed(bytes)]));
    use ScanError as E;
    let too_long = key(&[b'l'; KEY_BYTES_MAX + 1]);
    let cases = [
        (key(b""), E::KeyEmpty { at: at(&key(b""), &[0x7f, 0, 1]) + 1 }),
        (key(b"\xffq"), E::NotUtf8 { at: at(&key(b"\xffq"), b"\xffq") }),
        (too_long.clone(), E::KeyTooLong { at: at(&too_long, b"\x81\x01ll"), len: 129 }),
        (with(INSERT, vec![0, 1]), E::Inserts { found: 0, ops: 1 }),
        (with(INSERT, vec![1, 1]), E::ColumnLong { column: Column::Insert, rows: 1 }),
        (with(KEY, repeat(2, text("k"))), E::ColumnLong { column: Column::Key, rows: 1 }),
        (with(VALUE, vec![1, 1]), E::ColumnLong { column: Column::Value, rows: 1 }),
        (with(ACTION, repeat(2, unsigned(1))).with(INSERT, vec![2]), E::ColumnShort { column: Column::Key, rows: 1 }),
        (with(ACTION, number(0)), E::ActionForbidden { op: 0, action: 0 }),
        (with(ACTION, number(3)), E::DeleteWithValue { op: 0, meta: 0x14 }),
        (Forge::value(0, b"").with(ACTION, number(3)), E::DeleteWithoutPred { op: 0 }),
        (Forge::value(5, &[0; 8]), E::ValueKind { op: 0, kind: 5 }),
        (Forge::value(8, &[0]), E::ValueKind { op: 0, kind: 8 }),
        (Forge::value(9, &[0]), E::ValueKind { op: 0, kind: 9 }),
        (Forge::value(10, &[0]), E::ValueKind { op: 0, kind: 10 }),
        (Forge::value(0, &[0]), E::ValueLength { op: 0, kind: 0, len: 1 }),
        (Forge::value(3, &[]), E::ValueLength { op: 0, kind: 3, len: 0 }),
        (Forge::value(3, &[0; 11]), E::ValueLength { op: 0, kind: 3, len: 11 }),
        (Forge::value(4, &[1, 1]), E::ValueLength { op: 0, kind: 4, len: 2 }),
    ];
    for (forge, error) in cases {
        assert_eq!(refused(&forge), error);
    }
}

#[test]
fn pred_refusals_name_their_rule() {
    use ScanError as E;
    let other = |f: &mut Forge| f.others = vec![vec![8; 16], vec![9; 16]];
    let preds = |preds: &[(u64, i64)]| Forge::preds(preds).but(other);
    let bare = |spec| Forge::preds(&[(0, 1)]).without(spec);
    let cases = [
        (Forge::preds(&[(1, 3)]), E::PredActor { op: 0, actor: 1, actors: 1 }),
        (Forge::preds(&[(u64::MAX, 3)]), E::PredActor { op: 0, actor: u64::MAX, actors: 1 }),
        (preds(&[(1, 0)]), E::PredCounter { op: 0, counter: 0 }),
        (preds(&[(1, -1)]), E::PredCounter { op: 0, counter: -1 }),
        (preds(&[(1, 9)]), E::PredCounter { op: 0, counter: 9 }),
        (preds(&[(1, 3), (2, 2)]), E::PredsUnsorted { op: 0, counter: 2 }),
        (preds(&[(2, 3), (1, 3)]), E::PredsUnsorted { op: 0, counter: 3 }),
        (preds(&[(1, 3), (1, 3)]), E::PredsUnsorted { op: 0, counter: 3 }),
        (preds(&[(1, 3), (0, 4)]), E::ActorUnused { index: 2 }),
        (bare(PRED_ACTOR), E::ColumnShort { column: Column::PredActor, rows: 0 }),
        (bare(PRED_COUNTER), E::ColumnShort { column: Column::PredCounter, rows: 0 }),
        (
            preds(&[(1, 3), (2, 3)]).with(PRED_COUNT, literal(&[unsigned(1)])),
            E::ColumnLong { column: Column::PredActor, rows: 1 },
        ),
    ];
    for (forge, error) in cases {
        assert_eq!(refused(&forge), error);
    }
    let chunk = preds(&[(1, 3), (2, 3), (0, 8)]).chunk();
    let change = scan(&chunk).expect("valid");
    let found: Vec<_> = change.preds.iter().map(|p| (p.actor[0], p.counter)).collect();
    assert_eq!(found, [(8, 3), (9, 3), (7, 8)]);
}

/// Two operations on `keys`, the second replaces the first.
fn chained(keys: Vec<u8>, actions: Vec<u8>, counter: i64) -> Forge {
    Forge::nulls(2)
        .with(KEY, keys)
        .with(ACTION, actions)
        .with(PRED_COUNT, literal(&[unsigned(0), unsigned(1)]))
        .with(PRED_ACTOR, literal(&[unsigned(0)]))
        .with(PRED_COUNTER, literal(&[signed(counter)]))
}

#[test]
fn a_predecessor_in_the_same_change_is_a_put_on_the_same_key() {
    let same = || repeat(2, text("k"));
    let other = literal(&[text("k"), text("l")]);
    let puts = || repeat(2, unsigned(1));
    assert!(scan(&chained(same(), puts(), 9).chunk()).is_ok());
    let error = ScanError::PredKey { op: 1, counter: 9 };
    assert_eq!(refused(&chained(other, puts(), 9)), error);
    let deletes = repeat(2, unsigned(3));
    let deleted = chained(same(), deletes, 9)
        .with(PRED_COUNT, repeat(2, unsigned(1)))
        .with(PRED_ACTOR, repeat(2, unsigned(0)))
        .with(PRED_COUNTER, literal(&[signed(3), signed(6)]));
    assert_eq!(refused(&deleted), error);
    let alien =
        chained(same(), puts(), 9).with(PRED_ACTOR, literal(&[unsigned(1)])).but(|f| f.others = vec![vec![8; 16]]);
    assert_eq!(refused(&alien), error);
}

#[test]
fn a_sequence_has_one_run_encoding() {
    let column = Column::Key;
    let refused_at = |keys: Vec<u8>, ops: u64| {
        let forge = Forge::nulls(ops).with(KEY, keys.clone());
        let chunk = forge.chunk();
        let start = chunk.windows(keys.len()).position(|w| w == keys);
        let start = start.expect("keys are in the chunk");
        let error = scan(&chunk).expect_err("must be refused");
        match error {
            ScanError::RunNotCanonical { column: c, at } if c == column => at - start,
            other => panic!("{other}"),
        }
    };
    let one = || literal(&[text("k")]);
    let two = || repeat(2, text("k"));
    assert_eq!(refused_at([one(), literal(&[text("l")])].concat(), 2), 3);
    assert_eq!(refused_at([two(), two()].concat(), 4), 3);
    assert_eq!(refused_at([one(), two()].concat(), 3), 3);
    assert_eq!(refused_at([two(), one()].concat(), 3), 4);
    assert_eq!(refused_at(literal(&[text("k"), text("k")]), 2), 3);
    assert_eq!(refused_at([two(), repeat(1, text("l"))].concat(), 3), 3);
    let nulls = Forge::nulls(2).with(KEY, vec![0, 2]);
    assert!(matches!(refused(&nulls), ScanError::NullRun { column: c, .. } if c == column));
    let mixed = [two(), literal(&[text("l"), text("k")]), repeat(2, text("l"))].concat();
    assert!(scan(&Forge::nulls(6).with(KEY, mixed).chunk()).is_ok());
}

#[test]
fn ten_million_declared_ops_are_only_counted() {
    let chunk = Forge::nulls(10_000_001).chunk();
    assert!(chunk.len() <= 113);
    let counted = 10_000_001;
    assert_eq!(scan(&chunk), Err(ScanError::TooManyOps { counted }));
    let most = Forge::nulls(i64::MAX as u64).chunk();
    let counted = i64::MAX as u64;
    assert_eq!(scan(&most), Err(ScanError::TooManyOps { counted }));
    for ops in [CHANGE_OPS_MAX, CHANGE_OPS_MAX + 1] {
        let chunk = Forge::nulls(ops).chunk();
        let automerge = automerge::Change::from_bytes(chunk).expect("Automerge reads it");
        assert_eq!(automerge.len() as u64, ops);
    }
}

#[test]
fn limits_hold_at_and_one_past() {
    use ScanError as E;
    let deps = |n: u8| put(|f| f.deps = (0..n).map(|i| [i; 32]).collect());
    let ops = Forge::nulls;
    let key = |len| put(|f| f.columns[0].1 = literal(&[prefixed(&vec![b'k'; len])]));
    let value = |kind, len| Forge::value(kind, &vec![b'v'; len]);
    let last = |start_op| put(|f| f.start_op = start_op);
    let (string, bytes) = (STRING_BYTES_MAX, BYTES_VALUE_MAX);
    let top = DOCUMENT_OPS_MAX;
    let key_at = scan_error_offset(&key(KEY_BYTES_MAX + 1));
    let cases = [
        (deps(64), deps(65), E::TooManyDeps { count: 65 }),
        (foreign(64), foreign(65), E::TooManyActors { count: 65 }),
        (ops(10_000), ops(10_001), E::TooManyOps { counted: 10_001 }),
        (key(128), key(129), E::KeyTooLong { at: key_at, len: 129 }),
        (value(6, string), value(6, string + 1), E::StringTooLong { op: 0, len: 16_385 }),
        (value(7, bytes), value(7, bytes + 1), E::BytesTooLong { op: 0, len: 16_385 }),
        (last(top - 1), last(top), E::DocumentTooLong { start_op: top, ops: 1 }),
        (last(top - 1), last(top + 1), E::StartOpOutOfRange { start_op: top + 1 }),
        (pred_heap(40_000), pred_heap(40_001), E::TooManyPreds { op: 0, count: 40_001 }),
        (sized(CHANGE_BYTES_MAX), sized(CHANGE_BYTES_MAX + 1), E::ChunkTooLarge { len: 131_073 }),
    ];
    for (at_limit, one_past, error) in cases {
        assert_eq!(scan(&at_limit.chunk()).err(), None, "{error}");
        assert_eq!(refused(&one_past), error);
    }
}

fn scan_error_offset(forge: &Forge) -> usize {
    let chunk = forge.chunk();
    let found = chunk.windows(3).position(|w| w == b"\x81\x01k");
    found.expect("the key is in the chunk")
}

/// The one put replaces one operation of each of `count` other actors.
fn foreign(count: u8) -> Forge {
    let preds: Vec<_> = (1..=i64::from(count)).map(|i| (i as u64, 3)).collect();
    let counters = [literal(&[signed(3)]), repeat(u64::from(count) - 1, signed(0))];
    Forge::preds(&preds)
        .with(PRED_COUNTER, counters.concat())
        .but(|f| f.others = (100..100 + count).map(|i| vec![i; 16]).collect())
}

/// The one put replaces `count` operations of its own author.
fn pred_heap(count: u64) -> Forge {
    Forge::one_put()
        .with(PRED_COUNT, literal(&[unsigned(count)]))
        .with(PRED_ACTOR, repeat(count, unsigned(0)))
        .with(PRED_COUNTER, repeat(count, signed(1)))
        .but(|f| f.start_op = 50_000)
}

/// A change of `len` bytes in all: nine puts of long values.
fn sized(len: usize) -> Forge {
    let forge = |last: usize| {
        let metas = [repeat(8, unsigned((14_500 << 4) | 7)), literal(&[unsigned((last as u64) << 4 | 7)])];
        Forge::nulls(9).with(VALUE_META, metas.concat()).with(VALUE, vec![0; 8 * 14_500 + last])
    };
    // The parts beside the last value have the same size for every last value of this order.
    let rest = forge(16_000).chunk().len() - 16_000;
    if len - rest <= BYTES_VALUE_MAX {
        return forge(len - rest);
    }
    panic!("{len} bytes need a longer last value")
}

#[test]
fn numbers_and_lengths_are_minimal_and_present() {
    let contents = Forge::one_put().contents();
    let overlong = [&[0x81, 0][..], &contents[1..]].concat();
    let at = 10;
    assert_eq!(scan(&seal(&overlong)), Err(ScanError::NumberOverlong { at }));
    let huge = [&[0xff; 10][..], &contents[1..]].concat();
    assert_eq!(scan(&seal(&huge)), Err(ScanError::NumberTooLarge { at }));
    for len in 0..contents.len() {
        assert!(scan(&seal(&contents[..len])).is_err(), "{len}");
    }
    let (at, needed, left) = (10, 1, 0);
    assert_eq!(scan(&seal(&[])), Err(ScanError::Truncated { at, needed, left }));
}

#[test]
fn a_change_must_be_the_expected_one() {
    let chunk = Forge::one_put().chunk();
    let change = scan(&chunk).expect("valid");
    let expected = Expected { actor: &[7; 16], seq: 2, start_op: 9, deps: &[[1; 32]] };
    assert_eq!(change.check(&expected), Ok(()));
    use ScanError as E;
    let (actor, found) = ([8; 16], [7; 16]);
    let cases = [
        (Expected { actor: &actor, ..expected }, E::ActorUnexpected { expected: actor, found }),
        (Expected { seq: 3, ..expected }, E::SeqUnexpected { expected: 3, found: 2 }),
        (Expected { start_op: 8, ..expected }, E::StartOpUnexpected { expected: 8, found: 9 }),
        (Expected { deps: &[], ..expected }, E::DepsUnexpected { expected: 0, found: 1 }),
        (Expected { deps: &[[2; 32]], ..expected }, E::DepsUnexpected { expected: 1, found: 1 }),
    ];
    for (expected, error) in cases {
        assert_eq!(change.check(&expected), Err(error));
    }
}
