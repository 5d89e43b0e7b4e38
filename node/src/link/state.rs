//! How each link is now, in memory: for status, coverage and those who wait for an exchange.
//!
//! Invariants: of two connections with one device the newer stays; every change wakes the waiting. Proved by
//! `the_newer_connection_with_a_device_stays` and `connections_at_the_limit_are_taken_and_one_more_is_not`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crdt_model::id::DeviceId;
use crdt_model::time::Timestamp;
use tokio::sync::watch;

use super::reason::Reason;
use super::rows::Acked;
use crate::transport::Path;

/// Streams open at the same time.
pub const CONNECTIONS_MAX: usize = 16;

/// Commits and bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Commits.
    pub commits: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Whether everything that the peer announced is held here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// It is.
    Held,
    /// Some of it is not, or nothing was announced yet.
    Missing,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// Its state in one word.
    pub reason: Reason,
    /// What we have that the peer has not made durable.
    pub waiting_out: Waiting,
    /// What the peer announced and we do not hold.
    pub waiting_in: Waiting,
    /// Whether that is nothing.
    pub announced: Announced,
    /// What the peer has made durable, as far as it said.
    pub acked: Acked,
    /// Logs of which the two hold different commits under one number.
    pub forks: u64,
    /// The last frame of this run.
    pub last_exchange: Option<Timestamp>,
    /// A packet there and back.
    pub round_trip: Option<Duration>,
    /// The last question of those who wait that the peer answered on this stream.
    pub told: u64,
    /// Since the stream was opened.
    pub bytes_sent: u64,
    /// Since the stream was opened.
    pub bytes_received: u64,
    /// Where the peer is, or was.
    pub address: Option<SocketAddr>,
}

impl LinkState {
    /// A link without a stream.
    pub fn broken(reason: Reason) -> Self {
        Self {
            reason,
            waiting_out: Waiting::default(),
            waiting_in: Waiting::default(),
            announced: Announced::Missing,
            acked: Acked::new(),
            forks: 0,
            last_exchange: None,
            round_trip: None,
            told: 0,
            bytes_sent: 0,
            bytes_received: 0,
            address: None,
        }
    }

    /// Whether the stream is open.
    pub fn is_open(&self) -> bool {
        self.reason == Reason::Connected
    }
}

/// All links of a node.
pub struct States {
    entries: Mutex<BTreeMap<DeviceId, Entry>>,
    changes: watch::Sender<u64>,
}

struct Entry {
    state: LinkState,
    open: Option<Open>,
}

struct Open {
    number: u64,
    path: Arc<dyn Path>,
}

/// The right to speak for a link, until a newer connection takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    device: DeviceId,
    number: u64,
}

impl Default for States {
    fn default() -> Self {
        Self { entries: Mutex::default(), changes: watch::channel(0).0 }
    }
}

impl States {
    /// All links now.
    pub fn all(&self) -> BTreeMap<DeviceId, LinkState> {
        self.entries().iter().map(|(device, entry)| (*device, entry.state.clone())).collect()
    }

    /// Ticks at every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes the link for a connection; an older one of the device is closed. None where too many are open.
    pub fn begin(&self, device: DeviceId, path: Arc<dyn Path>) -> Option<Lease> {
        let mut entries = self.entries();
        let others = entries.iter().filter(|(known, entry)| **known != device && entry.open.is_some()).count();
        if others >= CONNECTIONS_MAX {
            return None;
        }
        let number = self.changes.borrow().wrapping_add(1);
        let mut state = LinkState::broken(Reason::Connecting);
        let entry = entries.remove(&device);
        if let Some(Entry { state: known, open }) = entry {
            (state.acked, state.last_exchange) = (known.acked, known.last_exchange);
            if let Some(older) = open {
                older.path.close("replaced");
            }
        }
        state.address = path.address();
        entries.insert(device, Entry { state, open: Some(Open { number, path }) });
        self.tick();
        Some(Lease { device, number })
    }

    /// Changes the state of a link that a lease still holds.
    pub fn update(&self, lease: Lease, change: impl FnOnce(&mut LinkState)) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&lease.device) else { return };
        if let Some(Open { path, .. }) = entry.open.as_ref().filter(|open| open.number == lease.number) {
            change(&mut entry.state);
            entry.state.round_trip = path.round_trip();
            entry.state.address = path.address().or(entry.state.address);
            self.tick();
        }
    }

    /// Ends a lease; a link that a newer connection has taken stays as it is.
    pub fn end(&self, lease: Lease, reason: Reason) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&lease.device) else { return };
        if entry.open.as_ref().is_some_and(|open| open.number == lease.number) {
            entry.open = None;
            entry.state.reason = reason;
            entry.state.round_trip = None;
            entry.state.announced = Announced::Missing;
            self.tick();
        }
    }

    /// Says why a link without a stream has none.
    pub fn set_broken(&self, device: DeviceId, reason: Reason) {
        let mut entries = self.entries();
        let fresh = || Entry { state: LinkState::broken(reason), open: None };
        let entry = entries.entry(device).or_insert_with(fresh);
        if entry.open.is_none() {
            entry.state.reason = reason;
            self.tick();
        }
    }

    /// Ends the pause of this node: what it closed is about to be opened again.
    pub fn resumed(&self) {
        for entry in self.entries().values_mut().filter(|entry| entry.state.reason == Reason::PausedHere) {
            entry.state.reason = Reason::Connecting;
        }
    }

    /// Whether a device has an open stream.
    pub fn is_open(&self, device: &DeviceId) -> bool {
        self.entries().get(device).is_some_and(|entry| entry.open.is_some())
    }

    /// Closes the streams of those devices for which `which` is true.
    pub fn close(&self, reason: Reason, which: impl Fn(&DeviceId) -> bool) {
        for (device, entry) in self.entries().iter_mut() {
            if which(device)
                && let Some(open) = entry.open.take()
            {
                open.path.close(reason.code());
                entry.state.reason = reason;
                entry.state.round_trip = None;
                entry.state.announced = Announced::Missing;
            }
        }
        self.tick();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::transport::ClosedByPeer;

    #[derive(Default)]
    struct FakePath {
        closed: AtomicBool,
    }

    impl Path for FakePath {
        fn round_trip(&self) -> Option<Duration> {
            Some(Duration::from_millis(3))
        }
        fn address(&self) -> Option<SocketAddr> {
            None
        }
        fn close(&self, _: &str) {
            self.closed.store(true, Ordering::SeqCst);
        }
        fn closed(&self) -> Pin<Box<dyn Future<Output = ClosedByPeer> + Send + '_>> {
            Box::pin(std::future::pending())
        }
    }

    fn device(number: u8) -> DeviceId {
        DeviceId([number; 32])
    }

    #[test]
    fn the_newer_connection_with_a_device_stays() {
        let states = States::default();
        let (old, new) = (Arc::new(FakePath::default()), Arc::new(FakePath::default()));
        let first = states.begin(device(1), old.clone()).unwrap();
        states.update(first, |state| state.bytes_sent = 7);
        let second = states.begin(device(1), new.clone()).unwrap();
        assert!(old.closed.load(Ordering::SeqCst) && !new.closed.load(Ordering::SeqCst));
        states.update(first, |state| state.bytes_sent = 9);
        states.end(first, Reason::Unreachable);
        states.update(second, |state| state.reason = Reason::Connected);
        let state = states.all().remove(&device(1)).unwrap();
        assert_eq!((state.reason, state.bytes_sent), (Reason::Connected, 0));
        assert_eq!(state.round_trip, Some(Duration::from_millis(3)));
        states.set_broken(device(1), Reason::Unreachable);
        assert!(states.is_open(&device(1)));
        states.end(second, Reason::PausedThere);
        assert_eq!(states.all()[&device(1)].reason, Reason::PausedThere);
    }

    #[test]
    fn connections_at_the_limit_are_taken_and_one_more_is_not() {
        let states = States::default();
        for number in 0..CONNECTIONS_MAX as u8 {
            assert!(states.begin(device(number), Arc::new(FakePath::default())).is_some());
        }
        assert!(states.begin(device(0), Arc::new(FakePath::default())).is_some());
        assert!(states.begin(device(200), Arc::new(FakePath::default())).is_none());
        states.close(Reason::PausedHere, |_| true);
        assert!(states.all().values().all(|state| state.reason == Reason::PausedHere));
        assert!(states.begin(device(200), Arc::new(FakePath::default())).is_some());
    }

    #[test]
    fn every_change_wakes_the_waiting() {
        let states = States::default();
        let changes = states.changes();
        let lease = states.begin(device(1), Arc::new(FakePath::default())).unwrap();
        let mut seen = vec![*changes.borrow()];
        states.update(lease, |state| state.reason = Reason::Connected);
        seen.push(*changes.borrow());
        states.end(lease, Reason::Unreachable);
        seen.push(*changes.borrow());
        assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    }
}
