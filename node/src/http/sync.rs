//! The exchange with other nodes over HTTP: status, pause, and waiting.
//!
//! Invariant: a wait is bounded. Proved by `a_wait_is_one_second_to_an_hour`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Posted, read};
use crate::app::App;
use crate::app::sync::{SyncPeerView, SyncView, WAIT_SECONDS, WAIT_SECONDS_MAX, Wait, Waited, WaitedPeer};
use crate::link::directory::Exchange;
use crate::link::state::{Announced, Waiting};

/// The exchange with all peers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncBody {
    /// Whether this node exchanges nothing for now.
    paused: bool,
    /// Each linked peer.
    peers: Vec<SyncPeerBody>,
}

/// The exchange with one peer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncPeerBody {
    /// Its short name.
    node: String,
    /// Its site.
    site: String,
    /// `connected` or `offline`.
    state: &'static str,
    /// Why: a stable code.
    reason: &'static str,
    /// Whether everything that it announced is held here.
    complete: bool,
    /// What it does not have yet.
    waiting_out: WaitingBody,
    /// What it announced and is not held here.
    waiting_in: WaitingBody,
    /// RFC 3339; null where they never met.
    last_exchange: Option<String>,
    /// A packet there and back, in milliseconds.
    rtt_ms: Option<f64>,
    /// Since the stream was opened.
    bytes_sent: u64,
    /// Since the stream was opened.
    bytes_received: u64,
    /// Logs that the two hold differently.
    forks: u64,
    /// Where it is, or is dialled.
    address: Option<String>,
}

/// Commits and bytes on their way.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingBody {
    /// Commits.
    commits: u64,
    /// Bytes.
    bytes: u64,
}

impl From<Waiting> for WaitingBody {
    fn from(waiting: Waiting) -> Self {
        Self { commits: waiting.commits, bytes: waiting.bytes }
    }
}

impl From<SyncPeerView> for SyncPeerBody {
    fn from(peer: SyncPeerView) -> Self {
        let link = peer.link;
        Self {
            node: peer.node,
            site: peer.site.to_string(),
            state: if link.is_open() { "connected" } else { "offline" },
            reason: link.reason.code(),
            complete: link.announced == Announced::Held,
            waiting_out: link.waiting_out.into(),
            waiting_in: link.waiting_in.into(),
            last_exchange: peer.last_exchange.map(|at| at.rfc3339()),
            rtt_ms: link.round_trip.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3),
            bytes_sent: link.bytes_sent,
            bytes_received: link.bytes_received,
            forks: link.forks,
            address: peer.address.map(|address| address.to_string()),
        }
    }
}

impl From<SyncView> for SyncBody {
    fn from(view: SyncView) -> Self {
        let peers = view.peers.into_iter().map(SyncPeerBody::from).collect();
        Self { paused: view.exchange == Exchange::Paused, peers }
    }
}

/// What to exchange now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncNowBody {
    /// One peer alone: digits of its name, or its site's code.
    #[serde(default)]
    peer: Option<String>,
    /// Whether to wait until all is everywhere.
    #[serde(default)]
    wait: bool,
    /// How long to wait at most; 600 where it is left out.
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

/// How it ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncedBody {
    /// `started`, `complete`, `not_reached` or `timed_out`.
    outcome: &'static str,
    /// Each peer that was waited for.
    peers: Vec<SyncedPeerBody>,
}

/// How it ended with one peer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncedPeerBody {
    /// Its short name.
    node: String,
    /// Its site.
    site: String,
    /// As of all.
    outcome: &'static str,
    /// Why: a stable code.
    reason: &'static str,
}

impl From<WaitedPeer> for SyncedPeerBody {
    fn from(peer: WaitedPeer) -> Self {
        let (outcome, reason) = (word(peer.waited), peer.reason.code());
        Self { node: peer.node, site: peer.site.to_string(), outcome, reason }
    }
}

fn word(waited: Waited) -> &'static str {
    match waited {
        Waited::Started => "started",
        Waited::Complete => "complete",
        Waited::NotReached => "not_reached",
        Waited::TimedOut => "timed_out",
    }
}

impl SyncNowBody {
    fn wait(&self) -> Result<Wait, Problem> {
        let mut errors = Errors::default();
        let seconds = self.timeout_seconds.unwrap_or(WAIT_SECONDS);
        if !(1..=WAIT_SECONDS_MAX).contains(&seconds) {
            let remedy = format!("Give 1 to {WAIT_SECONDS_MAX} seconds.");
            errors.add(At::Field("timeout_seconds"), format!("{seconds} seconds"), remedy);
        }
        let wait = if self.wait { Wait::AtMost(Duration::from_secs(seconds)) } else { Wait::No };
        errors.finish(wait)
    }
}

/// Nothing to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncSwitchBody {}

/// Shows the exchange with each peer.
#[utoipa::path(get, path = "/api/v1/sync", tag = "sync", responses(
    (status = 200, description = "Done.", body = SyncBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_sync(State(app): State<App>) -> Result<Json<SyncBody>, Problem> {
    Ok(Json(read(move || app.sync_status()).await?.into()))
}

/// Dials every peer now and, if wanted, waits until all that is held is everywhere and back.
#[utoipa::path(post, path = "/api/v1/sync/now", tag = "sync", request_body = SyncNowBody, responses(
    (status = 200, description = "Done.", body = SyncedBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn sync_now(State(app): State<App>, posted: Posted<SyncNowBody>) -> Result<Json<SyncedBody>, Problem> {
    let wait = posted.body.wait()?;
    let (waited, peers) = app.sync_now(posted.body.peer.as_deref(), wait).await?;
    Ok(Json(SyncedBody { outcome: word(waited), peers: peers.into_iter().map(SyncedPeerBody::from).collect() }))
}

/// Stops every exchange until it is resumed, also over a restart.
#[utoipa::path(post, path = "/api/v1/sync/pause", tag = "sync", request_body = SyncSwitchBody, responses(
    (status = 200, description = "Done.", body = SyncBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn pause_sync(State(app): State<App>, _posted: Posted<SyncSwitchBody>) -> Result<Json<SyncBody>, Problem> {
    app.pause_sync().await?;
    show_sync(State(app)).await
}

/// Exchanges again.
#[utoipa::path(post, path = "/api/v1/sync/resume", tag = "sync", request_body = SyncSwitchBody, responses(
    (status = 200, description = "Done.", body = SyncBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn resume_sync(State(app): State<App>, _posted: Posted<SyncSwitchBody>) -> Result<Json<SyncBody>, Problem> {
    app.resume_sync().await?;
    show_sync(State(app)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::world::World;

    #[test]
    fn a_wait_is_one_second_to_an_hour() {
        let fits = |seconds| SyncNowBody { peer: None, wait: true, timeout_seconds: Some(seconds) }.wait().is_ok();
        assert_eq!([0, 1, WAIT_SECONDS_MAX, WAIT_SECONDS_MAX + 1].map(fits), [false, true, true, false]);
    }

    #[tokio::test]
    async fn a_pause_is_shown_and_refuses_a_wait() {
        let world = World::new();
        let paused = async || world.get("/api/v1/sync").await.json()["paused"].clone();
        assert_eq!(paused().await, false);
        assert_eq!(world.post("/api/v1/sync/pause", "{}").await.json()["paused"], true);
        assert_eq!(paused().await, true);
        let refused = world.post("/api/v1/sync/now", r#"{"wait": true}"#).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "sync_paused"));
        assert_eq!(world.post("/api/v1/sync/resume", "{}").await.json()["paused"], false);
        assert_eq!(world.post("/api/v1/sync/now", "{}").await.code(), "not_serving");
    }
}
