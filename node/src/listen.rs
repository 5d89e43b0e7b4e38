//! The UDP address for other nodes: chosen once, kept, and used again at every start.
//!
//! Invariant: a taken port is an error that names it; no other is taken in its place. Proved by
//! `a_kept_port_that_is_taken_is_named`.

use std::net::SocketAddr;
use std::sync::Arc;

use ed25519_dalek::SigningKey;

use crate::app::App;
use crate::app::error::AppError;
use crate::error::NodeError;
use crate::folder::Folder;
use crate::link::rows::{LOCAL_SYNC_LISTEN, decode_listen, encode_listen};
use crate::link::{Links, Shared};
use crate::replica::{LocalChange, LocalTable};
use crate::store::{ReadTables, Store, Table};
use crate::transport::quic::{QuicTransport, free_address, probe};
use crate::transport::{BindError, Transport};

/// The address to keep: the one that is wanted, which must be free, or any free one.
pub(crate) fn choose(wanted: Option<SocketAddr>) -> Result<SocketAddr, NodeError> {
    match wanted {
        Some(address) if address.port() != 0 => probe(address).map(|()| address).map_err(bind_error),
        Some(SocketAddr::V4(_) | SocketAddr::V6(_)) | None => {
            let free = free_address().map_err(bind_error)?;
            Ok(wanted.map_or(free, |address| SocketAddr::new(address.ip(), free.port())))
        }
    }
}

/// The address that a store keeps.
pub(crate) fn kept(store: &Store) -> Result<Option<SocketAddr>, NodeError> {
    let row = store.read()?.with(Table::Local, LOCAL_SYNC_LISTEN, decode_listen)?;
    row.transpose().map_err(|error| NodeError::Write(format!("the sync address is damaged: {error}")))
}

/// The row that keeps it.
pub(crate) fn listen_row(address: SocketAddr) -> (&'static [u8], Vec<u8>) {
    (LOCAL_SYNC_LISTEN, encode_listen(&address))
}

/// The address to serve at: the wanted one, kept from now on; else the kept one; else a new one.
pub(crate) async fn settle(app: &App, wanted: Option<SocketAddr>) -> Result<SocketAddr, NodeError> {
    let known = app.sync_listen().map_err(app_error)?;
    let address = match (wanted, known) {
        (None, Some(kept)) => return Ok(kept),
        (Some(wanted), _) => choose(Some(wanted))?,
        (None, None) => choose(None)?,
    };
    let (key, value) = listen_row(address);
    let put = LocalChange::Put { table: LocalTable::Local, key: key.to_vec(), value };
    app.keep_rows(vec![put]).await.map_err(app_error)?;
    Ok(address)
}

/// Binds the address and starts the links.
pub(crate) async fn start_links(app: &App, key: &SigningKey, address: SocketAddr) -> Result<(), NodeError> {
    let shared = Shared::new(app).map_err(app_error)?;
    let transport = QuicTransport::bind(key, address, Arc::clone(&shared) as Arc<_>).await.map_err(bind_error)?;
    transport.settled().await;
    app.set_links(Links::start(app, shared, Arc::new(transport)));
    Ok(())
}

/// Where a node that does not run would be reached: its address is bound for a moment.
pub(crate) async fn addresses(app: &App) -> Result<Vec<SocketAddr>, NodeError> {
    let key = Folder::new(&app.facts().data).key("device.key")?;
    let address = settle(app, None).await?;
    let door = Shared::new(app).map_err(app_error)?;
    let transport = QuicTransport::bind(&key, address, door).await.map_err(bind_error)?;
    transport.settled().await;
    let addresses = transport.addresses();
    transport.close().await;
    Ok(addresses)
}

/// A port that is not to be had, with its remedy.
pub(crate) fn bind_error(error: BindError) -> NodeError {
    match error {
        BindError::Taken { address } => NodeError::SyncPortTaken { address },
        BindError::Refused { address, detail } => NodeError::BadRequest {
            field: "sync-listen",
            detail: format!("cannot listen on {address}: {detail}"),
            remedy: "Give an address of this machine, such as 0.0.0.0:4433.",
        },
    }
}

fn app_error(error: AppError) -> NodeError {
    NodeError::Write(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_kept_port_that_is_taken_is_named() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let error = choose(Some(address)).unwrap_err();
        assert_eq!(error.code(), "sync_port_taken");
        assert!(error.to_string().contains(&address.port().to_string()), "{error}");
        drop(other);
        assert_eq!(choose(Some(address)).unwrap(), address);
    }

    #[test]
    fn a_port_is_chosen_where_none_is_wanted() {
        assert_ne!(choose(None).unwrap().port(), 0);
        let loopback = choose(Some("127.0.0.1:0".parse().unwrap())).unwrap();
        assert!(loopback.ip().is_loopback() && loopback.port() != 0);
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        assert_eq!(choose(Some("192.0.2.1:4433".parse().unwrap())).unwrap_err().code(), "bad_request");
    }
}
