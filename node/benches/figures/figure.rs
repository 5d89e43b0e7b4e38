//! One printed line a figure.
//!
//! Not a judge: a missed budget is a figure too. Invariant: every line has the same five columns; checked by reading.

use std::io::Write;
use std::thread::available_parallelism;
use std::time::Duration;

/// Prints one figure; `budget` is a text such as `<= 10`, or `-` for none.
pub fn print(name: &str, value: f64, unit: &str, budget: &str) {
    let digits = if value >= 1_000.0 { 0 } else { 2 };
    let cores = available_parallelism().map_or(1, usize::from);
    note(&format!("{name:<38} {value:>12.digits$} {unit:<9} budget {budget:<9} {cores} cores"));
}

/// Prints a line that is no figure.
pub fn note(text: &str) {
    // A closed output must not end the run.
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The middle of some durations; zero for none.
pub fn median(durations: &mut [Duration]) -> Duration {
    share(durations, 50)
}

/// The duration below which `percent` of all lie; zero for none.
pub fn share(durations: &mut [Duration], percent: usize) -> Duration {
    durations.sort_unstable();
    durations.get((durations.len() * percent / 100).min(durations.len().saturating_sub(1))).copied().unwrap_or_default()
}
