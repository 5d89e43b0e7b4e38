//! The world of the link tests: real nodes in folders of their own, over loopback or in memory.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crdt_model::control::event::SiteKind;
use crdt_model::id::DeviceId;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::app::App;
use crate::app::model::{NewChannel, Request};
use crate::app::peers::{InviteView, NewInvite};
use crate::folder::Folder;
use crate::init::{InitRequest, init};
use crate::join::{JoinReport, JoinRequest, join};
use crate::link::reason::Reason;
use crate::link::{Links, Shared};
use crate::listen::{settle, start_links};
use crate::run::open_app;
use crate::sync::{Head, Log};
use crate::transport::memory::Network;
use crate::{NodeError, clock};

/// The longest time that anything here may take.
pub const LONG: Duration = Duration::from_secs(30);

/// Folders of one organisation.
pub struct Place {
    root: TempDir,
}

impl Place {
    /// With an initialised head office.
    pub fn new() -> Self {
        let place = Self { root: tempfile::tempdir().unwrap() };
        let request = InitRequest {
            data: place.folder("HQ"),
            org: "Demo".into(),
            site: "HQ".into(),
            kind: "head-office".into(),
            currency: "GBP".into(),
            zone: "Europe/London".into(),
            territory: "MAIN".into(),
            sync_listen: Some(loopback()),
        };
        init(&request).unwrap();
        place
    }

    /// The folder of a node.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The device of a folder.
    pub fn device(&self, name: &str) -> DeviceId {
        DeviceId(Folder::new(&self.folder(name)).key("device.key").unwrap().verifying_key().to_bytes())
    }

    /// Opens a node without links.
    pub fn open(&self, name: &str) -> Node {
        let folder = self.folder(name);
        Node { app: open_app(&Folder::new(&folder)).unwrap(), folder }
    }

    /// Serves a node over loopback.
    pub async fn serve(&self, name: &str) -> Node {
        let node = self.open(name);
        let address = settle(&node.app, None).await.unwrap();
        start_links(&node.app, &node.key("device.key"), address).await.unwrap();
        node
    }

    /// Serves a node in memory.
    pub fn serve_in(&self, network: &Network, name: &str) -> Node {
        let node = self.open(name);
        let shared = Shared::new(&node.app).unwrap();
        let transport = network.join(node.device(), Arc::clone(&shared) as Arc<_>);
        node.app.set_links(Links::start(&node.app, shared, Arc::new(transport)));
        node
    }

    /// Lets a folder join by a ticket.
    pub async fn join(&self, name: &str, ticket: &str) -> Result<JoinReport, NodeError> {
        let (data, ticket) = (self.folder(name), ticket.to_owned());
        let request = JoinRequest { data, ticket, sync_listen: Some(loopback()) };
        tokio::task::spawn_blocking(move || join(&request)).await.unwrap()
    }

    /// A head office and a member of SH01, both stopped.
    pub async fn with_store() -> Self {
        let place = Self::new();
        let head_office = place.serve("HQ").await;
        let ticket = head_office.invite("SH01").await.ticket;
        place.join("S1", &ticket).await.unwrap();
        head_office.stop().await;
        place
    }
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A node that runs.
pub struct Node {
    pub app: App,
    folder: PathBuf,
}

impl Node {
    pub fn key(&self, name: &str) -> ed25519_dalek::SigningKey {
        Folder::new(&self.folder).key(name).unwrap()
    }

    pub fn device(&self) -> DeviceId {
        DeviceId(self.key("device.key").verifying_key().to_bytes())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub async fn try_invite(&self, site: &str) -> Result<InviteView, crate::app::error::AppError> {
        let site = SiteCode::new(site).unwrap();
        let kind = if site.as_str() == "WH01" { SiteKind::Warehouse } else { SiteKind::Store };
        let (kind, zone) = (Some(kind), Some(chrono_tz::Europe::London));
        self.app.invite(NewInvite { site, kind, zone, territory: None, hours: 1 }).await
    }

    pub async fn invite(&self, site: &str) -> InviteView {
        self.try_invite(site).await.unwrap()
    }

    /// Writes one commit: a channel at head office.
    pub async fn write(&self, name: &str) {
        let (home, zone) = (SiteCode::new("HQ").unwrap(), chrono_tz::Europe::London);
        let channel = NewChannel { name: Text::new(name).unwrap(), home, zone };
        self.app.create_channel(Request::default(), channel).await.unwrap();
    }

    /// The heads of `control`.
    pub fn control(&self) -> Vec<Head> {
        self.app.snapshot().unwrap().frontier(&Scope::Control).unwrap()
    }

    /// Why its link with a node is as it is.
    pub fn reason(&self, peer: &Node) -> Option<Reason> {
        self.app.link_states().get(&peer.device()).map(|state| state.reason)
    }

    /// Waits until its link with a node has a reason.
    pub async fn until(&self, peer: &Node, wanted: Reason) {
        self.until_true(&format!("{} sees {wanted:?}", self.folder.display()), || self.reason(peer) == Some(wanted))
            .await;
    }

    /// Waits until its log of `control` is that of a node.
    pub async fn until_equal(&self, peer: &Node) {
        let mut news = self.app.news();
        let waiting = async {
            while self.control() != peer.control() {
                news.changed().await.unwrap();
            }
        };
        timeout(LONG, waiting).await.unwrap();
    }

    /// Waits until something that it holds is true.
    pub async fn until_it_shows(&self, what: &str, holds: impl Fn(&App) -> bool) {
        let mut news = self.app.news();
        let waiting = async {
            while !holds(&self.app) {
                news.changed().await.unwrap();
            }
        };
        timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("{}: {what}", self.folder.display()));
    }

    /// Waits until something about its links is true.
    pub async fn until_true(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let mut changes = self.app.links().unwrap().changes();
        let waiting = async {
            while !holds() {
                changes.changed().await.unwrap();
            }
        };
        let since = clock::monotonic();
        timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("not within {:?}: {what}", since.elapsed()));
    }

    /// Stops it as Ctrl-C does.
    pub async fn stop(self) {
        self.app.stop_links().await;
        self.app.stop();
        timeout(LONG, tokio::task::spawn_blocking(move || drop(self))).await.unwrap().unwrap();
    }
}
