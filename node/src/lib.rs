//! The machine of Tradepost: one node with its store, its replica and its local API.
//!
//! `store` keeps bytes in redb, `replica` turns commands into commits and rows, `app` is what people ask for, `http` its
//! API, `web` its pages, `import` files in, `report` figures; `folder`, `init` and `run` make and open a data folder,
//! `beside` serves several in one process; `clock` and `entropy`
//! are the only places of real time and randomness;
//! `sync` is the protocol between nodes, `transport` their connections, `link` keeps those open, `join` admits new devices. The command line uses what this file exports and nothing else.
//!
//! Invariant: dependency direction as in `docs/architecture.md`. Enforced by `tests/tidy.rs`.

mod address;
pub mod app;
mod beside;
mod clock;
mod entropy;
mod error;
mod folder;
pub mod http;
pub mod import;
mod init;
pub mod join;
pub mod link;
mod listen;
pub mod replica;
pub mod report;
mod run;
pub mod search;
pub mod store;
pub mod sync;
pub mod transport;
pub mod web;

pub use beside::{Ending, ServedNode};
pub use error::NodeError;
pub use init::{InitReport, InitRequest, init};
pub use join::{JoinReport, JoinRequest, join};
pub use run::{LocalNode, LocalRequest, LocalResponse, Purpose, Ready, ServeOptions, serve};
