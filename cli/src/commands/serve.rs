//! `serve`: runs the node until Ctrl-C.
//! It serves nothing itself: the node does.
//! Invariant: stdout gets exactly one line, `ready URL`; the link that opens the pages goes to people on stderr. Proved by
//! `the_ready_line_is_exact`.

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
    let options = local::ServeOptions { data, listen, sync_listen, purpose: local::Purpose::Work };
    let output = &mut context.output;
    let served = local::serve(&options, |ready| {
        let line = ready_line(ready, output.json);
        output.data(&line);
        if !output.json {
            output.talk(&format!("sign-in {}", ready.sign_in));
        }
    });
    served.map_err(|error| api::name_page(error, &options.data))?;
    Ok(Exit::Ok)
}

fn ready_line(ready: &local::Ready, json: bool) -> String {
    let local::Ready { url, sign_in } = ready;
    if json {
        return json!({"ready": true, "url": url, "sign_in": sign_in}).to_string();
    }
    format!("ready {url}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::Terminal;

    #[test]
    fn the_ready_line_is_exact() {
        let url = "http://127.0.0.1:7000".to_owned();
        let ready = local::Ready { sign_in: format!("{url}/sign-in/01"), url };
        assert_eq!(ready_line(&ready, false), "ready http://127.0.0.1:7000");
        let object: serde_json::Value = serde_json::from_str(&ready_line(&ready, true)).unwrap();
        assert_eq!((&object["ready"], &object["url"]), (&json!(true), &json!("http://127.0.0.1:7000")));
        assert_eq!(object["sign_in"], "http://127.0.0.1:7000/sign-in/01");
    }

    #[test]
    fn bad_address_is_a_usage_error() {
        let ran = Terminal::new().run(&["serve", "--listen", "here"]);
        assert_eq!(ran.exit, Exit::Usage);
    }
}
