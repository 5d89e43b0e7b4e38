//! The exchange with peers as a person sees it: status, pause, and waiting until all is everywhere.
//!
//! Invariants: a pause is durable before it is answered; a wait is about what was held when it began. Proved by
//! `a_pause_cuts_both_directions_and_survives_a_restart`, `a_wait_ends_when_the_peer_has_all_of_the_call` and
//! `a_wait_ends_when_all_that_the_peer_held_is_here`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crdt_model::control::event::Member;
use crdt_model::control::grants::shares;
use crdt_model::id::DeviceId;
use crdt_model::scope::SiteCode;
use crdt_model::time::EventTime;
use tokio::time::timeout;

use super::error::AppError;
use super::peers::short_name;
use super::{App, storage};
use crate::clock;
use crate::link::Links;
use crate::link::directory::{Directory, Exchange};
use crate::link::reason::Reason;
use crate::link::rows::{Acked, LOCAL_SYNC_LISTEN, LOCAL_SYNC_PAUSED, decode_listen};
use crate::link::state::{Announced, LinkState, Waiting};
use crate::listen;
use crate::replica::{LocalChange, LocalTable};
use crate::store::{ReadTables, Snapshot, Table};
use crate::sync::{Log, LogError};

/// How long a wait may be, in seconds, unless the caller says otherwise.
pub const WAIT_SECONDS: u64 = 600;
/// The longest wait, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 3_600;
/// How long a peer may take to be connected before it counts as not reached, in milliseconds.
const REACH_MS_MAX: u64 = 15_000;

/// The exchange with all peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncView {
    /// Whether this node exchanges anything.
    pub exchange: Exchange,
    /// Each linked peer.
    pub peers: Vec<SyncPeerView>,
}

/// The exchange with one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPeerView {
    /// Its short name.
    pub node: String,
    /// Its site.
    pub site: SiteCode,
    /// Its link; what waits is counted for a broken one too.
    pub link: LinkState,
    /// The last exchange, of this run or an earlier one.
    pub last_exchange: Option<EventTime>,
    /// Where it is, or is dialled.
    pub address: Option<SocketAddr>,
}

/// How a wait for an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Nobody waited.
    Started,
    /// Each peer has all of this node's, and this node all of theirs.
    Complete,
    /// Some peer was not reached.
    NotReached,
    /// The time is over.
    TimedOut,
}

/// One peer at the end of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitedPeer {
    /// Its short name.
    pub node: String,
    /// Its site.
    pub site: SiteCode,
    /// How far it is.
    pub waited: Waited,
    /// Why.
    pub reason: Reason,
}

/// Whether to wait for an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Only dial.
    No,
    /// Wait at most so long.
    AtMost(Duration),
}

impl App {
    /// The exchange with each linked peer.
    pub fn sync_status(&self) -> Result<SyncView, AppError> {
        let (directory, snapshot) = (self.directory()?, self.snapshot()?);
        let links = self.link_states();
        let mut peers = Vec::new();
        for (member, _) in directory.linked() {
            let row = directory.peers.get(&member.device).cloned().unwrap_or_default();
            let known = links.get(&member.device).cloned();
            let mut link = known.unwrap_or_else(|| LinkState::broken(idle_reason(&directory, &member.device)));
            if !link.is_open() {
                let acked = if link.acked.is_empty() { &row.acked } else { &link.acked };
                link.waiting_out = waiting_out(&snapshot, &directory, member, acked)?;
                link.waiting_in = Waiting::default();
            }
            let last = link.last_exchange.max(row.last_exchange);
            peers.push(SyncPeerView {
                node: short_name(&member.author),
                site: member.site.clone(),
                last_exchange: last.map(|at| clock::moment(at, self.facts().zone)),
                address: link.address.or_else(|| row.all_addresses().first().copied()),
                link,
            });
        }
        peers.sort_by(|one, other| (&one.site, &one.node).cmp(&(&other.site, &other.node)));
        Ok(SyncView { exchange: directory.exchange, peers })
    }

    /// Stops every exchange, durably, until it is resumed.
    pub async fn pause_sync(&self) -> Result<(), AppError> {
        let (table, key) = (LocalTable::Local, LOCAL_SYNC_PAUSED.to_vec());
        self.keep_rows(vec![LocalChange::Put { table, key, value: vec![1] }]).await?;
        self.refresh_links().await
    }

    /// Exchanges again.
    pub async fn resume_sync(&self) -> Result<(), AppError> {
        let (table, key) = (LocalTable::Local, LOCAL_SYNC_PAUSED.to_vec());
        self.keep_rows(vec![LocalChange::Delete { table, key }]).await?;
        self.refresh_links().await
    }

    /// Dials every peer now; waits, if wanted, until all that is held at this moment is everywhere and back.
    pub async fn sync_now(&self, peer: Option<&str>, wait: Wait) -> Result<(Waited, Vec<WaitedPeer>), AppError> {
        let wanted = peer.map(|name| self.find_peer(name)).transpose()?;
        let directory = self.directory()?;
        if directory.exchange == Exchange::Paused {
            return Err(AppError::Conflict {
                code: "sync_paused",
                detail: "sync is paused at this node".to_owned(),
                remedy: "Resume it first: `tradepost sync resume`.".to_owned(),
            });
        }
        let links = self.links().ok_or_else(|| AppError::Conflict {
            code: "not_serving",
            detail: "the node is not running: nothing is exchanged".to_owned(),
            remedy: "Start it with `tradepost serve`.".to_owned(),
        })?;
        let Wait::AtMost(limit) = wait else {
            links.refresh(self).await?;
            return Ok((Waited::Started, Vec::new()));
        };
        let mut goals = goals(&self.snapshot()?, &directory, wanted.as_ref())?;
        let question = links.ask();
        links.refresh(self).await?;
        let (started, mut changes) = (clock::monotonic(), links.changes());
        loop {
            changes.borrow_and_update();
            let states = links.states();
            goals.iter_mut().for_each(|goal| goal.look(&states, question.number));
            let elapsed = started.elapsed();
            let reaching = Duration::from_millis(REACH_MS_MAX).min(limit);
            let open =
                goals.iter().any(|goal| !goal.is_done && (goal.reason == Reason::Connected || elapsed < reaching));
            if !open || elapsed >= limit {
                return Ok(outcome(&goals));
            }
            // Woken or not, the links are looked at again.
            drop(timeout((limit - elapsed).min(Duration::from_millis(250)), changes.changed()).await);
        }
    }

    /// Every link now; none where the node is not served.
    pub fn link_states(&self) -> BTreeMap<DeviceId, LinkState> {
        self.links().map(Links::states).unwrap_or_default()
    }

    /// Ticks at every change of a link; none where the node is not served.
    pub fn link_changes(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        self.links().map(Links::changes)
    }

    /// Gives the links to the application; once.
    pub(crate) fn set_links(&self, links: Links) {
        self.inner.links.get_or_init(|| links);
    }

    /// Closes every stream to other nodes.
    pub(crate) async fn stop_links(&self) {
        if let Some(links) = self.links() {
            links.stop().await;
        }
    }

    pub(crate) fn links(&self) -> Option<&Links> {
        self.inner.links.get()
    }

    /// Where others reach this node now.
    pub(crate) fn link_addresses(&self) -> Vec<SocketAddr> {
        self.links().map(Links::addresses).unwrap_or_default()
    }

    /// Where others reach this node, also while it is not served.
    pub(crate) async fn sync_addresses(&self) -> Result<Vec<SocketAddr>, AppError> {
        match self.links() {
            Some(links) => Ok(links.addresses()),
            None => listen::addresses(self).await.map_err(|error| AppError::Conflict {
                code: "sync_port_taken",
                detail: error.to_string(),
                remedy: error.remedy().to_owned(),
            }),
        }
    }

    /// The address that is kept for other nodes.
    pub(crate) fn sync_listen(&self) -> Result<Option<SocketAddr>, AppError> {
        let row = self.snapshot()?.with(Table::Local, LOCAL_SYNC_LISTEN, decode_listen).map_err(storage)?;
        row.transpose().map_err(super::read::damaged)
    }

    /// Tells running links that rows of this node changed.
    pub(crate) async fn refresh_links(&self) -> Result<(), AppError> {
        match self.links() {
            Some(links) => links.refresh(self).await,
            None => Ok(()),
        }
    }
}

/// Why a member has no link while none run.
pub(super) fn idle_reason(directory: &Directory, device: &DeviceId) -> Reason {
    match directory.exchange {
        Exchange::Paused => Reason::PausedHere,
        Exchange::Running if directory.is_configured(device) => Reason::Unreachable,
        Exchange::Running => Reason::NoAddress,
    }
}

/// What one peer must have.
struct Goal {
    member: Member,
    heads: Acked,
    reason: Reason,
    is_done: bool,
}

impl Goal {
    fn look(&mut self, states: &BTreeMap<DeviceId, LinkState>, question: u64) {
        let Some(state) = states.get(&self.member.device) else { return };
        self.reason = state.reason;
        let has = |(scope, heads): (_, &BTreeMap<_, u64>)| {
            let acked = state.acked.get(scope);
            heads.iter().all(|(author, seq)| acked.and_then(|acked| acked.get(author)).is_some_and(|got| got >= seq))
        };
        let there = self.heads.iter().all(has);
        let here = state.told >= question && state.announced == Announced::Held;
        self.is_done |= state.is_open() && here && there;
    }
}

/// Every configured peer, or the one that is wanted, with the heads of the scopes that it shares.
fn goals(snapshot: &Snapshot, directory: &Directory, wanted: Option<&Member>) -> Result<Vec<Goal>, AppError> {
    let mut goals = Vec::new();
    for (member, _) in directory.linked() {
        let is_meant = wanted.map_or(directory.is_configured(&member.device), |wanted| wanted.author == member.author);
        if !is_meant {
            continue;
        }
        let mut heads = Acked::new();
        for scope in shared_scopes(snapshot, directory, member)? {
            let of_scope = snapshot.frontier(&scope).map_err(log_error)?;
            heads.insert(scope, of_scope.into_iter().map(|head| (head.author, head.seq)).collect());
        }
        goals.push(Goal { member: member.clone(), heads, reason: Reason::Connecting, is_done: false });
    }
    Ok(goals)
}

fn outcome(goals: &[Goal]) -> (Waited, Vec<WaitedPeer>) {
    let of = |goal: &Goal| match (goal.is_done, goal.reason) {
        (true, _) => Waited::Complete,
        (false, Reason::Connected) => Waited::TimedOut,
        (false, _) => Waited::NotReached,
    };
    let peer = |goal: &Goal| WaitedPeer {
        node: short_name(&goal.member.author),
        site: goal.member.site.clone(),
        waited: of(goal),
        reason: goal.reason,
    };
    let worst = [Waited::TimedOut, Waited::NotReached];
    let all = worst.into_iter().find(|worst| goals.iter().any(|goal| of(goal) == *worst));
    (all.unwrap_or(Waited::Complete), goals.iter().map(peer).collect())
}

fn shared_scopes(
    snapshot: &Snapshot,
    directory: &Directory,
    member: &Member,
) -> Result<Vec<crdt_model::scope::Scope>, AppError> {
    let Some(own) = directory.own_member() else { return Ok(Vec::new()) };
    let scopes = snapshot.scopes().map_err(log_error)?;
    Ok(scopes.into_iter().filter(|scope| shares(&directory.control, &own.site, &member.site, scope)).collect())
}

/// What a peer that is away does not have yet.
fn waiting_out(
    snapshot: &Snapshot,
    directory: &Directory,
    member: &Member,
    acked: &Acked,
) -> Result<Waiting, AppError> {
    let mut waiting = Waiting::default();
    for scope in shared_scopes(snapshot, directory, member)? {
        let have = acked.get(&scope).cloned().unwrap_or_default();
        let totals = snapshot.totals(&scope, &have).map_err(log_error)?;
        waiting.commits += totals.commits;
        waiting.bytes += totals.bytes;
    }
    Ok(waiting)
}

fn log_error(error: LogError) -> AppError {
    AppError::Storage(error.to_string())
}
