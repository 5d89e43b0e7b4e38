//! `tradepost` alone: the status in ten lines and the commands that come next.
//! Not `status`: it lists no scopes and asks nothing else.
//! Invariant: a folder without a node is greeted, not refused; proved by
//! `overview_suggests_init_in_an_empty_folder`.

use crate::api::Request;
use crate::commands::status::{self, StatusArgs, Surroundings};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::text;

const SERVE: &str = "serve";

const NEXT: &[&str] = &["order new --line SKU:QTY:PRICE", "order list", "report run sales --by month", "--help"];

const FIRST: &[&str] = &["init --org NAME --site HQ --kind head-office --currency CNY", SERVE, "--help"];

/// Shows the overview.
pub fn run(context: &mut Context<'_>) -> Result<Exit, CliError> {
    if context.output.json {
        return status::run(&StatusArgs::default(), context);
    }
    let api = match context.api() {
        Ok(api) => api,
        Err(error) => return greet(error, context),
    };
    let answer = api.call(&Request::get(&["status"]))?;
    let around = Surroundings::new(&api, context);
    let exit = context.show(&answer, |value, style| status::view(value, &around, style));
    let serve = if api.url().is_none() { Some(SERVE) } else { None };
    let next: Vec<&str> = serve.into_iter().chain(NEXT.iter().copied()).collect();
    suggest(&next, context);
    Ok(exit)
}

fn greet(error: CliError, context: &mut Context<'_>) -> Result<Exit, CliError> {
    if !matches!(&error, CliError::Node { code, .. } if code == "not_initialised") {
        return Err(error);
    }
    let folder = context.data.display().to_string();
    let greeting = text::NO_NODE.with(context.lang, &[&folder]);
    context.output.data(&greeting);
    suggest(FIRST, context);
    Ok(Exit::Ok)
}

fn suggest(commands: &[&str], context: &mut Context<'_>) {
    let mut lines = format!("\n{}", text::NEXT.get(context.lang));
    let data = context.data_option.as_ref().map(|folder| format!(" --data {folder}")).unwrap_or_default();
    for command in commands {
        let data = if *command == "--help" { "" } else { &data };
        lines.push_str(&format!("\n  tradepost {command}{data}"));
    }
    context.output.data(&lines);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::args::GlobalArgs;
    use crate::environment::Environment;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use crate::output::Output;
    use serde_json::json;

    #[test]
    fn overview_shows_status_and_next_commands() {
        let node = FakeNode::start(|_| answer(200, &json!({"org_name": "Demo"})));
        let ran = Terminal::at(&node).run(&[]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.out.contains("Demo"), "{}", ran.out);
        assert!(ran.out.contains("tradepost order new"), "{}", ran.out);
        assert!(!ran.out.contains("tradepost serve"), "it runs already\n{}", ran.out);
    }

    #[test]
    fn overview_suggests_init_in_an_empty_folder() {
        let refusal = |code: &str| CliError::Node {
            code: code.to_owned(),
            detail: "d".to_owned(),
            remedy: "r".to_owned(),
            page: None,
        };
        let environment = Environment::default();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let output = Output::new(&mut out, &mut err);
        let mut context = Context::new(&GlobalArgs::default(), &environment, output);
        assert_eq!(greet(refusal("not_initialised"), &mut context).unwrap(), Exit::Ok);
        assert!(greet(refusal("locked"), &mut context).is_err());
        assert!(String::from_utf8(out).unwrap().contains("tradepost init"));
    }
}
