//! `tradepost-sim`: runs seeds, replays plans, looks for seeded bugs, and is the gate and the long run.
//!
//! Exit codes: 0 every promise held, 1 one was broken (with the line that replays it), 2 a wrong call.

mod print;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tradepost_sim::bugs::Bug;
use tradepost_sim::gate::{self, Kind};
use tradepost_sim::plan::Plan;

use print::Printer;

/// The deterministic simulator of Tradepost.
#[derive(Debug, Parser)]
#[command(name = "tradepost-sim", version)]
struct Args {
    /// The seed of the plan.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated days.
    #[arg(long, default_value_t = 5)]
    days: u64,
    /// A power cut between any two operations, and no other fault.
    #[arg(long)]
    storm: bool,
    /// Runs the plan of a file.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Runs with a seeded bug; `--bug list` names them.
    #[arg(long, value_name = "NUMBER")]
    bug: Option<String>,
    /// Writes the plan to a file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Runs that may be spent on making a failing plan small.
    #[arg(long, default_value_t = 60)]
    shrink: usize,
    /// Everything that the tests demand.
    #[arg(long)]
    gate: bool,
    /// The plans of mended bugs, for the gate.
    #[arg(long, value_name = "FOLDER", default_value = "tests/regressions")]
    regressions: PathBuf,
    /// The long run of so many cluster-days; its report goes to standard output.
    #[arg(long, value_name = "CLUSTER_DAYS")]
    long: Option<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let printer = Printer;
    if let Some(days) = args.long {
        return print::long(&printer, days);
    }
    if args.gate {
        return print::gate(&printer, &args.regressions);
    }
    let bug = match args.bug.as_deref() {
        None => None,
        Some("list") => return print::bugs(&printer),
        Some(number) => match number.parse().ok().and_then(Bug::of_number) {
            Some(bug) => Some(bug),
            None => return printer.wrong_call(&format!("no bug `{number}`; `--bug list` names them")),
        },
    };
    let kind = if args.storm { Kind::Storm } else { Kind::Days };
    let (plan, line) = match &args.replay {
        None => (kind.plan(args.seed, args.days), gate::replay_line(args.seed, args.days, kind, bug)),
        Some(file) => match std::fs::read_to_string(file).map(|text| Plan::from_json(&text)) {
            Ok(Ok(plan)) => (plan, format!("cargo run --release -p tradepost-sim -- --replay {}", file.display())),
            Ok(Err(error)) => return printer.wrong_call(&format!("{} is not a plan: {error}", file.display())),
            Err(error) => return printer.wrong_call(&format!("{}: {error}", file.display())),
        },
    };
    if let Some(file) = &args.save
        && let Err(error) = plan.to_json().map_err(std::io::Error::other).and_then(|text| std::fs::write(file, text))
    {
        return printer.wrong_call(&format!("{}: {error}", file.display()));
    }
    print::one(&printer, &plan, bug, &line, args.shrink)
}
