//! `fulfilment show`: one fulfilment by its id, or by the number of its order.
//! Invariant: `--json` prints the node's object unchanged; proved by `lines_and_recipient_are_shown`.

use clap::Args;

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::fulfilment;

/// Options of `fulfilment show`.
#[derive(Args, Debug)]
pub struct FulfilmentShowArgs {
    /// Id of the fulfilment, or number of its order
    pub id: String,
}

/// Runs the command.
pub fn run(args: &FulfilmentShowArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::get(&["fulfilments", &args.id]))?;
    Ok(context.show(&answer, fulfilment::view))
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal};

    #[test]
    fn lines_and_recipient_are_shown() {
        let body = r#"{"id":"00ff","order_number":"SH01-A-000001","status":"allocated","contact":{"name":"王"},"lines":[{"line":1,"sku":"MUG","open":"4"}]}"#;
        let node = FakeNode::start(move |_| Some((200, body.to_owned())));
        let ran = Terminal::at(&node).run(&["fulfilment", "show", "SH01-A-000001", "--json"]);
        assert_eq!((ran.exit, ran.out), (Exit::Ok, format!("{body}\n")));
        let people = Terminal::at(&node).run(&["fulfilment", "show", "SH01-A-000001", "--lang", "zh"]);
        for part in ["SH01-A-000001", "已保障", "王", "MUG", "待发"] {
            assert!(people.out.contains(part), "{part} in\n{}", people.out);
        }
    }
}
