//! The `tradepost` program: hands the process's arguments, environment and streams to `cli::run`.
//! It holds no rule and parses nothing.
//! Invariant: the exit code is the one `run` returns; proved by `exit_codes_are_the_documented_ones`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = cli::Environment::from_process();
    let exit = cli::run(std::env::args_os(), &environment, &mut std::io::stdout(), &mut std::io::stderr());
    ExitCode::from(exit.code())
}
