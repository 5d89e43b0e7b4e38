//! `sync status`: the exchange with each node.
//! Invariant: a pause is told above the table; proved by `pause_is_told_first`.

use clap::Args;
use serde_json::Value;

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, grouped, number, plain, rows_at, table, time, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::NODE, "/node"),
    plain(text::SITE, "/site"),
    word(text::STATE, "/state"),
    word(text::REASON, "/reason"),
    grouped(text::WAITING_OUT, "/waiting_out/commits"),
    grouped(text::WAITING_IN, "/waiting_in/commits"),
    time(text::LAST_EXCHANGE, "/last_exchange"),
    number(text::ROUND_TRIP, "/rtt_ms"),
    grouped(text::BYTES_SENT, "/bytes_sent"),
    grouped(text::BYTES_RECEIVED, "/bytes_received"),
    plain(text::ADDRESS, "/address"),
];

/// Options of `sync status`.
#[derive(Args, Debug)]
pub struct SyncStatusArgs {}

/// Runs the command.
pub fn run(_args: &SyncStatusArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::get(&["sync"]))?;
    Ok(context.show(&answer, view))
}

/// Whether it is paused, and a row for each node.
pub fn view(sync: &Value, style: Style) -> String {
    let paused = sync["paused"] == Value::Bool(true);
    let head = if paused { text::SYNC_PAUSED } else { text::SYNC_RUNNING }.get(style.lang).to_owned();
    match rows_at(sync, "/peers") {
        [] => [head, text::NO_PEERS.get(style.lang).to_owned()].join("\n"),
        rows => [head, table(COLUMNS, rows, style)].join("\n\n"),
    }
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn pause_is_told_first() {
        let sync = json!({"paused": true, "peers": [{"node": "ab12", "site": "HQ", "state": "offline",
            "reason": "paused_here", "waiting_out": {"commits": 1559, "bytes": 9}, "waiting_in": {"commits": 0, "bytes": 0},
            "last_exchange": "2026-01-02T03:04:05+00:00", "rtt_ms": null, "bytes_sent": 5, "bytes_received": 6,
            "address": "10.0.0.1:4433"}]});
        let node = FakeNode::start(move |_| answer(200, &sync));
        let ran = Terminal::at(&node).run(&["sync", "status", "--lang", "en"]);
        assert!(ran.out.starts_with("sync is paused"), "{}", ran.out);
        assert!(ran.out.contains("1,559") && ran.out.contains("10.0.0.1:4433"), "{}", ran.out);
    }
}
