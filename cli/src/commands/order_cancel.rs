//! `order cancel`: the whole order or the quantities given, with a reason.
//! Invariant: reason and lines are sent only when given; proved by `reason_is_sent_when_given`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::order_ship::lines_body;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;
use crate::values::LineQuantity;

/// Options of `order cancel`.
#[derive(Args, Debug)]
pub struct OrderCancelArgs {
    /// Id or number of the order
    pub id: String,
    /// Cancel only this quantity of line N; may be given several times
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
pub fn run(args: &OrderCancelArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = lines_body(&args.line);
    if let Some(reason) = &args.reason {
        body["reason"] = json!(reason);
    }
    let key = args.write.idempotency_key.as_deref();
    let target = ["orders", &args.id, "cancel"];
    let answer = context.ask(&Request::post(&target, key, Body::Json(body)))?;
    Ok(context.show(&answer, order::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn reason_is_sent_when_given() {
        let node = FakeNode::start(|_| answer(200, &json!({"number": "1"})));
        Terminal::at(&node).run(&["order", "cancel", "1"]);
        Terminal::at(&node).run(&["order", "cancel", "1", "--line", "1:2", "--reason", "缺货"]);
        assert_eq!(node.seen()[1].json(), json!({}));
        let lines = json!([{"line": 1, "quantity": "2"}]);
        assert_eq!(node.seen()[3].json(), json!({"lines": lines, "reason": "缺货"}));
    }
}
