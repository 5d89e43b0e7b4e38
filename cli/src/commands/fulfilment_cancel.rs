//! `fulfilment cancel`: gives lines back to the site that took the order, with a reason.
//! Invariant: lines and reason are sent only when given; proved by `lines_and_reason_are_sent`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::order_ship::lines_body;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::fulfilment;
use crate::values::LineQuantity;

/// Options of `fulfilment cancel`.
#[derive(Args, Debug)]
pub struct FulfilmentCancelArgs {
    /// Id of the fulfilment, or number of its order
    pub id: String,
    /// Give back only this quantity of the order's line N; may be given several times
    #[arg(long, value_name = "N:QTY", value_parser = LineQuantity::parse)]
    pub line: Vec<LineQuantity>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &FulfilmentCancelArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = lines_body(&args.line);
    if let Some(reason) = &args.reason {
        body["reason"] = json!(reason);
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["fulfilments", &args.id, "cancel"], key, Body::Json(body)))?;
    Ok(context.show(&answer, fulfilment::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn lines_and_reason_are_sent() {
        let node = FakeNode::start(|_| answer(200, &json!({"id": "00ff"})));
        Terminal::at(&node).run(&["fulfilment", "cancel", "00ff"]);
        let first = node.seen()[1].json();
        Terminal::at(&node).run(&["fulfilment", "cancel", "00ff", "--line", "1:2", "--reason", "not found"]);
        assert_eq!(node.seen()[3].target, "/api/v1/fulfilments/00ff/cancel");
        let lines = json!([{"line": 1, "quantity": "2"}]);
        assert_eq!((first, node.seen()[3].json()), (json!({}), json!({"lines": lines, "reason": "not found"})));
    }
}
