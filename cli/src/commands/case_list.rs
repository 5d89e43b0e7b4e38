//! `case list`: what a person has to decide.
//! Invariant: the title is in the person's language; proved by `order_shows_lines_and_cases`.

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::order;

/// Runs the command.
pub fn run(args: &ListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    list::show(Request::get(&["cases"]), args, order::cases, context)
}
