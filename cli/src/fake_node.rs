//! Test doubles: a node that answers from a closure over real HTTP, a terminal that runs commands
//! against it, a closed pipe. Compiled for tests only.
//! Invariant: every fake node has its own folder and port, so tests do not meet.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Environment, Exit, run};

/// What a handler says: a status and a body, or death.
pub type Reply = Option<(u16, String)>;

/// A reply with a JSON body.
pub fn answer(status: u16, body: &Value) -> Reply {
    Some((status, body.to_string()))
}

/// A request a fake node got.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query, encoded.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of the body that was read.
    pub body: Vec<u8>,
}

impl Seen {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("invariant: loopback and temporary folders work in tests")
    }
}

/// When a fake node reads an upload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uploads {
    Read,
    RefuseUnread,
}

/// A node on a port of its own, named by `node.json` in a folder of its own.
pub struct FakeNode {
    folder: TempDir,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeNode {
    /// Answers health by itself and everything else through `handler`.
    pub fn start(handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> FakeNode {
        FakeNode::start_with(Uploads::Read, handler)
    }

    /// Answers uploads before their first byte.
    pub fn refusing_uploads(handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> FakeNode {
        FakeNode::start_with(Uploads::RefuseUnread, handler)
    }

    fn start_with(uploads: Uploads, mut handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> FakeNode {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("invariant: loopback and temporary folders work in tests");
        let address = listener.local_addr().expect("invariant: loopback and temporary folders work in tests");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.expect("invariant: loopback and temporary folders work in tests");
                let request = read_request(&mut stream, uploads);
                log.lock().expect("invariant: loopback and temporary folders work in tests").push(request.clone());
                let reply = match request.target.as_str() {
                    "/api/v1/health" => answer(200, &json!({"status": "ok"})),
                    _ => handler(&request),
                };
                let Some((status, body)) = reply else {
                    return;
                };
                write_reply(&mut stream, status, &body);
            }
        });
        let node = FakeNode {
            folder: tempfile::tempdir().expect("invariant: loopback and temporary folders work in tests"),
            address,
            seen,
            stop,
            thread: Some(thread),
        };
        node.write_file();
        node
    }

    /// The address in `node.json`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far; every command's first is health.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("invariant: loopback and temporary folders work in tests").clone()
    }

    fn write_file(&self) {
        let file = json!({"pid": std::process::id(), "url": self.url(), "token": "secret"});
        std::fs::write(self.folder.path().join("node.json"), file.to_string())
            .expect("invariant: loopback and temporary folders work in tests");
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_none_or(|ended| ended.is_ok()), "the fake node panicked");
        }
    }
}

fn read_request(stream: &mut TcpStream, uploads: Uploads) -> Seen {
    let mut reader =
        BufReader::new(stream.try_clone().expect("invariant: loopback and temporary folders work in tests"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("invariant: loopback and temporary folders work in tests");
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut seen = Seen {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("invariant: loopback and temporary folders work in tests");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        seen.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let expects = seen.header("expect").is_some();
    if expects && uploads == Uploads::RefuseUnread {
        return seen;
    }
    if expects {
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .expect("invariant: loopback and temporary folders work in tests");
    }
    let length = seen
        .header("content-length")
        .map_or(0, |text| text.parse().expect("invariant: loopback and temporary folders work in tests"));
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).expect("invariant: loopback and temporary folders work in tests");
    seen
}

fn write_reply(stream: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all((head + body).as_bytes()).expect("invariant: loopback and temporary folders work in tests");
}

/// What one command left behind.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

/// Runs commands on a folder, without a terminal, in English.
pub struct Terminal {
    /// What the commands see.
    pub environment: Environment,
    _own_folder: Option<TempDir>,
}

impl Terminal {
    /// On an empty folder.
    pub fn new() -> Terminal {
        let folder = tempfile::tempdir().expect("invariant: loopback and temporary folders work in tests");
        Terminal { environment: environment(folder.path().join("node")), _own_folder: Some(folder) }
    }

    /// On the folder of a fake node.
    pub fn at(node: &FakeNode) -> Terminal {
        Terminal { environment: environment(node.folder.path().to_owned()), _own_folder: None }
    }

    /// Runs one command, given without the program's name.
    pub fn run(&self, args: &[&str]) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let args = ["tradepost"].iter().chain(args).map(OsString::from);
        let exit = run(args, &self.environment, &mut out, &mut err);
        Ran {
            exit,
            out: String::from_utf8(out).expect("invariant: loopback and temporary folders work in tests"),
            err: String::from_utf8(err).expect("invariant: loopback and temporary folders work in tests"),
        }
    }
}

fn environment(data: PathBuf) -> Environment {
    Environment { data: Some(data), poll_interval: Duration::from_millis(1), ..Environment::default() }
}

/// A stream whose reader has gone.
pub struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
