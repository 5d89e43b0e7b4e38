//! `sync pause`: nothing is exchanged until it is resumed, also over a restart.
//! Invariant: it posts once and shows the state after it; proved by `state_after_pause_is_shown`.

use clap::Args;
use serde_json::json;

use crate::api::{Body, Request};
use crate::commands::sync_status;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `sync pause`.
#[derive(Args, Debug)]
pub struct SyncPauseArgs {}

/// Runs the command.
pub fn run(_args: &SyncPauseArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let answer = context.ask(&Request::post(&["sync", "pause"], None, Body::Json(json!({}))))?;
    Ok(context.show(&answer, sync_status::view))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn state_after_pause_is_shown() {
        let node = FakeNode::start(|_| answer(200, &json!({"paused": true, "peers": []})));
        let ran = Terminal::at(&node).run(&["sync", "pause", "--lang", "en"]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.out.starts_with("sync is paused"), "{}", ran.out);
        assert_eq!(node.seen().pop().unwrap().target, "/api/v1/sync/pause");
    }
}
