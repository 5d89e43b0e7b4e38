//! `product edit`: bar codes that an article carries as well, and its list price.
//! Invariant: codes and price are sent as typed, leading zeros kept; proved by `codes_and_price_are_sent_as_typed`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::product_list::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `product edit`.
#[derive(Args, Debug)]
pub struct ProductEditArgs {
    /// Article number, exact text
    pub sku: String,
    /// Add a bar code of 8, 12, 13 or 14 digits; may be given several times
    #[arg(long, value_name = "CODE", required_unless_present = "price")]
    pub barcode: Vec<String>,
    /// Set the list price of one unit, in the organisation's currency
    #[arg(long, value_name = "PRICE")]
    pub price: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &ProductEditArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = json!({"barcodes": args.barcode});
    if let Some(price) = &args.price {
        body["price"] = json!(price);
    }
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["products", &args.sku, "edit"], key, Body::Json(body)))?;
    Ok(context.show(&answer, |product, style| table(COLUMNS, [product], style)))
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn codes_and_price_are_sent_as_typed() {
        let node = FakeNode::start(|_| answer(200, &json!({"sku": "TEA", "price": "2.5"})));
        let codes = ["--barcode", "0012345678905", "--barcode", "96385074"];
        let ran = Terminal::at(&node).run(&[&["product", "edit", "TEA", "--price", "2.50"][..], &codes].concat());
        assert_eq!(ran.exit, Exit::Ok);
        assert_eq!(node.seen()[1].target, "/api/v1/products/TEA/edit");
        assert_eq!(node.seen()[1].json(), json!({"barcodes": ["0012345678905", "96385074"], "price": "2.50"}));
        assert_eq!(Terminal::at(&node).run(&["product", "edit", "TEA"]).exit, Exit::Usage, "nothing to change");
    }
}
