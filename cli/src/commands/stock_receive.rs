//! `stock receive`: goods come in.
//! Invariant: the quantity is sent as typed; proved by `quantity_is_sent_as_typed`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::stock;

/// Options of `stock receive`.
#[derive(Args, Debug)]
pub struct StockReceiveArgs {
    /// Article number, exact text
    pub sku: String,
    /// How many
    pub quantity: String,
    /// Delivery note or similar
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &StockReceiveArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = json!({"sku": args.sku, "quantity": args.quantity});
    for (name, value) in [("reference", &args.reference), ("reason", &args.reason)] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["stock", "receipts"], key, Body::Json(body)))?;
    Ok(context.show(&answer, stock::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn quantity_is_sent_as_typed() {
        let node = FakeNode::start(|_| answer(201, &json!({"sku": "A", "on_hand": "10"})));
        let ran = Terminal::at(&node).run(&["stock", "receive", "A", "010", "--reference", "D1"]);
        assert!(ran.out.contains("10"), "{}", ran.out);
        let request = &node.seen()[1];
        assert_eq!(request.target, "/api/v1/stock/receipts");
        assert_eq!(request.json(), json!({"sku": "A", "quantity": "010", "reference": "D1"}));
    }
}
