//! `fulfilment list`: what sites ship for each other, without the lines.
//! Invariant: every filter reaches the query; proved by `every_filter_reaches_the_query`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, number, plain, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::ID, "/id"),
    plain(text::NUMBER, "/order_number"),
    plain(text::SENT_AT, "/sent_at"),
    plain(text::TAKER, "/taker"),
    plain(text::SHIPPER, "/shipper"),
    plain(text::NAME, "/contact/name"),
    word(text::STATUS, "/status"),
    word(text::SECURED, "/secured"),
    number(text::LINES, "/line_count"),
];

/// Options of `fulfilment list`.
#[derive(Args, Debug)]
pub struct FulfilmentListArgs {
    /// Only what this site ships
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// Only those with this status, such as allocated
    #[arg(long)]
    pub status: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &FulfilmentListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let request = Request::get(&["fulfilments"]).maybe("site", args.site.as_deref());
    let request = request.maybe("status", args.status.as_deref());
    list::show_columns(request, &args.page, COLUMNS, context)
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn every_filter_reaches_the_query() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": []})));
        Terminal::at(&node).run(&["fulfilment", "list", "--site", "WH01", "--status", "allocated"]);
        assert_eq!(node.seen()[1].target, "/api/v1/fulfilments?site=WH01&status=allocated&limit=50");
    }
}
