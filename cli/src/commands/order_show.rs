//! `order show`: one order by id or number.
//! Invariant: `--json` prints the node's object unchanged; proved by `json_order_is_unchanged`.

use clap::Args;

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;

/// Options of `order show`.
#[derive(Args, Debug)]
pub struct OrderShowArgs {
    /// Id or number of the order
    pub id: String,
}

/// Runs the command.
pub fn run(args: &OrderShowArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::get(&["orders", &args.id]))?;
    Ok(context.show(&answer, order::view))
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal};

    #[test]
    fn json_order_is_unchanged() {
        let body = r#"{"number":"HQ-A-000001","id":"00ff","total":"2.550"}"#;
        let node = FakeNode::start(move |_| Some((200, body.to_owned())));
        let ran = Terminal::at(&node).run(&["order", "show", "HQ-A-000001", "--json"]);
        assert_eq!((ran.exit, ran.out), (Exit::Ok, format!("{body}\n")));
        let people = Terminal::at(&node).run(&["order", "show", "HQ-A-000001"]);
        assert!(people.out.starts_with("number  HQ-A-000001\n"), "{}", people.out);
    }

    #[test]
    fn unreadable_answer_is_an_error() {
        let node = FakeNode::start(|_| Some((200, "<html>".to_owned())));
        let ran = Terminal::at(&node).run(&["order", "show", "1"]);
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.err.contains("200"), "{}", ran.err);
    }
}
