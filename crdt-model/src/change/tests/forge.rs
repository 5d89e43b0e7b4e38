//! Writes change chunks by hand for tests, valid or broken in one chosen place.
//!
//! Not an encoder for the program: Automerge writes our changes. Invariant: the untouched forgery
//! is a change that Automerge itself reads; test `ten_million_declared_ops_are_only_counted`.

use sha2::{Digest, Sha256};

pub(in crate::change) const KEY: u64 = 21;
pub(in crate::change) const INSERT: u64 = 52;
pub(in crate::change) const ACTION: u64 = 66;
pub(in crate::change) const VALUE_META: u64 = 86;
pub(in crate::change) const VALUE: u64 = 87;
pub(in crate::change) const PRED_COUNT: u64 = 112;
pub(in crate::change) const PRED_ACTOR: u64 = 113;
pub(in crate::change) const PRED_COUNTER: u64 = 115;

/// A change, field by field; columns are raw bytes.
#[derive(Clone)]
pub(in crate::change) struct Forge {
    pub(in crate::change) deps: Vec<[u8; 32]>,
    pub(in crate::change) actor: Vec<u8>,
    pub(in crate::change) seq: u64,
    pub(in crate::change) start_op: u64,
    pub(in crate::change) timestamp: i64,
    pub(in crate::change) message: Vec<u8>,
    pub(in crate::change) others: Vec<Vec<u8>>,
    pub(in crate::change) columns: Vec<(u64, Vec<u8>)>,
    pub(in crate::change) extra: Vec<u8>,
}

impl Forge {
    /// One put of the integer 1 on the key `k`, number 9 of the document.
    pub(in crate::change) fn one_put() -> Self {
        Forge {
            deps: vec![[1; 32]],
            actor: vec![7; 16],
            seq: 2,
            start_op: 9,
            timestamp: 0,
            message: vec![],
            others: vec![],
            columns: vec![
                (KEY, literal(&[text("k")])),
                (INSERT, vec![1]),
                (ACTION, literal(&[unsigned(1)])),
                (VALUE_META, literal(&[unsigned(0x14)])),
                (VALUE, vec![1]),
                (PRED_COUNT, literal(&[unsigned(0)])),
            ],
            extra: vec![],
        }
    }

    /// `ops` puts of null on one key, all without predecessor.
    pub(in crate::change) fn nulls(ops: u64) -> Self {
        Forge::one_put()
            .with(KEY, repeat(ops, text("k")))
            .with(INSERT, unsigned(ops))
            .with(ACTION, repeat(ops, unsigned(1)))
            .with(VALUE_META, repeat(ops, unsigned(0)))
            .without(VALUE)
            .with(PRED_COUNT, repeat(ops, unsigned(0)))
    }

    /// A put of one value, given its kind and bytes.
    pub(in crate::change) fn value(kind: u8, bytes: &[u8]) -> Self {
        let meta = (bytes.len() as u64) << 4 | u64::from(kind);
        let forge = Forge::one_put().with(VALUE_META, literal(&[unsigned(meta)]));
        if bytes.is_empty() {
            return forge.without(VALUE);
        }
        forge.with(VALUE, bytes.to_vec())
    }

    /// The one put with these predecessors (actor index, number).
    pub(in crate::change) fn preds(preds: &[(u64, i64)]) -> Self {
        let mut before = 0;
        let actors: Vec<_> = preds.iter().map(|(actor, _)| unsigned(*actor)).collect();
        let deltas: Vec<_> =
            preds.iter().map(|(_, counter)| signed(counter - std::mem::replace(&mut before, *counter))).collect();
        Forge::one_put()
            .with(PRED_COUNT, literal(&[unsigned(preds.len() as u64)]))
            .with(PRED_ACTOR, runs(&actors))
            .with(PRED_COUNTER, runs(&deltas))
    }

    /// Replaces or adds a column.
    pub(in crate::change) fn with(mut self, spec: u64, bytes: Vec<u8>) -> Self {
        self = self.without(spec);
        self.columns.push((spec, bytes));
        self.columns.sort_by_key(|column| column.0);
        self
    }

    pub(in crate::change) fn without(mut self, spec: u64) -> Self {
        self.columns.retain(|column| column.0 != spec);
        self
    }

    /// Changes any field.
    pub(in crate::change) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(in crate::change) fn contents(&self) -> Vec<u8> {
        let mut out = unsigned(self.deps.len() as u64);
        out.extend(self.deps.concat());
        out.extend(prefixed(&self.actor));
        out.extend(unsigned(self.seq));
        out.extend(unsigned(self.start_op));
        out.extend(signed(self.timestamp));
        out.extend(prefixed(&self.message));
        out.extend(unsigned(self.others.len() as u64));
        self.others.iter().for_each(|o| out.extend(prefixed(o)));
        out.extend(unsigned(self.columns.len() as u64));
        for (spec, bytes) in &self.columns {
            out.extend(unsigned(*spec));
            out.extend(unsigned(bytes.len() as u64));
        }
        self.columns.iter().for_each(|c| out.extend(&c.1));
        out.extend(&self.extra);
        out
    }

    pub(in crate::change) fn chunk(&self) -> Vec<u8> {
        seal(&self.contents())
    }
}

/// A raw change chunk with these contents and a checksum that fits.
pub(in crate::change) fn seal(contents: &[u8]) -> Vec<u8> {
    let mut hashed = vec![1];
    hashed.extend(unsigned(contents.len() as u64));
    hashed.extend(contents);
    let hash = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &hashed].concat()
}

pub(in crate::change) fn unsigned(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

pub(in crate::change) fn signed(mut value: i64) -> Vec<u8> {
    let mut out = vec![];
    while !(-64..64).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
    out
}

pub(in crate::change) fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [unsigned(bytes.len() as u64), bytes.to_vec()].concat()
}

pub(in crate::change) fn text(text: &str) -> Vec<u8> {
    prefixed(text.as_bytes())
}

/// A run of one value.
pub(in crate::change) fn repeat(count: u64, value: Vec<u8>) -> Vec<u8> {
    [signed(count as i64), value].concat()
}

/// A run of different values.
pub(in crate::change) fn literal(values: &[Vec<u8>]) -> Vec<u8> {
    [signed(-(values.len() as i64)), values.concat()].concat()
}

/// One canonical run: of equal values if all are equal, else of different ones.
fn runs(values: &[Vec<u8>]) -> Vec<u8> {
    match values {
        [first, second, ..] if first == second => repeat(values.len() as u64, first.clone()),
        _ => literal(values),
    }
}
