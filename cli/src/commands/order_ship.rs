//! `order ship`: goods leave, all that is open or the quantities given.
//! Invariant: without `--line` no lines are sent; proved by `whole_order_ships_without_lines`.

use clap::Args;
use serde_json::{Value, json};

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;
use crate::values::LineQuantity;

/// Options of `order ship`.
#[derive(Args, Debug)]
pub struct OrderShipArgs {
    /// Id or number of the order
    pub id: String,
    /// Ship only this quantity of line N; may be given several times
    #[arg(long, value_name = "N:QTY", value_parser = LineQuantity::parse)]
    pub line: Vec<LineQuantity>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &OrderShipArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let key = args.write.idempotency_key.as_deref();
    let body = Body::Json(lines_body(&args.line));
    let answer = context.ask(&Request::post(&["orders", &args.id, "ship"], key, body))?;
    Ok(context.show(&answer, order::view))
}

/// The body of a call that concerns some lines, or all when none is named.
pub fn lines_body(lines: &[LineQuantity]) -> Value {
    if lines.is_empty() {
        return json!({});
    }
    let lines: Vec<Value> = lines.iter().map(LineQuantity::to_json).collect();
    json!({"lines": lines})
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn whole_order_ships_without_lines() {
        let node = FakeNode::start(|_| answer(200, &json!({"number": "1"})));
        Terminal::at(&node).run(&["order", "ship", "1"]);
        assert_eq!(node.seen()[1].json(), json!({}));
    }

    #[test]
    fn part_of_an_order_ships_by_line() {
        let node = FakeNode::start(|_| answer(200, &json!({"number": "1"})));
        Terminal::at(&node).run(&["order", "ship", "1", "--line", "1:3", "--line", "2:1"]);
        let lines = json!([{"line": 1, "quantity": "3"}, {"line": 2, "quantity": "1"}]);
        assert_eq!(node.seen()[1].json(), json!({"lines": lines}));
    }
}
