//! `status`: the node, what it holds and what waits; with `--wait-ready` it first waits for the node.
//! Invariants: a node that is not ready in time is exit 6 (`node_that_never_comes_is_exit_6`); ten
//! lines of facts at most (`status_has_at_most_ten_lines_of_facts`).

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use crate::api::{Api, Request};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, facts, number, plain, rows_at, table, text_at, word_at};
use crate::text::{self, Text};

const SCOPES: &[Column] = &[
    plain(text::SCOPE, "/scope"),
    number(text::DOCUMENTS, "/documents"),
    number(text::ORDERS, "/orders"),
    number(text::COMMITS, "/commits"),
    plain(text::DIGEST, "/digest"),
];

/// Options of `status`.
#[derive(Args, Debug, Default)]
pub struct StatusArgs {
    /// Wait until a node runs on the folder, at most so long
    #[arg(long, value_name = "SECONDS")]
    pub wait_ready: Option<u64>,
    /// Add the digest over the content of all documents
    #[arg(long)]
    pub content_digest: bool,
}

/// Runs the command.
pub fn run(args: &StatusArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    if let Some(seconds) = args.wait_ready {
        wait(seconds, context)?;
    }
    let api = context.api()?;
    let request = Request::get(&["status"]).maybe("content_digest", args.content_digest.then_some("true"));
    let answer = api.call(&request)?;
    let head = Surroundings::new(&api, context);
    Ok(context.show(&answer, |status, style| {
        let scopes = table(SCOPES, rows_at(status, "/scopes"), style);
        let parts = [view(status, &head, style), scopes];
        parts.join("\n\n").trim_end().to_owned()
    }))
}

/// What the node's own status does not say.
pub struct Surroundings {
    url: Option<String>,
    folder: String,
}

impl Surroundings {
    /// Where the node was found.
    pub fn new(api: &Api, context: &Context<'_>) -> Surroundings {
        Surroundings { url: api.url().map(str::to_owned), folder: context.data.display().to_string() }
    }
}

/// The status in ten lines.
pub fn view(status: &Value, around: &Surroundings, style: Style) -> String {
    let lang = style.lang;
    let at = |pointer: &str| text_at(status, pointer, lang);
    let kind = word_at(status, "/site_kind", lang);
    let page = match &around.url {
        Some(url) => url.clone(),
        None => text::NOT_RUNNING.get(lang).to_owned(),
    };
    let alerts = status["alerts"].as_u64().filter(|count| *count > 0);
    let alerts = alerts.map_or(String::new(), |count| format!("; {} {count}", text::ALERTS.get(lang)));
    let waiting = format!("{}; {} {}", at("/set_aside"), text::PARKED.get(lang), at("/parked"));
    let shown: [(Text, String); 10] = [
        (text::ORG, at("/org_name")),
        (text::SITE, format!("{} ({kind}), {}, {}", at("/site"), at("/zone"), at("/currency"))),
        (text::NODE, format!("{} ({})", at("/node"), at("/version"))),
        (text::PAGE, page),
        (text::DATA, around.folder.clone()),
        (text::ORDERS, at("/orders")),
        (text::COMMITS, at("/commits")),
        (text::CASES_OPEN, at("/cases_open") + &alerts),
        (text::SET_ASIDE, waiting),
        (text::CONTENT_DIGEST, at("/content_digest")),
    ];
    facts(&shown, style)
}

/// Looks until a node answers health, or the time is over.
fn wait(seconds: u64, context: &Context<'_>) -> Result<(), CliError> {
    let started = Instant::now();
    let limit = Duration::from_secs(seconds);
    loop {
        // A node that is starting may refuse for a while: only the time decides.
        if let Ok(Some(remote)) = Api::running(&context.data)
            && remote.is_healthy()
        {
            return Ok(());
        }
        if started.elapsed() >= limit {
            return Err(CliError::NotReady { data: context.data.clone(), seconds });
        }
        std::thread::sleep(context.environment.poll_interval);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use crate::text::Lang;
    use serde_json::json;

    fn status() -> Value {
        json!({"org_name": "Demo", "site": "HQ", "site_kind": "head-office", "zone": "Europe/London",
            "currency": "GBP", "node": "abcd", "version": "0.1.0", "commits": 9, "orders": 2,
            "cases_open": 1, "set_aside": 0, "parked": 0, "content_digest": "00ff",
            "scopes": [{"scope": "site/HQ", "documents": 3, "orders": 2, "commits": 9, "digest": "aa"}]})
    }

    #[test]
    fn status_has_at_most_ten_lines_of_facts() {
        let around = Surroundings { url: None, folder: "D".to_owned() };
        for lang in [Lang::En, Lang::Zh] {
            let shown = view(&status(), &around, Style { lang, bold: false });
            assert_eq!(shown.lines().count(), 10, "{shown}");
        }
    }

    #[test]
    fn warnings_are_told_where_there_are_any() {
        let around = Surroundings { url: None, folder: "D".to_owned() };
        let told = |alerts: u64| {
            let mut status = status();
            status["alerts"] = json!(alerts);
            view(&status, &around, Style { lang: Lang::En, bold: false })
        };
        assert!(told(2).contains("1; warnings in `peer list` 2") && !told(0).contains("warnings"));
    }

    #[test]
    fn status_waits_for_the_node_and_lists_scopes() {
        let node = FakeNode::start(|_| answer(200, &status()));
        let ran = Terminal::at(&node).run(&["status", "--wait-ready", "30", "--content-digest"]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.out.contains("site/HQ") && ran.out.contains(&node.url()), "{}", ran.out);
        let last = node.seen().pop().unwrap();
        assert_eq!(last.target, "/api/v1/status?content_digest=true");
    }

    #[test]
    fn node_that_never_comes_is_exit_6() {
        let ran = Terminal::new().run(&["status", "--wait-ready", "0", "--json"]);
        assert_eq!(ran.exit, Exit::Unreachable);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["error"]["code"], "node_not_ready");
    }
}
