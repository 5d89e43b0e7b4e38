//! `sync resume`: this node exchanges again.
//! Invariant: it posts once and shows the state after it; proved by `state_after_resume_is_shown`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::commands::sync_status;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `sync resume`.
#[derive(Args, Debug)]
pub struct SyncResumeArgs {}

/// Runs the command.
pub fn run(_args: &SyncResumeArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::post(&["sync", "resume"], None, Body::Json(json!({}))))?;
    Ok(context.show(&answer, sync_status::view))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn state_after_resume_is_shown() {
        let node = FakeNode::start(|_| answer(200, &json!({"paused": false, "peers": []})));
        let ran = Terminal::at(&node).run(&["sync", "resume", "--lang", "en"]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.out.starts_with("sync is running"), "{}", ran.out);
        assert_eq!(node.seen().pop().unwrap().target, "/api/v1/sync/resume");
    }
}
