//! `product alias`: a site's provisional article is another name of one in the catalogue.
//! Invariant: the other article is sent as typed; proved by `other_article_is_sent_as_typed`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::product_list::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `product alias`.
#[derive(Args, Debug)]
pub struct ProductAliasArgs {
    /// Article number of the provisional one, exact text
    pub sku: String,
    /// Article number in the catalogue, exact text
    #[arg(long, value_name = "SKU")]
    pub to: String,
    /// The site that made it, where several did
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &ProductAliasArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = json!({"to": args.to});
    if let Some(site) = &args.site {
        body["site"] = json!(site);
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["products", &args.sku, "alias"], key, Body::Json(body)))?;
    Ok(context.show(&answer, |product, style| table(COLUMNS, [product], style)))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn other_article_is_sent_as_typed() {
        let node = FakeNode::start(|_| answer(200, &json!({"sku": "85123A"})));
        Terminal::at(&node).run(&["product", "alias", "85123a", "--to", "85123A", "--site", "SH01"]);
        assert_eq!(node.seen()[1].target, "/api/v1/products/85123a/alias");
        assert_eq!(node.seen()[1].json(), json!({"to": "85123A", "site": "SH01"}));
    }
}
