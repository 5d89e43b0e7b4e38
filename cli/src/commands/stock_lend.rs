//! `stock lend`: lets another till of the site promise some of the stock.
//! Invariant: quantity and node are sent as typed; proved by `quantity_and_node_are_sent_as_typed`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::stock_loans::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `stock lend`.
#[derive(Args, Debug)]
pub struct StockLendArgs {
    /// Article number, exact text
    pub sku: String,
    /// How many
    pub quantity: String,
    /// The other till: its node name, or the letter in its order numbers
    #[arg(long, value_name = "NODE")]
    pub to: String,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &StockLendArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = json!({"sku": args.sku, "quantity": args.quantity, "holder": args.to});
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["stock", "loans"], key, Body::Json(body)))?;
    Ok(context.show(&answer, |loan, style| table(COLUMNS, [loan], style)))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn quantity_and_node_are_sent_as_typed() {
        let node = FakeNode::start(|_| answer(201, &json!({"id": "07", "sku": "A", "balance": "5"})));
        let ran = Terminal::at(&node).run(&["stock", "lend", "A", "05", "--to", "B"]);
        assert!(ran.out.contains("07"), "{}", ran.out);
        let request = &node.seen()[1];
        assert_eq!(request.target, "/api/v1/stock/loans");
        assert_eq!(request.json(), json!({"sku": "A", "quantity": "05", "holder": "B"}));
    }
}
