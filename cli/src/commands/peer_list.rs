//! `peer list`: the other nodes of the organisation, and tickets that somebody else tried to use.
//! Invariants: every node has a row; proved by `each_node_has_a_row`. Every warning is told, also where there is no node;
//! proved by `a_ticket_that_was_used_again_is_told`.

use clap::Args;
use serde_json::Value;

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, plain, rows_at, table, text_at, time, time_at, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::NODE, "/node"),
    plain(text::SITE, "/site"),
    word(text::KIND, "/kind"),
    plain(text::LETTER, "/letter"),
    word(text::STATE, "/state"),
    word(text::REASON, "/reason"),
    time(text::LAST_EXCHANGE, "/last_exchange"),
];

/// Options of `peer list`.
#[derive(Args, Debug)]
pub struct PeerListArgs {}

/// Runs the command.
pub fn run(_args: &PeerListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::get(&["peers"]))?;
    Ok(context.show(&answer, view))
}

/// A row for each node, then a line for each warning.
pub fn view(peers: &Value, style: Style) -> String {
    let nodes = match rows_at(peers, "/items") {
        [] => text::NO_PEERS.get(style.lang).to_owned(),
        rows => table(COLUMNS, rows, style),
    };
    let alerts = rows_at(peers, "/alerts").iter().map(|alert| warning(alert, style));
    let alerts: Vec<String> = alerts.collect();
    if alerts.is_empty() { nodes } else { [nodes.trim_end(), "", &alerts.join("\n")].join("\n") }
}

fn warning(alert: &Value, style: Style) -> String {
    let lang = style.lang;
    let sentence = match alert["code"].as_str() {
        Some("ticket_expired") => text::TICKET_USED_LATE,
        Some(_) | None => text::TICKET_USED_AGAIN,
    };
    let (site, device) = (text_at(alert, "/site", lang), text_at(alert, "/device", lang));
    sentence.with(lang, &[&site, &device, &time_at(alert, "/at", lang)])
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn each_node_has_a_row() {
        let peers = json!({"items": [{"node": "ab12", "site": "SH01", "kind": "store", "letter": "A",
            "state": "offline", "reason": "paused_there", "last_exchange": null, "addresses": []}]});
        let node = FakeNode::start(move |_| answer(200, &peers));
        let english = Terminal::at(&node).run(&["peer", "list", "--lang", "en"]);
        assert!(english.out.contains("ab12") && english.out.contains("paused there"), "{}", english.out);
        let chinese = Terminal::at(&node).run(&["peer", "list", "--lang", "zh"]);
        assert!(chinese.out.contains("对端已暂停"), "{}", chinese.out);
    }

    #[test]
    fn a_ticket_that_was_used_again_is_told() {
        let alert =
            |code: &str| json!({"code": code, "site": "SH02", "device": "cd34", "at": "2026-11-24T10:00:00.123+08:00"});
        let peers = json!({"items": [], "alerts": [alert("ticket_used"), alert("ticket_expired")]});
        let node = FakeNode::start(move |_| answer(200, &peers));
        let english = Terminal::at(&node).run(&["peer", "list", "--lang", "en"]).out;
        let lines: Vec<&str> = english.lines().rev().take(2).collect();
        assert_eq!(
            lines[1],
            "warning: ticket for SH02 used again by device cd34 at 2026-11-24 10:00:00 +08:00; refused"
        );
        assert!(lines[0].starts_with("warning: expired ticket for SH02 used by device cd34"), "{english}");
        let chinese = Terminal::at(&node).run(&["peer", "list", "--lang", "zh"]).out;
        assert!(chinese.contains("警告：SH02 的票据被设备 cd34"), "{chinese}");
    }

    #[test]
    fn nobody_is_told_in_words() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": []})));
        let ran = Terminal::at(&node).run(&["peer", "list", "--lang", "en"]);
        assert!(ran.out.contains("peer invite"), "{}", ran.out);
    }
}
