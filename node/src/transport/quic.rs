//! The transport over iroh: QUIC between device keys, at static addresses, without a relay and without discovery.
//!
//! Not a protocol: it opens one stream per connection and gives it away.
//!
//! Invariants: nothing is asked of or told to anybody but the peers that are dialled; who is not let in by the door is
//! closed in the handshake; a dead peer is noticed within [`IDLE_MS_MAX`]. Proved by `a_stranger_gets_no_stream` and
//! `a_taken_port_is_named`.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crdt_model::id::DeviceId;
use ed25519_dalek::SigningKey;
use iroh::endpoint::{
    AfterHandshakeOutcome, Connection as QuicConnection, ConnectionError, EndpointHooks, QuicTransportConfig, Side,
    VarInt, presets,
};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey, TransportAddr};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use super::{
    ACCEPTED_MAX, BindError, ClosedByPeer, Connection, DIAL_MS_MAX, DialError, Door, OPEN_MS_MAX, Path, Protocol,
    Remote, Transport,
};

/// Silence after which a connection counts as broken, in milliseconds.
pub const IDLE_MS_MAX: u32 = 5_000;
/// How often a silent connection says that it lives, in milliseconds.
const KEEP_ALIVE_MS: u64 = 1_500;
/// How long the addresses of this machine may take to be known, in milliseconds.
const ADDRESSES_MS_MAX: u64 = 2_000;
/// The QUIC code of every close of ours; the reason is a text.
const CLOSE_CODE: VarInt = VarInt::from_u32(1);

/// An iroh endpoint with its queue of accepted connections.
pub struct QuicTransport {
    endpoint: Endpoint,
    accepted: Mutex<mpsc::Receiver<Connection>>,
}

impl fmt::Debug for QuicTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("QuicTransport").field("id", &self.endpoint.id()).finish_non_exhaustive()
    }
}

impl QuicTransport {
    /// Binds the address and begins to accept.
    pub async fn bind(key: &SigningKey, address: SocketAddr, door: Arc<dyn Door>) -> Result<Self, BindError> {
        // iroh's own error does not say that the port is taken; asking the system first does.
        probe(address)?;
        let refused = |detail: String| BindError::Refused { address, detail };
        let builder = Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&key.to_bytes()))
            .relay_mode(RelayMode::Disabled)
            .alpns(Protocol::ALL.map(|protocol| protocol.alpn().to_vec()).to_vec())
            .transport_config(quic())
            .hooks(Hook { door })
            .clear_ip_transports()
            .bind_addr(address)
            .map_err(|error| refused(error.to_string()))?;
        let endpoint = builder.bind().await.map_err(|error| refused(format!("{error:#}")))?;
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        tokio::spawn(accept_all(endpoint.clone(), sender));
        Ok(Self { endpoint, accepted: Mutex::new(accepted) })
    }

    /// Waits until the addresses of this machine are known, at most two seconds.
    pub async fn settled(&self) {
        let known = async {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            while self.endpoint.addr().is_empty() {
                tick.tick().await;
            }
        };
        drop(timeout(Duration::from_millis(ADDRESSES_MS_MAX), known).await);
    }
}

/// A UDP port of this machine that is free now.
pub fn free_address() -> Result<SocketAddr, BindError> {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let refused = |error: std::io::Error| BindError::Refused { address: any, detail: error.to_string() };
    UdpSocket::bind(any).and_then(|socket| socket.local_addr()).map_err(refused)
}

/// Tells whether an address can be bound now.
pub fn probe(address: SocketAddr) -> Result<(), BindError> {
    match UdpSocket::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(BindError::Taken { address }),
        Err(error) => Err(BindError::Refused { address, detail: error.to_string() }),
    }
}

fn quic() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_MS_MAX).into()))
        .keep_alive_interval(Duration::from_millis(KEEP_ALIVE_MS))
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .build()
}

/// Asks the door about every device that comes in.
#[derive(Debug)]
struct Hook {
    door: Arc<dyn Door>,
}

impl EndpointHooks for Hook {
    async fn after_handshake(&self, connection: &QuicConnection) -> AfterHandshakeOutcome {
        if connection.side() == Side::Client {
            return AfterHandshakeOutcome::Accept;
        }
        let device = DeviceId(*connection.remote_id().as_bytes());
        let protocol = Protocol::of_alpn(connection.alpn());
        let admitted = protocol.map_or(Err("protocol"), |protocol| self.door.admit(device, protocol));
        match admitted {
            Ok(()) => AfterHandshakeOutcome::Accept,
            Err(reason) => AfterHandshakeOutcome::Reject { error_code: CLOSE_CODE, reason: reason.into() },
        }
    }
}

/// Takes what comes in; each handshake has its own task and its own time.
async fn accept_all(endpoint: Endpoint, accepted: mpsc::Sender<Connection>) {
    while let Some(incoming) = endpoint.accept().await {
        // The queue bounds the handshakes too: a place in it is taken before the first one.
        let Ok(place) = accepted.clone().try_reserve_owned() else {
            if accepted.is_closed() {
                return;
            }
            incoming.refuse();
            continue;
        };
        tokio::spawn(async move {
            let opening = async {
                let connection = incoming.await.ok()?;
                let protocol = Protocol::of_alpn(connection.alpn())?;
                let (send, receive) = connection.accept_bi().await.ok()?;
                Some(opened(connection, protocol, send, receive))
            };
            if let Ok(Some(connection)) = timeout(Duration::from_millis(OPEN_MS_MAX), opening).await {
                place.send(connection);
            }
        });
    }
}

fn opened(
    connection: QuicConnection,
    protocol: Protocol,
    send: iroh::endpoint::SendStream,
    receive: iroh::endpoint::RecvStream,
) -> Connection {
    let peer = DeviceId(*connection.remote_id().as_bytes());
    let path = Arc::new(QuicPath { connection });
    Connection { peer, protocol, send: Box::new(send), receive: Box::new(receive), path }
}

/// The way of a QUIC connection.
struct QuicPath {
    connection: QuicConnection,
}

impl Path for QuicPath {
    fn round_trip(&self) -> Option<Duration> {
        self.connection.paths().iter().find(|path| path.is_selected()).map(|path| path.rtt())
    }

    fn address(&self) -> Option<SocketAddr> {
        let paths = self.connection.paths();
        let selected = paths.iter().find(|path| path.is_selected())?;
        match selected.remote_addr() {
            TransportAddr::Ip(address) => Some(*address),
            _not_an_ip_address => None,
        }
    }

    fn close(&self, reason: &str) {
        self.connection.close(CLOSE_CODE, reason.as_bytes());
    }

    fn closed(&self) -> Pin<Box<dyn Future<Output = ClosedByPeer> + Send + '_>> {
        Box::pin(async { reason_of(&self.connection.closed().await) })
    }
}

/// The reason of a close by the peer's program.
fn reason_of(error: &ConnectionError) -> ClosedByPeer {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(String::from_utf8_lossy(&close.reason).into_owned()),
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => None,
    }
}

impl Transport for QuicTransport {
    async fn dial(&self, remote: &Remote, protocol: Protocol) -> Result<Connection, DialError> {
        let device = remote.device;
        if remote.addresses.is_empty() {
            return Err(DialError::NoAddress { device });
        }
        let unreachable = |detail: String| DialError::Unreachable { device, detail };
        let id = EndpointId::from_bytes(&device.0).map_err(|error| unreachable(error.to_string()))?;
        let address = EndpointAddr::from_parts(id, remote.addresses.iter().copied().map(TransportAddr::Ip));
        let opening = async {
            let connecting = self.endpoint.connect(address, protocol.alpn()).await;
            let connection = connecting.map_err(|error| unreachable(format!("{error:#}")))?;
            let stream = connection.open_bi().await;
            let (send, receive) = stream.map_err(|error| match reason_of(&error) {
                Some(reason) => DialError::Refused { device, reason },
                None => unreachable(error.to_string()),
            })?;
            Ok(opened(connection, protocol, send, receive))
        };
        let in_time = timeout(Duration::from_millis(DIAL_MS_MAX), opening).await;
        in_time.unwrap_or_else(|_| Err(unreachable(format!("no answer within {DIAL_MS_MAX} ms"))))
    }

    async fn accept(&self) -> Option<Connection> {
        self.accepted.lock().await.recv().await
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let bound = self.endpoint.bound_sockets();
        let Some(own) = bound.first().copied() else { return Vec::new() };
        if !own.ip().is_unspecified() {
            return vec![own];
        }
        let mut addresses: Vec<SocketAddr> = self.endpoint.addr().ip_addrs().copied().collect();
        // A node on the same machine reaches us with every cable out.
        let loopback = SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), own.port()));
        if !addresses.contains(&loopback) {
            addresses.push(loopback);
        }
        addresses
    }

    async fn close(&self) {
        self.endpoint.close().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Lets one device in, if any.
    #[derive(Debug)]
    struct Only(Option<DeviceId>);

    impl Door for Only {
        fn admit(&self, device: DeviceId, _: Protocol) -> Result<(), &'static str> {
            if self.0 == Some(device) { Ok(()) } else { Err("not_admitted") }
        }
    }

    fn loopback() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    fn device(key: &SigningKey) -> DeviceId {
        DeviceId(key.verifying_key().to_bytes())
    }

    async fn pair(admitted: bool) -> (QuicTransport, QuicTransport, Remote) {
        let (ours, theirs) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let door = Only(admitted.then(|| device(&ours)));
        let host = QuicTransport::bind(&theirs, loopback(), Arc::new(door)).await.unwrap();
        let guest = QuicTransport::bind(&ours, loopback(), Arc::new(Only(None))).await.unwrap();
        let remote = Remote { device: device(&theirs), addresses: host.addresses() };
        (guest, host, remote)
    }

    #[tokio::test]
    async fn a_member_gets_a_stream_in_both_directions() {
        let (guest, host, remote) = pair(true).await;
        let mut dialled = guest.dial(&remote, Protocol::Sync).await.unwrap();
        dialled.send.write_all(b"hello").await.unwrap();
        let mut accepted = host.accept().await.unwrap();
        assert_eq!(
            (accepted.peer, accepted.protocol),
            (DeviceId(guest.endpoint.id().as_bytes().to_owned()), Protocol::Sync)
        );
        let mut heard = [0; 5];
        accepted.receive.read_exact(&mut heard).await.unwrap();
        accepted.send.write_all(&heard).await.unwrap();
        dialled.receive.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        assert!(dialled.path.round_trip().is_some());
        assert_eq!(dialled.path.address(), Some(remote.addresses[0]));
        accepted.path.close("paused");
        assert_eq!(dialled.path.closed().await.as_deref(), Some("paused"));
    }

    #[tokio::test]
    async fn a_stranger_gets_no_stream() {
        let (guest, host, remote) = pair(false).await;
        match guest.dial(&remote, Protocol::Sync).await {
            Ok(dialled) => assert_eq!(dialled.path.closed().await.as_deref(), Some("not_admitted")),
            Err(error) => assert!(matches!(error, DialError::Refused { .. }), "{error}"),
        }
        host.close().await;
        assert!(host.accept().await.is_none());
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let (_guest, host, remote) = pair(true).await;
        let key = SigningKey::from_bytes(&[3; 32]);
        let again = QuicTransport::bind(&key, remote.addresses[0], Arc::new(Only(None)));
        let error = again.await.unwrap_err();
        assert!(matches!(error, BindError::Taken { address } if address == remote.addresses[0]), "{error}");
        host.close().await;
    }

    #[tokio::test]
    async fn another_key_at_the_address_is_not_the_peer() {
        let (guest, _host, remote) = pair(true).await;
        let other = Remote { device: device(&SigningKey::from_bytes(&[9; 32])), ..remote.clone() };
        assert!(matches!(guest.dial(&other, Protocol::Sync).await, Err(DialError::Unreachable { .. })));
        let nowhere = Remote { addresses: Vec::new(), ..remote };
        assert!(matches!(guest.dial(&nowhere, Protocol::Sync).await, Err(DialError::NoAddress { .. })));
    }
}
