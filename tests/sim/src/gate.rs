//! What the tests run: seeds twice, seeded bugs, power cuts, single I/O faults; and the long run of the same things.
//!
//! Each part says what it did in figures and gives the lines that replay what failed. Work is spread over the cores by
//! seed; a seed runs on one thread.
//!
//! Invariant: a gate that found nothing has run everything that it names. Proved by the marks that it demands.

pub mod iofault;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bugs::Bug;
use crate::plan::{self, Plan};
use crate::{Counts, Report, run};

/// Places that the seeds of a gate must come by.
pub const MARKS: [&str; 30] = [
    "another site ships",
    "answer lost on its way",
    "answer lost, request repeated",
    "apart for days",
    "bit flipped",
    "cancel at head office",
    "clock stands",
    "clock wrong",
    "cluster split",
    "commit came twice",
    "commit set aside",
    "connection cut within a frame",
    "died between two answers",
    "disk call failed once",
    "disk failed for a while",
    "disk full",
    "false signature refused",
    "file imported",
    "file replaced by an older copy",
    "frame read in pieces",
    "frame refused by a failing disk",
    "heard one way",
    "loan given back",
    "member writes what it may not",
    "node isolated",
    "older copy detected by a peer",
    "power cut while a node recovered",
    "power cut, sectors of 4096",
    "power cut, sectors of 512",
    "process paused",
];

/// Seeds that a bug may need.
const SEEDS_OF_A_BUG: u64 = 12;
/// Days of a seed that looks for a bug.
const DAYS_OF_A_BUG: u64 = 2;

/// What a part of the gate found.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Simulated cluster-days.
    pub days: u64,
    /// Sums of all runs.
    pub counts: Counts,
    /// Places that some run came by.
    pub marks: BTreeSet<&'static str>,
    /// What failed, each with its replay line.
    pub failures: Vec<String>,
}

/// The line that runs a plan of a seed again.
pub fn replay_line(seed: u64, days: u64, kind: Kind, bug: Option<Bug>) -> String {
    let bug = bug.map(|bug| format!(" --bug {}", bug as u16)).unwrap_or_default();
    let kind = match kind {
        Kind::Days => "",
        Kind::Storm => " --storm",
    };
    format!("cargo run --release -p tradepost-sim -- --seed {seed} --days {days}{kind}{bug}")
}

/// Which plan a seed makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Days of work with half of the faults.
    Days,
    /// A day of work with a power cut between any two operations.
    Storm,
}

impl Kind {
    /// The plan of a seed.
    pub fn plan(self, seed: u64, days: u64) -> Plan {
        match self {
            Self::Days => plan::make(seed, days),
            Self::Storm => plan::storm(seed, days),
        }
    }
}

/// Runs each seed twice (or once) and compares the traces.
pub fn seeds(kind: Kind, first: u64, many: u64, days: u64, times: u64) -> Outcome {
    let outcomes = spread(many, |at| {
        let seed = first + at;
        let plan = kind.plan(seed, days);
        let reports: Vec<Report> = (0..times).map(|_| run(&plan, None)).collect();
        (seed, reports)
    });
    let mut all = Outcome::default();
    for (seed, reports) in outcomes {
        let line = replay_line(seed, days, kind, None);
        for report in &reports {
            all.days += days;
            all.counts.add(&report.counts);
            all.marks.extend(&report.marks);
        }
        if reports.iter().any(|report| report.trace != reports[0].trace) {
            all.failures.push(format!("seed {seed} gave two traces: {line}"));
        }
        if let Some(violation) = &reports[0].violation {
            all.failures.push(format!("{:?}: {}\n  {line}", violation.check, violation.detail));
        }
    }
    all
}

/// Runs every plan of a folder: those of bugs that were mended.
///
/// # Errors
/// If the folder or a plan cannot be read.
pub fn regressions(folder: &Path) -> std::io::Result<Outcome> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut all = Outcome::default();
    for file in files {
        let plan = Plan::from_json(&std::fs::read_to_string(&file)?).map_err(std::io::Error::other)?;
        let report = run(&plan, None);
        all.days += plan.days;
        all.counts.add(&report.counts);
        if let Some(violation) = report.violation {
            all.failures.push(format!("{:?}: {}\n  {}", violation.check, violation.detail, file.display()));
        }
    }
    Ok(all)
}

/// Marks that no run came by.
pub fn missing_marks(outcome: &Outcome) -> Vec<&'static str> {
    MARKS.into_iter().filter(|mark| !outcome.marks.contains(mark)).collect()
}

/// A seeded bug and how it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub bug: Bug,
    /// The line that shows it, with the promise that broke; `None` where no seed did.
    pub line: Option<String>,
    /// What the seeds found that is not the check of this bug.
    pub strange: Vec<String>,
}

/// Looks for every seeded bug.
pub fn bugs() -> Vec<Found> {
    spread(Bug::ALL.len() as u64, |at| look_for(Bug::ALL[at as usize].0))
}

/// Looks for one bug.
pub fn look_for(bug: Bug) -> Found {
    let mut strange = Vec::new();
    for seed in 1..=SEEDS_OF_A_BUG {
        // Bugs of the disk show under power cuts, the others under the whole menu.
        let kind = if seed % 2 == 0 { Kind::Storm } else { Kind::Days };
        let report = run(&kind.plan(seed, DAYS_OF_A_BUG), Some(bug));
        let Some(violation) = report.violation else { continue };
        let line = replay_line(seed, DAYS_OF_A_BUG, kind, Some(bug));
        if bug.checks().contains(&violation.check) {
            return Found { bug, line: Some(format!("{:?}: {line}", violation.check)), strange };
        }
        strange.push(format!("{:?}: {} ({line})", violation.check, violation.detail));
    }
    Found { bug, line: None, strange }
}

/// Runs `work` for 0 to `many`, spread over the cores; the results are in order.
fn spread<R: Send>(many: u64, work: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at as u64 >= many {
                        return;
                    }
                    let result = work(at as u64);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
