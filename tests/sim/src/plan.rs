//! The plan of a run: everything that people, networks, disks and clocks will do, as a list that can be read, cut and replayed.
//!
//! A seed makes it (`make`); a failure is shrunk by leaving steps out (`shrink`); regressions are plans in files. What a
//! step picks at run time (which order, which line) comes from its own `pick`, so that leaving one out changes no other.
//!
//! Invariant: a plan written and read again is the same plan. Proved by `a_plan_survives_its_file`.

mod make;

pub use make::{make, storm};

use serde::{Deserialize, Serialize};

/// Nodes of the cluster: head office, keeper and second till of SH01, warehouse WH01, store SH02.
pub const NODES: usize = 5;
/// Items that everybody wants.
pub const ITEMS: usize = 4;
/// A day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made of; also seeds delays, sectors and session bytes.
    pub seed: u64,
    /// Simulated days.
    pub days: u64,
    /// What happens, by time.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in milliseconds from the start.
    pub at: u64,
    /// Where.
    pub node: usize,
    /// What.
    pub act: Act,
    /// What it picks among the things that it finds.
    pub pick: u64,
}

/// What people and the world do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// An order to be sent.
    Order,
    /// A sale over the counter.
    WalkIn,
    /// Somebody confirms an order.
    Confirm,
    /// A part of an order leaves.
    Ship,
    /// Somebody cancels an order, at its site or at head office.
    Cancel,
    /// Goods come in.
    Receipt,
    /// A count finds more or less.
    Adjustment,
    /// The keeper lends rights to the other till.
    Lend,
    /// The holder gives a loan back.
    Return,
    /// Lines of an order go to another site to be shipped.
    Send,
    /// The other site ships.
    ShipFulfilment,
    /// The other site cannot.
    CancelFulfilment,
    /// A file of the channel is imported.
    Import,
    /// A member writes what its site may not.
    Overreach,
    /// The power fails and comes back after `ms`.
    PowerCut {
        /// Milliseconds without power.
        ms: u64,
        /// Bytes of a sector.
        sector: usize,
        /// Calls after which it fails again while the node recovers; 0 for never.
        again: u64,
    },
    /// The process dies between two answers of its next batch.
    CrashBetweenAnswers,
    /// The n-th disk call from now fails.
    FaultOnce {
        /// Which call.
        call: u64,
    },
    /// All disk calls from the n-th on fail for `ms`.
    FaultFrom {
        /// Which call.
        call: u64,
        /// Milliseconds until it is mended.
        ms: u64,
    },
    /// The disk takes `room` bytes more for `ms`.
    Full {
        /// Bytes.
        room: usize,
        /// Milliseconds until there is room again.
        ms: u64,
    },
    /// The process stands still.
    Pause {
        /// For so many milliseconds.
        ms: u64,
    },
    /// The clock shows another time from now on.
    Clock {
        /// Milliseconds that it is wrong.
        off: i64,
    },
    /// The clock stands.
    Frozen,
    /// The node hears and says nothing.
    Isolate {
        /// For so many milliseconds.
        ms: u64,
    },
    /// It hears but is not heard by some.
    OneWay {
        /// For so many milliseconds.
        ms: u64,
    },
    /// The cluster falls into two parts.
    Split {
        /// For so many milliseconds.
        ms: u64,
    },
    /// All its connections end, each within a frame.
    CutMidFrame,
    /// A bit of what arrives next is flipped.
    FlipBit,
    /// It reads its connections in small pieces for a while.
    SlowReader {
        /// For so many milliseconds.
        ms: u64,
    },
    /// What it sends takes long for a while.
    SlowNetwork {
        /// For so many milliseconds.
        ms: u64,
    },
    /// Its file is replaced by an older copy, and it meets the others before it sells again.
    OldCopy,
}

impl Plan {
    /// The plan as a file.
    ///
    /// # Errors
    /// None that a plan of this type can cause.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// If it is not a plan.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plan_survives_its_file() {
        let plan = make(7, 3);
        assert_eq!(Plan::from_json(&plan.to_json().unwrap()).unwrap(), plan);
    }

    #[test]
    fn a_seed_makes_one_plan_and_another_seed_another() {
        assert_eq!(make(7, 3), make(7, 3));
        assert_ne!(make(7, 3).steps, make(8, 3).steps);
    }

    #[test]
    fn every_run_leaves_a_random_half_of_the_faults_out() {
        let kinds = |seed| -> std::collections::BTreeSet<String> {
            let steps = make(seed, 30).steps;
            steps
                .iter()
                .map(|step| serde_json::to_value(step.act).unwrap())
                .filter_map(|act| act.as_object().and_then(|fields| fields.keys().next().cloned()))
                .collect()
        };
        let all: std::collections::BTreeSet<String> = (0..16).flat_map(kinds).collect();
        assert!((0..16).all(|seed| kinds(seed).len() < all.len()));
    }
}
