//! `order confirm`: promises what the order asks for.
//! Invariant: an order in the wrong state is exit 5; proved by `order_in_the_wrong_state_is_exit_5`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;

/// Options of `order confirm`.
#[derive(Args, Debug)]
pub struct OrderConfirmArgs {
    /// Id or number of the order
    pub id: String,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &OrderConfirmArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let key = args.write.idempotency_key.as_deref();
    let target = ["orders", &args.id, "confirm"];
    let answer = context.ask(&Request::post(&target, key, Body::Json(json!({}))))?;
    Ok(context.show(&answer, order::view))
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn order_in_the_wrong_state_is_exit_5() {
        let node = FakeNode::start(|_| answer(409, &json!({"code": "order_cancelled"})));
        let ran = Terminal::at(&node).run(&["order", "confirm", "HQ-A-000001"]);
        assert_eq!(ran.exit, Exit::Conflict);
        assert_eq!(node.seen()[1].target, "/api/v1/orders/HQ-A-000001/confirm");
        assert_eq!(node.seen()[1].json(), json!({}));
    }
}
