//! The command line of Tradepost: a skin over the node's HTTP API, testable in process through [`run`].
//! It holds no business rule: it parses, asks a node (running, or opened in this process) and prints.
//!
//! Map: `args` (commands) -> `commands/<noun>_<verb>` -> `api` (running node or local one) -> `output`.
//! Invariants: data on stdout, talk on stderr; `--json` prints exactly one object, also on error
//! (`json_usage_error_is_one_object`); a closed pipe ends quietly (`closed_pipe_ends_quietly`).

mod api;
mod args;
mod commands;
mod context;
mod demo;
mod environment;
mod error;
mod exit;
mod import;
mod output;
mod progress;
mod text;
mod values;

#[cfg(test)]
mod fake_node;

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde_json::json;

pub use environment::Environment;
pub use exit::Exit;

use args::Cli;
use context::Context;
use error::CliError;
use output::Output;
use text::Lang;

/// Runs one command line (program name first): data goes to `out`, talk to `err`.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => run_parsed(&cli, environment, Output::new(out, err)),
        Err(error) => {
            let mut output = Output::new(out, err);
            output.json = asks_for_json(&args);
            let exit = refuse(&error, environment, &mut output);
            output.finish(exit, environment.lang())
        }
    }
}

/// Every command with its options and help, as data: the reference page is written from it.
pub fn command_tree() -> clap::Command {
    Cli::command()
}

fn run_parsed<'a>(cli: &Cli, environment: &'a Environment, output: Output<'a>) -> Exit {
    let mut context = Context::new(&cli.global, environment, output);
    let lang = context.lang;
    let exit = match commands::run(cli.command.as_ref(), &mut context) {
        Ok(exit) => exit,
        Err(error) => {
            context.output.error(&error, lang);
            error.exit()
        }
    };
    context.output.finish(exit, lang)
}

/// Help and version are answers; every other parse failure is a usage error.
fn refuse(error: &clap::Error, environment: &Environment, output: &mut Output<'_>) -> Exit {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match (output.json, error.kind()) {
                (true, ErrorKind::DisplayVersion) => {
                    output.data(&json!({"version": env!("CARGO_PKG_VERSION")}).to_string());
                }
                (true, _) => output.data(&json!({"help": text}).to_string()),
                (false, _) => output.data(text.trim_end()),
            }
            Exit::Ok
        }
        _ => {
            if output.json {
                output.error(&usage_error(&text), environment.lang());
            } else {
                output.talk(text.trim_end());
            }
            Exit::Usage
        }
    }
}

fn usage_error(text: &str) -> CliError {
    let message = text.strip_prefix("error: ").unwrap_or(text);
    let (detail, rest) = message.split_once("\n\n").unwrap_or((message, ""));
    let remedy = match rest.trim() {
        "" => text::USE_HELP.get(Lang::En),
        hint => hint,
    };
    CliError::Usage { detail: detail.trim().to_owned(), remedy: remedy.to_owned() }
}

fn asks_for_json(args: &[OsString]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{ClosedPipe, Terminal};
    use serde_json::Value;

    #[test]
    fn json_usage_error_is_one_object() {
        let ran = Terminal::new().run(&["order", "new", "--walk-in", "--json"]);
        assert_eq!(ran.exit, Exit::Usage);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        let problem = &value["error"];
        assert_eq!(problem["code"], "usage");
        assert_eq!(problem["exit_code"], 2);
        assert!(problem["detail"].as_str().unwrap().contains("--line"));
        assert!(!problem["remedy"].as_str().unwrap().is_empty());
        assert_eq!(ran.err, "");
    }

    #[test]
    fn usage_error_for_people_is_on_stderr() {
        let ran = Terminal::new().run(&["order", "fly"]);
        assert_eq!(ran.exit, Exit::Usage);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("fly"));
    }

    #[test]
    fn json_after_a_double_dash_is_not_the_flag() {
        let args = ["tradepost", "--", "--json"].map(OsString::from);
        assert!(!asks_for_json(&args));
    }

    #[test]
    fn version_and_help_are_data() {
        let version = Terminal::new().run(&["--version"]);
        assert_eq!(version.exit, Exit::Ok);
        assert!(version.out.starts_with("tradepost "));
        let json = Terminal::new().run(&["--version", "--json"]);
        let value: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(value["version"], env!("CARGO_PKG_VERSION"));
        let help = Terminal::new().run(&["order", "import", "--help"]);
        assert_eq!(help.exit, Exit::Ok);
        assert!(help.out.contains("--preset"));
    }

    #[test]
    fn closed_pipe_ends_quietly() {
        let mut err = Vec::new();
        let exit = run(["tradepost", "--help"].map(OsString::from), &Environment::default(), &mut ClosedPipe, &mut err);
        assert_eq!(exit, Exit::Ok);
        assert_eq!(String::from_utf8(err).unwrap(), "");
    }
}
