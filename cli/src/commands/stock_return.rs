//! `stock return`: gives what is left of a loan back to the keeper.
//! Invariant: without a quantity everything is given back; proved by `quantity_is_sent_when_given`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::stock_loans::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `stock return`.
#[derive(Args, Debug)]
pub struct StockReturnArgs {
    /// Id of the loan
    pub loan: String,
    /// Only this many; all that is left when absent
    #[arg(long, value_name = "QTY")]
    pub quantity: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &StockReturnArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = args.quantity.as_ref().map_or_else(|| json!({}), |quantity| json!({"quantity": quantity}));
    let key = args.write.idempotency_key.as_deref();
    let target = ["stock", "loans", &args.loan, "return"];
    let answer = context.ask(&Request::post(&target, key, Body::Json(body)))?;
    Ok(context.show(&answer, |loan, style| table(COLUMNS, [loan], style)))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn quantity_is_sent_when_given() {
        let node = FakeNode::start(|_| answer(200, &json!({"id": "07", "balance": "0"})));
        Terminal::at(&node).run(&["stock", "return", "07"]);
        Terminal::at(&node).run(&["stock", "return", "07", "--quantity", "2"]);
        assert_eq!(node.seen()[1].target, "/api/v1/stock/loans/07/return");
        assert_eq!(node.seen()[1].json(), json!({}));
        assert_eq!(node.seen()[3].json(), json!({"quantity": "2"}));
    }
}
