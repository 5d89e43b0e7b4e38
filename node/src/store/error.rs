//! What can go wrong in the store, by what the caller can do about it.
//!
//! Not here: HTTP status or hints; those belong to the surfaces.
//!
//! Invariants: a full disk is always told apart from other failures
//! (`a_full_disk_is_told_apart_from_a_failing_one`), and after an error for which
//! [`StoreError::needs_reopen`] holds nothing more can be written until the store was opened again
//! (`after_a_failed_commit_the_store_writes_only_when_reopened`).

use super::room::{NoRoom, is_full};
use std::io;

/// An error of reading, writing or opening the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another handle of this one, holds the file.
    #[error("another process holds the store")]
    Locked,
    /// No space is left for what was to be written; nothing is damaged.
    #[error("the disk is full: {0}")]
    DiskFull(#[source] io::Error),
    /// The device or file system failed.
    #[error("reading or writing the store failed: {0}")]
    Io(#[source] io::Error),
    /// An earlier failure stopped this handle; [`super::Store::reopen`] brings it back.
    #[error("an earlier failure stopped the store; it must be opened again")]
    ReopenNeeded,
    /// The store was reopened or closed below this snapshot; take a new one.
    #[error("the store was closed or reopened since")]
    Closed,
    /// The bytes are not what a store can hold.
    #[error("the store is damaged or no store: {detail}")]
    Corrupted {
        /// What was found, for the log.
        detail: String,
    },
    /// A later release wrote this store and says that this one cannot read it.
    #[error(
        "the store has format {format}, written by {written_by}; it needs a program that reads \
         format {min_reader}, this one reads {supported}"
    )]
    FormatTooNew {
        /// Format of the file.
        format: u32,
        /// Oldest format number that a reader must know.
        min_reader: u32,
        /// Format that this program reads and writes.
        supported: u32,
        /// Program that wrote the file.
        written_by: String,
    },
    /// A key is longer than [`super::KEY_BYTES_MAX`].
    #[error("a key of {bytes} bytes is longer than {bytes_max}")]
    KeyTooLong {
        /// Length of the key.
        bytes: usize,
        /// Longest key.
        bytes_max: usize,
    },
    /// A value is longer than [`super::VALUE_BYTES_MAX`].
    #[error("a value of {bytes} bytes is longer than {bytes_max}")]
    ValueTooLong {
        /// Length of the value.
        bytes: usize,
        /// Longest value.
        bytes_max: usize,
    },
}

impl StoreError {
    /// Says whether the handle that gave this error is of no more use for writing.
    #[must_use]
    pub fn needs_reopen(&self) -> bool {
        match self {
            Self::DiskFull(_) | Self::Io(_) | Self::ReopenNeeded | Self::Corrupted { .. } => true,
            Self::Locked
            | Self::Closed
            | Self::FormatTooNew { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. } => false,
        }
    }

    /// What is free and what was needed, where the disk is full and says it.
    #[must_use]
    pub fn no_room(&self) -> Option<NoRoom> {
        match self {
            Self::DiskFull(error) => NoRoom::told_by(error),
            Self::Locked
            | Self::Io(_)
            | Self::ReopenNeeded
            | Self::Closed
            | Self::Corrupted { .. }
            | Self::FormatTooNew { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. } => None,
        }
    }

    /// Sorts an error of the operating system.
    pub(super) fn from_io(error: io::Error) -> Self {
        match error.kind() {
            kind if is_full(kind) => Self::DiskFull(error),
            io::ErrorKind::InvalidData => Self::Corrupted { detail: error.to_string() },
            _ => Self::Io(error),
        }
    }

    fn corrupted(detail: &impl std::fmt::Display) -> Self {
        Self::Corrupted { detail: detail.to_string() }
    }
}

// redb's enums are non-exhaustive: what a later redb adds counts as damage, the careful side.
impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(error) => Self::from_io(error),
            redb::StorageError::Backend(error) => Self::Io(io::Error::other(error)),
            redb::StorageError::PreviousIo | redb::StorageError::LockPoisoned(_) => Self::ReopenNeeded,
            redb::StorageError::DatabaseClosed => Self::Closed,
            other => Self::corrupted(&other),
        }
    }
}

impl From<redb::DatabaseError> for StoreError {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen | redb::DatabaseError::LockProtocolMismatch => Self::Locked,
            redb::DatabaseError::Storage(error) => error.into(),
            other => Self::corrupted(&other),
        }
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::corrupted(&other),
        }
    }
}

impl From<redb::TableError> for StoreError {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            other => Self::corrupted(&other),
        }
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::corrupted(&other),
        }
    }
}

/// Why [`super::Store::write`] gave no result, by what is known about the disk.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure gave an error: the transaction was dropped, nothing happened.
    #[error("the transaction was dropped: {0}")]
    Aborted(E),
    /// The closure panicked: the transaction was dropped, nothing happened.
    #[error("the transaction was dropped by a panic: {message}")]
    Panicked {
        /// Text of the panic.
        message: String,
    },
    /// The transaction could not begin, or the closure went on after an error of the store and
    /// was not allowed to commit: nothing happened.
    #[error("the transaction was not written: {0}")]
    Store(#[source] StoreError),
    /// The commit failed: all of it or nothing is on disk. The store must be reopened to know.
    #[error("the commit failed, its outcome is unknown until the store is reopened: {0}")]
    CommitIndeterminate(#[source] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_a_failing_one() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let error = StoreError::from(redb::StorageError::Io(kind.into()));
            assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
        }
        let enospc = StoreError::from_io(io::Error::from_raw_os_error(28));
        assert_eq!(cfg!(unix), matches!(enospc, StoreError::DiskFull(_)));
        let failing = StoreError::from_io(io::Error::other("bad sector"));
        assert!(matches!(failing, StoreError::Io(_)));
    }

    #[test]
    fn an_error_about_the_data_leaves_the_store_usable() {
        assert!(!StoreError::KeyTooLong { bytes: 2, bytes_max: 1 }.needs_reopen());
        assert!(!StoreError::ValueTooLong { bytes: 2, bytes_max: 1 }.needs_reopen());
        assert!(StoreError::ReopenNeeded.needs_reopen());
    }
}
