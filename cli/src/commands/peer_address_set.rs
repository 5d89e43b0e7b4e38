//! `peer address set`: where another node is reached first.
//! Invariant: an address without a port is a usage error; proved by `address_without_a_port_is_a_usage_error`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use crate::api::Request;
use crate::commands::peer_list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `peer address set`.
#[derive(Args, Debug)]
pub struct PeerAddressSetArgs {
    /// The node: digits of its name, or its site's code
    pub node: String,
    /// Its address and UDP port, such as 192.168.1.7:4433
    #[arg(value_name = "IP:PORT")]
    pub address: SocketAddr,
}

/// Runs the command.
pub fn run(args: &PeerAddressSetArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let body = json!({"address": args.address.to_string()});
    let answer = context.ask(&Request::put(&["peers", &args.node, "address"], body))?;
    Ok(context.show(&answer, peer_list::view))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Terminal, answer};

    #[test]
    fn address_is_put() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": []})));
        let ran = Terminal::at(&node).run(&["peer", "address", "set", "ab12", "10.0.0.7:4433"]);
        assert_eq!(ran.exit, Exit::Ok);
        let sent = node.seen().pop().unwrap();
        assert_eq!((sent.method.as_str(), sent.target.as_str()), ("PUT", "/api/v1/peers/ab12/address"));
        assert_eq!(sent.json(), json!({"address": "10.0.0.7:4433"}));
    }

    #[test]
    fn address_without_a_port_is_a_usage_error() {
        assert_eq!(Terminal::new().run(&["peer", "address", "set", "ab12", "10.0.0.7"]).exit, Exit::Usage);
    }
}
