//! `order new`: takes an order from the command line.
//! It checks no rule; the node does.
//! Invariant: only what was given is sent; proved by `only_what_was_given_is_sent`.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;
use crate::values::{OrderLine, Payment};

/// Options of `order new`.
#[derive(Args, Debug)]
pub struct OrderNewArgs {
    /// One line; may be given several times
    #[arg(long, required = true, value_name = "SKU:QTY:PRICE", value_parser = OrderLine::parse)]
    pub line: Vec<OrderLine>,
    /// The buyer takes the goods along
    #[arg(long)]
    pub walk_in: bool,
    /// The customer's id
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Name of the person to deliver to
    #[arg(long)]
    pub name: Option<String>,
    /// Phone of that person
    #[arg(long)]
    pub phone: Option<String>,
    /// Address of that person
    #[arg(long)]
    pub address: Option<String>,
    /// The channel the order came by
    #[arg(long)]
    pub channel: Option<String>,
    /// The order's number at the channel
    #[arg(long, value_name = "NUMBER")]
    pub external: Option<String>,
    /// A payment received; may be given several times
    #[arg(long, value_name = "TENDER:AMOUNT[:REF]", value_parser = Payment::parse)]
    pub pay: Vec<Payment>,
    /// Currency of the prices [default: the site's]
    #[arg(long)]
    pub currency: Option<String>,
    /// Country or region of the buyer
    #[arg(long)]
    pub region: Option<String>,
    /// A remark
    #[arg(long)]
    pub note: Option<String>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &OrderNewArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let key = args.write.idempotency_key.as_deref();
    let body = Body::Json(Value::Object(body(args)));
    let answer = context.ask(&Request::post(&["orders"], key, body))?;
    Ok(context.show(&answer, order::view))
}

fn body(args: &OrderNewArgs) -> Map<String, Value> {
    let lines: Vec<Value> = args.line.iter().map(OrderLine::to_json).collect();
    let mut body = given(&[
        ("channel", &args.channel),
        ("external_number", &args.external),
        ("customer", &args.customer),
        ("currency", &args.currency),
        ("region", &args.region),
        ("note", &args.note),
    ]);
    body.insert("walk_in".to_owned(), json!(args.walk_in));
    body.insert("lines".to_owned(), json!(lines));
    let contact = given(&[("name", &args.name), ("phone", &args.phone), ("address", &args.address)]);
    if !contact.is_empty() {
        body.insert("contact".to_owned(), Value::Object(contact));
    }
    if !args.pay.is_empty() {
        let payments: Vec<Value> = args.pay.iter().map(Payment::to_json).collect();
        body.insert("payments".to_owned(), json!(payments));
    }
    body
}

fn given(fields: &[(&str, &Option<String>)]) -> Map<String, Value> {
    fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!(value.as_ref()?)))).collect()
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn only_what_was_given_is_sent() {
        let node = FakeNode::start(|_| answer(201, &json!({"number": "HQ-A-000001"})));
        let ran = Terminal::at(&node).run(&["order", "new", "--line", "85123A:6:2.55", "--walk-in"]);
        assert_eq!(ran.exit, Exit::Ok);
        let line = json!({"sku": "85123A", "quantity": "6", "price": "2.55"});
        assert_eq!(node.seen()[1].json(), json!({"walk_in": true, "lines": [line]}));
    }

    #[test]
    fn everything_given_is_sent() {
        let node = FakeNode::start(|_| answer(201, &json!({"number": "HQ-A-000001"})));
        Terminal::at(&node).run(&[
            "order",
            "new",
            "--line",
            "A:1:2",
            "--line",
            "B:-1:2",
            "--name",
            "王",
            "--phone",
            "1",
            "--address",
            "x",
            "--channel",
            "web",
            "--external",
            "E1",
            "--pay",
            "cash:1",
            "--pay",
            "card:1:R",
            "--currency",
            "CNY",
            "--region",
            "CN",
            "--note",
            "n",
            "--customer",
            "c",
            "--key",
            "k1",
        ]);
        let request = &node.seen()[1];
        assert_eq!(request.header("idempotency-key"), Some("k1"));
        assert_eq!(
            request.json(),
            json!({"walk_in": false, "channel": "web", "external_number": "E1", "customer": "c",
                "currency": "CNY", "region": "CN", "note": "n",
                "contact": {"name": "王", "phone": "1", "address": "x"},
                "payments": [{"tender": "cash", "amount": "1"},
                    {"tender": "card", "amount": "1", "reference": "R"}],
                "lines": [{"sku": "A", "quantity": "1", "price": "2"},
                    {"sku": "B", "quantity": "-1", "price": "2"}]})
        );
    }

    #[test]
    fn order_without_a_line_or_with_a_torn_one_is_a_usage_error() {
        for args in [&["order", "new"][..], &["order", "new", "--line", "A:1"]] {
            assert_eq!(Terminal::new().run(args).exit, Exit::Usage, "{args:?}");
        }
    }
}
