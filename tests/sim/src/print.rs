//! What the simulator says: of one run, of the gate, and the report of the long run.
//!
//! Invariant: a broken promise ends with the line that replays it. Proved by `tests/acceptance/04.sh`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tradepost_sim::bugs::Bug;
use tradepost_sim::gate::{self, Kind, Outcome, iofault};
use tradepost_sim::plan::Plan;
use tradepost_sim::{run, shrink};

/// Standard output; a reader that has gone away ends nothing.
pub struct Printer;

impl Printer {
    /// A line.
    pub fn say(&self, line: &str) {
        drop(writeln!(std::io::stdout().lock(), "{line}"));
    }

    /// A wrong call.
    pub fn wrong_call(&self, why: &str) -> ExitCode {
        drop(writeln!(std::io::stderr().lock(), "tradepost-sim: {why}"));
        ExitCode::from(2)
    }
}

/// Seeds of the gate, days of each, and how often each runs.
const GATE: (u64, u64, u64) = (84, 3, 2);
/// Seeds and days of the gate's power cuts.
const STORMS: (u64, u64) = (6, 2);
/// Scenarios of the gate's fault loop.
const LOOPS: usize = 3;

/// One run.
pub fn one(printer: &Printer, plan: &Plan, bug: Option<Bug>, line: &str, runs: usize) -> ExitCode {
    let report = run(plan, bug);
    printer.say(&format!("plan      seed {}, {} days, {} steps", plan.seed, plan.days, plan.steps.len()));
    let counts = &report.counts;
    printer.say(&format!("did       {} events, {} batches, {} commits", counts.events, counts.batches, counts.commits));
    printer.say(&format!("          {} answers with yes, {} connections", counts.acknowledged, counts.connections));
    printer.say(&format!("faults    {}, of them {} power cuts and crashes", counts.faults, counts.cuts));
    for mark in &report.marks {
        printer.say(&format!("mark      {mark}"));
    }
    let hex: String = report.trace.iter().map(|byte| format!("{byte:02x}")).collect();
    printer.say(&format!("trace     {hex}"));
    let Some(violation) = report.violation else {
        printer.say("promises  all held");
        return ExitCode::SUCCESS;
    };
    printer.say(&format!("BROKEN    {:?}: {}", violation.check, violation.detail));
    if bug.is_none_or(|bug| bug.checks().contains(&violation.check)) {
        printer.say(&format!("replay    {line}"));
    } else {
        printer.say(&format!("replay    {line} (not a check of this bug)"));
    }
    let small = shrink::shrink(plan, bug, violation.check, runs);
    let file = std::env::temp_dir().join(format!("tradepost-sim-{}.json", plan.seed));
    let written = small.to_json().map_err(std::io::Error::other).and_then(|text| std::fs::write(&file, text));
    if written.is_ok() {
        printer.say(&format!("smallest  {} of {} steps, in {}", small.steps.len(), plan.steps.len(), file.display()));
    }
    ExitCode::FAILURE
}

/// The seeded bugs by number.
pub fn bugs(printer: &Printer) -> ExitCode {
    for (bug, text, checks) in Bug::ALL {
        printer.say(&format!("{:>3}  {text}  {checks:?}", *bug as u16));
    }
    ExitCode::SUCCESS
}

/// The gate of the tests.
pub fn gate(printer: &Printer, folder: &Path) -> ExitCode {
    let begun = Instant::now();
    let mut failures = Vec::new();
    match gate::regressions(folder) {
        Ok(outcome) => {
            told(printer, &begun, "plans of mended bugs", &outcome);
            failures.extend(outcome.failures);
        }
        Err(error) => return printer.wrong_call(&format!("{}: {error}", folder.display())),
    }
    let (seeds, days, times) = GATE;
    let outcome = gate::seeds(Kind::Days, 1, seeds, days, times);
    told(printer, &begun, &format!("{seeds} seeds of {days} days, each {times} times"), &outcome);
    failures.extend(outcome.failures.iter().cloned());
    failures.extend(gate::missing_marks(&outcome).iter().map(|mark| format!("no run came by: {mark}")));
    let (seeds, days) = STORMS;
    let storms = gate::seeds(Kind::Storm, 1, seeds, days, 1);
    told(printer, &begun, "power cuts", &storms);
    failures.extend(storms.failures.iter().cloned());
    if storms.counts.cuts + outcome.counts.cuts / times < 2_000 {
        failures.push(format!("only {} power cuts", storms.counts.cuts));
    }
    failures.extend(loops(printer, &begun, LOOPS));
    failures.extend(found_bugs(printer, &begun));
    end(printer, &failures)
}

fn loops(printer: &Printer, begun: &Instant, many: usize) -> Vec<String> {
    let mut failures = Vec::new();
    for (scenario, (name, _)) in iofault::SCENARIOS.iter().enumerate().take(many) {
        let found = iofault::all_calls(scenario);
        let seconds = begun.elapsed().as_secs();
        printer.say(&format!("{seconds:>5} s  every disk call of `{name}` failed: {} faults", found.faults));
        failures.extend(found.failures);
    }
    failures
}

fn found_bugs(printer: &Printer, begun: &Instant) -> Vec<String> {
    let mut failures = Vec::new();
    let found = gate::bugs();
    for entry in &found {
        match &entry.line {
            Some(line) => printer.say(&format!("         bug {:>2} found, {line}", entry.bug as u16)),
            None => {
                let strange = entry.strange.join("; ");
                failures.push(format!("bug {} was not found: {} {strange}", entry.bug as u16, entry.bug.text()));
            }
        }
    }
    let many = found.iter().filter(|entry| entry.line.is_some()).count();
    printer.say(&format!("{:>5} s  {many} of {} seeded bugs found", begun.elapsed().as_secs(), found.len()));
    failures
}

fn told(printer: &Printer, begun: &Instant, what: &str, outcome: &Outcome) {
    let counts = &outcome.counts;
    printer.say(&format!(
        "{:>5} s  {what}: {} cluster-days, {} commits, {} faults, {} power cuts and crashes, {} broken promises",
        begun.elapsed().as_secs(),
        outcome.days,
        counts.commits,
        counts.faults,
        counts.cuts,
        outcome.failures.len()
    ));
    for failure in &outcome.failures {
        printer.say(&format!("         {failure}"));
    }
}

fn end(printer: &Printer, failures: &[String]) -> ExitCode {
    for failure in failures {
        printer.say(&format!("FAILED    {failure}"));
    }
    printer.say(if failures.is_empty() { "gate      everything held" } else { "gate      failed" });
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The long run: more seeds, all scenarios, more power cuts.
pub fn long(printer: &Printer, days: u64) -> ExitCode {
    let begun = Instant::now();
    let seeds = days.div_ceil(10);
    let outcome = gate::seeds(Kind::Days, 10_000, seeds, 10, 1);
    told(printer, &begun, &format!("seeds 10000 to {} of 10 days", 10_000 + seeds - 1), &outcome);
    let mut failures = outcome.failures.clone();
    failures.extend(gate::missing_marks(&outcome).iter().map(|mark| format!("no run came by: {mark}")));
    let storms = gate::seeds(Kind::Storm, 10_000, days.div_ceil(50), 5, 1);
    told(printer, &begun, "power cuts", &storms);
    failures.extend(storms.failures.iter().cloned());
    failures.extend(loops(printer, &begun, iofault::SCENARIOS.len()));
    failures.extend(found_bugs(printer, &begun));
    for mark in &outcome.marks {
        printer.say(&format!("mark     {mark}"));
    }
    end(printer, &failures)
}
