//! The store: bytes under keys, in one redb file, durable when `write` returns.
//!
//! It is the only module that names redb. It moves bytes and calls no sibling: what they mean,
//! which rows follow from which commits and who may see them is decided above.
//!
//! # Layout
//!
//! All keys are big-endian and built with [`keys::Key`]; `scope` is one byte of length and the
//! bytes of the scope id; widths in bytes. Values have the versioned encoding of their owner.
//!
//! ```text
//! table                  key                                               value
//! meta                   name                                              format u32, min_reader u32, written_by text
//! commits                hash 32                                           commit bytes
//! author_log             author 32 | scope | seq u64                       hash 32, local arrival u64, length u32
//! commit_order           scope | local arrival u64                         hash 32
//! commit_states          hash 32                                           applied, set aside or parked u8
//! documents              scope | id 16                                     references to its commits
//! frontier               scope | author 32                                 seq u64, hash 32
//! requests               request 16                                        body hash, outcome
//! keys                   subject 16 | key id 16                            key
//! rows                   scope | kind u8 | id                              folded row: THE table of the state digest
//! orders_by_request      scope | request 16 | order 16                     -
//! orders_by_time         scope | time u64 | order 16                       -
//! orders_by_status       scope | status u8 | time u64 | order 16           -
//! orders_by_customer     scope | customer 16 | time u64 | order 16         -
//! orders_by_external     scope | channel text | number text | order 16     -
//! orders_by_number       scope | number text | order 16                    -
//! items_by_sku           scope | row kind u8 | SKU                         -
//! sales_by_item          scope | day u32 | item                            sums
//! sales_by_country       scope | day u32 | country                         sums
//! sales_by_customer      scope | day u32 | customer                        sums
//! sales_by_day           scope | day u32                                   sums
//! counters               scope | counter u8                                number
//! local                  name                                              of this node alone
//! seen                   scope | author 32                                 of other authors: author 32, seq u64
//! peers                  device 32                                         addresses, last exchange
//! invites                secret's hash 32                                  what it invites to, until when
//! set_aside              scope | hash 32                                   reason code text, detail text
//! parked                 scope | id 16                                     reason code text, detail text, references
//! fulfilments_by_status  lane | shipper text | status u8 | time u64 | id 16  -
//! stock_over_lanes       scope of a site | item 16                         stock row
//! cases_across           scope | case id 16                                case
//! movements_by_item      scope | item 16 | time u64 | document 16 | event 8  movement
//! items_by_barcode       scope | code text | item 16                       -
//! ```
//!
//! # Invariants
//!
//! - What [`Store::write`] acknowledged survives a power cut at any later moment, and a
//!   transaction is on disk whole or not at all
//!   (`what_was_acknowledged_survives_a_power_cut_at_any_write`).
//! - A closure that fails or panics changes nothing
//!   (`a_closure_that_fails_or_panics_changes_nothing`); a commit that fails says that its outcome
//!   is unknown, never that nothing happened
//!   (`a_failed_commit_is_whole_or_absent_after_the_reopen`).
//! - After a failure of the device nothing is written before a reopen
//!   (`after_a_failed_commit_the_store_writes_only_when_reopened`); reads reopen by themselves
//!   (`reads_go_on_while_the_disk_is_full`).

mod backend;
mod error;
mod format;
pub mod keys;
mod queue;
mod read;
mod room;
#[cfg(test)]
pub(crate) mod sim_disk;
mod staged;
mod table;
mod transaction;
mod writer;

pub use backend::{Backend, BackendError};
pub use error::{StoreError, WriteError};
pub use format::{FORMAT, MIN_READER};
pub use keys::{Key, KeyRange};
pub use queue::SubmitError;
pub use read::{Direction, ReadTables, Snapshot};
pub use room::{FREE_BYTES_NEEDED, NoRoom, free_bytes, is_full};
pub use staged::TableChanges;
pub use table::Table;
pub use transaction::{KEY_BYTES_MAX, VALUE_BYTES_MAX, WriteTx};
pub use writer::{BATCH_INPUTS_MAX, BatchError, DirectWriter, Herald, Machine, QUEUE_INPUTS_MAX, StopError, Writer};

use backend::{Boxed, Factory};
use redb::{Database, ReadableDatabase, WriteTransaction};
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

/// Memory for redb's page cache unless told otherwise, in bytes.
pub const CACHE_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Memory for the page cache in bytes.
    pub cache_bytes: usize,
    /// Program and version that a new store names as its writer.
    pub written_by: String,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            cache_bytes: CACHE_BYTES_DEFAULT,
            written_by: concat!("tradepost ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// One opening of the database.
struct Handle {
    database: Database,
    /// Set by whoever saw the device fail below this opening.
    suspect: Arc<AtomicBool>,
}

/// The open store; shared between threads by reference.
pub struct Store {
    factory: Factory,
    config: StoreConfig,
    /// `None` only after a reopen that failed.
    handle: RwLock<Option<Handle>>,
    /// Held while a transaction writes or the store reopens: one of them at a time.
    lane: Mutex<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in the file at `path`; makes an empty one if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process holds it, [`StoreError::FormatTooNew`] and
    /// [`StoreError::Corrupted`] if this program cannot read it, otherwise what the disk said.
    pub fn open_file(path: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        if !path.try_exists().map_err(StoreError::from_io)? {
            let draft = config.clone();
            backend::create_file(path, |factory| Self::start(factory, draft).map(drop))?;
        }
        Self::start(backend::file(path), config)
    }

    /// Opens the store on the bytes that `factory` gives, now and at every reopen.
    ///
    /// # Errors
    /// As [`Store::open_file`].
    pub fn open(
        factory: impl Fn() -> io::Result<Box<dyn Backend>> + Send + Sync + 'static,
        config: StoreConfig,
    ) -> Result<Self, StoreError> {
        Self::start(Box::new(move || factory().map(Boxed::new)), config)
    }

    fn start(factory: Factory, config: StoreConfig) -> Result<Self, StoreError> {
        let handle = open_database(&factory, config.cache_bytes)?;
        let lane = Mutex::new(());
        let store = Self { factory, config, handle: RwLock::new(Some(handle)), lane };
        if format::check(&store.read()?)? == format::Found::New {
            store.write(|tx| format::write(tx, &store.config.written_by)).map_err(plain)?;
        }
        Ok(store)
    }

    /// Takes a snapshot of what is committed. Reopens the store first if the device failed
    /// before and nobody is writing.
    ///
    /// # Errors
    /// If the store cannot be read or reopened.
    pub fn read(&self) -> Result<Snapshot, StoreError> {
        if self.is_suspect() {
            let lane = match self.lane.try_lock() {
                Ok(lane) => Some(lane),
                Err(TryLockError::Poisoned(lane)) => Some(lane.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            lane.map_or(Ok(()), |_lane| self.reopen_in_lane())?;
        }
        let guard = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let handle = guard.as_ref().ok_or(StoreError::Closed)?;
        let begun = handle.database.begin_read();
        let transaction = begun.map_err(|error| read::noted(&handle.suspect, error))?;
        Ok(Snapshot::new(transaction, Arc::clone(&handle.suspect)))
    }

    /// Runs `work` in one transaction and commits it; durable (fsync) when this returns `Ok`.
    /// Blocks while another transaction writes; `work` must not call `write` or `reopen`.
    ///
    /// # Errors
    /// [`WriteError::CommitIndeterminate`] if all or nothing of it is on disk; with every other
    /// error nothing happened.
    pub fn write<R, E>(&self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<R, E>) -> Result<R, WriteError<E>> {
        let _lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner);
        let (transaction, suspect) = self.begin().map_err(WriteError::Store)?;
        let outcome = {
            let mut tx = WriteTx::new(&transaction, &suspect);
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut tx)));
            outcome.map(|result| result.map(|value| (value, tx.has_failed())))
        };
        let dropped = match outcome {
            Ok(Ok((value, false))) => return commit(transaction, &suspect).map(|()| value),
            Ok(Ok((_, true))) => WriteError::Store(StoreError::ReopenNeeded),
            Ok(Err(error)) => WriteError::Aborted(error),
            Err(panic) => WriteError::Panicked { message: panic_text(panic.as_ref()) },
        };
        if let Err(error) = transaction.abort() {
            read::noted(&suspect, error);
        }
        Err(dropped)
    }

    /// Closes the database and opens it again, whatever its state. Snapshots taken before end.
    ///
    /// # Errors
    /// If it cannot be opened; the store is then closed until a later reopen succeeds.
    pub fn reopen(&self) -> Result<(), StoreError> {
        let _lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner);
        self.reopen_in_lane()
    }

    /// Reopens the store if the device failed since it was opened.
    ///
    /// # Errors
    /// As [`Store::reopen`].
    pub fn heal(&self) -> Result<(), StoreError> {
        if self.is_suspect() { self.reopen() } else { Ok(()) }
    }

    fn is_suspect(&self) -> bool {
        let guard = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        guard.as_ref().is_none_or(|handle| handle.suspect.load(Ordering::Acquire))
    }

    fn reopen_in_lane(&self) -> Result<(), StoreError> {
        let mut guard = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        // Closed before it is opened: the file admits one opening.
        *guard = None;
        *guard = Some(open_database(&self.factory, self.config.cache_bytes)?);
        Ok(())
    }

    fn begin(&self) -> Result<(WriteTransaction, Arc<AtomicBool>), StoreError> {
        let guard = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let handle = guard.as_ref().ok_or(StoreError::ReopenNeeded)?;
        if handle.suspect.load(Ordering::Acquire) {
            return Err(StoreError::ReopenNeeded);
        }
        let begun = handle.database.begin_write();
        let mut transaction = begun.map_err(|error| read::noted(&handle.suspect, error))?;
        transaction.set_quick_repair(true);
        Ok((transaction, Arc::clone(&handle.suspect)))
    }
}

fn open_database(factory: &Factory, cache_bytes: usize) -> Result<Handle, StoreError> {
    let backend = factory().map_err(StoreError::from_io)?;
    let database = Database::builder().set_cache_size(cache_bytes).create_with_backend(backend)?;
    Ok(Handle { database, suspect: Arc::new(AtomicBool::new(false)) })
}

// Durable on return: redb's default durability is immediate.
fn commit<E>(transaction: WriteTransaction, suspect: &AtomicBool) -> Result<(), WriteError<E>> {
    let error = match catch_unwind(AssertUnwindSafe(|| transaction.commit())) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => StoreError::from(error),
        Err(panic) => StoreError::Corrupted { detail: panic_text(panic.as_ref()) },
    };
    suspect.store(true, Ordering::Release);
    Err(WriteError::CommitIndeterminate(error))
}

fn plain(error: WriteError<StoreError>) -> StoreError {
    match error {
        WriteError::Aborted(error) | WriteError::Store(error) | WriteError::CommitIndeterminate(error) => error,
        WriteError::Panicked { message } => StoreError::Corrupted { detail: message },
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::sim_disk::{Counted, Fault, Rng, SimDisk, Syncs, put_all};
    use super::*;

    const TRANSACTIONS: u64 = 8;

    /// Writes transaction `n`: three rows and a counter in two tables.
    fn write_numbered(store: &Store, n: u64) -> Result<(), WriteError<StoreError>> {
        store.write(|tx| {
            let mut rng = Rng::new(n);
            for part in 0..3 {
                let value = vec![u8::try_from(n).unwrap(); 200 + (rng.next() % 3000) as usize];
                tx.put(Table::Rows, &Key::new().u64(rng.next()).u64(n).u8(part), &value)?;
            }
            tx.put(Table::Counters, b"n", &n.to_be_bytes())
        })
    }

    /// The last transaction that is there whole; fails if one is there in part.
    fn last_whole(store: &Store, context: &str) -> u64 {
        let snapshot = store.read().unwrap();
        let counter = snapshot.get(Table::Counters, b"n").unwrap();
        let last = counter.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
        let mut seen = 0;
        let visit = |key: &[u8], value: &[u8]| {
            let n = u64::from_be_bytes(key[8..16].try_into().unwrap());
            assert!(n <= last, "{context}: a row of {n} after {last}");
            assert!(value.iter().all(|&byte| u64::from(byte) == n), "{context}: torn row");
            seen += 1;
            std::ops::ControlFlow::Continue(())
        };
        snapshot.scan(Table::Rows, &KeyRange::all(), Direction::Forward, visit).unwrap();
        assert_eq!(seen, last * 3, "{context}: rows missing");
        last
    }

    fn full_run(disk: &SimDisk, store: &Store) -> u64 {
        disk.set_fault(Fault::None, Counted::Changes);
        (1..=TRANSACTIONS).for_each(|n| write_numbered(store, n).unwrap());
        disk.calls()
    }

    fn base_disk() -> SimDisk {
        let disk = SimDisk::new();
        drop(disk.store());
        disk
    }

    /// Runs until the power fails at change `at`; the number of acknowledged transactions.
    fn run_until_cut(disk: &SimDisk, at: u64) -> u64 {
        let store = disk.store();
        disk.set_fault(Fault::From(at), Counted::Changes);
        (1..=TRANSACTIONS).take_while(|n| write_numbered(&store, *n).is_ok()).count() as u64
    }

    #[test]
    fn what_was_acknowledged_survives_a_power_cut_at_any_write() {
        let base = base_disk();
        let disk = base.copy();
        let calls = full_run(&disk, &disk.store());
        assert!(calls > 3 * TRANSACTIONS, "{calls} calls");
        for at in 1..=calls {
            let disk = base.copy();
            let acknowledged = run_until_cut(&disk, at);
            for seed in 0..3 {
                let context = format!("cut at change {at}, seed {seed}");
                let found = last_whole(&disk.after_power_cut(seed * 1000 + at).store(), &context);
                assert!(found >= acknowledged, "{context}: {found} of {acknowledged}");
                assert!(found <= acknowledged + 1, "{context}: {found} of {acknowledged}");
            }
        }
    }

    #[test]
    fn a_disk_that_lies_about_syncs_is_caught() {
        let disk = base_disk();
        let store = disk.store();
        disk.set_syncs(Syncs::Lying);
        (1..=TRANSACTIONS).for_each(|n| write_numbered(&store, n).unwrap());
        let caught = (0..20).any(|seed| {
            let cut = disk.after_power_cut(seed);
            catch_unwind(AssertUnwindSafe(|| {
                assert_eq!(last_whole(&cut.store(), "lying disk"), TRANSACTIONS);
            }))
            .is_err()
        });
        assert!(caught);
    }

    #[test]
    fn a_store_survives_power_cuts_one_after_another() {
        let seed = 20_260_101;
        let mut rng = Rng::new(seed);
        let mut disk = base_disk();
        let mut acknowledged = 0;
        for round in 0..20 {
            let store = disk.store();
            disk.set_fault(Fault::From(1 + rng.next() % 40), Counted::Changes);
            let next = acknowledged + 1;
            acknowledged += (next..next + 5).take_while(|n| write_numbered(&store, *n).is_ok()).count() as u64;
            disk = disk.after_power_cut(rng.next());
            drop(store);
            let context = format!("round {round}, seed {seed}");
            let found = last_whole(&disk.store(), &context);
            assert!(found == acknowledged || found == acknowledged + 1, "{context}");
            acknowledged = found;
        }
        assert!(acknowledged > 0, "seed {seed}");
    }

    #[test]
    fn a_closure_that_fails_or_panics_changes_nothing() {
        let store = SimDisk::new().store();
        write_numbered(&store, 1).unwrap();
        let failed = store.write(|tx| {
            tx.put(Table::Rows, b"lost", b"")?;
            Err::<(), _>(StoreError::Locked)
        });
        assert!(matches!(failed, Err(WriteError::Aborted(StoreError::Locked))));
        let panicked = store.write(|tx| {
            tx.put(Table::Rows, b"lost", b"")?;
            assert_eq!(tx.count(Table::Rows)?, 9, "wrong count");
            Ok::<(), StoreError>(())
        });
        let Err(WriteError::Panicked { message }) = panicked else { panic!("no panic") };
        assert!(message.contains("wrong count"), "{message}");
        assert_eq!(last_whole(&store, "after the panic"), 1);
        write_numbered(&store, 2).unwrap();
        assert_eq!(last_whole(&store, "after the next write"), 2);
    }

    #[test]
    fn a_failed_commit_is_whole_or_absent_after_the_reopen() {
        let base = base_disk();
        let disk = base.copy();
        let calls = full_run(&disk, &disk.store());
        let (mut absent, mut whole) = (0, 0);
        for at in 1..=calls {
            let disk = base.copy();
            let store = disk.store();
            disk.set_fault(Fault::Once(at), Counted::Changes);
            let failed = (1..=TRANSACTIONS).find_map(|n| Some((n, write_numbered(&store, n).err()?)));
            let (n, error) = failed.unwrap();
            store.heal().unwrap();
            let found = last_whole(&store, &format!("fault at change {at}"));
            match error {
                WriteError::CommitIndeterminate(_) if found == n => whole += 1,
                WriteError::CommitIndeterminate(_) => absent += 1,
                WriteError::Aborted(_) | WriteError::Store(_) | WriteError::Panicked { .. } => {}
            }
            assert!(found == n - 1 || found == n, "fault at change {at}: {found} of {n}");
            write_numbered(&store, found + 1).unwrap();
            assert_eq!(last_whole(&store, "healed"), found + 1);
        }
        assert!(absent > 0 && whole > 0, "{absent} absent, {whole} whole");
    }

    #[test]
    fn after_a_failed_commit_the_store_writes_only_when_reopened() {
        let disk = base_disk();
        let store = disk.store();
        disk.set_fault(Fault::Once(1), Counted::Changes);
        let failed = write_numbered(&store, 1);
        assert!(matches!(failed, Err(WriteError::CommitIndeterminate(StoreError::Io(_)))));
        let refused = write_numbered(&store, 1);
        assert!(matches!(refused, Err(WriteError::Store(StoreError::ReopenNeeded))));
        store.reopen().unwrap();
        write_numbered(&store, 1).unwrap();
    }

    #[test]
    fn a_transaction_that_saw_a_failure_never_commits() {
        let disk = base_disk();
        write_numbered(&disk.store(), 1).unwrap();
        let store = disk.store_with_cache(0).unwrap();
        let wrote = store.write(|tx| {
            tx.put(Table::Counters, b"n", &9_u64.to_be_bytes())?;
            disk.set_fault(Fault::Once(1), Counted::All);
            let failed = tx.get(Table::Rows, b"a");
            assert!(matches!(failed, Err(StoreError::Io(_))), "{failed:?}");
            Ok::<(), StoreError>(())
        });
        assert!(matches!(wrote, Err(WriteError::Store(StoreError::ReopenNeeded))), "{wrote:?}");
        assert_eq!(last_whole(&store, "after the failure"), 1);
    }

    #[test]
    fn a_read_after_a_failed_read_reopens_the_store() {
        let disk = base_disk();
        write_numbered(&disk.store(), 1).unwrap();
        let store = disk.store_with_cache(0).unwrap();
        let snapshot = store.read().unwrap();
        disk.set_fault(Fault::Once(1), Counted::All);
        assert!(matches!(snapshot.get(Table::Rows, b"a"), Err(StoreError::Io(_))));
        assert_eq!(last_whole(&store, "after the failure"), 1);
    }

    #[test]
    fn a_snapshot_ends_when_the_store_is_reopened_below_it() {
        let store = base_disk().store();
        write_numbered(&store, 1).unwrap();
        let snapshot = store.read().unwrap();
        store.reopen().unwrap();
        let read = snapshot.get(Table::Rows, b"a");
        assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
        assert_eq!(last_whole(&store, "reopened"), 1);
    }

    #[test]
    fn a_store_that_cannot_be_reopened_says_so_until_it_can() {
        let disk = base_disk();
        let store = disk.store();
        write_numbered(&store, 1).unwrap();
        disk.set_fault(Fault::From(1), Counted::All);
        assert!(matches!(store.reopen(), Err(StoreError::Io(_))));
        assert!(matches!(store.read(), Err(StoreError::Io(_))));
        assert!(matches!(write_numbered(&store, 2), Err(WriteError::Store(StoreError::ReopenNeeded))));
        disk.set_fault(Fault::None, Counted::All);
        assert_eq!(last_whole(&store, "the disk is back"), 1);
    }

    #[test]
    fn reads_go_on_while_the_disk_is_full() {
        let disk = base_disk();
        let store = disk.store();
        write_numbered(&store, 1).unwrap();
        disk.set_room(Some(0));
        let big = vec![7; 4 * 1024 * 1024];
        for _ in 0..3 {
            let full = store.write(|tx| tx.put(Table::Rows, b"big", &big));
            assert!(
                matches!(
                    full,
                    Err(WriteError::Aborted(StoreError::DiskFull(_))
                        | WriteError::CommitIndeterminate(StoreError::DiskFull(_)))
                ),
                "{full:?}"
            );
            assert_eq!(last_whole(&store, "full"), 1);
        }
        disk.set_room(None);
        put_all(&store, Table::Requests, &[(b"big", &big)]);
        assert_eq!(last_whole(&store, "room again"), 1);
    }

    #[test]
    fn a_file_keeps_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = Store::open_file(&path, StoreConfig::default()).unwrap();
        write_numbered(&store, 1).unwrap();
        store.reopen().unwrap();
        write_numbered(&store, 2).unwrap();
        drop(store);
        let store = Store::open_file(&path, StoreConfig::default()).unwrap();
        assert_eq!(last_whole(&store, "a real file"), 2);
    }
}
