//! The first change of a document as bytes, without opening a document.
//!
//! A first change follows nothing, replaces nothing and puts each key once, so its form is fixed by its puts; any later
//! change is Automerge's to write.
//!
//! Invariant: the bytes are those that Automerge writes for the same puts. Proved by
//! `a_first_change_equals_automerges`.

use sha2::{Digest, Sha256};

use super::{FieldValue, Put};
use crate::codec::Writer;

/// How every chunk of Automerge begins; a checksum of four bytes follows.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The chunk is a raw change.
const CHANGE: u8 = 1;
/// The number of the action that writes a value.
const PUT: u64 = 1;

/// The columns of a change that only puts, in order of their numbers.
#[derive(Default)]
struct Columns {
    keys: Writer,
    insert: Writer,
    action: Writer,
    value_meta: Runs,
    values: Writer,
    pred_count: Writer,
}

/// What a change says before its puts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeHead {
    /// Who writes.
    pub actor: [u8; 16],
    /// Hashes of the changes that it follows, ascending.
    pub deps: Vec<[u8; 32]>,
    /// Its number among its actor's changes, from 1.
    pub seq: u64,
    /// The number of its first operation, from 1.
    pub start_op: u64,
}

/// Writes the change of `actor` that puts `puts`: sorted by key, each key once, at least one.
pub(super) fn first_change(actor: &[u8; 16], puts: &[Put]) -> Vec<u8> {
    plain_change(&ChangeHead { actor: *actor, deps: Vec::new(), seq: 1, start_op: 1 }, puts).1
}

/// Writes a change whose puts replace nothing: each key once, at least one. Automerge writes the same bytes where it
/// writes the puts in this order. Gives the hash that Automerge knows it by, and the chunk.
pub fn plain_change(head: &ChangeHead, puts: &[Put]) -> ([u8; 32], Vec<u8>) {
    let columns = Columns::of(puts);
    let mut contents = Writer::new();
    contents.list(&head.deps, |w, dep| {
        w.fixed(dep);
    });
    // At time 0, without message or other actors.
    contents.blob(&head.actor).number(head.seq).number(head.start_op).signed_leb(0).number(0).number(0);
    columns.write(&mut contents);
    seal(&contents.finish())
}

impl Columns {
    fn of(puts: &[Put]) -> Self {
        let count = puts.len() as u64;
        let mut columns = Self::default();
        // Keys differ, so they are one literal run; the other columns are one run of one value.
        columns.keys.signed_leb(-(puts.len() as i64));
        for put in puts {
            columns.keys.blob(put.key.as_bytes());
            let (kind, bytes) = match &put.value {
                FieldValue::Text(text) => (6, text.as_bytes()),
                FieldValue::Bytes(bytes) => (7, bytes.as_slice()),
            };
            columns.value_meta.push((bytes.len() as u64) << 4 | kind);
            columns.values.fixed(bytes);
        }
        columns.insert.number(count);
        write_run(&mut columns.action, count, PUT);
        write_run(&mut columns.pred_count, count, 0);
        columns
    }

    fn write(self, contents: &mut Writer) {
        let columns = [
            (21, self.keys.finish()),
            (52, self.insert.finish()),
            (66, self.action.finish()),
            (86, self.value_meta.finish()),
            (87, self.values.finish()),
            (112, self.pred_count.finish()),
        ];
        let held = || columns.iter().filter(|(_, bytes)| !bytes.is_empty());
        contents.number(held().count() as u64);
        for (number, bytes) in held() {
            contents.number(*number).number(bytes.len() as u64);
        }
        for (_, bytes) in held() {
            contents.fixed(bytes);
        }
    }
}

/// Run-length encoding: equal neighbours are one run, others are collected into literal runs.
#[derive(Default)]
struct Runs {
    written: Writer,
    literal: Vec<u64>,
    run: Option<(u64, u64)>,
}

impl Runs {
    fn push(&mut self, value: u64) {
        match &mut self.run {
            Some((last, count)) if *last == value => *count += 1,
            _another => {
                self.close_run();
                self.run = Some((value, 1));
            }
        }
    }

    fn close_run(&mut self) {
        match self.run.take() {
            Some((value, 1)) => self.literal.push(value),
            Some((value, count)) => {
                self.close_literal();
                write_run(&mut self.written, count, value);
            }
            None => {}
        }
    }

    fn close_literal(&mut self) {
        if !self.literal.is_empty() {
            self.written.signed_leb(-(self.literal.len() as i64));
            for value in self.literal.drain(..) {
                self.written.number(value);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.close_run();
        self.close_literal();
        self.written.finish()
    }
}

/// `count` times `value`: a run, or for one a literal run.
fn write_run(writer: &mut Writer, count: u64, value: u64) {
    let length = if count == 1 { -1 } else { count as i64 };
    writer.signed_leb(length).number(value);
}

/// Puts magic, checksum, type and length before the contents.
fn seal(contents: &[u8]) -> ([u8; 32], Vec<u8>) {
    let mut hashed = Writer::new();
    hashed.byte(CHANGE).blob(contents);
    let hashed = hashed.finish();
    let hash = Sha256::digest(&hashed);
    (hash.into(), [&MAGIC, &hash[..4], &hashed].concat())
}
