//! One command, one file, and the one place that says which runs.
//! Not the parsing (`args`); no command knows another.
//! Invariant: without a command the overview is shown; proved by `overview_suggests_init_in_an_empty_folder`.

pub mod case_list;
pub mod channel_add;
pub mod channel_list;
pub mod completion;
pub mod customer_list;
pub mod demo;
pub mod fulfilment_cancel;
pub mod fulfilment_list;
pub mod fulfilment_ship;
pub mod fulfilment_show;
pub mod init;
pub mod join;
pub mod list;
pub mod open;
pub mod order_cancel;
pub mod order_confirm;
pub mod order_import;
pub mod order_list;
pub mod order_new;
pub mod order_send;
pub mod order_ship;
pub mod order_show;
pub mod overview;
pub mod peer_address_set;
pub mod peer_invite;
pub mod peer_list;
pub mod product_adopt;
pub mod product_alias;
pub mod product_edit;
pub mod product_import;
pub mod product_list;
pub mod product_show;
pub mod rebuild;
pub mod report_run;
pub mod serve;
pub mod status;
pub mod stock_adjust;
pub mod stock_history;
pub mod stock_lend;
pub mod stock_loans;
pub mod stock_receive;
pub mod stock_return;
pub mod stock_show;
pub mod sync_now;
pub mod sync_pause;
pub mod sync_resume;
pub mod sync_status;

use crate::args::{
    Case, Channel, Command, Customer, Fulfilment, Order, Peer, PeerAddress, Product, Report, Stock, Sync,
};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Runs one command; without one, the overview.
pub fn run(command: Option<&Command>, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let Some(command) = command else {
        return overview::run(context);
    };
    match command {
        Command::Init(args) => init::run(args, context),
        Command::Join(args) => join::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Demo(args) => demo::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Channel(Channel::Add(args)) => channel_add::run(args, context),
        Command::Channel(Channel::List(args)) => channel_list::run(args, context),
        Command::Product(product) => run_product(product, context),
        Command::Customer(Customer::List(args)) => customer_list::run(args, context),
        Command::Order(order) => run_order(order, context),
        Command::Fulfilment(fulfilment) => run_fulfilment(fulfilment, context),
        Command::Stock(stock) => run_stock(stock, context),
        Command::Case(Case::List(args)) => case_list::run(args, context),
        Command::Report(Report::Run(args)) => report_run::run(args, context),
        Command::Peer(Peer::Invite(args)) => peer_invite::run(args, context),
        Command::Peer(Peer::List(args)) => peer_list::run(args, context),
        Command::Peer(Peer::Address(PeerAddress::Set(args))) => peer_address_set::run(args, context),
        Command::Sync(Sync::Status(args)) => sync_status::run(args, context),
        Command::Sync(Sync::Now(args)) => sync_now::run(args, context),
        Command::Sync(Sync::Pause(args)) => sync_pause::run(args, context),
        Command::Sync(Sync::Resume(args)) => sync_resume::run(args, context),
        Command::Completion(args) => completion::run(args, context),
        Command::Open(args) => open::run(args, context),
        Command::Rebuild(args) => rebuild::run(args, context),
    }
}

fn run_product(product: &Product, context: &mut Context<'_>) -> Result<Exit, CliError> {
    match product {
        Product::Import(args) => product_import::run(args, context),
        Product::List(args) => product_list::run(args, context),
        Product::Show(args) => product_show::run(args, context),
        Product::Edit(args) => product_edit::run(args, context),
        Product::Adopt(args) => product_adopt::run(args, context),
        Product::Alias(args) => product_alias::run(args, context),
    }
}

fn run_fulfilment(fulfilment: &Fulfilment, context: &mut Context<'_>) -> Result<Exit, CliError> {
    match fulfilment {
        Fulfilment::List(args) => fulfilment_list::run(args, context),
        Fulfilment::Show(args) => fulfilment_show::run(args, context),
        Fulfilment::Ship(args) => fulfilment_ship::run(args, context),
        Fulfilment::Cancel(args) => fulfilment_cancel::run(args, context),
    }
}

fn run_stock(stock: &Stock, context: &mut Context<'_>) -> Result<Exit, CliError> {
    match stock {
        Stock::Show(args) => stock_show::run(args, context),
        Stock::History(args) => stock_history::run(args, context),
        Stock::Receive(args) => stock_receive::run(args, context),
        Stock::Adjust(args) => stock_adjust::run(args, context),
        Stock::Lend(args) => stock_lend::run(args, context),
        Stock::Loans(args) => stock_loans::run(args, context),
        Stock::Return(args) => stock_return::run(args, context),
    }
}

fn run_order(order: &Order, context: &mut Context<'_>) -> Result<Exit, CliError> {
    match order {
        Order::New(args) => order_new::run(args, context),
        Order::List(args) => order_list::run(args, context),
        Order::Show(args) => order_show::run(args, context),
        Order::Confirm(args) => order_confirm::run(args, context),
        Order::Ship(args) => order_ship::run(args, context),
        Order::Send(args) => order_send::run(args, context),
        Order::Cancel(args) => order_cancel::run(args, context),
        Order::Import(args) => order_import::run(args, context),
    }
}
