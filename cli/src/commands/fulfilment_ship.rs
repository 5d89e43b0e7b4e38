//! `fulfilment ship`: goods leave for another site's order, all that is open or the quantities given.
//! Invariant: lines and reference are sent only when given; proved by `lines_and_reference_are_sent`.

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

/// Options of `fulfilment ship`.
#[derive(Args, Debug)]
pub struct FulfilmentShipArgs {
    /// Id of the fulfilment, or number of its order
    pub id: String,
    /// Ship only this quantity of the order's line N; may be given several times
    #[arg(long, value_name = "N:QTY", value_parser = LineQuantity::parse)]
    pub line: Vec<LineQuantity>,
    /// A waybill or other paper
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &FulfilmentShipArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = lines_body(&args.line);
    if let Some(reference) = &args.reference {
        body["reference"] = json!(reference);
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["fulfilments", &args.id, "ship"], key, Body::Json(body)))?;
    Ok(context.show(&answer, fulfilment::view))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn lines_and_reference_are_sent() {
        let node = FakeNode::start(|_| answer(200, &json!({"id": "00ff"})));
        Terminal::at(&node).run(&["fulfilment", "ship", "00ff"]);
        assert_eq!(
            (node.seen()[1].target.as_str(), node.seen()[1].json()),
            ("/api/v1/fulfilments/00ff/ship", json!({}))
        );
        Terminal::at(&node).run(&["fulfilment", "ship", "00ff", "--line", "2:1", "--reference", "SF-1"]);
        let lines = json!([{"line": 2, "quantity": "1"}]);
        assert_eq!(node.seen()[3].json(), json!({"lines": lines, "reference": "SF-1"}));
    }
}
