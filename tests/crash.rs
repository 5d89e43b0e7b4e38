//! Crashes of the real program: `kill -9` at random moments while callers place orders over real sockets.
//!
//! Not a power cut, which `node/src/store` simulates below redb: here the page cache survives, the process does not.
//! Needs the built program: `TRADEPOST_BIN`, else `tradepost` beside this test's own folder.
//!
//! `TRADEPOST_KILLS_TIMES` makes a long run of them (`docs/reliability.md`).
//!
//! Invariants: each test has its own folder and node; a seed is printed and `TRADEPOST_SEED` sets it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// Kills of the first test.
const KILLS: u64 = 12;
/// Callers at the same time.
const CALLERS: u64 = 4;
/// Answers, at most, before a kill.
const ANSWERS_MAX: u64 = 40;
/// Rounds of the second test: a kill each.
const STRUCK: u64 = 10;
/// Kills of the third test, of two nodes that are connected.
const MET: u64 = 10;
/// Time for one answer of a living node.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// How often the kills of a test are repeated: `TRADEPOST_KILLS_TIMES`, else once.
fn times() -> u64 {
    std::env::var("TRADEPOST_KILLS_TIMES").map_or(1, |text| text.parse().unwrap())
}

/// A small seeded generator (splitmix64).
struct Rng(u64);

impl Rng {
    /// A new seed, or the one that is asked for.
    fn seeded() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        Self(std::env::var("TRADEPOST_SEED").map_or(now, |text| text.parse().unwrap()))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Turns of an empty loop: from nothing to some milliseconds, short ones as likely as long ones.
    fn spins(&mut self) -> u64 {
        1 << self.below(20)
    }
}

fn program() -> PathBuf {
    let beside = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("tradepost");
    let path = std::env::var_os("TRADEPOST_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{} is missing\nremedy: cargo build -p cli, or set TRADEPOST_BIN\n", path.display());
    path
}

fn tradepost(data: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).arg("--data").arg(data).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder with a node that is killed and started again.
struct Shop {
    folder: TempDir,
    served: Option<Child>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        if self.served.is_some() {
            self.kill();
        }
    }
}

impl Shop {
    fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap(), served: None };
        let arguments = "init --org Demo --site HQ --kind head-office --currency GBP --zone Europe/London";
        let made = tradepost(shop.data(), &arguments.split(' ').collect::<Vec<_>>());
        assert!(made.status.success(), "{}", told(&made));
        shop
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Serves the folder and waits until it answers.
    fn start(&mut self) -> Caller {
        let mut serve = Command::new(program());
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data());
        self.served = Some(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let ready = tradepost(self.data(), &["status", "--wait-ready", "30", "--json"]);
        assert!(ready.status.success(), "{}", told(&ready));
        Caller::of(self.data())
    }

    /// `kill -9`.
    fn kill(&mut self) {
        let mut served = self.served.take().unwrap();
        served.kill().unwrap();
        served.wait().unwrap();
    }
}

/// A program that calls the node.
#[derive(Clone)]
struct Caller {
    agent: Agent,
    url: String,
    token: String,
}

impl Caller {
    fn of(data: &Path) -> Self {
        let note: Value = serde_json::from_slice(&std::fs::read(data.join("node.json")).unwrap()).unwrap();
        let config = Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(ANSWER_MAX));
        let text = |field: &str| note[field].as_str().unwrap().to_owned();
        Self { agent: config.build().new_agent(), url: text("url"), token: text("token") }
    }

    /// Sends a request; `None` where no whole answer came back.
    fn try_post(&self, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
        let post = self.agent.post(format!("{}/api/v1/{path}", self.url)).header("Idempotency-Key", key);
        let mut answer = post.header("Authorization", format!("Bearer {}", self.token)).send_json(body).ok()?;
        let body = answer.body_mut().read_json().ok()?;
        Some((answer.status().as_u16(), body))
    }

    /// What a request made.
    fn made(&self, path: &str, key: &str, body: &Value) -> Value {
        let (status, body) = self.try_post(path, key, body).expect("a living node answers");
        assert!(matches!(status, 200 | 201), "{path} {key}: {status} {body}");
        body
    }

    fn shown(&self, path: &str) -> Value {
        let get = self.agent.get(format!("{}/api/v1/{path}", self.url));
        let mut answer = get.header("Authorization", format!("Bearer {}", self.token)).call().unwrap();
        let body: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}: {body}");
        body
    }

    fn begin(&self) {
        self.made("products", "product", &json!({"sku": "lamp", "name": "a lamp"}));
    }

    /// Id and number of every order.
    fn orders(&self) -> Vec<(String, String)> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.shown(&format!("orders?limit=500{cursor}"));
            let text = |order: &Value, field: &str| order[field].as_str().unwrap().to_owned();
            let items = page["items"].as_array().unwrap().iter();
            found.extend(items.map(|order| (text(order, "id"), text(order, "number"))));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

/// The body that belongs to a key: every third one is a receipt.
fn request(number: u64) -> (&'static str, Value) {
    match number % 3 {
        0 => ("stock/receipts", json!({"sku": "lamp", "quantity": "1"})),
        _ => ("orders", json!({"walk_in": false, "lines": [{"sku": "lamp", "quantity": "2", "price": "2.55"}]})),
    }
}

/// What callers know: each key with its number, and the order that was acknowledged for it.
#[derive(Default)]
struct Book {
    sent: BTreeMap<String, u64>,
    acknowledged: BTreeMap<String, String>,
}

impl Book {
    fn acknowledge(&mut self, key: &str, answer: &Value) {
        let id = answer["id"].as_str().unwrap_or("receipt").to_owned();
        let before = self.acknowledged.insert(key.to_owned(), id.clone());
        assert!(before.is_none_or(|before| before == id), "{key} was answered with two orders");
    }

    fn count(&self, path: &str) -> usize {
        self.sent.values().filter(|number| request(**number).0 == path).count()
    }

    /// Sends every key without an answer once more, and some with one.
    fn retry(&mut self, caller: &Caller, rng: &mut Rng) {
        for (key, number) in self.sent.clone() {
            if !self.acknowledged.contains_key(&key) || rng.below(10) == 0 {
                let (path, body) = request(number);
                self.acknowledge(&key, &caller.made(path, &key, &body));
            }
        }
    }

    /// Compares the node with the book: nothing lost, nothing doubled.
    fn check(&self, caller: &Caller) {
        let orders = caller.orders();
        let ids: BTreeSet<&str> = orders.iter().map(|(id, _)| id.as_str()).collect();
        let numbers: BTreeSet<&str> = orders.iter().map(|(_, number)| number.as_str()).collect();
        assert_eq!((ids.len(), numbers.len()), (orders.len(), orders.len()), "no order twice, no number twice");
        let promised = self.acknowledged.values().filter(|id| *id != "receipt");
        assert_eq!(promised.map(String::as_str).collect::<BTreeSet<_>>(), ids);
        assert_eq!(orders.len(), self.count("orders"));
        let stock = caller.shown("stock/lamp");
        let (received, taken) = (self.count("stock/receipts").to_string(), (2 * orders.len()).to_string());
        assert_eq!((&stock["on_hand"], &stock["reserved"]), (&json!(received), &json!(taken)));
        assert_eq!(caller.shown("status")["orders"], json!(orders.len()));
    }
}

/// Sends requests until the node is gone; tells each answer.
fn call_until_dead(caller: &Caller, prefix: &str, book: &Mutex<Book>, ending: &AtomicBool, answered: impl Fn()) {
    for number in 0.. {
        let key = format!("{prefix}-{number}");
        book.lock().unwrap().sent.insert(key.clone(), number);
        let (path, body) = request(number);
        match caller.try_post(path, &key, &body) {
            Some((201, answer)) => book.lock().unwrap().acknowledge(&key, &answer),
            Some((status, answer)) => panic!("{key}: {status} {answer}"),
            None => return assert!(ending.load(Ordering::SeqCst), "{key}: no answer from a living node"),
        }
        answered();
    }
}

/// Lets callers work and kills the node in the middle.
fn work_and_kill(shop: &mut Shop, caller: &Caller, round: u64, rng: &mut Rng, book: &Mutex<Book>) {
    let ending = AtomicBool::new(false);
    let answers = 1 + rng.below(ANSWERS_MAX);
    let spins = rng.spins();
    let (tell, told): (_, Receiver<()>) = channel();
    std::thread::scope(|scope| {
        for at in 0..CALLERS {
            let (tell, ending, caller) = (tell.clone(), &ending, caller.clone());
            // Nobody listens any more after the kill.
            let answered = move || tell.send(()).unwrap_or_default();
            scope.spawn(move || call_until_dead(&caller, &format!("r{round}-c{at}"), book, ending, answered));
        }
        drop(tell);
        assert_eq!(told.iter().take(answers as usize).count() as u64, answers);
        (0..spins).for_each(|_| std::hint::spin_loop());
        ending.store(true, Ordering::SeqCst);
        shop.kill();
    });
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let mut rng = Rng::seeded();
    println!("TRADEPOST_SEED={}", rng.0);
    let mut shop = Shop::new();
    let mut caller = shop.start();
    caller.begin();
    let book = Mutex::new(Book::default());
    for round in 0..KILLS * times() {
        work_and_kill(&mut shop, &caller, round, &mut rng, &book);
        caller = shop.start();
        let held: BTreeSet<String> = caller.orders().into_iter().map(|(id, _)| id).collect();
        let mut book = book.lock().unwrap();
        for (key, id) in book.acknowledged.iter().filter(|(_, id)| *id != "receipt") {
            assert!(held.contains(id), "round {round}: the order of {key} was acknowledged and is gone");
        }
        book.retry(&caller, &mut rng);
        book.check(&caller);
    }
    let book = book.into_inner().unwrap();
    println!("{} kills, {} requests", KILLS * times(), book.sent.len());
    let before = caller.shown("status?content_digest=true");
    caller.made("rebuild", "rebuild", &json!({}));
    assert_eq!(caller.shown("status?content_digest=true"), before, "the views are what the commits say");
}

#[test]
fn a_retried_request_after_the_kill_is_never_doubled() {
    let mut rng = Rng::seeded();
    println!("TRADEPOST_SEED={}", rng.0);
    let mut shop = Shop::new();
    let mut caller = shop.start();
    caller.begin();
    let mut answered = 0;
    for round in 1..=STRUCK * times() {
        let key = format!("struck-{round}");
        let (path, body) = request(1);
        let spins = rng.spins();
        let first = std::thread::scope(|scope| {
            let asked = scope.spawn(|| caller.try_post(path, &key, &body));
            (0..spins).for_each(|_| std::hint::spin_loop());
            shop.kill();
            asked.join().unwrap()
        });
        caller = shop.start();
        let second = caller.made(path, &key, &body);
        assert_eq!(caller.made(path, &key, &body), second);
        if let Some((status, first)) = first {
            assert_eq!((status, &first["id"]), (201, &second["id"]), "the answer before the kill stands");
            answered += 1;
        }
        assert_eq!(caller.orders().len() as u64, round, "one order a key");
        assert_eq!(second["number"], format!("HQ-A-{round:06}"), "no number is skipped or used twice");
    }
    println!("{} kills, {answered} of them after the answer", STRUCK * times());
}

/// A head office and a store that joined it over the transport, both served.
fn two_nodes() -> (Shop, Caller, Shop, Caller) {
    let mut office = Shop::new();
    let office_caller = office.start();
    office_caller.begin();
    let invited = tradepost(
        office.data(),
        &["peer", "invite", "--site", "SH01", "--kind", "store", "--zone", "Europe/London", "--json"],
    );
    assert!(invited.status.success(), "{}", told(&invited));
    let ticket: Value = serde_json::from_slice(&invited.stdout).unwrap();
    let mut store = Shop { folder: tempfile::tempdir().unwrap(), served: None };
    let joined = tradepost(store.data(), &["join", ticket["ticket"].as_str().unwrap()]);
    assert!(joined.status.success(), "{}", told(&joined));
    let store_caller = store.start();
    exchange(&store);
    (office, office_caller, store, store_caller)
}

/// Until both hold everything.
fn exchange(shop: &Shop) {
    let exchanged = tradepost(shop.data(), &["sync", "now", "--wait", "--timeout", "60"]);
    assert!(exchanged.status.success(), "{}", told(&exchanged));
}

#[test]
fn nodes_that_are_killed_meet_again_and_agree() {
    let mut rng = Rng::seeded();
    println!("TRADEPOST_SEED={}", rng.0);
    let (mut office, mut office_caller, mut store, mut store_caller) = two_nodes();
    let books = [Mutex::new(Book::default()), Mutex::new(Book::default())];
    for round in 0..MET * times() {
        // Each kill hits one of them while it takes orders and sends what it took.
        if rng.below(2) == 0 {
            work_and_kill(&mut office, &office_caller, round, &mut rng, &books[0]);
            office_caller = office.start();
            books[0].lock().unwrap().retry(&office_caller, &mut rng);
        } else {
            work_and_kill(&mut store, &store_caller, round, &mut rng, &books[1]);
            store_caller = store.start();
            books[1].lock().unwrap().retry(&store_caller, &mut rng);
        }
    }
    exchange(&store);
    exchange(&office);
    let [of_office, of_store] = books.map(|book| book.into_inner().unwrap());
    of_store.check(&store_caller);
    let orders = |book: &Book| -> BTreeSet<String> {
        book.acknowledged.values().filter(|id| *id != "receipt").cloned().collect()
    };
    let taken: BTreeSet<String> = orders(&of_office).union(&orders(&of_store)).cloned().collect();
    let shown = office_caller.orders();
    let held: BTreeSet<String> = shown.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!((held.len(), &held), (shown.len(), &taken), "head office holds every order of both, once");
    println!("{} kills, {} orders", MET * times(), held.len());
}

#[test]
fn a_second_serve_ends_with_6_and_names_the_page() {
    let mut shop = Shop::new();
    let caller = shop.start();
    let second = tradepost(shop.data(), &["serve", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!(second.status.code(), Some(6), "{}", told(&second));
    assert!(told(&second).contains(&caller.url), "{}", told(&second));
    caller.begin();
    shop.kill();
    let after = tradepost(shop.data(), &["product", "show", "lamp", "--json"]);
    assert!(after.status.success(), "the note of a dead node is ignored: {}", told(&after));
}
