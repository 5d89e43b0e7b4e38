//! Makes a failing plan small: leaves out steps as long as the same promise breaks.
//!
//! Invariant: the plan that comes out breaks the same promise. Proved by running it before it is printed.

use crate::bugs::Bug;
use crate::check::Check;
use crate::plan::Plan;

/// Runs that shrinking may take.
const RUNS_MAX: usize = 400;

/// The smallest plan found that still breaks `check`.
pub fn shrink(plan: &Plan, bug: Option<Bug>, check: Check) -> Plan {
    let mut best = plan.clone();
    let mut runs = 0;
    let mut part = best.steps.len().div_ceil(2);
    while part > 0 && runs < RUNS_MAX {
        let mut at = 0;
        while at < best.steps.len() && runs < RUNS_MAX {
            let mut fewer = best.clone();
            fewer.steps.drain(at..(at + part).min(best.steps.len()));
            runs += 1;
            if breaks(&fewer, bug, check) {
                best = fewer;
            } else {
                at += part;
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    best
}

/// Whether a plan breaks a promise.
pub fn breaks(plan: &Plan, bug: Option<Bug>, check: Check) -> bool {
    crate::run(plan, bug).violation.is_some_and(|violation| violation.check == check)
}

