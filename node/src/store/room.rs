//! Room on the disk: what is free, and what a write that found none asked for.
//!
//! Not here: who waits or refuses because of it.
//!
//! Invariant: an error of a full disk always says what was needed, and what is free where the operating system tells it.
//! Proved by `a_full_disk_says_what_is_free_and_what_is_needed` and `the_free_bytes_of_a_folder_are_told`.

use std::io;
use std::path::Path;

/// Bytes that must be free for a node to go on writing without care: below it a full disk is near.
pub const FREE_BYTES_NEEDED: u64 = 32 * 1024 * 1024;

/// What a write needed and did not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} bytes are needed, {}", free_words(*free))]
pub struct NoRoom {
    /// Free bytes; `None` where the operating system does not tell.
    pub free: Option<u64>,
    /// Needed bytes.
    pub needed: u64,
}

impl NoRoom {
    /// What stands against writing `bytes` more on the disk of `folder`.
    #[must_use]
    pub fn on(folder: &Path, bytes: u64) -> Self {
        Self { free: free_bytes(folder).ok(), needed: bytes.max(FREE_BYTES_NEEDED) }
    }

    /// What a full disk says without numbers: that the node needs room to go on.
    #[must_use]
    pub fn unknown() -> Self {
        Self { free: None, needed: FREE_BYTES_NEEDED }
    }

    /// How many bytes must become free.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.needed.saturating_sub(self.free.unwrap_or_default()).max(1)
    }

    /// As an error of the operating system's kind.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::StorageFull, self)
    }

    /// What an error says that [`NoRoom::into_io`] made.
    #[must_use]
    pub fn told_by(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }
}

/// Says whether an error of the operating system means that the disk is full.
#[must_use]
pub fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// The bytes that this program may still write on the disk of `folder`.
///
/// # Errors
/// If the folder is not there, or the operating system does not tell.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The bytes that this program may still write on the disk of `folder`.
///
/// # Errors
/// Always: this operating system is not asked.
#[cfg(not(unix))]
pub fn free_bytes(_folder: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

fn free_words(free: Option<u64>) -> String {
    free.map_or_else(|| "how many are free is not known".to_owned(), |free| format!("{free} are free"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_free_bytes_of_a_folder_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(free_bytes(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn an_error_carries_both_numbers() {
        let room = NoRoom { free: Some(7), needed: 9 };
        assert_eq!(NoRoom::told_by(&room.into_io()), Some(room));
        assert_eq!(room.to_string(), "9 bytes are needed, 7 are free");
        assert_eq!(NoRoom::told_by(&io::ErrorKind::StorageFull.into()), None);
    }

    #[test]
    fn what_is_needed_is_never_less_than_the_node_needs_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, needed) in [(1, FREE_BYTES_NEEDED), (FREE_BYTES_NEEDED + 1, FREE_BYTES_NEEDED + 1)] {
            assert_eq!(NoRoom::on(folder.path(), bytes).needed, needed);
        }
    }
}
