//! `open`: a link that opens the node's pages, signed in.
//! Not a browser: the link is printed, a desktop's `xdg-open` gets it with `--browser`.
//! Invariant: the link is the one line on stdout; proved by `the_link_is_the_one_line`.

use std::process::{Command, Stdio};

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `open`.
#[derive(Args, Debug)]
pub struct OpenArgs {
    /// Open it in the browser of this desktop as well
    #[arg(long)]
    pub browser: bool,
}

/// Runs the command.
pub fn run(args: &OpenArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::post(&["sign-in-links"], None, Body::Json(json!({}))))?;
    let link = answer.value()["sign_in"].as_str().unwrap_or_default().to_owned();
    if args.browser {
        // Without a desktop the printed link is what is left.
        drop(Command::new("xdg-open").arg(&link).stdout(Stdio::null()).stderr(Stdio::null()).spawn());
    }
    Ok(context.show(&answer, |_, _| link))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn the_link_is_the_one_line() {
        let link = "http://127.0.0.1:7000/sign-in/0123";
        let node = FakeNode::start(move |_| answer(201, &json!({"sign_in": link, "seconds": 3600})));
        let ran = Terminal::at(&node).run(&["open"]);
        assert_eq!((ran.exit, ran.out.trim_end()), (Exit::Ok, link));
        assert_eq!(node.seen().pop().unwrap().target, "/api/v1/sign-in-links");
    }
}
