//! Socket addresses as sync tells them and as the transport uses them.
//!
//! Sync names no network type; this is the bridge, and nothing else.
//!
//! Invariant: there and back is the identity, but for an IPv6 scope and flow. Proved by `an_address_comes_back_the_same`.

use std::net::SocketAddr;

use crate::sync::PeerAddress;

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::V4(address.ip().octets(), address.port()),
            SocketAddr::V6(address) => Self::V6(address.ip().octets(), address.port()),
        }
    }
}

impl From<PeerAddress> for SocketAddr {
    fn from(address: PeerAddress) -> Self {
        match address {
            PeerAddress::V4(octets, port) => Self::from((octets, port)),
            PeerAddress::V6(octets, port) => Self::from((octets, port)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_comes_back_the_same() {
        for text in ["10.0.0.7:4711", "[2001:db8::1]:9"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddr::from(PeerAddress::from(address)), address);
        }
    }
}
