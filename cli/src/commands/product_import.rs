//! `product import`: articles from a CSV file.
//! Invariant: driven as every import; proved by `import_with_rejects_is_exit_3_and_saves_them`.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::import::{self, ImportArgs, Wish};

/// Options of `product import`.
#[derive(Args, Debug)]
pub struct ProductImportArgs {
    /// Columns and meaning settled by name
    #[arg(long)]
    pub preset: Option<String>,
    /// What every import takes.
    #[command(flatten)]
    pub import: ImportArgs,
}

/// Runs the command.
pub fn run(args: &ProductImportArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let wish = Wish { kind: "products", preset: args.preset.as_deref(), channel: None, entry: None };
    import::run(&args.import, &wish, context)
}
