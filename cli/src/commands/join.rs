//! `join`: this folder becomes a node of the organisation of a ticket.
//! It makes no key and dials nobody: the node does.
//! Invariant: a text that is not a ticket is exit 1 and touches nothing; proved by `text_that_is_no_ticket_is_exit_1`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::{Value, json};

use crate::api::local::{self, JoinReport, JoinRequest};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::facts;
use crate::text;

/// Options of `join`.
#[derive(Args, Debug)]
pub struct JoinArgs {
    /// The ticket, as `peer invite` printed it
    pub ticket: String,
    /// Where other nodes reach this one over UDP [default: a free port]
    #[arg(long, value_name = "IP:PORT")]
    pub sync_listen: Option<SocketAddr>,
}

/// Runs the command.
pub fn run(args: &JoinArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let (data, ticket) = (context.data.clone(), args.ticket.clone());
    let report = local::join(&JoinRequest { data, ticket, sync_listen: args.sync_listen })?;
    if context.output.json {
        context.output.data(&object(&report).to_string());
        return Ok(Exit::Ok);
    }
    let folder = context.data.display().to_string();
    let done = text::JOINED.with(context.lang, &[&report.node, &report.site, &report.org_name, &folder]);
    context.output.talk(&done);
    let shown = [
        (text::ORG, report.org_name.clone()),
        (text::SITE, report.site.clone()),
        (text::NODE, report.node.clone()),
        (text::LETTER, report.letter.clone()),
    ];
    let shown = facts(&shown, context.style());
    context.output.data(&shown);
    Ok(Exit::Ok)
}

fn object(report: &JoinReport) -> Value {
    json!({
        "org_id": report.org_id,
        "org_name": report.org_name,
        "site": report.site,
        "node": report.node,
        "letter": report.letter,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::Terminal;

    #[test]
    fn text_that_is_no_ticket_is_exit_1() {
        let ran = Terminal::new().run(&["join", "tradepostxyz", "--json"]);
        assert_eq!(ran.exit, Exit::Failed);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["error"]["code"], "bad_ticket");
    }

    #[test]
    fn joining_needs_a_ticket() {
        assert_eq!(Terminal::new().run(&["join"]).exit, Exit::Usage);
    }
}
