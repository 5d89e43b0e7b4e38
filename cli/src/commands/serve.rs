//! `serve`: runs the node until Ctrl-C.
//! It serves nothing itself: the node does.
//! Invariant: stdout gets exactly one line, `ready URL`; proved by `ready_line_is_exact`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use crate::api::{self, local};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Address of the page and the API; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where other nodes reach this one over UDP, kept from now on [default: as kept]
    #[arg(long, value_name = "IP:PORT")]
    pub sync_listen: Option<SocketAddr>,
}

/// Runs the command.
pub fn run(args: &ServeArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let (data, listen, sync_listen) = (context.data.clone(), args.listen, args.sync_listen);
    let options = local::ServeOptions { data, listen, sync_listen };
    let output = &mut context.output;
    let served = local::serve(&options, |url| {
        let line = ready_line(url, output.json);
        output.data(&line);
    });
    served.map_err(|error| api::name_page(error, &options.data))?;
    Ok(Exit::Ok)
}

fn ready_line(url: &str, json: bool) -> String {
    if json { json!({"ready": true, "url": url}).to_string() } else { format!("ready {url}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::Terminal;

    #[test]
    fn ready_line_is_exact() {
        let url = "http://127.0.0.1:7000";
        assert_eq!(ready_line(url, false), "ready http://127.0.0.1:7000");
        assert_eq!(ready_line(url, true), r#"{"ready":true,"url":"http://127.0.0.1:7000"}"#);
    }

    #[test]
    fn bad_address_is_a_usage_error() {
        let ran = Terminal::new().run(&["serve", "--listen", "here"]);
        assert_eq!(ran.exit, Exit::Usage);
    }
}
