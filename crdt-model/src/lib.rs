//! The business of Tradepost as pure values: documents, commands, events, folds, merge rules, rights and cases.
//!
//! Reading order: `scope`, `id`, `text`, `decimal`, `quantity`, `money`, `time` are the vocabulary; `codec` writes it in
//! one encoding; `event` names every fact and intent, whose bodies and folds live in `control`, `product`, `customer`,
//! `order`, `fulfilment` and `journal`; `document` is the Automerge document that holds them; `change` scans foreign changes before
//! Automerge sees them, `intake` reads a foreign commit whole; `commit` signs a batch of changes; `seal` hides personal data; `document_row` folds a document,
//! `scope_state` keeps a scope's rows (`rows`: `stock`, `sales`, `case`) up to date.
//!
//! Invariant: no clock, randomness, I/O or async here; time, keys and random bytes are arguments. Enforced by
//! `the_model_is_pure` in `tests/tidy.rs`. Merge rules: `docs/merge-rules.md`, proved by `tests/merge_laws.rs`.

pub mod case;
pub mod change;
pub mod codec;
pub mod commit;
pub mod control;
pub mod customer;
pub mod decimal;
pub mod document;
pub mod document_row;
pub mod event;
pub mod fulfilment;
pub mod id;
pub mod intake;
pub mod journal;
pub mod money;
pub mod order;
pub mod product;
pub mod quantity;
pub mod rows;
pub mod sales;
pub mod scope;
pub mod scope_state;
pub mod seal;
pub mod stock;
pub mod text;
pub mod time;
