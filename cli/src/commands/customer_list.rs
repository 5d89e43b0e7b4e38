//! `customer list`: the customers this site knows.
//! Invariant: paging as in every list; proved by `list_that_is_cut_says_so_on_stderr`.

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, plain, word};
use crate::text;

const COLUMNS: &[Column] = &[
    plain(text::ID, "/id"),
    plain(text::EXTERNAL, "/external_number"),
    plain(text::CHANNEL, "/channel"),
    plain(text::NAME, "/name"),
    plain(text::PHONE, "/phone"),
    plain(text::EMAIL, "/email"),
    plain(text::ADDRESS, "/address"),
    word(text::DETAILS, "/details"),
];

/// Runs the command.
pub fn run(args: &ListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    list::show_columns(Request::get(&["customers"]), args, COLUMNS, context)
}
