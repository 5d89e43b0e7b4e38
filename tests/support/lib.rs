//! What tests that span the crates share: a shop in a folder of its own, and golden files.
//!
//! Not a test. Commands run in this process, through the same entry as the program's `main`; the node is opened in this
//! process too, so a shop needs no port.
//!
//! Invariant: what differs from run to run (ids, digests, moments, the folder's path) is masked before it is compared, and
//! nothing else is. Proved by `masks_cover_what_changes_and_nothing_else` of `cli_examples`.

pub mod examples;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cli::Environment;
use node::{InitRequest, LocalNode, LocalRequest, LocalResponse};
use serde_json::Value;

/// Hexadecimal digits in a row from which on they are an id, a digest or a key; a phone or a bar code has less.
const ID_DIGITS_MIN: usize = 16;
/// Moments before it are data that were imported, and stay.
const FIRST_YEAR: u32 = 2026;
/// Digits of the node's author that people see.
const NODE_DIGITS: usize = 10;

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub exit: u8,
    /// Data.
    pub out: String,
    /// Talk.
    pub err: String,
}

/// An organisation with one node in a temporary folder.
pub struct Shop {
    folder: tempfile::TempDir,
    node: String,
}

impl Shop {
    /// A head office in Shanghai that keeps its books in yuan.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = |text: &str| text.to_owned();
        let made = node::init(&InitRequest {
            data: folder.path().join("shop"),
            org: text("Demo"),
            site: text("HQ"),
            kind: text("head-office"),
            currency: text("CNY"),
            zone: text("Asia/Shanghai"),
            territory: text("MAIN"),
            sync_listen: None,
        })
        .expect("a new organisation");
        Self { folder, node: made.node[..NODE_DIGITS].to_owned() }
    }

    /// The node's folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// Writes a file beside the node's folder and names it.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path.display().to_string()
    }

    /// Runs a command line on this folder, as a person or a script does.
    pub fn run(&self, words: &[&str]) -> Ran {
        let data = self.data();
        let environment =
            Environment { data: Some(data), poll_interval: Duration::from_millis(1), ..Environment::default() };
        run_in(&environment, words)
    }

    /// Opens the node in this process.
    pub fn open(&self) -> LocalNode {
        LocalNode::open(&self.data()).expect("a node that no other process holds")
    }

    /// Takes what differs from run to run out of a text.
    pub fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "FOLDER");
        mask(&text.replace(&self.node, &"x".repeat(NODE_DIGITS)))
    }
}

impl Default for Shop {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a command line in given surroundings.
pub fn run_in(environment: &Environment, words: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["tradepost"].iter().chain(words).map(OsString::from);
    let exit = cli::run(args, environment, &mut out, &mut err);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output in UTF-8");
    Ran { exit: exit.code(), out: text(out), err: text(err) }
}

/// Asks a node for JSON: method, path and a JSON body or none.
pub fn ask(
    node: &LocalNode,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
    key: Option<&str>,
) -> LocalResponse {
    node.call(LocalRequest {
        method,
        path_and_query: path.to_owned(),
        content_type: body.map(|_| "application/json".to_owned()),
        idempotency_key: key.map(str::to_owned),
        body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    })
}

/// Ids and digests become `x`, digits of days and moments become `0`; every length stays.
pub fn mask(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let word: Vec<char> =
            letters[at..].iter().take_while(|letter| letter.is_ascii_alphanumeric()).copied().collect();
        if word.is_empty() {
            masked.push(letters[at]);
            at += 1;
        } else if let Some(moment) = moment(&letters[at..]) {
            masked.extend(moment.iter().map(|letter| if letter.is_ascii_digit() { '0' } else { *letter }));
            at += moment.len();
        } else {
            masked.extend(word.iter().map(|letter| if is_id(&word) { 'x' } else { *letter }));
            at += word.len();
        }
    }
    masked
}

fn is_id(word: &[char]) -> bool {
    let hexadecimal = |letter: &char| matches!(letter, '0'..='9' | 'a'..='f');
    word.len() >= ID_DIGITS_MIN && word.iter().all(hexadecimal)
}

/// A day from this program's first year on, or a moment of one, at the beginning; older ones are data.
fn moment(letters: &[char]) -> Option<&[char]> {
    let year: String = letters.iter().take(4).collect();
    let shapes = ["####-##-##T##:##:##.###", "####-##-## ##:##:##", "####-##-##"];
    let shape = shapes.into_iter().find(|shape| has_shape(letters, shape))?;
    let year: u32 = year.parse().ok()?;
    (year >= FIRST_YEAR).then(|| &letters[..shape.len()])
}

/// Whether the beginning has the shape, in which `#` stands for a digit.
fn has_shape(letters: &[char], shape: &str) -> bool {
    let fits =
        |(letter, wanted): (&char, char)| if wanted == '#' { letter.is_ascii_digit() } else { *letter == wanted };
    letters.len() >= shape.len() && letters.iter().zip(shape.chars()).all(fits)
}

/// JSON for a golden file: a field a line, the number of the request taken out.
pub fn pretty(object: &Value) -> String {
    let mut object = object.clone();
    for problem in ["/request_id", "/error/request_id"] {
        if let Some(id) = object.pointer_mut(problem).filter(|id| id.is_string()) {
            *id = Value::from("(of this request)");
        }
    }
    serde_json::to_string_pretty(&object).expect("JSON is text")
}

/// Compares with `tests/golden/<name>`; with `UPDATE_GOLDEN=1` writes it instead.
pub fn golden(name: &str, got: &str) {
    written("tests/golden", name, got);
}

/// Compares with `docs/<name>`; with `UPDATE_GOLDEN=1` writes it instead.
pub fn document(name: &str, got: &str) {
    written("docs", name, got);
}

fn written(folder: &str, name: &str, got: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).expect("a file of the repository that can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (was, is))) = first_difference(&expected, got) {
        panic!(
            "{folder}/{name} differs at line {line}:\n  was: {was}\n  is:  {is}\nIf that is meant: UPDATE_GOLDEN=1 cargo test \
             -p tests, and read the difference before you commit it.",
        );
    }
}

fn first_difference<'a>(was: &'a str, is: &'a str) -> Option<(usize, (&'a str, &'a str))> {
    if was == is {
        return None;
    }
    let line = |text: &'a str, at: usize| text.lines().nth(at).unwrap_or("(the end)");
    let longest = was.lines().count().max(is.lines().count());
    let different = (0..longest).map(|at| (at + 1, (line(was, at), line(is, at)))).find(|(_, (was, is))| was != is);
    different.or(Some((longest, ("another line end", "another line end"))))
}
