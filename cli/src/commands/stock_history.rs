//! `stock history`: the movements of one article, newest first.
//! Invariant: the article is sent as typed; proved by `article_is_sent_as_typed`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, number, plain, time};
use crate::text;

/// The columns of a movement.
pub const COLUMNS: &[Column] = &[
    time(text::AT, "/at"),
    plain(text::SITE, "/site"),
    plain(text::KIND, "/kind"),
    number(text::QUANTITY, "/quantity"),
    number(text::ON_HAND, "/on_hand"),
    plain(text::REFERENCE, "/reference"),
    plain(text::REASON, "/reason"),
    plain(text::NODE, "/node"),
];

/// Options of `stock history`.
#[derive(Args, Debug)]
pub struct StockHistoryArgs {
    /// Article number, exact text
    pub sku: String,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &StockHistoryArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    list::show_columns(Request::get(&["stock", &args.sku, "ledger"]), &args.page, COLUMNS, context)
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn article_is_sent_as_typed() {
        let row = json!({"kind": "sale", "quantity": "-2.5", "on_hand": "7.5", "site": "SH01", "node": "abcdef0123",
            "reference": "SH01-A-000007", "reason": null, "at": "2010-12-01T08:26:00+00:00"});
        let node = FakeNode::start(move |_| answer(200, &json!({"items": [row], "has_more": false})));
        let ran = Terminal::at(&node).run(&["stock", "history", "a/B", "--limit", "5"]);
        assert!(ran.out.contains("sale") && ran.out.contains("-2.5") && ran.out.contains("SH01-A-000007"));
        assert_eq!(node.seen()[1].target, "/api/v1/stock/a%2FB/ledger?limit=5");
    }
}
