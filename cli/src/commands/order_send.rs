//! `order send`: another site ships, all that is still to leave from here or the quantities given.
//! Invariant: lines and service are sent only when given; proved by `site_lines_and_service_are_sent`.

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

/// Options of `order send`.
#[derive(Args, Debug)]
pub struct OrderSendArgs {
    /// Id or number of the order
    pub id: String,
    /// The site that has the goods and ships them
    #[arg(long, value_name = "SITE")]
    pub from: String,
    /// Send only this quantity of line N; may be given several times
    #[arg(long, value_name = "N:QTY", value_parser = LineQuantity::parse)]
    pub line: Vec<LineQuantity>,
    /// How it shall travel
    #[arg(long, value_name = "TEXT")]
    pub service: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &OrderSendArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = lines_body(&args.line);
    body["from"] = json!(args.from);
    if let Some(service) = &args.service {
        body["service"] = json!(service);
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["orders", &args.id, "send"], key, Body::Json(body)))?;
    Ok(context.show(&answer, order::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn site_lines_and_service_are_sent() {
        let node = FakeNode::start(|_| answer(200, &json!({"number": "1"})));
        Terminal::at(&node).run(&["order", "send", "1", "--from", "WH01"]);
        assert_eq!(node.seen()[1].target, "/api/v1/orders/1/send");
        assert_eq!(node.seen()[1].json(), json!({"from": "WH01"}));
        Terminal::at(&node).run(&["order", "send", "1", "--from", "WH01", "--line", "1:3", "--service", "van"]);
        let lines = json!([{"line": 1, "quantity": "3"}]);
        assert_eq!(node.seen()[3].json(), json!({"from": "WH01", "lines": lines, "service": "van"}));
    }
}
