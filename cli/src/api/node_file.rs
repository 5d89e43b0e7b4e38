//! `DIR/node.json`, by which a running node is found. Read only here; the node writes it.
//! Not proof of life: the process id is checked here, the address by the caller.
//! Invariant: the file of a dead process is ignored; proved by `file_of_a_dead_process_is_stale`.

use std::path::Path;

use serde_json::Value;

/// Name of the file in the node's folder.
pub const NODE_FILE: &str = "node.json";

/// Where a running node is and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFile {
    /// Process id of the node.
    pub pid: u32,
    /// Address of the HTTP API, without a slash at the end.
    pub url: String,
    /// Bearer token.
    pub token: String,
}

/// What a folder says about a running node.
#[derive(Debug, PartialEq, Eq)]
pub enum Presence {
    /// No readable file.
    Absent,
    /// A file of a dead process.
    Stale,
    /// A file of a living process.
    Alive(NodeFile),
}

impl NodeFile {
    /// Looks into a folder.
    pub fn find(data: &Path) -> Presence {
        let Some(file) = NodeFile::read(data) else {
            return Presence::Absent;
        };
        if process_lives(file.pid) { Presence::Alive(file) } else { Presence::Stale }
    }

    fn read(data: &Path) -> Option<NodeFile> {
        let text = std::fs::read(data.join(NODE_FILE)).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        Some(NodeFile {
            pid: u32::try_from(value["pid"].as_u64()?).ok()?,
            url: value["url"].as_str()?.trim_end_matches('/').to_owned(),
            token: value["token"].as_str()?.to_owned(),
        })
    }
}

#[cfg(target_os = "linux")]
fn process_lives(pid: u32) -> bool {
    // A killed process stays listed as a zombie until its parent collects it.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !is_zombie(&stat))
}

#[cfg(target_os = "linux")]
fn is_zombie(stat: &str) -> bool {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    matches!(after_name.trim_start().chars().next(), Some('Z' | 'X'))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn process_lives(pid: u32) -> bool {
    std::process::Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(not(unix))]
fn process_lives(_pid: u32) -> bool {
    // The caller's look at the address decides.
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder_with(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NODE_FILE), text).unwrap();
        folder
    }

    fn file_of(pid: u32) -> String {
        format!(r#"{{"pid":{pid},"url":"http://127.0.0.1:7/","token":"t","site":"HQ"}}"#)
    }

    #[test]
    fn file_of_a_living_process_is_found() {
        let pid = std::process::id();
        let folder = folder_with(&file_of(pid));
        let expected = NodeFile { pid, url: "http://127.0.0.1:7".to_owned(), token: "t".to_owned() };
        assert_eq!(NodeFile::find(folder.path()), Presence::Alive(expected));
    }

    #[cfg(unix)]
    #[test]
    fn file_of_a_dead_process_is_stale() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let folder = folder_with(&file_of(child.id()));
        assert_eq!(NodeFile::find(folder.path()), Presence::Stale);
    }

    #[test]
    fn missing_torn_or_foreign_file_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(NodeFile::find(folder.path()), Presence::Absent);
        for text in ["", "{\"pid\":1", "{\"pid\":-1}", "[]"] {
            assert_eq!(NodeFile::find(folder_with(text).path()), Presence::Absent);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn zombie_counts_as_dead() {
        assert!(is_zombie("7 (trade (post) Z 1 7"));
        assert!(!is_zombie("7 (Z) S 1 7"));
    }
}
