//! `order import`: orders from a CSV file, as history or as new ones.
//! It reads no row: the node does.
//! Invariants: whether orders are history is never guessed (`as_has_no_default_without_a_preset`);
//! a dying node is exit 6 (`node_that_dies_mid_import_is_exit_6`).

use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::import::{self, ImportArgs, Wish};
use crate::text;

/// What imported orders are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Entry {
    /// Past orders: figures only, no effect on stock
    History,
    /// Orders to be fulfilled
    New,
}

/// Options of `order import`.
#[derive(Args, Debug)]
pub struct OrderImportArgs {
    /// Columns and meaning settled by name, such as online-retail
    #[arg(long)]
    pub preset: Option<String>,
    /// The channel the orders came by
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// What the orders are; no default unless a preset sets it
    #[arg(long = "as", value_enum)]
    pub entry: Option<Entry>,
    /// What every import takes.
    #[command(flatten)]
    pub import: ImportArgs,
}

/// Runs the command.
pub fn run(args: &OrderImportArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    if args.entry.is_none() && args.preset.is_none() {
        return Err(CliError::Usage {
            detail: text::AS_MISSING.get(context.lang).to_owned(),
            remedy: text::AS_REMEDY.get(context.lang).to_owned(),
        });
    }
    let wish = Wish {
        kind: "orders",
        preset: args.preset.as_deref(),
        channel: args.channel.as_deref(),
        entry: args.entry.map(|entry| match entry {
            Entry::History => "history",
            Entry::New => "new",
        }),
    };
    import::run(&args.import, &wish, context)
}
