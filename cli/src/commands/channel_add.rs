//! `channel add`: a way orders come in, at its home site.
//! Invariant: the idempotency key is passed on; proved by `idempotency_key_is_sent_as_a_header`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::commands::channel_list::COLUMNS;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::table;

/// Options of `channel add`.
#[derive(Args, Debug)]
pub struct ChannelAddArgs {
    /// Name of the channel, such as online-retail
    pub name: String,
    /// Site that may import this channel's orders
    #[arg(long, value_name = "SITE")]
    pub home: String,
    /// Zone of the channel's dates, such as Europe/London
    #[arg(long)]
    pub zone: String,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &ChannelAddArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = json!({"name": args.name, "home": args.home, "zone": args.zone});
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["channels"], key, Body::Json(body)))?;
    Ok(context.show(&answer, |channel, style| table(COLUMNS, [channel], style)))
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    const ADD: &[&str] = &["channel", "add", "web", "--home", "HQ", "--zone", "Europe/London"];

    #[test]
    fn idempotency_key_is_sent_as_a_header() {
        let node = FakeNode::start(|_| answer(201, &json!({"name": "web", "home": "HQ"})));
        let ran = Terminal::at(&node).run(&[ADD, &["--idempotency-key", "k-1"]].concat());
        assert_eq!(ran.exit, Exit::Ok);
        let request = &node.seen()[1];
        assert_eq!(request.header("idempotency-key"), Some("k-1"));
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        assert_eq!(request.json(), json!({"name": "web", "home": "HQ", "zone": "Europe/London"}));
    }

    #[test]
    fn reused_key_is_a_conflict() {
        let node = FakeNode::start(|_| answer(422, &json!({"code": "idempotency_key_reused", "detail": "d"})));
        assert_eq!(Terminal::at(&node).run(ADD).exit, Exit::Conflict);
    }

    #[test]
    fn refused_token_is_not_allowed() {
        let node = FakeNode::start(|_| answer(401, &json!({"code": "unauthorized"})));
        assert_eq!(Terminal::at(&node).run(ADD).exit, Exit::NotAllowed);
    }
}
