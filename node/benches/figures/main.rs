//! Measures what the performance budget promises, one line a figure: name, value, unit, budget, cores.
//!
//! `cargo bench -p node` runs all of it in under three minutes; a word as first argument or in `TRADEPOST_BENCH` keeps the
//! groups whose name holds it (`create`, `import`, `scale`, `search`, `sync`). Not a test: nothing fails when a budget is missed.
//!
//! The node runs as a process of its own (this program with `--serve`), so that its memory is its own and the load
//! comes from outside, on the same cores. Invariant: every figure is taken from answers that the node gave after they
//! were durable; an answer that is not the expected status ends the run.

mod client;
mod create;
mod disk;
mod figure;
mod import;
mod process;
mod scale;
mod search;
mod sync;

use std::error::Error;
use std::path::Path;

/// What every step gives: the first failure ends the run.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// A group of figures, by name.
type Group = (&'static str, fn() -> Outcome<()>);

const GROUPS: [Group; 5] = [
    ("create", create::run),
    ("import", import::run),
    ("scale", scale::run),
    ("search", search::run),
    ("sync", sync::run),
];

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, folder] = words.as_slice()
        && flag == "--serve"
    {
        return process::serve(Path::new(folder));
    }
    let named = words.into_iter().find(|word| !word.starts_with("--"));
    let filter = named.or_else(|| std::env::var("TRADEPOST_BENCH").ok()).unwrap_or_default();
    for (name, run) in GROUPS.into_iter().filter(|(name, _)| name.contains(&filter)) {
        figure::note(&format!("# {name}"));
        run()?;
    }
    Ok(())
}
