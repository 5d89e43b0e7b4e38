//! The progress of an import on stderr: a bar on a terminal, else a line per 10,000 durable rows.
//! Not the summary at the end (`output/import`).
//! Invariant: each multiple is printed once and in order; proved by `each_multiple_is_printed_once_in_order`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::output::Output;

/// Rows between two progress lines.
pub const ROWS_PER_LINE: u64 = 10_000;

/// How progress is shown.
pub enum Progress {
    /// Not at all.
    Silent,
    /// A line per [`ROWS_PER_LINE`] rows.
    Lines(Multiples),
    /// A bar that redraws itself.
    Bar(ProgressBar),
}

impl Progress {
    /// A bar on a terminal, lines elsewhere, nothing with `--quiet`.
    pub fn new(output: &Output<'_>, err_is_terminal: bool) -> Progress {
        match (output.quiet, err_is_terminal) {
            (true, _) => Progress::Silent,
            (false, true) => Progress::Bar(bar()),
            (false, false) => Progress::Lines(Multiples::default()),
        }
    }

    /// Shows the state of a running import.
    pub fn show(&mut self, import: &Value, output: &mut Output<'_>) {
        let rows_done = import["rows_done"].as_u64().unwrap_or_default();
        match self {
            Progress::Silent => {}
            Progress::Lines(multiples) => {
                for rows in multiples.reached(rows_done) {
                    output.talk(&format!("progress {rows}"));
                }
            }
            Progress::Bar(bar) => {
                if let Some(total) = import["rows_total"].as_u64() {
                    bar.set_length(total);
                }
                bar.set_position(rows_done);
            }
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        match self {
            Progress::Bar(bar) => bar.finish_and_clear(),
            Progress::Silent | Progress::Lines(_) => {}
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta}")
        .expect("invariant: the template is a constant that parses");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar
}

/// Which multiples of [`ROWS_PER_LINE`] were passed.
#[derive(Debug, Default)]
pub struct Multiples {
    printed: u64,
}

impl Multiples {
    /// The multiples reached since the last call, ascending.
    pub fn reached(&mut self, rows_done: u64) -> impl Iterator<Item = u64> + use<> {
        let from = self.printed;
        self.printed = from.max(rows_done / ROWS_PER_LINE);
        (from..self.printed).map(|multiple| (multiple + 1) * ROWS_PER_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(multiples: &mut Multiples, rows: u64) -> Vec<u64> {
        multiples.reached(rows).collect()
    }

    #[test]
    fn each_multiple_is_printed_once_in_order() {
        let mut multiples = Multiples::default();
        assert_eq!(reached(&mut multiples, 9_999), Vec::<u64>::new());
        assert_eq!(reached(&mut multiples, 10_000), [10_000]);
        assert_eq!(reached(&mut multiples, 10_001), Vec::<u64>::new());
        assert_eq!(reached(&mut multiples, 40_000), [20_000, 30_000, 40_000]);
        assert_eq!(reached(&mut multiples, 5_000), Vec::<u64>::new());
        assert_eq!(reached(&mut multiples, 42_481), Vec::<u64>::new());
    }

    #[test]
    fn bar_template_parses() {
        bar().finish_and_clear();
    }
}
