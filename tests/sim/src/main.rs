//! `tradepost-sim`: runs seeds, replays plans, proves that seeded bugs are found.
#![allow(clippy::print_stdout)]

use tradepost_sim::{plan, run};

fn main() {
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let plan = plan::make(args[0], args[1]);
    let bug = args.get(2).and_then(|n| tradepost_sim::bugs::Bug::of_number(*n as u16));
    let begun = std::time::Instant::now();
    let report = run(&plan, bug);
    println!("{:?} {:?}\n{:?}\n{:?}", begun.elapsed(), report.counts, report.marks, report.violation);
}
