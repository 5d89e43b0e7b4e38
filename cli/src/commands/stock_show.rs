//! `stock show`: the stock of one article, or of all page by page.
//! Invariant: one article is one object with `--json`; proved by `one_article_is_one_object`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::stock;

/// Options of `stock show`.
#[derive(Args, Debug)]
pub struct StockShowArgs {
    /// Article number; all articles when absent
    pub sku: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &StockShowArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let Some(sku) = &args.sku else {
        let request = Request::get(&["stock"]);
        return list::show_columns(request, &args.page, stock::COLUMNS, context);
    };
    let answer = context.ask(&Request::get(&["stock", sku]))?;
    Ok(context.show(&answer, stock::view))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::{Value, json};

    #[test]
    fn one_article_is_one_object() {
        let node = FakeNode::start(|_| answer(200, &json!({"sku": "A", "on_hand": "10"})));
        let ran = Terminal::at(&node).run(&["stock", "show", "A", "--json"]);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["on_hand"], "10");
        assert_eq!(node.seen()[1].target, "/api/v1/stock/A");
    }
}
