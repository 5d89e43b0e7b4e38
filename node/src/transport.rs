//! Connections between devices: who is reached how, and one ordered stream of bytes in both directions.
//!
//! `quic` is the real one (over iroh), `memory` its twin in one process for tests, `ticket` the text that invites a device. What
//! flows on a stream is not known here.
//!
//! Invariants: the device id of a connection is proved by its handshake; whom the [`Door`] does not let in gets no stream.
//! Proved by `a_stranger_gets_no_stream` and `a_refused_device_gets_no_stream_in_memory`.

pub mod memory;
pub mod quic;
pub mod ticket;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crdt_model::id::DeviceId;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a dial may take until its stream is open, in milliseconds.
pub const DIAL_MS_MAX: u64 = 4_000;
/// How long an accepted device may take to open its stream, in milliseconds.
pub const OPEN_MS_MAX: u64 = 10_000;
/// Accepted connections that may wait to be taken.
pub const ACCEPTED_MAX: usize = 16;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Two members exchange commits.
    Sync,
    /// An invited device asks to be admitted.
    Join,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sync, Self::Join];

    /// Its name in the handshake.
    pub fn alpn(self) -> &'static [u8] {
        match self {
            Self::Sync => b"tradepost/sync/1",
            Self::Join => b"tradepost/join/1",
        }
    }

    /// The protocol of a name.
    pub fn of_alpn(alpn: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.alpn() == alpn)
    }
}

/// A device and where it may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its key: what answers with another one is not it.
    pub device: DeviceId,
    /// Addresses that are tried together.
    pub addresses: Vec<SocketAddr>,
}

/// An open connection: one stream in both directions.
pub struct Connection {
    /// Who is at the other end.
    pub peer: DeviceId,
    /// What it is for.
    pub protocol: Protocol,
    /// What we say.
    pub send: Box<dyn AsyncWrite + Send + Unpin>,
    /// What the peer says.
    pub receive: Box<dyn AsyncRead + Send + Unpin>,
    /// The way between.
    pub path: Arc<dyn Path>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("peer", &self.peer).field("protocol", &self.protocol).finish()
    }
}

/// The reason that the peer gave when it closed; none where the way broke or this side closed.
pub type ClosedByPeer = Option<String>;

/// The way to a peer, as long as the connection lives.
pub trait Path: Send + Sync {
    /// Time of a packet there and back.
    fn round_trip(&self) -> Option<Duration>;
    /// Where the peer is now.
    fn address(&self) -> Option<SocketAddr>;
    /// Ends the connection at once; `reason` is a stable code that the peer is told.
    fn close(&self, reason: &str);
    /// Waits for the end.
    fn closed(&self) -> Pin<Box<dyn Future<Output = ClosedByPeer> + Send + '_>>;
}

/// Says who may come in; asked in the handshake, before a stream is open.
pub trait Door: fmt::Debug + Send + Sync {
    /// Lets a device in, or gives the stable code that it is told.
    fn admit(&self, device: DeviceId, protocol: Protocol) -> Result<(), &'static str>;
}

/// Why a peer was not reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialError {
    /// No address is known.
    #[error("no address of device {device} is known")]
    NoAddress {
        /// Whose.
        device: DeviceId,
    },
    /// Nobody with this key answered.
    #[error("device {device} does not answer: {detail}")]
    Unreachable {
        /// Who.
        device: DeviceId,
        /// What the network said.
        detail: String,
    },
    /// It answered and does not want us.
    #[error("device {device} refuses: {reason}")]
    Refused {
        /// Who.
        device: DeviceId,
        /// Its stable code.
        reason: String,
    },
}

/// Why this node cannot be reached.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("UDP port {} is taken", address.port())]
    Taken {
        /// Where it was tried.
        address: SocketAddr,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}: {detail}")]
    Refused {
        /// Where it was tried.
        address: SocketAddr,
        /// What the system said.
        detail: String,
    },
}

/// A place where connections begin and arrive.
pub trait Transport: Send + Sync + 'static {
    /// Opens a connection to a device.
    fn dial(&self, remote: &Remote, protocol: Protocol) -> impl Future<Output = Result<Connection, DialError>> + Send;
    /// The next connection that came in; none once closed.
    fn accept(&self) -> impl Future<Output = Option<Connection>> + Send;
    /// Where others may reach this node.
    fn addresses(&self) -> Vec<SocketAddr>;
    /// Ends all connections.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_known_by_its_name() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::of_alpn(protocol.alpn()), Some(protocol));
        }
        assert_eq!(Protocol::of_alpn(b"tradepost/sync/2"), None);
    }
}
