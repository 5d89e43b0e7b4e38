//! `peer invite`: a ticket by which one new node joins.
//! Invariant: the ticket is the only thing on stdout; proved by `ticket_stands_alone_on_stdout`.

use clap::Args;
use serde_json::{Value, json};

use crate::api::{Body, Request};
use crate::commands::init::SiteKind;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{text_at, time_at};
use crate::text;

/// Options of `peer invite`.
#[derive(Args, Debug)]
pub struct PeerInviteArgs {
    /// Site of the new node, such as SH01; new or existing
    #[arg(long)]
    pub site: String,
    /// What the site is; needed for a new site
    #[arg(long, value_enum)]
    pub kind: Option<SiteKind>,
    /// Zone of the site's dates, such as Europe/London; needed for a new site
    #[arg(long)]
    pub zone: Option<String>,
    /// Territory of the site [default: MAIN for a new site]
    #[arg(long)]
    pub territory: Option<String>,
    /// How long the ticket is good for
    #[arg(long, value_name = "HOURS", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub hours: u32,
}

/// Runs the command.
pub fn run(args: &PeerInviteArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut body = json!({"site": args.site, "hours": args.hours});
    for (name, value) in [
        ("kind", args.kind.map(|kind| kind.name().to_owned())),
        ("zone", args.zone.clone()),
        ("territory", args.territory.clone()),
    ] {
        if let Some(value) = value {
            body[name] = Value::String(value);
        }
    }
    let answer = context.ask(&Request::post(&["peers", "invites"], None, Body::Json(body)))?;
    if !context.output.json {
        let until = time_at(answer.value(), "/expires", context.lang);
        context.output.talk(&text::TICKET_ONCE.with(context.lang, &[&until]));
    }
    let lang = context.lang;
    Ok(context.show(&answer, |invite, _| text_at(invite, "/ticket", lang)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn ticket_stands_alone_on_stdout() {
        let invite = json!({"ticket": "tradepostabc", "expires": "2026-01-02T03:04:05+00:00", "site": "SH01"});
        let node = FakeNode::start(move |_| answer(201, &invite));
        let options = ["peer", "invite", "--site", "SH01", "--kind", "store", "--zone", "Europe/London"];
        let ran = Terminal::at(&node).run(&options);
        assert_eq!((ran.exit, ran.out.trim()), (Exit::Ok, "tradepostabc"));
        assert!(ran.err.contains("2026-01-02"), "{}", ran.err);
        let sent = node.seen().pop().unwrap();
        assert_eq!(sent.target, "/api/v1/peers/invites");
        let body = json!({"site": "SH01", "kind": "store", "zone": "Europe/London", "hours": 48});
        assert_eq!(sent.json(), body);
    }

    #[test]
    fn hours_are_1_to_720() {
        for (hours, exit) in [("0", Exit::Usage), ("721", Exit::Usage)] {
            assert_eq!(Terminal::new().run(&["peer", "invite", "--site", "SH01", "--hours", hours]).exit, exit);
        }
    }
}
