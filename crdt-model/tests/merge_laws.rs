//! Merge laws: whatever is written where and however it travels, every replica ends with the same state and loses nothing.
//!
//! `world` has replicas that write real changes under real event keys and deliver them in any order, late and twice;
//! `deeds` are the things that people and nodes do, `plan` draws histories of them. The laws: `convergence` (documents
//! and folds), `scope_rows` (stock, sales, claims, cases), `rights` (promises of a keeper), `loans` (promises of tills
//! that it lends to), `fulfilments` (an order and the site that ships it), `pairs` (each concurrent
//! pair of `docs/merge-rules.md` that has a C-number), `sizes` (bytes that decisions rest on).
//!
//! Invariants: no clock, no sleep; randomness comes from a seed that a failing case prints with its history.
#![allow(clippy::unwrap_used)]

#[path = "merge_laws/convergence.rs"]
mod convergence;
#[path = "merge_laws/deeds.rs"]
mod deeds;
#[path = "merge_laws/fulfilments.rs"]
mod fulfilments;
#[path = "merge_laws/loans.rs"]
mod loans;
#[path = "merge_laws/pairs.rs"]
mod pairs;
#[path = "merge_laws/plan.rs"]
mod plan;
#[path = "merge_laws/rights.rs"]
mod rights;
#[path = "merge_laws/scope_rows.rs"]
mod scope_rows;
#[path = "merge_laws/sizes.rs"]
mod sizes;
#[path = "merge_laws/world.rs"]
mod world;
