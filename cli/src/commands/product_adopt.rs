//! `product adopt`: takes a site's provisional article into the catalogue.
//! Invariant: the site is sent only when given; proved by `site_is_sent_when_given`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::product_list::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `product adopt`.
#[derive(Args, Debug)]
pub struct ProductAdoptArgs {
    /// Article number, exact text
    pub sku: String,
    /// The site that made it, where several did
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &ProductAdoptArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = args.site.as_ref().map_or_else(|| json!({}), |site| json!({"site": site}));
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["products", &args.sku, "adopt"], key, Body::Json(body)))?;
    Ok(context.show(&answer, |product, style| table(COLUMNS, [product], style)))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn site_is_sent_when_given() {
        let node = FakeNode::start(|_| answer(200, &json!({"sku": "A"})));
        Terminal::at(&node).run(&["product", "adopt", "A"]);
        Terminal::at(&node).run(&["product", "adopt", "A", "--site", "SH01"]);
        assert_eq!(node.seen()[1].target, "/api/v1/products/A/adopt");
        assert_eq!(node.seen()[1].json(), json!({}));
        assert_eq!(node.seen()[3].json(), json!({"site": "SH01"}));
    }
}
