//! `completion`: the script by which a shell completes commands and options.
//! It asks no node.
//! Invariant: every command is in the script of every shell; proved by `each_shell_completes_every_command`.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `completion`.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    pub shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "tradepost", &mut script);
    context.output.data(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::Terminal;

    #[test]
    fn each_shell_completes_every_command() {
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let ran = Terminal::new().run(&["completion", shell]);
            assert_eq!(ran.exit, Exit::Ok);
            for command in Cli::command().get_subcommands() {
                assert!(ran.out.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
        assert_eq!(Terminal::new().run(&["completion", "tcsh"]).exit, Exit::Usage);
    }
}
