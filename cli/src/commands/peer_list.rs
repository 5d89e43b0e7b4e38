//! `peer list`: the other nodes of the organisation.
//! Invariant: every node has a row; proved by `each_node_has_a_row`.

use clap::Args;
use serde_json::Value;

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, plain, rows_at, table, time, word};
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

/// A row for each node.
pub fn view(peers: &Value, style: Style) -> String {
    match rows_at(peers, "/items") {
        [] => text::NO_PEERS.get(style.lang).to_owned(),
        rows => table(COLUMNS, rows, style),
    }
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
    fn nobody_is_told_in_words() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": []})));
        let ran = Terminal::at(&node).run(&["peer", "list", "--lang", "en"]);
        assert!(ran.out.contains("peer invite"), "{}", ran.out);
    }
}
