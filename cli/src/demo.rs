//! The demo: real nodes in this process, each with a folder and sockets of its own: an organisation that goes through a
//! cut with real invoices, and a chain of made-up people and goods to look around in.
//!
//! It tells a story over the nodes' HTTP API and checks each figure; it serves nothing itself and holds no rule.
//!
//! Invariant: every figure it prints was asked of a node, and one that differs fails the demo. Proved by
//! `a_figure_that_differs_fails_the_demo` and `the_demo_ends_well_and_serves_until_its_time_is_over` of `tests`.

mod chain;
mod checks;
mod nodes;
mod story;
pub mod words;

pub use chain::Chain;
pub use checks::Checks;
pub use nodes::{Place, Play};
pub use story::REALITY;
