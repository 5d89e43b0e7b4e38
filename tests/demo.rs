//! The demo as a person runs it: the real program, three nodes, real sockets.
//!
//! Needs the built program: `TRADEPOST_BIN`, else `tradepost` beside this test's own folder.
//!
//! Invariants: each test has its own folder; what it leaves behind is looked for.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn demo(temporary: &Path) -> Command {
    let beside = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("tradepost");
    let path = std::env::var_os("TRADEPOST_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{} is missing\nremedy: cargo build -p cli, or set TRADEPOST_BIN\n", path.display());
    let mut command = Command::new(path);
    command.arg("demo").env("TMPDIR", temporary);
    command
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn the_demo_ends_well_and_serves_until_its_time_is_over() {
    let place = tempfile::tempdir().unwrap();
    let kept = place.path().join("kept");
    let ran = demo(place.path()).args(["--json", "--for", "0", "--dir"]).arg(&kept).output().unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    let said: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((ran.status.code(), &said["ready"]), (Some(0), &Value::Bool(true)), "{told}");
    let checks = said["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 17);
    for check in checks {
        assert_eq!(check["expected"], check["got"], "{check}");
    }
    for site in ["HQ", "SH01", "WH01", "chain/HQ", "chain/SH01-A", "chain/SH01-B", "chain/WH01"] {
        assert!(kept.join(site).join("tradepost.redb").is_file(), "{site} stays in the folder that was named");
    }
    let again = demo(place.path()).args(["--json", "--dir"]).arg(&kept).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "a folder with something in it is left alone");
}

#[test]
fn a_demo_that_is_told_to_end_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mut running = demo(place.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let ready = lines.map(Result::unwrap).filter(|line| line.starts_with("ready ")).take(3).count();
    assert_eq!((ready, entries(place.path())), (3, 1), "it serves from a folder of its own");
    let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!((running.wait().unwrap().code(), entries(place.path())), (Some(0), 0));
}
