//! The data folder: its files, keys and the note of a running node.
//!
//! `tradepost.redb` is the database, `keys/` holds the author and device keys (mode 0600, never in a backup), `node.json`
//! says where the running node answers (mode 0600, written whole and renamed), `imports/` holds uploads and rejects.
//!
//! Invariant: a file is there whole or not at all. Proved by `a_note_is_written_whole_and_private`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::entropy;
use crate::error::NodeError;

/// What `node.json` says of a running node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningNote {
    /// Its process.
    pub pid: u32,
    /// Where it answers.
    pub url: String,
    /// The bearer token of the command line.
    pub token: String,
    /// Where peers reach it; none before it has peers.
    pub sync_addrs: Vec<String>,
    /// Its site.
    pub site: String,
    /// Its author, in hexadecimal digits.
    pub node: String,
    /// The program's version.
    pub version: String,
}

/// A node's data folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Names a folder; nothing is touched.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("tradepost.redb")
    }

    /// Uploads and rejects.
    pub fn imports(&self) -> PathBuf {
        self.root.join("imports")
    }

    /// Takes away what a killed import left: its upload and an unfinished rejects file.
    pub fn sweep(&self) {
        let left = |name: &str| name.starts_with("upload-") || name.starts_with(".rejects-");
        for entry in fs::read_dir(self.imports()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(left) {
                // What cannot be removed now is tried again at the next start.
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    fn note_path(&self) -> PathBuf {
        self.root.join("node.json")
    }

    fn key_path(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(name)
    }

    /// Makes the folder and its parts, for this user alone.
    pub fn create(&self) -> Result<(), NodeError> {
        for path in [self.root.clone(), self.root.join("keys"), self.imports()] {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(NodeError::io(format!("making {}", path.display())))?;
        }
        Ok(())
    }

    /// Makes a new key and keeps it.
    pub fn create_key(&self, name: &str) -> Result<SigningKey, NodeError> {
        let path = self.key_path(name);
        let key = entropy::bytes::<32>().map(|seed| SigningKey::from_bytes(&seed));
        let key = key.map_err(NodeError::io("asking for random bytes"))?;
        let digits = blake3::Hash::from(key.to_bytes()).to_hex();
        write_whole(&path, digits.as_bytes()).map_err(NodeError::io(format!("writing {}", path.display())))?;
        Ok(key)
    }

    /// Whether a key was made.
    pub fn has_key(&self, name: &str) -> bool {
        self.key_path(name).exists()
    }

    /// Reads a key.
    pub fn key(&self, name: &str) -> Result<SigningKey, NodeError> {
        let path = self.key_path(name);
        let reading = || format!("reading {}", path.display());
        let text = fs::read_to_string(&path).map_err(NodeError::io(reading()))?;
        let seed = blake3::Hash::from_hex(text.trim()).map_err(io::Error::other);
        let seed = seed.map_err(NodeError::io(reading()))?;
        Ok(SigningKey::from_bytes(seed.as_bytes()))
    }

    /// Says where the running node answers.
    pub fn write_note(&self, note: &RunningNote) -> Result<(), NodeError> {
        let text = serde_json::to_vec_pretty(note).map_err(io::Error::other);
        let written = text.and_then(|text| write_whole(&self.note_path(), &text));
        written.map_err(NodeError::io("writing node.json"))
    }

    /// What the running node said; `None` where there is none or it is not readable.
    pub fn note(&self) -> Option<RunningNote> {
        fs::read(self.note_path()).ok().and_then(|text| serde_json::from_slice(&text).ok())
    }

    /// Takes the note away if this process wrote it.
    pub fn remove_note(&self) {
        if self.note().is_some_and(|note| note.pid == std::process::id()) {
            // A note that stays is ignored: its process is gone.
            drop(fs::remove_file(self.note_path()));
        }
    }
}

/// Writes a file beside its place with mode 0600, syncs it and renames it into place.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    drop(fs::remove_file(&beside));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_note_is_written_whole_and_private() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(&place.path().join("shop"));
        folder.create().unwrap();
        let note = RunningNote {
            pid: std::process::id(),
            url: "http://127.0.0.1:1".into(),
            token: "secret".into(),
            sync_addrs: vec![],
            site: "HQ".into(),
            node: "ab".into(),
            version: "0".into(),
        };
        folder.write_note(&note).unwrap();
        assert_eq!(folder.note(), Some(note));
        let mode = fs::metadata(folder.root().join("node.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        folder.remove_note();
        assert_eq!(folder.note(), None);
    }

    #[test]
    fn what_a_killed_import_left_is_swept_and_rejects_stay() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        folder.create().unwrap();
        for name in ["upload-1", ".rejects-1", "1-rejects.csv"] {
            fs::write(folder.imports().join(name), "x").unwrap();
        }
        folder.sweep();
        let left: Vec<_> = fs::read_dir(folder.imports()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["1-rejects.csv"]);
    }

    #[test]
    fn a_key_is_read_back_as_it_was_made() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        folder.create().unwrap();
        let key = folder.create_key("author.key").unwrap();
        assert_eq!(folder.key("author.key").unwrap().to_bytes(), key.to_bytes());
        assert!(folder.key("other.key").is_err());
    }
}
