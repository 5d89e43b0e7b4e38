//! Driving one import: upload, poll to the end, fetch the rejects, report.
//! It reads no row: the node does.
//! Invariants: the command ends with exit 6 when the node dies (`node_that_dies_mid_import_is_exit_6`),
//! with exit 3 when rows were rejected (`import_with_rejects_is_exit_3_and_saves_them`).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Body, Request};
use crate::args::WriteArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::import as view;
use crate::progress::Progress;
use crate::text::{self, Lang};
use crate::values::{Mapping, mapping_query};

/// What parts cells.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Delimiter {
    /// The comma
    #[value(alias = ",")]
    Comma,
    /// The semicolon
    #[value(alias = ";")]
    Semicolon,
    /// The tab character
    #[value(alias = "\t")]
    Tab,
}

impl Delimiter {
    fn word(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        }
    }
}

/// The options every import has.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The file: CSV, plain or .gz
    pub file: PathBuf,
    /// Encoding of the file, such as utf-8 or gb18030; detected when absent
    #[arg(long)]
    pub encoding: Option<String>,
    /// What parts the cells of the file; detected from its header when absent
    #[arg(long, value_enum)]
    pub delimiter: Option<Delimiter>,
    /// Which column fills a field; may be given several times
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = Mapping::parse)]
    pub map: Vec<Mapping>,
    /// A file with one field = Column a line; --map beats it
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Say what would be done and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Save rejected rows in this file
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// The key for safe repeats.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What kind of import a command asks for, beyond the file.
pub struct Wish<'a> {
    /// `orders` or `products`.
    pub kind: &'static str,
    /// A preset's name.
    pub preset: Option<&'a str>,
    /// The channel the orders came by.
    pub channel: Option<&'a str>,
    /// `history` or `new`.
    pub entry: Option<&'a str>,
}

/// Imports the file and reports what became of it.
pub fn run(args: &ImportArgs, wish: &Wish<'_>, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let request = request(args, wish, context.lang)?;
    let api = context.api()?;
    let started = api.call(&request)?;
    let id = started.value()["id"].as_str();
    let id = id.ok_or(CliError::BadAnswer { status: 202 })?.to_owned();
    let finished = follow(&api, &id, context)?;
    let mut import = finished.value().clone();
    if import["state"] == "failed" {
        return Err(failed(&import["error"]));
    }
    let rejected = import["rejected"].as_u64().unwrap_or_default();
    if rejected > 0 {
        import["rejects_file"] = json!(save_rejects(&api, &id, &import, args)?);
    }
    report(&import, args, context);
    let cancelled = import["state"] == "cancelled";
    if cancelled {
        context.output.talk(text::IMPORT_CANCELLED.get(context.lang));
    }
    Ok(if rejected > 0 || cancelled { Exit::Gaps } else { Exit::Ok })
}

fn request(args: &ImportArgs, wish: &Wish<'_>, lang: Lang) -> Result<Request, CliError> {
    let name = args.file.file_name().map(|name| name.to_string_lossy());
    let mapping = mapping_query(&mappings(args, lang)?);
    let key = args.write.idempotency_key.as_deref();
    Ok(Request::post(&["imports"], key, Body::File(args.file.clone()))
        .query("kind", wish.kind)
        .maybe("preset", wish.preset)
        .maybe("channel", wish.channel)
        .maybe("as", wish.entry)
        .maybe("encoding", args.encoding.as_deref())
        .maybe("delimiter", args.delimiter.map(Delimiter::word))
        .maybe("map", mapping.as_deref())
        .maybe("dry_run", args.dry_run.then_some("true"))
        .maybe("file_name", name.as_deref()))
}

/// The mapping file's pairs, then the flags', which beat those of the same field.
fn mappings(args: &ImportArgs, lang: Lang) -> Result<Vec<Mapping>, CliError> {
    let mut mappings = match &args.mapping {
        Some(path) => read_mappings(path, lang)?,
        None => Vec::new(),
    };
    mappings.retain(|mapping| !args.map.iter().any(|flag| flag.field == mapping.field));
    mappings.extend(args.map.iter().cloned());
    Ok(mappings)
}

fn read_mappings(path: &Path, lang: Lang) -> Result<Vec<Mapping>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|cause| file_error(path, cause))?;
    Mapping::parse_file(&text).map_err(|line| CliError::Usage {
        detail: text::MAP_BAD.with(lang, &[&line]),
        remedy: text::MAP_REMEDY.get(lang).to_owned(),
    })
}

/// Polls until the import has ended, showing progress.
fn follow(api: &Api, id: &str, context: &mut Context<'_>) -> Result<Answer, CliError> {
    let mut progress = Progress::new(&context.output, context.environment.err_is_terminal);
    let request = Request::get(&["imports", id]);
    let ended = loop {
        match api.call(&request) {
            Err(error) => break Err(while_importing(error, id)),
            Ok(answer) => {
                progress.show(answer.value(), &mut context.output);
                if matches!(answer.value()["state"].as_str(), Some("done" | "failed" | "cancelled")) {
                    break Ok(answer);
                }
            }
        }
        std::thread::sleep(context.environment.poll_interval);
    };
    progress.end();
    ended
}

/// A node that no longer knows the import, or the token, is another process than the one that began.
fn while_importing(error: CliError, id: &str) -> CliError {
    match error {
        CliError::Problem { status: 401 | 404, .. } => CliError::ImportLost { id: id.to_owned() },
        other => other,
    }
}

fn failed(problem: &Value) -> CliError {
    let status = problem["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    CliError::Problem { status: status.unwrap_or(500), problem: problem.clone() }
}

/// Where the rejected rows are: the file asked for, else the node's own, else one beside the input.
fn save_rejects(api: &Api, id: &str, import: &Value, args: &ImportArgs) -> Result<String, CliError> {
    let path = match (&args.rejects, import["rejects_file"].as_str()) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => return Ok(path.to_owned()),
        (None, None) => beside(&args.file),
    };
    let rows = api.bytes(&Request::get(&["imports", id, "rejects"]))?;
    std::fs::write(&path, rows).map_err(|cause| file_error(&path, cause))?;
    Ok(path.display().to_string())
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".rejects.csv");
    PathBuf::from(name)
}

fn report(import: &Value, args: &ImportArgs, context: &mut Context<'_>) {
    let (lang, style) = (context.lang, context.style());
    if context.output.json {
        context.output.data(&import.to_string());
    } else {
        context.output.data(&view::view(import, style));
    }
    if args.dry_run {
        context.output.talk(text::DRY_RUN.get(lang));
    }
    if let Some(path) = import["rejects_file"].as_str() {
        context.output.talk(&text::REJECTS_SAVED.with(lang, &[path]));
    }
}

fn file_error(path: &Path, cause: std::io::Error) -> CliError {
    CliError::File { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::{FakeNode, Ran, Reply, Seen, Terminal, answer};
    use std::sync::mpsc;

    const ROWS: &str = "Invoice,StockCode\n536365,85123A\n";

    struct World {
        folder: tempfile::TempDir,
        file: String,
    }

    fn world(name: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, ROWS).unwrap();
        let file = file.to_str().unwrap().to_owned();
        World { folder, file }
    }

    /// Answers the upload, then the states one after the other, then dies.
    fn node_of(states: Vec<Value>) -> FakeNode {
        let mut states = states.into_iter();
        FakeNode::start(move |request| reply(request, &mut states))
    }

    fn reply(request: &Seen, states: &mut impl Iterator<Item = Value>) -> Reply {
        match (request.method.as_str(), request.target.as_str()) {
            ("POST", _) => answer(202, &json!({"id": "i1"})),
            (_, "/api/v1/imports/i1/rejects") => Some((200, "row,reason\n7,bad\n".to_owned())),
            (_, "/api/v1/imports/i1") => states.next().and_then(|state| answer(200, &state)),
            (_, other) => panic!("unexpected {other}"),
        }
    }

    fn state(state: &str, rows_done: u64, rejected: u64) -> Value {
        json!({"id": "i1", "state": state, "rows_done": rows_done, "rows_total": null,
            "rejected": rejected, "rejects_file": null,
            "orders": {"documents": 1, "lines": 1}})
    }

    fn import(node: &FakeNode, world: &World, more: &[&str]) -> Ran {
        let args = ["order", "import", &world.file, "--preset", "online-retail"];
        Terminal::at(node).run(&[&args, more].concat())
    }

    #[test]
    fn import_polls_to_the_end_and_prints_one_object() {
        let world = world("a.csv");
        let node = node_of(vec![state("running", 9_999, 0), state("running", 25_000, 0), state("done", 42_481, 0)]);
        let ran = import(&node, &world, &["--json"]);
        assert_eq!(ran.exit, Exit::Ok);
        let lines = "progress 10000\nprogress 20000\nprogress 30000\nprogress 40000\n";
        assert_eq!(ran.err, lines);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["state"], "done");
        let upload = &node.seen()[1];
        assert_eq!(upload.target, "/api/v1/imports?kind=orders&preset=online-retail&file_name=a.csv");
        assert_eq!(upload.header("content-type"), Some("text/csv"));
        assert_eq!(upload.header("content-length"), Some("32"));
        assert_eq!(upload.body, ROWS.as_bytes());
    }

    #[test]
    fn node_that_dies_mid_import_is_exit_6() {
        let world = world("a.csv");
        let node = node_of(vec![state("running", 10_000, 0)]);
        let ran = import(&node, &world, &["--json"]);
        assert_eq!(ran.exit, Exit::Unreachable);
        assert_eq!(ran.err, "progress 10000\n");
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["error"]["code"], "node_unreachable");
        assert_eq!(value["error"]["exit_code"], 6);
    }

    #[test]
    fn node_that_dies_during_the_upload_is_exit_6() {
        let world = world("a.csv");
        let node = FakeNode::start(|_| None);
        assert_eq!(import(&node, &world, &[]).exit, Exit::Unreachable);
    }

    #[test]
    fn restarted_node_that_lost_the_import_is_exit_6() {
        let world = world("a.csv");
        let node = FakeNode::start(|request| match request.method.as_str() {
            "POST" => answer(202, &json!({"id": "i1"})),
            _ => answer(404, &json!({"code": "import_unknown"})),
        });
        let ran = import(&node, &world, &[]);
        assert_eq!(ran.exit, Exit::Unreachable);
        assert!(ran.err.contains("i1"), "{}", ran.err);
    }

    #[test]
    fn import_with_rejects_is_exit_3_and_saves_them() {
        let world = world("a.csv");
        let path = world.folder.path().join("r.csv");
        let node = node_of(vec![state("done", 3, 1)]);
        let ran = import(&node, &world, &["--rejects", path.to_str().unwrap()]);
        assert_eq!(ran.exit, Exit::Gaps);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "row,reason\n7,bad\n");
        assert!(ran.err.contains("r.csv"), "{}", ran.err);
        assert!(ran.out.contains("rejected rows"), "{}", ran.out);
    }

    #[test]
    fn rejects_the_node_keeps_are_named_not_copied() {
        let world = world("a.csv");
        let mut done = state("done", 3, 1);
        done["rejects_file"] = json!("/data/imports/i1.csv");
        let ran = import(&node_of(vec![done]), &world, &["--json"]);
        assert_eq!(ran.exit, Exit::Gaps);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["rejects_file"], "/data/imports/i1.csv");
    }

    #[test]
    fn rejects_nobody_keeps_go_beside_the_file() {
        let world = world("a.csv");
        let ran = import(&node_of(vec![state("done", 3, 1)]), &world, &[]);
        assert_eq!(ran.exit, Exit::Gaps);
        assert!(world.folder.path().join("a.csv.rejects.csv").exists());
    }

    #[test]
    fn cancelled_import_says_what_is_left_and_how_it_goes_on() {
        let world = world("a.csv");
        let node =
            node_of(vec![state("running", 1_000, 0), state("cancelling", 1_000, 0), state("cancelled", 2_000, 0)]);
        let ran = import(&node, &world, &[]);
        assert_eq!(ran.exit, Exit::Gaps);
        assert!(ran.err.contains("cancelled") && ran.err.contains("same file again"), "{}", ran.err);
    }

    #[test]
    fn failed_import_is_its_problem() {
        let world = world("a.csv.gz");
        let mut end = state("failed", 0, 0);
        end["error"] = json!({"code": "column_unknown", "status": 422, "detail": "no column X"});
        let ran = import(&node_of(vec![end]), &world, &[]);
        assert_eq!(ran.exit, Exit::Failed);
        assert_eq!(ran.err, "error: no column X\n");
    }

    #[test]
    fn refused_import_sends_no_byte_of_the_file() {
        let world = world("a.csv");
        let (sender, receiver) = mpsc::channel();
        let node = FakeNode::refusing_uploads(move |request| {
            sender.send(request.body.len()).unwrap();
            answer(409, &json!({"code": "channel_unknown", "detail": "no channel"}))
        });
        assert_eq!(import(&node, &world, &[]).exit, Exit::Conflict);
        assert_eq!(receiver.recv().unwrap(), 0);
    }

    #[test]
    fn options_and_mappings_reach_the_query() {
        let world = world("a.csv.gz");
        let mapping = world.folder.path().join("m.txt");
        std::fs::write(&mapping, "sku = Code\nprice = Cost\n").unwrap();
        let node = node_of(vec![state("done", 0, 0)]);
        let ran = Terminal::at(&node).run(&[
            "order",
            "import",
            &world.file,
            "--as",
            "history",
            "--channel",
            "web",
            "--encoding",
            "gbk",
            "--delimiter",
            ";",
            "--mapping",
            mapping.to_str().unwrap(),
            "--map",
            "price=Price",
            "--dry-run",
        ]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.err.contains("dry run"), "{}", ran.err);
        assert_eq!(
            node.seen()[1].target,
            "/api/v1/imports?kind=orders&channel=web&as=history&encoding=gbk\
             &delimiter=semicolon\
             &map=sku%3ACode%2Cprice%3APrice&dry_run=true&file_name=a.csv.gz"
        );
        assert_eq!(node.seen()[1].header("content-type"), Some("application/gzip"));
    }

    #[test]
    fn as_has_no_default_without_a_preset() {
        let ran = Terminal::new().run(&["order", "import", "a.csv", "--json"]);
        assert_eq!(ran.exit, Exit::Usage);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert!(value["error"]["remedy"].as_str().unwrap().contains("--as history"));
    }

    #[test]
    fn quiet_import_shows_no_progress() {
        let world = world("a.csv");
        let node = node_of(vec![state("done", 42_481, 0)]);
        assert_eq!(import(&node, &world, &["-q"]).err, "");
    }

    #[test]
    fn products_need_no_entry() {
        let world = world("p.csv");
        let node = node_of(vec![state("done", 1, 0)]);
        let ran = Terminal::at(&node).run(&["product", "import", &world.file]);
        assert_eq!(ran.exit, Exit::Ok);
        assert_eq!(node.seen()[1].target, "/api/v1/imports?kind=products&file_name=p.csv");
    }

    #[test]
    fn missing_file_is_exit_1() {
        let node = node_of(Vec::new());
        let ran = Terminal::at(&node).run(&["order", "import", "no/such.csv", "--as", "history"]);
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.err.contains("no/such.csv"), "{}", ran.err);
    }
}
