//! The deterministic simulator of Tradepost: five nodes with the real replica, sync protocol and redb, in virtual time.
//!
//! Nothing is mocked but the clock, the randomness, the network and the disk. A seed makes a `plan`, `world` runs it,
//! `check` looks at the promises, `model` tells a second time what commits mean, `bugs` are broken variants that must be
//! found, `shrink` makes a failing plan small, `gate` is what the tests run. `docs/reliability.md` says what was run.
//!
//! Invariant: one plan, one trace. Proved by `a_plan_gives_one_trace` and by the gate, which runs each seed twice.

pub mod bugs;
pub mod check;
pub mod disk;
pub mod gate;
mod ledger;
mod link;
mod machine;
mod model;
mod node;
pub mod plan;
pub mod random;
pub mod shrink;
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bugs::Bug;
use check::{Check, Violation};
use plan::Plan;
pub use world::{Counts, Report};

/// Runs a plan; a panic is a broken promise like any other.
pub fn run(plan: &Plan, bug: Option<Bug>) -> Report {
    catch_unwind(AssertUnwindSafe(|| world::World::run(plan, bug))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Report {
            trace: [0; 32],
            violation: Some(Violation::of(Check::Works, format!("panic: {text}"))),
            counts: Counts::default(),
            marks: BTreeSet::new(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_gives_one_trace() {
        let mut plan = plan::make(11, 1);
        plan.steps.truncate(60);
        let (first, second) = (run(&plan, None), run(&plan, None));
        assert_eq!(first.violation, None);
        assert_eq!((first.trace, first.counts), (second.trace, second.counts));
    }
}
