//! `rebuild`: all views anew from the signed documents.
//! Invariant: the counts are shown; proved by `rebuild_shows_the_counts`.

use clap::Args;

use crate::api::{Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::text_at;
use crate::text;

/// Options of `rebuild`.
#[derive(Args, Debug)]
pub struct RebuildArgs {
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Runs the command.
pub fn run(args: &RebuildArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let key = args.write.idempotency_key.as_deref();
    let answer = context.ask(&Request::post(&["rebuild"], key, Body::Empty))?;
    Ok(context.show(&answer, |counts, style| {
        let count = |pointer| text_at(counts, pointer, style.lang);
        let counts = [count("/documents"), count("/scopes"), count("/commits")];
        text::REBUILT.with(style.lang, &counts.each_ref().map(String::as_str))
    }))
}

#[cfg(test)]
mod tests {
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::json;

    #[test]
    fn rebuild_shows_the_counts() {
        let counts = json!({"documents": 7, "scopes": 2, "commits": 9});
        let node = FakeNode::start(move |_| answer(200, &counts));
        let ran = Terminal::at(&node).run(&["rebuild"]);
        assert_eq!(ran.out, "rebuilt 7 documents in 2 scopes from 9 commits\n");
    }
}
