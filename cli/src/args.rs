//! The command tree and the options every command shares; doc comments here are the help.
//! Each command's own options stand beside the command.
//! Invariant: the tree is consistent; proved by `command_tree_is_consistent`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands as c;
use crate::text::Lang;
use crate::values::parse_key;

/// Offline-first orders and stock for a business of many sites
#[derive(Debug, Parser)]
#[command(name = "tradepost", version)]
pub struct Cli {
    /// The shared options.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do; the overview when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Args, Debug, Default)]
pub struct GlobalArgs {
    /// The node's folder [env: TRADEPOST_DATA] [default: the platform's data folder]
    #[arg(long, global = true, help_heading = "Global options", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print exactly one JSON object on stdout, also on error
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// No bold headings
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Language of the texts [default: from the locale]
    #[arg(long, global = true, help_heading = "Global options", value_enum)]
    pub lang: Option<Lang>,
}

/// Options of every writing command.
#[derive(Args, Debug, Default)]
pub struct WriteArgs {
    /// Giving the same command again with the same key does nothing twice
    #[arg(long, visible_alias = "key", value_name = "KEY", value_parser = parse_key)]
    pub idempotency_key: Option<String>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new organisation and its first node in a folder
    Init(c::init::InitArgs),
    /// Join the organisation of a ticket as a new node
    Join(c::join::JoinArgs),
    /// Run the node: prints `ready URL` and stays until Ctrl-C
    Serve(c::serve::ServeArgs),
    /// See it at work: three nodes, real orders, a cut and the catching-up
    Demo(c::demo::DemoArgs),
    /// Show the node, what it holds and what waits
    Status(c::status::StatusArgs),
    /// The ways orders come in
    #[command(subcommand)]
    Channel(Channel),
    /// The articles
    #[command(subcommand)]
    Product(Product),
    /// The customers
    #[command(subcommand)]
    Customer(Customer),
    /// The orders
    #[command(subcommand)]
    Order(Order),
    /// What one site ships for another
    #[command(subcommand)]
    Fulfilment(Fulfilment),
    /// What is on the shelf and what is promised
    #[command(subcommand)]
    Stock(Stock),
    /// What a person has to decide
    #[command(subcommand)]
    Case(Case),
    /// The figures
    #[command(subcommand)]
    Report(Report),
    /// The other nodes
    #[command(subcommand)]
    Peer(Peer),
    /// The exchange with the other nodes
    #[command(subcommand)]
    Sync(Sync),
    /// Print a link that opens the node's pages, once and for an hour
    Open(c::open::OpenArgs),
    /// Print the completion script of a shell
    Completion(c::completion::CompletionArgs),
    /// Build all views anew from the signed documents
    Rebuild(c::rebuild::RebuildArgs),
}

/// Channel commands.
#[derive(Debug, Subcommand)]
pub enum Channel {
    /// Add a channel at its home site
    Add(c::channel_add::ChannelAddArgs),
    /// List the channels
    List(ListArgs),
}

/// Product commands.
#[derive(Debug, Subcommand)]
pub enum Product {
    /// Import products from a CSV file
    Import(c::product_import::ProductImportArgs),
    /// List the products
    List(c::product_list::ProductListArgs),
    /// Show one product
    Show(c::product_show::ProductShowArgs),
    /// Add bar codes to a product, or set its list price
    Edit(c::product_edit::ProductEditArgs),
    /// Take a site's provisional product into the catalogue
    Adopt(c::product_adopt::ProductAdoptArgs),
    /// Make a site's provisional product another name of one in the catalogue
    Alias(c::product_alias::ProductAliasArgs),
}

/// Customer commands.
#[derive(Debug, Subcommand)]
pub enum Customer {
    /// List the customers
    List(ListArgs),
}

/// Order commands.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Take an order
    New(c::order_new::OrderNewArgs),
    /// List the orders, newest first
    List(c::order_list::OrderListArgs),
    /// Show one order with its lines and cases
    Show(c::order_show::OrderShowArgs),
    /// Confirm an order
    Confirm(c::order_confirm::OrderConfirmArgs),
    /// Ship an order, whole or in part
    Ship(c::order_ship::OrderShipArgs),
    /// Let another site ship an order, whole or in part
    Send(c::order_send::OrderSendArgs),
    /// Cancel an order, whole or in part, at other sites too
    Cancel(c::order_cancel::OrderCancelArgs),
    /// Import orders from a CSV file
    Import(c::order_import::OrderImportArgs),
}

/// Fulfilment commands.
#[derive(Debug, Subcommand)]
pub enum Fulfilment {
    /// List what sites ship for each other, oldest first
    List(c::fulfilment_list::FulfilmentListArgs),
    /// Show one fulfilment with its lines and cases
    Show(c::fulfilment_show::FulfilmentShowArgs),
    /// Ship a fulfilment from this site, whole or in part
    Ship(c::fulfilment_ship::FulfilmentShipArgs),
    /// Give a fulfilment back to the site that took the order, whole or in part
    Cancel(c::fulfilment_cancel::FulfilmentCancelArgs),
}

/// Stock commands.
#[derive(Debug, Subcommand)]
pub enum Stock {
    /// Show the stock of one article or of all
    Show(c::stock_show::StockShowArgs),
    /// List the movements of one article, newest first
    History(c::stock_history::StockHistoryArgs),
    /// Receive goods
    Receive(c::stock_receive::StockReceiveArgs),
    /// Correct the book, up or down
    Adjust(c::stock_adjust::StockAdjustArgs),
    /// Let another till of this site promise some of the stock
    Lend(c::stock_lend::StockLendArgs),
    /// List what is lent to which till
    Loans(c::stock_loans::StockLoansArgs),
    /// Give back what is left of a loan
    Return(c::stock_return::StockReturnArgs),
}

/// Case commands.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// List the open cases
    List(ListArgs),
}

/// Report commands.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// Run a report
    Run(c::report_run::ReportRunArgs),
}

/// Peer commands.
#[derive(Debug, Subcommand)]
pub enum Peer {
    /// Make a ticket by which one new node joins
    Invite(c::peer_invite::PeerInviteArgs),
    /// List the other nodes
    List(c::peer_list::PeerListArgs),
    /// Where another node is
    #[command(subcommand)]
    Address(PeerAddress),
}

/// Commands about the address of a peer.
#[derive(Debug, Subcommand)]
pub enum PeerAddress {
    /// Set where a node is reached first
    Set(c::peer_address_set::PeerAddressSetArgs),
}

/// Sync commands.
#[derive(Debug, Subcommand)]
pub enum Sync {
    /// Show the exchange with each node
    Status(c::sync_status::SyncStatusArgs),
    /// Exchange now; with --wait until all is everywhere
    Now(c::sync_now::SyncNowArgs),
    /// Exchange nothing until resumed, also over a restart
    Pause(c::sync_pause::SyncPauseArgs),
    /// Exchange again
    Resume(c::sync_resume::SyncResumeArgs),
}

/// Options of every list.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// How many to show, at most 500
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub limit: u16,
    /// Go on where a list ended
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn list_limit_is_1_to_500() {
        let parses = |limit: &str| Cli::try_parse_from(["tradepost", "order", "list", "--limit", limit]).is_ok();
        assert!(parses("1") && parses("500"));
        assert!(!parses("0") && !parses("501"));
    }

    #[test]
    fn global_options_may_stand_after_the_command() {
        let cli =
            Cli::try_parse_from(["tradepost", "order", "list", "--json", "-q", "--lang", "zh", "--data", "D"]).unwrap();
        assert!(cli.global.json && cli.global.quiet);
        assert_eq!(cli.global.lang, Some(Lang::Zh));
        assert_eq!(cli.global.data, Some(PathBuf::from("D")));
    }
}
