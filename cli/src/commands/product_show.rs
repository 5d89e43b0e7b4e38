//! `product show`: one article by its number.
//! Invariant: an unknown article is exit 1; proved by `unknown_product_is_exit_1`.

use clap::Args;

use crate::api::Request;
use crate::commands::product_list::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `product show`.
#[derive(Args, Debug)]
pub struct ProductShowArgs {
    /// Article number, exact text
    pub sku: String,
}

/// Runs the command.
pub fn run(args: &ProductShowArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::get(&["products", &args.sku]))?;
    Ok(context.show(&answer, |product, style| table(COLUMNS, [product], style)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::{Value, json};

    #[test]
    fn unknown_product_is_exit_1() {
        let problem = json!({"code": "product_unknown", "status": 404, "detail": "no product X",
            "remedy": "add it", "title": "Unknown product"});
        let node = FakeNode::start(move |_| answer(404, &problem));
        let ran = Terminal::at(&node).run(&["product", "show", "X/Y", "--json"]);
        assert_eq!(ran.exit, Exit::Failed);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["error"]["code"], "product_unknown");
        assert_eq!(value["error"]["status"], 404);
        assert_eq!(value["error"]["exit_code"], 1);
        assert_eq!(node.seen()[1].target, "/api/v1/products/X%2FY");
        let people = Terminal::at(&node).run(&["product", "show", "X"]);
        assert_eq!(people.out, "");
        assert_eq!(people.err, "error: no product X\nhelp: add it\n");
    }
}
