//! What is held of a document, change by change: the place that a further change must fit.
//!
//! A change may follow only what its author has shown to have seen, so the judgement depends on the commit and its causal
//! past alone, never on what else has arrived here.
//!
//! Invariant: of a change that is accepted every dependency and every replaced value is held, and actor, number and first
//! operation are exact. Proved by `a_change_out_of_place_is_told_by_its_rule` and, over whole histories, by
//! `replicas_converge_whatever_the_order_of_delivery` in `node`.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::change::{Expected, ScanError, ScannedChange};
use crate::id::{AuthorId, EventKey};

/// The hash that Automerge knows a change by.
pub type ChangeHash = [u8; 32];

/// The commit that carries a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Who signed it.
    pub author: AuthorId,
    /// Its number in the author's log of the scope.
    pub seq: u64,
}

/// Why a change does not fit its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Misplaced {
    /// It follows a change that is not in the document, or that its author has not seen.
    #[error("dependency {index} is not in the document as its author saw it")]
    Dependency {
        /// Which one, from 0.
        index: usize,
    },
    /// It replaces a value that is not there.
    #[error("operation {op} replaces a value that is not in the document as its author saw it")]
    Predecessor {
        /// Which operation, from 0.
        op: usize,
    },
    /// Actor, number or first operation differ from what its place demands.
    #[error(transparent)]
    Numbers(#[from] ScanError),
}

impl Misplaced {
    /// Its stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dependency { .. } => "change_deps",
            Self::Predecessor { .. } => "change_preds",
            Self::Numbers(_) => "change_numbers",
        }
    }
}

#[derive(Debug, Clone)]
struct Held {
    origin: Origin,
    last_op: u64,
}

/// The last change of an actor.
#[derive(Debug, Clone, Copy)]
struct Last {
    seq: u64,
    hash: ChangeHash,
}

/// An operation on a field: who and which number.
type FieldOp = ([u8; 16], u32);

/// Every change of a document.
#[derive(Debug, Clone, Default)]
pub struct HeldChanges {
    changes: BTreeMap<ChangeHash, Held>,
    actors: BTreeMap<[u8; 16], Last>,
    fields: BTreeMap<String, BTreeMap<FieldOp, Origin>>,
}

impl HeldChanges {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Checks that a change of `actor` fits; `saw` says whether its author had seen a commit.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(
        &self,
        change: &ScannedChange<'_>,
        actor: &[u8; 16],
        saw: impl Fn(&Origin) -> bool,
    ) -> Result<(), Misplaced> {
        let mut last_op = 0;
        for (index, dep) in change.deps.iter().enumerate() {
            let held = self.changes.get(dep).filter(|held| saw(&held.origin)).ok_or(Misplaced::Dependency { index })?;
            last_op = last_op.max(held.last_op);
        }
        let last = self.actors.get(actor);
        if last.is_some_and(|last| !change.deps.contains(&last.hash)) {
            return Err(Misplaced::Dependency { index: change.deps.len() });
        }
        let seq = last.map_or(0, |last| last.seq) + 1;
        change.check(&Expected { actor, seq, start_op: last_op + 1, deps: &change.deps })?;
        self.check_preds(change, saw)
    }

    fn check_preds(&self, change: &ScannedChange<'_>, saw: impl Fn(&Origin) -> bool) -> Result<(), Misplaced> {
        let mut written: BTreeSet<&str> = BTreeSet::new();
        for (op, (put, preds)) in change.puts_with_preds().enumerate() {
            let held = self.fields.get(put.key);
            let known = |pred: &crate::change::Pred<'_>| {
                held.and_then(|ops| ops.get(&(*pred.actor, pred.counter))).is_some_and(&saw)
            };
            if !preds.iter().all(known) || !written.insert(put.key) {
                return Err(Misplaced::Predecessor { op });
            }
        }
        Ok(())
    }

    /// Adds a change that fits.
    pub fn add(&mut self, change: &ScannedChange<'_>, origin: Origin) {
        let last_op = change.start_op + change.op_count - 1;
        self.changes.insert(change.hash, Held { origin, last_op });
        self.actors.insert(*change.actor, Last { seq: change.seq, hash: change.hash });
        for (put, counter) in change.puts.iter().zip(change.start_op as u32..) {
            if EventKey::from_map_key(put.key).is_none() {
                let ops = self.fields.entry(put.key.to_owned()).or_default();
                ops.insert((*change.actor, counter), origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::change::scan;
    use crate::document::{Document, FieldValue, Put};

    const ONE: [u8; 16] = [1; 16];
    const TWO: [u8; 16] = [2; 16];

    fn origin(author: u8) -> Origin {
        Origin { author: AuthorId([author; 32]), seq: 1 }
    }

    fn name(text: &str) -> Vec<Put> {
        vec![Put::field("name", FieldValue::Text(text.into()))]
    }

    fn held(chunks: &[(&[u8], u8)]) -> HeldChanges {
        let mut held = HeldChanges::default();
        for (chunk, author) in chunks {
            held.add(&scan(chunk).unwrap(), origin(*author));
        }
        held
    }

    #[test]
    fn a_change_out_of_place_is_told_by_its_rule() {
        let (document, first) = Document::create(ONE, name("lamp")).unwrap();
        let second = document.clone().append(TWO, name("light")).unwrap();
        let own = document.clone().append(ONE, name("torch")).unwrap();
        let saw = |_: &Origin| true;
        let whole = held(&[(&first, 1)]);
        assert_eq!(whole.check(&scan(&second).unwrap(), &TWO, saw), Ok(()));
        assert_eq!(whole.check(&scan(&own).unwrap(), &ONE, saw), Ok(()));
        let blind = whole.check(&scan(&second).unwrap(), &TWO, |_| false);
        assert_eq!(blind, Err(Misplaced::Dependency { index: 0 }), "its author has not seen it");
        let empty = HeldChanges::default().check(&scan(&second).unwrap(), &TWO, saw);
        assert_eq!(empty.unwrap_err().code(), "change_deps");
        let foreign = whole.check(&scan(&second).unwrap(), &ONE, saw).unwrap_err();
        assert_eq!(foreign.code(), "change_numbers", "it names another actor");
        let forged = held(&[]).check(&scan(&first).unwrap(), &TWO, saw).unwrap_err();
        assert_eq!(forged.code(), "change_numbers");
        let repeated = whole.check(&scan(&first).unwrap(), &ONE, saw).unwrap_err();
        assert_eq!(repeated.code(), "change_deps", "a first change comes once");
    }

    #[test]
    fn a_change_follows_the_own_last_change_also_behind_others() {
        let (document, first) = Document::create(ONE, name("lamp")).unwrap();
        let mut both = document.clone();
        let second = both.append(TWO, name("light")).unwrap();
        let third = both.append(ONE, name("torch")).unwrap();
        let whole = held(&[(&first, 1), (&second, 2)]);
        assert_eq!(whole.check(&scan(&third).unwrap(), &ONE, |_| true), Ok(()));
    }
}
