//! `stock adjust`: corrects the book by a signed quantity, with a reason.
//! Invariant: a minus sign needs no quoting; proved by `negative_quantity_needs_no_quoting`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::stock;

/// Options of `stock adjust`.
#[derive(Args, Debug)]
pub struct StockAdjustArgs {
    /// Article number, exact text
    pub sku: String,
    /// How many more, or fewer with a minus sign
    #[arg(allow_negative_numbers = true)]
    pub quantity: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &StockAdjustArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = json!({"sku": args.sku, "quantity": args.quantity, "reason": args.reason});
    let key = args.write.idempotency_key.as_deref();
    let request = Request::post(&["stock", "adjustments"], key, Body::Json(body));
    let answer = context.ask(&request)?;
    Ok(context.show(&answer, stock::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn negative_quantity_needs_no_quoting() {
        let node = FakeNode::start(|_| answer(201, &json!({"sku": "A", "on_hand": "7"})));
        Terminal::at(&node).run(&["stock", "adjust", "A", "-3", "--reason", "broken"]);
        assert_eq!(node.seen()[1].json(), json!({"sku": "A", "quantity": "-3", "reason": "broken"}));
    }
}
