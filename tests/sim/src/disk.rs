//! A disk in memory: what the program sees, what would be found after a power cut, and faults on demand.
//!
//! Invariants: after a cut any subset of the sectors written since the last sync may be there, and nothing else differs
//! (`a_cut_keeps_what_was_synced`); a lying sync keeps nothing (`a_lying_disk_forgets_what_it_acknowledged`).

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use node::store::{Backend, NoRoom};

use crate::random::Stream;

/// When calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Never.
    None,
    /// The n-th from now, once.
    Once(u64),
    /// The n-th from now and all after it.
    From(u64),
}

/// Whether syncs do what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    /// They do.
    Honest,
    /// They answer and do nothing.
    Lying,
    /// They do it when the next one comes.
    Late,
}

#[derive(Debug, Clone)]
enum Unsynced {
    Length(usize),
    Write { offset: usize, data: Vec<u8> },
}

#[derive(Debug)]
struct State {
    seen: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Unsynced>,
    late: usize,
    fault: Fault,
    calls: u64,
    failed: u64,
    is_spared: bool,
    syncs: Syncs,
    capacity: Option<usize>,
}

/// The disk of one node; a clone is the same disk.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// An empty disk.
    pub fn new(syncs: Syncs) -> Self {
        Self::holding(Vec::new(), syncs)
    }

    /// A disk that holds these bytes, synced.
    pub fn holding(bytes: Vec<u8>, syncs: Syncs) -> Self {
        let state = State {
            seen: bytes.clone(),
            synced: bytes,
            unsynced: Vec::new(),
            late: 0,
            fault: Fault::None,
            calls: 0,
            failed: 0,
            is_spared: false,
            syncs,
            capacity: None,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Sets when calls fail, counted from now.
    pub fn set_fault(&self, fault: Fault) {
        let mut state = self.lock();
        (state.fault, state.calls, state.failed) = (fault, 0, 0);
    }

    /// Sets whether syncs do what they say.
    pub fn set_syncs(&self, syncs: Syncs) {
        self.lock().syncs = syncs;
    }

    /// Whether calls are those of a check: they are not counted and never fail.
    pub fn spare(&self, is_spared: bool) {
        self.lock().is_spared = is_spared;
    }

    /// Calls since the fault was set, and how many failed.
    pub fn calls(&self) -> (u64, u64) {
        let state = self.lock();
        (state.calls, state.failed)
    }

    /// Limits the file to `more` bytes above its present length; `None` for no limit.
    pub fn set_room(&self, more: Option<usize>) {
        let mut state = self.lock();
        state.capacity = more.map(|more| state.seen.len() + more);
    }

    /// The bytes as the program sees them.
    pub fn copy(&self) -> Vec<u8> {
        self.lock().seen.clone()
    }

    /// The bytes as they may be found after the power failed now, torn at sectors of `sector` bytes.
    pub fn after_power_cut(&self, chance: &mut Stream, sector: usize) -> Vec<u8> {
        let state = self.lock();
        let mut bytes = state.synced.clone();
        for change in &state.unsynced {
            match change {
                Unsynced::Length(length) if chance.one_in(2) => bytes.resize(*length, 0),
                Unsynced::Length(_) => {}
                Unsynced::Write { offset, data } => tear(&mut bytes, *offset, data, chance, sector),
            }
        }
        bytes
    }

    /// The bytes that a power cut cannot take.
    pub fn surely(&self) -> Vec<u8> {
        self.lock().synced.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a random subset of the sectors of `data`.
fn tear(bytes: &mut Vec<u8>, offset: usize, data: &[u8], chance: &mut Stream, sector: usize) {
    let mut at = 0;
    while at < data.len() {
        let ends = (((offset + at) / sector + 1) * sector - offset).min(data.len());
        if chance.one_in(2) {
            let needed = (offset + ends).max(bytes.len());
            bytes.resize(needed, 0);
            bytes[offset + at..offset + ends].copy_from_slice(&data[at..ends]);
        }
        at = ends;
    }
}

impl State {
    fn count(&mut self) -> io::Result<()> {
        if self.is_spared {
            return Ok(());
        }
        self.calls += 1;
        let fails = match self.fault {
            Fault::None => false,
            Fault::Once(at) => self.calls == at,
            Fault::From(at) => self.calls >= at,
        };
        self.failed += u64::from(fails);
        if fails { Err(io::Error::other("simulated fault")) } else { Ok(()) }
    }

    fn settle(&mut self, changes: usize) {
        for change in self.unsynced.drain(..changes.min(self.unsynced.len())) {
            match change {
                Unsynced::Length(length) => self.synced.resize(length, 0),
                Unsynced::Write { offset, data } => {
                    let needed = (offset + data.len()).max(self.synced.len());
                    self.synced.resize(needed, 0);
                    self.synced[offset..offset + data.len()].copy_from_slice(&data);
                }
            }
        }
    }
}

fn place(offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    Ok(start..start + length)
}

impl Backend for Disk {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.lock();
        state.count()?;
        u64::try_from(state.seen.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.count()?;
        let found = state.seen.get(place(offset, out.len())?);
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.count()?;
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
        state.count()?;
        match state.syncs {
            Syncs::Lying => {}
            Syncs::Honest => {
                let all = state.unsynced.len();
                state.settle(all);
            }
            Syncs::Late => {
                let earlier = state.late;
                state.settle(earlier);
                state.late = state.unsynced.len();
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let failed = state.count();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::random::Purpose;

    fn written(syncs: Syncs) -> Disk {
        let disk = Disk::new(syncs);
        disk.set_len(4096).unwrap();
        disk.write(0, &[1; 4096]).unwrap();
        disk.sync_data().unwrap();
        disk.write(0, &[2; 4096]).unwrap();
        disk
    }

    #[test]
    fn a_cut_keeps_what_was_synced() {
        let disk = written(Syncs::Honest);
        let mut torn = 0;
        for seed in 0..64 {
            let found = disk.after_power_cut(&mut Stream::new(seed, Purpose::Disk), 512);
            assert_eq!(found.len(), 4096, "seed {seed}");
            assert!(found.iter().all(|byte| [1, 2].contains(byte)), "seed {seed}");
            torn += usize::from(found.contains(&1) && found.contains(&2));
        }
        assert!(torn > 32, "most cuts tear a write of eight sectors");
    }

    #[test]
    fn a_lying_disk_forgets_what_it_acknowledged() {
        assert_eq!(written(Syncs::Lying).surely(), Vec::<u8>::new());
        assert_eq!(written(Syncs::Honest).surely(), vec![1; 4096]);
    }

    #[test]
    fn a_fault_hits_the_call_that_it_names() {
        let disk = written(Syncs::Honest);
        disk.set_fault(Fault::Once(2));
        assert!(disk.sync_data().is_ok() && disk.sync_data().is_err() && disk.sync_data().is_ok());
        disk.set_fault(Fault::From(2));
        assert!(disk.sync_data().is_ok() && disk.sync_data().is_err() && disk.sync_data().is_err());
        assert_eq!(disk.calls(), (3, 2));
    }
}
