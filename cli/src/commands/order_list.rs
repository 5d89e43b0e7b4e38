//! `order list`: orders without their lines, newest first.
//! Invariant: every filter reaches the query; proved by `every_filter_reaches_the_query`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, number, person, plain, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::NUMBER, "/number"),
    plain(text::DATE, "/business_date"),
    plain(text::CHANNEL, "/channel"),
    plain(text::EXTERNAL, "/external_number"),
    person(text::CUSTOMER),
    word(text::STATUS, "/status"),
    word(text::FULFILMENT, "/fulfilment"),
    word(text::PAYMENT, "/payment"),
    number(text::LINES, "/line_count"),
    number(text::TOTAL, "/total"),
    plain(text::CURRENCY, "/currency"),
];

/// Options of `order list`.
#[derive(Args, Debug)]
pub struct OrderListArgs {
    /// Only orders with this status, such as confirmed
    #[arg(long)]
    pub status: Option<String>,
    /// Only orders of this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Only orders of this channel
    #[arg(long)]
    pub channel: Option<String>,
    /// Only orders with this external number
    #[arg(long, value_name = "NUMBER")]
    pub external: Option<String>,
    /// Only orders of this day and later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// Only orders of this day and earlier
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &OrderListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let request = Request::get(&["orders"])
        .maybe("status", args.status.as_deref())
        .maybe("customer", args.customer.as_deref())
        .maybe("channel", args.channel.as_deref())
        .maybe("external", args.external.as_deref())
        .maybe("from", args.from.as_deref())
        .maybe("to", args.to.as_deref());
    list::show_columns(request, &args.page, COLUMNS, context)
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn every_filter_reaches_the_query() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": []})));
        Terminal::at(&node).run(&[
            "order",
            "list",
            "--status",
            "confirmed",
            "--customer",
            "c",
            "--channel",
            "web",
            "--external",
            "5/1",
            "--from",
            "2010-12-01",
            "--to",
            "2010-12-31",
            "--cursor",
            "x",
        ]);
        assert_eq!(
            node.seen()[1].target,
            "/api/v1/orders?status=confirmed&customer=c&channel=web&external=5%2F1\
             &from=2010-12-01&to=2010-12-31&limit=50&cursor=x"
        );
    }
}
