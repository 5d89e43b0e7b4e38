//! `stock loans`: what is lent to which till.
//! Invariant: used-up loans are asked for only on request; proved by `used_up_loans_are_shown_on_request`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, number, plain};
use crate::text;

/// The columns of a loan.
pub const COLUMNS: &[Column] = &[
    plain(text::ID, "/id"),
    plain(text::SITE, "/site"),
    plain(text::HOLDER, "/holder"),
    plain(text::SKU, "/sku"),
    number(text::QUANTITY, "/quantity"),
    number(text::RETURNED, "/returned"),
    number(text::SECURED, "/secured"),
    number(text::SHIPPED, "/spent"),
    number(text::BALANCE, "/balance"),
];

/// Options of `stock loans`.
#[derive(Args, Debug)]
pub struct StockLoansArgs {
    /// Only this article, exact text
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,
    /// Loans that are used up as well
    #[arg(long)]
    pub closed: bool,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &StockLoansArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let request = Request::get(&["stock", "loans"]).maybe("sku", args.sku.as_deref());
    let request = request.maybe("closed", args.closed.then_some("true"));
    list::show_columns(request, &args.page, COLUMNS, context)
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn used_up_loans_are_shown_on_request() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": [], "has_more": false})));
        Terminal::at(&node).run(&["stock", "loans"]);
        Terminal::at(&node).run(&["stock", "loans", "--closed", "--sku", "A"]);
        assert_eq!(node.seen()[1].target, "/api/v1/stock/loans?limit=50");
        assert_eq!(node.seen()[3].target, "/api/v1/stock/loans?sku=A&closed=true&limit=50");
    }
}
