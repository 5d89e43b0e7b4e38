//! `channel list`: the ways orders come in, with their home sites.
//! Invariant: paging as in every list; proved by `list_that_is_cut_says_so_on_stderr`.

use crate::api::Request;
use crate::args::ListArgs;
use crate::commands::list;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, plain};
use crate::text;

/// The columns of a channel.
pub const COLUMNS: &[Column] = &[plain(text::NAME, "/name"), plain(text::HOME, "/home"), plain(text::ZONE, "/zone")];

/// Runs the command.
pub fn run(args: &ListArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    list::show_columns(Request::get(&["channels"]), args, COLUMNS, context)
}
