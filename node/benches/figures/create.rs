//! Taking orders over HTTP, one client and many.
//!
//! Each order has five lines of stock that is there, so that every promise is secured, and a request key of its own.
//! Invariant: an order counts when its answer says 201 and `secured` is `all`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::client::Client;
use super::process::{self, Node};
use super::{Outcome, disk, figure};

const PRODUCTS: usize = 200;
const LINES: usize = 5;
const ORDERS_ALONE: usize = 600;
const ORDERS_TOGETHER: usize = 20_000;
const CLIENTS: usize = 64;

/// Prints the figures.
pub fn run() -> Outcome<()> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = place.path().join("hq");
    process::found(&folder)?;
    let node = Node::start(&folder)?;
    stock_up(&mut node.client()?)?;
    one_client(&node, place.path())?;
    many_clients(&node)?;
    figure::print("create_peak_memory", node.memory("VmHWM")?, "MiB", "-");
    node.stop()
}

fn stock_up(client: &mut Client) -> Outcome<()> {
    for product in 0..PRODUCTS {
        let name = format!(r#"{{"sku":"SKU-{product}","name":"Lamp number {product}"}}"#);
        client.post_json("/api/v1/products", &name)?.expect(201)?;
        let receipt = format!(r#"{{"sku":"SKU-{product}","quantity":"10000000"}}"#);
        client.post_json("/api/v1/stock/receipts", &receipt)?.expect(201)?;
    }
    Ok(())
}

/// Takes the `number`-th order.
fn take(client: &mut Client, number: usize) -> Outcome<()> {
    let lines: Vec<String> = (0..LINES)
        .map(|line| {
            let product = (number * 7 + line * 31) % PRODUCTS;
            format!(r#"{{"sku":"SKU-{product}","quantity":"{}","price":"2.55"}}"#, line + 1)
        })
        .collect();
    let body = format!(r#"{{"walk_in":false,"region":"United Kingdom","lines":[{}]}}"#, lines.join(","));
    let headers = format!("Content-Type: application/json\r\nIdempotency-Key: order-{number}\r\n");
    let answer = client.post("/api/v1/orders", &headers, body.as_bytes())?;
    answer.expect(201)?;
    let secured = br#""secured":"all""#;
    match answer.body.windows(secured.len()).any(|window| window == secured) {
        true => Ok(()),
        false => Err("an order was not secured".into()),
    }
}

fn one_client(node: &Node, folder: &std::path::Path) -> Outcome<()> {
    let mut client = node.client()?;
    for number in 0..50 {
        take(&mut client, number)?;
    }
    let before = disk::sync_time(folder)?;
    let mut times = Vec::new();
    for number in 50..50 + ORDERS_ALONE {
        let start = Instant::now();
        take(&mut client, number)?;
        times.push(start.elapsed());
    }
    let sync = (before + disk::sync_time(folder)?) / 2;
    let middle = figure::median(&mut times);
    figure::print("sync_4k_p50", figure::millis(sync), "ms", "-");
    figure::print("create_1_client_p50", figure::millis(middle), "ms", "-");
    figure::print("create_1_client_p50_in_syncs", middle.as_secs_f64() / sync.as_secs_f64(), "syncs", "<= 2.5");
    figure::print("create_1_client_p99", figure::millis(figure::share(&mut times, 99)), "ms", "-");
    Ok(())
}

fn many_clients(node: &Node) -> Outcome<()> {
    let next = AtomicUsize::new(1_000_000);
    let end = 1_000_000 + ORDERS_TOGETHER;
    let mut clients = (0..CLIENTS).map(|_| node.client()).collect::<Outcome<Vec<_>>>()?;
    let processor = node.processor_seconds()?;
    let start = Instant::now();
    let mut times = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(|| work(client, &next, end).map_err(|e| e.to_string())))
            .collect();
        let mut times = Vec::new();
        for thread in threads {
            times.extend(thread.join().map_err(|_| "a client panicked".to_owned())??);
        }
        Ok::<_, String>(times)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let processor = (node.processor_seconds()? - processor) * 1e6 / ORDERS_TOGETHER as f64;
    figure::print("create_64_clients", ORDERS_TOGETHER as f64 / seconds, "orders/s", ">= 4000");
    figure::print("create_64_clients_p50", figure::millis(figure::median(&mut times)), "ms", "-");
    figure::print("create_64_clients_p99", figure::millis(figure::share(&mut times, 99)), "ms", "-");
    figure::print("create_64_clients_node_cpu", processor, "us/order", "-");
    Ok(())
}

fn work(client: &mut Client, next: &AtomicUsize, end: usize) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Ok(times);
        }
        let start = Instant::now();
        take(client, number)?;
        times.push(start.elapsed());
    }
}
