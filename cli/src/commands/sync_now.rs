//! `sync now`: dials every node; with `--wait` until all that is here now is everywhere and theirs is here.
//! Invariant: 0 complete, 3 some node not reached, 1 time over, 5 paused; proved by `each_outcome_has_its_exit`.

use clap::Args;
use serde_json::{Value, json};

use crate::api::{Body, Request};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, plain, rows_at, table, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::NODE, "/node"),
    plain(text::SITE, "/site"),
    word(text::STATE, "/outcome"),
    word(text::REASON, "/reason"),
];

/// Options of `sync now`.
#[derive(Args, Debug)]
pub struct SyncNowArgs {
    /// Wait until each node has all of this one, and this one all of theirs
    #[arg(long)]
    pub wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub timeout: u64,
    /// One node alone: digits of its name, or its site's code
    #[arg(long, value_name = "NODE")]
    pub peer: Option<String>,
}

/// Runs the command.
pub fn run(args: &SyncNowArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = json!({"wait": args.wait, "timeout_seconds": args.timeout, "peer": args.peer});
    let answer = context.ask(&Request::post(&["sync", "now"], None, Body::Json(body)))?;
    let exit = exit_of(answer.value());
    context.show(&answer, view);
    Ok(exit)
}

fn exit_of(synced: &Value) -> Exit {
    match synced["outcome"].as_str() {
        Some("started" | "complete") => Exit::Ok,
        Some("not_reached") => Exit::Gaps,
        Some(_) | None => Exit::Failed,
    }
}

fn view(synced: &Value, style: Style) -> String {
    let head = match synced["outcome"].as_str() {
        Some("started") => text::SYNC_STARTED,
        Some("complete") => text::SYNC_COMPLETE,
        Some("not_reached") => text::SYNC_NOT_REACHED,
        Some(_) | None => text::SYNC_TIMED_OUT,
    };
    let rows = table(COLUMNS, rows_at(synced, "/peers"), style);
    [head.get(style.lang).to_owned(), rows].join("\n\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn each_outcome_has_its_exit() {
        for (outcome, exit) in [("complete", 0), ("started", 0), ("not_reached", 3), ("timed_out", 1)] {
            let synced = json!({"outcome": outcome,
                "peers": [{"node": "ab12", "site": "HQ", "outcome": outcome, "reason": "unreachable"}]});
            let node = FakeNode::start(move |_| answer(200, &synced));
            let ran = Terminal::at(&node).run(&["sync", "now", "--wait", "--lang", "en"]);
            assert_eq!(ran.exit.code(), exit, "{outcome}");
            assert!(ran.out.contains("ab12"), "{}", ran.out);
        }
        let paused = json!({"code": "sync_paused", "detail": "d", "remedy": "r"});
        let node = FakeNode::start(move |_| answer(409, &paused));
        assert_eq!(Terminal::at(&node).run(&["sync", "now", "--wait"]).exit.code(), 5);
    }

    #[test]
    fn wait_is_one_second_to_an_hour() {
        for seconds in ["0", "3601"] {
            assert_eq!(Terminal::new().run(&["sync", "now", "--timeout", seconds]).exit, Exit::Usage);
        }
    }
}
