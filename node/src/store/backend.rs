//! The seam below redb: where the bytes lie. A file in production, a simulated disk in tests;
//! both go through the same redb, there is no mock store.
//!
//! Not here: what redb does with the bytes.
//!
//! Invariants: a file appears under its name only once it is a whole, empty store
//! (`a_creation_cut_short_leaves_nothing_under_the_name`); one file is open once at a time
//! (`two_opens_of_one_file_lock_each_other_out`); a full disk says what is free and needed
//! (`a_full_disk_says_what_is_free_and_what_is_needed`).

use super::error::StoreError;
use super::room::{NoRoom, is_full};
use redb::backends::FileBackend;
pub use redb::{BackendError, StorageBackend as Backend};
use std::fs::{self, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// Opens the bytes below the store, again at every reopen.
pub(super) type Factory = Box<dyn Fn() -> io::Result<Boxed> + Send + Sync>;

/// A boxed backend that redb accepts as one.
#[derive(Debug)]
pub(super) struct Boxed {
    backend: Box<dyn Backend>,
    /// Where it lies, for bytes that are a file.
    folder: Option<PathBuf>,
}

impl Boxed {
    /// Bytes that are no file.
    pub(super) fn new(backend: Box<dyn Backend>) -> Self {
        Self { backend, folder: None }
    }

    /// Adds to the error of a full disk what is free and that `bytes` more were needed.
    fn told(&self, error: io::Error, bytes: u64) -> io::Error {
        match &self.folder {
            Some(folder) if is_full(error.kind()) => NoRoom::on(folder, bytes).into_io(),
            Some(_) | None => error,
        }
    }
}

impl Backend for Boxed {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let longer = || len.saturating_sub(self.backend.len().unwrap_or_default());
        self.backend.set_len(len).map_err(|error| self.told(error, longer()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data().map_err(|error| self.told(error, 0))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.backend.write(offset, data).map_err(|error| self.told(error, data.len() as u64))
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.query_lock_range(start, end)
    }
}

/// Opens an existing file.
pub(super) fn file(path: &Path) -> Factory {
    let path = path.to_path_buf();
    Box::new(move || {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Boxed { backend: Box::new(backend), folder: Some(folder.to_owned()) })
    })
}

/// Makes an empty store under `path`: written by `fill` under another name first and renamed when
/// whole, because redb refuses a file whose creation was cut short.
pub(super) fn create_file(path: &Path, fill: impl FnOnce(Factory) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let draft = draft_of(path);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::from_io(error));
        }
        Ok(()) | Err(_) => {}
    }
    private_file(&draft).map_err(StoreError::from_io)?;
    fill(file(&draft))?;
    fs::rename(&draft, path).and_then(|()| sync_folder(path)).map_err(StoreError::from_io)
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path).map(drop)
}

// A renamed file survives a power cut only once its folder was synced.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::room::FREE_BYTES_NEEDED;
    use super::super::sim_disk::SimDisk;
    use super::super::{Store, StoreConfig};
    use super::*;

    #[test]
    fn a_creation_cut_short_leaves_nothing_under_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        fs::write(draft_of(&path), [0; 5000]).unwrap();
        drop(Store::open_file(&path, StoreConfig::default()).unwrap());
        assert!(path.exists() && !draft_of(&path).exists());
        drop(Store::open_file(&path, StoreConfig::default()).unwrap());
    }

    #[test]
    fn two_opens_of_one_file_lock_each_other_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let first = Store::open_file(&path, StoreConfig::default()).unwrap();
        let second = Store::open_file(&path, StoreConfig::default());
        assert!(matches!(second, Err(StoreError::Locked)));
        drop(first);
        drop(Store::open_file(&path, StoreConfig::default()).unwrap());
    }

    #[test]
    fn a_file_that_is_no_store_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        fs::write(&path, b"a letter to the bank").unwrap();
        let opened = Store::open_file(&path, StoreConfig::default());
        assert!(matches!(opened, Err(StoreError::Corrupted { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"a letter to the bank");
    }

    #[test]
    fn a_full_disk_says_what_is_free_and_what_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = SimDisk::new();
        disk.set_room(Some(0));
        let boxed = Boxed { backend: Box::new(disk), folder: Some(folder.path().to_owned()) };
        let long = 2 * FREE_BYTES_NEEDED;
        for (len, needed) in [(1, FREE_BYTES_NEEDED), (long, long)] {
            let room = NoRoom::told_by(&boxed.set_len(len).unwrap_err()).unwrap();
            assert_eq!(room.needed, needed);
            assert_eq!(room.free.is_some(), cfg!(unix));
        }
        assert!(boxed.set_len(0).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let _store = Store::open_file(&path, StoreConfig::default()).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
