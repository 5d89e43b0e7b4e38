//! The transport's twin in one process: the same doors and streams without sockets, for tests.
//!
//! Invariants: as of the real one. Proved by `a_refused_device_gets_no_stream_in_memory` and
//! `a_cut_device_is_not_reached`.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crdt_model::id::DeviceId;
use tokio::sync::{mpsc, watch};

use super::{ACCEPTED_MAX, ClosedByPeer, Connection, DialError, Door, Path, Protocol, Remote, Transport};

/// Bytes on their way in one direction.
const PIPE_BYTES: usize = 256 * 1024;

/// All devices that can reach each other.
#[derive(Clone, Default)]
pub struct Network {
    inner: Arc<Mutex<Devices>>,
}

#[derive(Default)]
struct Devices {
    listening: BTreeMap<DeviceId, Listening>,
    cut: BTreeSet<DeviceId>,
    open: Vec<(DeviceId, DeviceId, Ending)>,
}

struct Listening {
    door: Arc<dyn Door>,
    accepted: mpsc::Sender<Connection>,
}

/// How a connection ended: who closed, and why.
type End = (Option<DeviceId>, String);
/// Tells both ends of a connection that it ended.
type Ending = Arc<watch::Sender<Option<End>>>;

impl Network {
    /// Puts a device on the network.
    pub fn join(&self, device: DeviceId, door: Arc<dyn Door>) -> MemoryTransport {
        let (accepted, queue) = mpsc::channel(ACCEPTED_MAX);
        self.devices().listening.insert(device, Listening { door, accepted });
        MemoryTransport { device, network: self.clone(), queue: tokio::sync::Mutex::new(queue) }
    }

    /// Pulls the cable of a device: what is open breaks, and it is not reached any more.
    pub fn cut(&self, device: DeviceId) {
        let mut devices = self.devices();
        devices.cut.insert(device);
        devices.open.retain(|(one, other, end)| {
            let broken = *one == device || *other == device;
            if broken {
                end.send_replace(Some((None, String::new())));
            }
            !broken
        });
    }

    /// Plugs it in again.
    pub fn heal(&self, device: DeviceId) {
        self.devices().cut.remove(&device);
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One device on a [`Network`].
pub struct MemoryTransport {
    device: DeviceId,
    network: Network,
    queue: tokio::sync::Mutex<mpsc::Receiver<Connection>>,
}

struct MemoryPath {
    device: DeviceId,
    end: Ending,
}

impl Path for MemoryPath {
    fn round_trip(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn address(&self) -> Option<SocketAddr> {
        None
    }

    fn close(&self, reason: &str) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some((Some(self.device), reason.to_owned()));
            }
            first
        });
    }

    fn closed(&self) -> Pin<Box<dyn Future<Output = ClosedByPeer> + Send + '_>> {
        let mut end = self.end.subscribe();
        Box::pin(async move {
            let end = end.wait_for(Option::is_some).await.ok()?.clone()?;
            let (by, reason) = end;
            by.filter(|device| *device != self.device).map(|_| reason)
        })
    }
}

impl Transport for MemoryTransport {
    async fn dial(&self, remote: &Remote, protocol: Protocol) -> Result<Connection, DialError> {
        let device = remote.device;
        let unreachable = |detail: &str| DialError::Unreachable { device, detail: detail.to_owned() };
        let mut devices = self.network.devices();
        if devices.cut.contains(&device) || devices.cut.contains(&self.device) {
            return Err(unreachable("the cable is out"));
        }
        let listening = devices.listening.get(&device).ok_or_else(|| unreachable("nobody listens"))?;
        let refused = |reason: &str| DialError::Refused { device, reason: reason.to_owned() };
        listening.door.admit(self.device, protocol).map_err(refused)?;
        let ((our_read, their_write), (their_read, our_write)) =
            (tokio::io::simplex(PIPE_BYTES), tokio::io::simplex(PIPE_BYTES));
        let end = Arc::new(watch::channel(None).0);
        let path = |device| Arc::new(MemoryPath { device, end: Arc::clone(&end) });
        let accepted = Connection {
            peer: self.device,
            protocol,
            send: Box::new(their_write),
            receive: Box::new(their_read),
            path: path(device),
        };
        listening.accepted.try_send(accepted).map_err(|_| unreachable("too many wait"))?;
        devices.open.retain(|(_, _, end)| end.borrow().is_none());
        devices.open.push((self.device, device, Arc::clone(&end)));
        let (send, receive) = (Box::new(our_write), Box::new(our_read));
        Ok(Connection { peer: device, protocol, send, receive, path: path(self.device) })
    }

    async fn accept(&self) -> Option<Connection> {
        self.queue.lock().await.recv().await
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        Vec::new()
    }

    async fn close(&self) {
        let mut devices = self.network.devices();
        devices.listening.remove(&self.device);
        for (one, other, end) in &devices.open {
            if *one == self.device || *other == self.device {
                end.send_replace(Some((None, String::new())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const ONE: DeviceId = DeviceId([1; 32]);
    const TWO: DeviceId = DeviceId([2; 32]);

    #[derive(Debug)]
    struct Only(DeviceId);

    impl Door for Only {
        fn admit(&self, device: DeviceId, _: Protocol) -> Result<(), &'static str> {
            if self.0 == device { Ok(()) } else { Err("not_admitted") }
        }
    }

    fn to(device: DeviceId) -> Remote {
        Remote { device, addresses: Vec::new() }
    }

    #[tokio::test]
    async fn a_refused_device_gets_no_stream_in_memory() {
        let network = Network::default();
        let (one, two) = (network.join(ONE, Arc::new(Only(TWO))), network.join(TWO, Arc::new(Only(TWO))));
        let refused = one.dial(&to(TWO), Protocol::Sync).await.unwrap_err();
        assert_eq!(refused, DialError::Refused { device: TWO, reason: "not_admitted".to_owned() });
        let mut dialled = two.dial(&to(ONE), Protocol::Sync).await.unwrap();
        dialled.send.write_all(b"hi").await.unwrap();
        let mut accepted = one.accept().await.unwrap();
        let mut heard = [0; 2];
        accepted.receive.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hi");
        dialled.path.close("done");
        assert_eq!(accepted.path.closed().await.as_deref(), Some("done"));
        assert_eq!(dialled.path.closed().await, None);
    }

    #[tokio::test]
    async fn a_cut_device_is_not_reached() {
        let network = Network::default();
        let (_one, two) = (network.join(ONE, Arc::new(Only(TWO))), network.join(TWO, Arc::new(Only(TWO))));
        let dialled = two.dial(&to(ONE), Protocol::Sync).await.unwrap();
        network.cut(ONE);
        assert_eq!(dialled.path.closed().await, None);
        assert!(matches!(two.dial(&to(ONE), Protocol::Sync).await, Err(DialError::Unreachable { .. })));
        network.heal(ONE);
        assert!(two.dial(&to(ONE), Protocol::Sync).await.is_ok());
    }
}
