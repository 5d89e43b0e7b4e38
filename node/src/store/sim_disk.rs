//! A simulated disk below redb, for tests only: it fails at a chosen call, runs out of space and
//! loses power.
//!
//! Not here: redb; the store above is the real one.
//!
//! Invariants: what was synced survives [`SimDisk::after_power_cut`]; of what was not, any subset
//! of 512-byte sectors does, chosen by the seed. That the harness bites is shown by
//! `a_disk_that_lies_about_syncs_is_caught`.

use super::room::NoRoom;
use super::{Backend, Store, StoreConfig, StoreError, Table};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR_BYTES: usize = 512;

/// When calls of the disk fail; calls are counted from 1 since the fault was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Never.
    None,
    /// Only this call.
    Once(u64),
    /// This call and all later ones.
    From(u64),
}

/// Which calls a fault counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Reads too.
    All,
    /// Writes, changes of length and syncs.
    Changes,
}

/// Whether syncs do what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// They do.
    Honest,
    /// They answer at once and write nothing.
    Lying,
}

#[derive(Debug)]
enum Unsynced {
    Write { offset: usize, data: Vec<u8> },
    Length(usize),
}

#[derive(Debug)]
struct State {
    seen: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Unsynced>,
    fault: Fault,
    counted: Counted,
    syncs: Syncs,
    calls: u64,
    capacity: Option<usize>,
}

/// A disk with one file; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk without faults.
    pub(crate) fn new() -> Self {
        Self::with_bytes(Vec::new())
    }

    fn with_bytes(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State {
            seen: bytes.clone(),
            synced: bytes,
            unsynced: Vec::new(),
            fault: Fault::None,
            counted: Counted::All,
            syncs: Syncs::Honest,
            calls: 0,
            capacity: None,
        })))
    }

    /// Opens a store on this disk.
    pub(crate) fn try_store(&self) -> Result<Store, StoreError> {
        self.store_with_cache(1024 * 1024)
    }

    /// Opens a store with a page cache of `cache_bytes`; with none every read reaches the disk.
    pub(crate) fn store_with_cache(&self, cache_bytes: usize) -> Result<Store, StoreError> {
        let disk = self.clone();
        let config = StoreConfig { cache_bytes, ..StoreConfig::default() };
        Store::open(move || Ok(Box::new(disk.clone())), config)
    }

    /// Opens a store on this disk, which must be able to hold one.
    pub(crate) fn store(&self) -> Store {
        self.try_store().expect("invariant: a disk without faults opens")
    }

    /// Sets when calls fail from now on.
    pub(crate) fn set_fault(&self, fault: Fault, counted: Counted) {
        let mut state = self.lock();
        (state.fault, state.counted, state.calls) = (fault, counted, 0);
    }

    /// Sets whether syncs do what they say.
    pub(crate) fn set_syncs(&self, syncs: Syncs) {
        self.lock().syncs = syncs;
    }

    /// Limits the length of the file to `more` bytes above the present one; `None` for no limit.
    pub(crate) fn set_room(&self, more: Option<usize>) {
        let mut state = self.lock();
        state.capacity = more.map(|more| state.seen.len() + more);
    }

    /// Calls counted since the fault was set.
    pub(crate) fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// A copy of the disk as the program sees it, all of it synced.
    pub(crate) fn copy(&self) -> Self {
        Self::with_bytes(self.lock().seen.clone())
    }

    /// The disk as it may be found after the power failed now.
    pub(crate) fn after_power_cut(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let state = self.lock();
        let mut bytes = state.synced.clone();
        for change in &state.unsynced {
            match change {
                Unsynced::Length(length) if rng.coin() => bytes.resize(*length, 0),
                Unsynced::Length(_) => {}
                Unsynced::Write { offset, data } => tear(&mut bytes, *offset, data, &mut rng),
            }
        }
        drop(state);
        Self::with_bytes(bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a random subset of the sectors of `data`.
fn tear(bytes: &mut Vec<u8>, offset: usize, data: &[u8], rng: &mut Rng) {
    let mut at = 0;
    while at < data.len() {
        let sector_ends = ((offset + at) / SECTOR_BYTES + 1) * SECTOR_BYTES - offset;
        let end = sector_ends.min(data.len());
        if rng.coin() {
            let needed = (offset + end).max(bytes.len());
            bytes.resize(needed, 0);
            bytes[offset + at..offset + end].copy_from_slice(&data[at..end]);
        }
        at = end;
    }
}

impl State {
    fn count(&mut self, counted: Counted) -> io::Result<()> {
        if self.counted == Counted::Changes && counted == Counted::All {
            return Ok(());
        }
        self.calls += 1;
        let fails = match self.fault {
            Fault::None => false,
            Fault::Once(at) => self.calls == at,
            Fault::From(at) => self.calls >= at,
        };
        if fails { Err(io::Error::other("simulated fault")) } else { Ok(()) }
    }
}

fn place(offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    Ok(start..start + length)
}

impl Backend for SimDisk {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.lock();
        state.count(Counted::All)?;
        u64::try_from(state.seen.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.count(Counted::All)?;
        let found = state.seen.get(place(offset, out.len())?);
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.count(Counted::Changes)?;
        let length = usize::try_from(len).map_err(io::Error::other)?;
        if state.capacity.is_some_and(|capacity| length > capacity.max(state.seen.len())) {
            let free = state.capacity.map(|capacity| capacity.saturating_sub(state.seen.len()) as u64);
            return Err(NoRoom { free, needed: (length - state.seen.len()) as u64 }.into_io());
        }
        state.seen.resize(length, 0);
        state.unsynced.push(Unsynced::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.count(Counted::Changes)?;
        if state.syncs == Syncs::Lying {
            return Ok(());
        }
        for change in std::mem::take(&mut state.unsynced) {
            match change {
                Unsynced::Length(length) => state.synced.resize(length, 0),
                Unsynced::Write { offset, data } => {
                    state.synced[offset..offset + data.len()].copy_from_slice(&data);
                }
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let failed = state.count(Counted::Changes);
        // A write that fails may have got half-way.
        let data = if failed.is_ok() { data } else { &data[..data.len() / 2] };
        let place = place(offset, data.len())?;
        let offset = place.start;
        let target = state.seen.get_mut(place).ok_or(io::ErrorKind::UnexpectedEof)?;
        target.copy_from_slice(data);
        state.unsynced.push(Unsynced::Write { offset, data: data.to_vec() });
        failed
    }
}

/// A small seeded generator (splitmix64).
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Starts at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

/// Writes `pairs` into `table` in one transaction.
pub(crate) fn put_all(store: &Store, table: Table, pairs: &[(&[u8], &[u8])]) {
    let put = |tx: &mut super::WriteTx<'_>| pairs.iter().try_for_each(|(key, value)| tx.put(table, key, value));
    store.write(put).expect("invariant: a disk without faults takes writes");
}
