//! Makes a failing plan small: leaves out steps as long as the same promise breaks.
//!
//! Invariant: the plan that comes out breaks the same promise. Proved by running it before it is printed.

use crate::bugs::Bug;
use crate::check::Check;
use crate::plan::Plan;

/// The smallest plan found within so many runs that still breaks `check`.
pub fn shrink(plan: &Plan, bug: Option<Bug>, check: Check, runs_max: usize) -> Plan {
    let mut best = plan.clone();
    let mut runs = 0;
    let mut part = best.steps.len().div_ceil(2);
    while part > 0 && runs < runs_max {
        let mut at = 0;
        while at < best.steps.len() && runs < runs_max {
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
