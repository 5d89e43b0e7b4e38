//! What two nodes exchange: the first catching-up, changes after a cut, nothing new, live pushes.
//!
//! A store holds orders of five lines (history, as in `scale`) and head office none; both are processes of their own,
//! linked by loopback. Invariant: what counts as arrived is acknowledged by head office after its fsync.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use super::import::import;
use super::process::{self, Node};
use super::{Outcome, figure, scale};

/// Orders of the catching-up, one round each.
const ROUNDS: [usize; 3] = [2_000, 5_000, 20_000];
const CHANGES: usize = 1_000;
const RECONNECTS: usize = 9;
const PUSHES: usize = 200;

/// Prints the figures.
pub fn run() -> Outcome<()> {
    for orders in ROUNDS {
        Pair::start(orders)?.measure()?;
    }
    Ok(())
}

/// A store with orders and a head office that has none of them; the exchange is paused at the store.
struct Pair {
    orders: usize,
    office: Node,
    shop: Node,
    _place: tempfile::TempDir,
}

impl Pair {
    fn start(orders: usize) -> Outcome<Self> {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (hq, s1) = (place.path().join("hq"), place.path().join("s1"));
        process::found(&hq)?;
        let office = Node::start(&hq)?;
        let mut client = office.client()?;
        let invitation = r#"{"site":"SH01","kind":"store","zone":"Europe/London"}"#;
        let ticket = client.post_json("/api/v1/peers/invites", invitation)?.json(201)?;
        process::join(&s1, ticket["ticket"].as_str().ok_or("no ticket")?)?;
        let channel = r#"{"name":"online-retail","home":"SH01","zone":"Europe/London"}"#;
        client.post_json("/api/v1/channels", channel)?.expect(201)?;
        let shop = Node::start(&s1)?;
        exchange(&mut shop.client()?)?;
        shop.client()?.post_json("/api/v1/sync/pause", "{}")?.expect(200)?;
        import(&shop, scale::MAP, scale::orders_file(orders)?.as_bytes())?;
        shop.stop()?;
        // Started again, so that its memory is that of the exchange and not of the import.
        let shop = Node::start(&s1)?;
        Ok(Self { orders, office, shop, _place: place })
    }

    fn measure(self) -> Outcome<()> {
        let name = |what: &str| format!("sync_{}_{what}", self.orders);
        let mut shop = self.shop.client()?;
        let seconds = reconnect(&mut shop)?.as_secs_f64();
        let (sent, received) = bytes(&mut shop)?;
        let orders = self.orders as f64;
        figure::print(&name("orders_to_an_empty_node"), orders / seconds, "orders/s", ">= 10000");
        figure::print(&name("wire"), (sent + received) / orders, "B/order", "-");
        for (side, node) in [("sender", &self.shop), ("receiver", &self.office)] {
            figure::print(&name(&format!("{side}_peak_memory")), node.memory("VmHWM")?, "MiB", "<= 100");
        }
        self.changes(&mut shop, &name)?;
        nothing_new(&mut shop, &name)?;
        self.pushes(&mut shop, &name)?;
        for (side, node) in [("sender", &self.shop), ("receiver", &self.office)] {
            figure::print(&name(&format!("{side}_peak_memory_at_the_end")), node.memory("VmHWM")?, "MiB", "<= 100");
        }
        self.shop.stop()?;
        self.office.stop()
    }

    /// Orders taken and then confirmed while the store is cut off.
    fn changes(&self, shop: &mut Client, name: &dyn Fn(&str) -> String) -> Outcome<()> {
        pause(shop)?;
        let taken = (0..CHANGES).map(|number| take(shop, number)).collect::<Outcome<Vec<_>>>()?;
        let seconds = reconnect(shop)?.as_secs_f64();
        figure::print(&name(&format!("{CHANGES}_new_orders")), seconds, "s", "<= 0.2");
        pause(shop)?;
        for order in &taken {
            shop.post_json(&format!("/api/v1/orders/{order}/confirm"), "{}")?.expect(200)?;
        }
        let seconds = reconnect(shop)?.as_secs_f64();
        let (sent, received) = bytes(shop)?;
        figure::print(&name(&format!("{CHANGES}_changes")), seconds, "s", "<= 0.2");
        figure::print(&name(&format!("{CHANGES}_changes_wire")), (sent + received) / 1024.0, "KiB", "-");
        Ok(())
    }

    /// From the store's answer to head office's list, asked again and again.
    fn pushes(&self, shop: &mut Client, name: &dyn Fn(&str) -> String) -> Outcome<()> {
        let mut office = self.office.client()?;
        let mut times = Vec::new();
        for number in 0..PUSHES {
            let order = take(shop, CHANGES + number)?;
            let start = Instant::now();
            let path = format!("/api/v1/orders/{order}");
            while office.get(&path)?.status != 200 {
                if start.elapsed() > Duration::from_secs(10) {
                    return Err("an order did not arrive".into());
                }
            }
            times.push(start.elapsed());
        }
        figure::print(&name("live_p50"), figure::millis(figure::median(&mut times)), "ms", "-");
        figure::print(&name("live_p95"), figure::millis(figure::share(&mut times, 95)), "ms", "< 20");
        Ok(())
    }
}

/// Cut, and joined again with nothing to say: the time until both know it, and the bytes of the new connection.
fn nothing_new(shop: &mut Client, name: &dyn Fn(&str) -> String) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..RECONNECTS {
        pause(shop)?;
        times.push(reconnect(shop)?);
    }
    let (sent, received) = bytes(shop)?;
    figure::print(&name("reconnect_nothing_new"), figure::millis(figure::median(&mut times)), "ms", "-");
    figure::print(&name("reconnect_nothing_new_wire"), sent + received, "B", "<= 1024");
    Ok(())
}

fn pause(shop: &mut Client) -> Outcome<()> {
    shop.post_json("/api/v1/sync/pause", "{}")?.expect(200)
}

/// From the end of a pause until the peer has acknowledged everything.
fn reconnect(shop: &mut Client) -> Outcome<Duration> {
    let start = Instant::now();
    shop.post_json("/api/v1/sync/resume", "{}")?.expect(200)?;
    exchange(shop)?;
    Ok(start.elapsed())
}

fn exchange(shop: &mut Client) -> Outcome<()> {
    let synced = shop.post_json("/api/v1/sync/now", r#"{"wait":true,"timeout_seconds":120}"#)?.json(200)?;
    match synced["outcome"] == "complete" {
        true => Ok(()),
        false => Err(format!("not exchanged: {synced}").into()),
    }
}

/// Bytes sent and received on the connection that is open.
fn bytes(shop: &mut Client) -> Outcome<(f64, f64)> {
    let status = shop.get("/api/v1/sync")?.json(200)?;
    let of = |field: &str| status["peers"][0][field].as_f64().ok_or_else(|| format!("no {field}: {status}"));
    Ok((of("bytes_sent")?, of("bytes_received")?))
}

/// Takes an order of two lines; its number.
fn take(shop: &mut Client, number: usize) -> Outcome<String> {
    let (first, second) = (number % 2_000, (number + 397) % 2_000);
    let body = format!(
        r#"{{"walk_in":false,"lines":[{{"sku":"S{first}","quantity":"1","price":"2.55"}},{{"sku":"S{second}","quantity":"2","price":"1.25"}}]}}"#
    );
    let order: Value = shop.post_json("/api/v1/orders", &body)?.json(201)?;
    Ok(order["number"].as_str().ok_or("no number")?.to_owned())
}
