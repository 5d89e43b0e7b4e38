//! `product list`: the articles, all or those that match a text.
//! Invariant: the text is encoded into the query; proved by `search_text_is_encoded`.

use clap::Args;

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, number, plain};
use crate::text;

/// The columns of a product.
pub const COLUMNS: &[Column] = &[
    plain(text::SKU, "/sku"),
    plain(text::NAME, "/name"),
    plain(text::UNIT, "/unit"),
    plain(text::BARCODE, "/barcode"),
    number(text::PRICE, "/price"),
    plain(text::PROVISIONAL, "/provisional"),
    plain(text::SCOPE, "/scope"),
    plain(text::ALIAS_OF, "/alias_of"),
];

/// Options of `product list`.
#[derive(Args, Debug)]
pub struct ProductListArgs {
    /// Only articles whose number or name matches
    #[arg(short = 's', long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: ListArgs,
}

/// Runs the command.
pub fn run(args: &ProductListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let request = Request::get(&["products"]).maybe("q", args.search.as_deref());
    list::show_columns(request, &args.page, COLUMNS, context)
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn search_text_is_encoded() {
        let node =
            FakeNode::start(|_| answer(200, &json!({"items": [{"sku": "1", "name": "黑灯"}], "has_more": false})));
        let ran = Terminal::at(&node).run(&["product", "list", "--search", "黑 灯"]);
        assert!(ran.out.contains("黑灯"));
        let target = &node.seen()[1].target;
        assert_eq!(target, "/api/v1/products?q=%E9%BB%91%20%E7%81%AF&limit=50");
    }
}
