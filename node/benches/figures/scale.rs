//! A node with 100,000 orders of five lines: start-up, memory, reports, pages, rebuild.
//!
//! The orders are made up, spread over a year, 2,000 items and 3,000 customers, and imported as history. Invariant: the
//! same orders in every run.

use std::fmt::Write;
use std::time::Instant;

use super::import::{ask, import, node_with_channel};
use super::process::Node;
use super::{Outcome, figure};

const ORDERS: usize = 100_000;
const LINES: usize = 5;
/// How the columns of `orders_file` are meant.
pub const MAP: &str = "map=external_number:Number,sku:Sku,name:Name,quantity:Quantity,price:Price,order_time:Time,customer:Customer,\
region:Country&as=history&channel=online-retail";

/// Prints the figures.
pub fn run() -> Outcome<()> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = place.path().join("hq");
    let node = node_with_channel(&folder)?;
    let file = orders_file(ORDERS)?;
    let start = Instant::now();
    let imported = import(&node, MAP, file.as_bytes())?;
    if imported["created"] != ORDERS {
        return Err(format!("unexpected counts: {imported}").into());
    }
    figure::print("scale_import_100000_orders", start.elapsed().as_secs_f64(), "s", "-");
    figure::print("scale_import_peak_memory", node.memory("VmHWM")?, "MiB", "<= 400");
    node.stop()?;
    let node = Node::start(&folder)?;
    figure::print("scale_start_up", figure::millis(node.start_up), "ms", "<= 1000");
    figure::print("scale_start_up_memory", node.memory("VmRSS")?, "MiB", "<= 300");
    let mut client = node.client()?;
    ask(&mut client, "scale_report_by_month", "/api/v1/reports/sales?by=month", "<= 100")?;
    ask(&mut client, "scale_report_by_item", "/api/v1/reports/sales?by=item&top=10", "-")?;
    ask(&mut client, "scale_orders_page", "/api/v1/orders?limit=50", "-")?;
    ask(&mut client, "scale_orders_page_by_status", "/api/v1/orders?status=completed&limit=50", "-")?;
    for (name, page) in [
        ("scale_html_overview", "/overview"),
        ("scale_html_orders", "/orders"),
        ("scale_html_order", "/orders/700000"),
        ("scale_html_new_order", "/orders/new"),
        ("scale_html_stock", "/stock"),
        ("scale_html_customers", "/customers"),
        ("scale_html_inbox", "/inbox"),
    ] {
        ask(&mut client, name, page, "<= 50")?;
    }
    ask(&mut client, "scale_search_by_name", "/api/v1/search?q=number%20777", "<= 20")?;
    ask(&mut client, "scale_status", "/api/v1/status", "-")?;
    figure::print("scale_memory_after_reports", node.memory("VmRSS")?, "MiB", "<= 300");
    node.kill()?;
    let node = Node::start(&folder)?;
    figure::print("scale_start_up_after_kill", figure::millis(node.start_up), "ms", "<= 1000");
    let start = Instant::now();
    node.client()?.post_json("/api/v1/rebuild", "{}")?.expect(200)?;
    figure::print("scale_rebuild", start.elapsed().as_secs_f64(), "s", "-");
    figure::print("scale_rebuild_peak_memory", node.memory("VmHWM")?, "MiB", "-");
    node.stop()
}

/// That many orders of five lines each.
pub fn orders_file(orders: usize) -> Outcome<String> {
    let mut file = String::from("Number,Sku,Name,Quantity,Price,Time,Customer,Country\n");
    for order in 0..orders {
        let (day, minute) = (order / 300, order % 300);
        let (month, day) = (day / 28 + 1, day % 28 + 1);
        let (hour, minute) = (8 + minute / 60, minute % 60);
        for line in 0..LINES {
            let item = (order * 17 + line * 397) % 2_000;
            let (quantity, price) = (line + 1, 100 + item % 900);
            writeln!(
                file,
                "{},S{item},Item number {item},{quantity},{}.{:02},2011-{month:02}-{day:02} {hour:02}:{minute:02}:00,{},{}",
                700_000 + order,
                price / 100,
                price % 100,
                order * 13 % 3_000,
                ["United Kingdom", "France", "Germany", "EIRE"][order % 4],
            )?;
        }
    }
    Ok(file)
}
