//! Importing the real invoices as history, and what can be asked of them.
//!
//! The file is `$TRADEPOST_REAL_DATA`, or `online_retail/online_retail_2010_2011.csv.gz` in a `shared/data` folder beside
//! or above the workspace; without it the group says so and ends. Invariant: the counts are those of `docs/data.md`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::client::Client;
use super::process::{self, Node};
use super::{Outcome, figure};

const FILE: &str = "shared/data/online_retail/online_retail_2010_2011.csv.gz";
const REPEATS: usize = 9;

/// Prints the figures.
pub fn run() -> Outcome<()> {
    let Some(file) = real_file() else {
        figure::note("import_541909_lines: skipped: file absent");
        return Ok(());
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = place.path().join("hq");
    let node = node_with_channel(&folder)?;
    let start = Instant::now();
    let import = import(&node, "preset=online-retail", &file)?;
    let seconds = start.elapsed().as_secs_f64();
    if import["orders"]["lines"] != 531_282 || import["rejected"] != 3 {
        return Err(format!("unexpected counts: {import}").into());
    }
    figure::print("import_541909_lines", seconds, "s", "<= 10");
    figure::print("import_541909_lines_cpu", node.processor_seconds()?, "s", "-");
    figure::print("import_541909_lines_peak_memory", node.memory("VmHWM")?, "MiB", "<= 400");
    let start = Instant::now();
    super::import::import(&node, "preset=online-retail", &file)?;
    figure::print("import_again_nothing_new", start.elapsed().as_secs_f64(), "s", "-");
    let bytes = std::fs::metadata(folder.join("tradepost.redb"))?.len();
    figure::print("import_database", bytes as f64 / 1_048_576.0, "MiB", "-");
    let mut client = node.client()?;
    for by in ["month", "country", "item", "customer"] {
        ask(&mut client, &format!("real_report_by_{by}"), &format!("/api/v1/reports/sales?by={by}&top=10"), "-")?;
    }
    ask(&mut client, "real_orders_page", "/api/v1/orders?limit=50", "-")?;
    node.stop()
}

/// A new node that is home of the channel `online-retail`.
pub fn node_with_channel(folder: &Path) -> Outcome<Node> {
    process::found(folder)?;
    let node = Node::start(folder)?;
    let channel = r#"{"name":"online-retail","home":"HQ","zone":"Europe/London"}"#;
    node.client()?.post_json("/api/v1/channels", channel)?.expect(201)?;
    Ok(node)
}

/// Imports a file and waits for its end; gives the import's last state.
pub fn import(node: &Node, query: &str, file: &[u8]) -> Outcome<serde_json::Value> {
    let mut client = node.client()?;
    let path = format!("/api/v1/imports?kind=orders&{query}");
    let started = client.post(&path, "Content-Type: application/octet-stream\r\n", file)?.json(202)?;
    let path = format!("/api/v1/imports/{}", started["id"].as_str().ok_or("no id")?);
    loop {
        let import = client.get(&path)?.json(200)?;
        match import["state"].as_str() {
            Some("done") => return Ok(import),
            Some("running") => std::thread::park_timeout(Duration::from_millis(10)),
            _other => return Err(format!("the import failed: {import}").into()),
        }
    }
}

/// Prints the middle time of a question asked several times.
pub fn ask(client: &mut Client, name: &str, path: &str, budget: &str) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        client.get(path)?.expect(200)?;
        times.push(start.elapsed());
    }
    figure::print(name, figure::millis(figure::median(&mut times)), "ms", budget);
    Ok(())
}

fn real_file() -> Option<Vec<u8>> {
    let named = std::env::var_os("TRADEPOST_REAL_DATA").map(PathBuf::from);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let near = here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file());
    named.or(near).and_then(|path| std::fs::read(path).ok())
}
