//! Keeping links open: one task for each peer that this node dials, one that accepts.
//!
//! Invariants: a broken link is dialled again after a bounded wait; a dialling task ends when the plan no longer wants it.
//! Proved by `two_members_meet_again_after_a_cut` and `a_member_that_is_dialled_nowhere_has_no_address`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crdt_model::id::DeviceId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::directory::Exchange;
use super::plan::Side;
use super::reason::Reason;
use super::{Shared, drive};
use crate::app::App;
use crate::entropy;
use crate::join;
use crate::transport::{Connection, DialError, Protocol, Transport};

/// The shortest time between two looks at the members, in milliseconds: an import must not cost one a batch.
const LOOK_MS_MIN: u64 = 50;
/// How long a failed look waits for the next, in milliseconds.
const LOOK_AGAIN_MS: u64 = 1_000;
/// The shortest time between two looks at the rights of the site, in milliseconds.
const REFILL_MS_MIN: u64 = 500;
/// Joins served at the same time.
const JOINS_MAX: usize = 4;

/// Looks at the members after each change, and dials those that the plan wants.
pub(super) async fn dial_all<T: Transport>(app: App, shared: Arc<Shared>, transport: Arc<T>) {
    let (mut news, mut wakes) = (app.news(), shared.wakes.subscribe());
    let mut dialled: BTreeSet<DeviceId> = BTreeSet::new();
    let mut dialling: JoinSet<DeviceId> = JoinSet::new();
    loop {
        if shared.refresh(&app).await.is_err() {
            sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
            continue;
        }
        while let Some(ended) = dialling.try_join_next() {
            ended.ok().map(|device| dialled.remove(&device));
        }
        let directory = shared.directory();
        for (member, side) in directory.linked() {
            match side {
                Side::Dials if dialled.insert(member.device) => {
                    let device = member.device;
                    let task = keep_dialling(app.clone(), Arc::clone(&shared), Arc::clone(&transport), device);
                    dialling.spawn(async move {
                        task.await;
                        device
                    });
                }
                Side::Awaits if directory.exchange == Exchange::Running => await_peer(&shared, member.device),
                Side::Dials | Side::Awaits | Side::Apart => {}
            }
        }
        if directory.exchange == Exchange::Paused {
            directory
                .linked()
                .iter()
                .for_each(|(member, _)| shared.states.set_broken(member.device, Reason::PausedHere));
        }
        sleep(Duration::from_millis(LOOK_MS_MIN)).await;
        tokio::select! {
            told = news.changed() => if told.is_err() { return },
            _ = wakes.changed() => {}
        }
    }
}

/// Does the keeper's duties whenever something new is held while another node of the own site is connected, or while a
/// fulfilment waits for rights: what others recorded is booked, fulfilments are covered, loans that ran low are filled.
pub(super) async fn keep_rights(app: App, shared: Arc<Shared>) {
    let mut news = app.news();
    let mut changes = shared.states.changes();
    loop {
        if keeper_needed(&app, &shared) && app.refill().await.is_err() {
            // The store said why to whoever wrote; the next news tries again.
            sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
        }
        sleep(Duration::from_millis(REFILL_MS_MIN)).await;
        tokio::select! {
            told = news.changed() => if told.is_err() { return },
            told = changes.changed() => if told.is_err() { return },
        }
    }
}

/// Tills are connected, or a fulfilment waits for rights.
fn keeper_needed(app: &App, shared: &Shared) -> bool {
    tills_connected(app, shared) || app.fulfilments_due().unwrap_or(false)
}

fn tills_connected(app: &App, shared: &Shared) -> bool {
    let (directory, states) = (shared.directory(), shared.states.all());
    let of_own_site = |device: &DeviceId| directory.member(device).is_some_and(|till| till.site == app.facts().site);
    states.iter().any(|(device, state)| state.is_open() && of_own_site(device))
}

/// A peer that dials us and does not now: unreachable, unless it said something better.
fn await_peer(shared: &Shared, device: DeviceId) {
    let known = shared.states.all().get(&device).map(|state| state.reason);
    if matches!(known, None | Some(Reason::PausedHere | Reason::Connecting)) {
        let met = shared.directory().is_configured(&device);
        shared.states.set_broken(device, if met { Reason::Unreachable } else { Reason::NoAddress });
    }
}

/// Dials one peer again and again, as long as the plan wants it.
async fn keep_dialling<T: Transport>(app: App, shared: Arc<Shared>, transport: Arc<T>, device: DeviceId) {
    let (mut backoff, mut wakes) = (Backoff::default(), shared.wakes.subscribe());
    loop {
        let directory = shared.directory();
        let wanted = directory.member(&device).is_some_and(|member| directory.side(member) == Side::Dials);
        if !wanted {
            return;
        }
        if directory.exchange == Exchange::Paused {
            shared.states.set_broken(device, Reason::PausedHere);
            if wakes.changed().await.is_err() {
                return;
            }
            continue;
        }
        let remote = directory.remote(device);
        match transport.dial(&remote, Protocol::Sync).await {
            Ok(connection) => {
                if drive::run(&app, &shared, connection).await == drive::Ended::AfterExchange {
                    backoff.reset();
                }
            }
            Err(error) => shared.states.set_broken(device, reason_of(&error)),
        }
        let random = entropy::bytes::<1>().map_or(0, |[random]| random);
        pause_or_wake(&mut wakes, backoff.next(random)).await;
    }
}

async fn pause_or_wake(wakes: &mut watch::Receiver<u64>, wait: Duration) {
    wakes.borrow_and_update();
    // Woken or not, the next attempt follows.
    drop(timeout(wait, wakes.changed()).await);
}

fn reason_of(error: &DialError) -> Reason {
    match error {
        DialError::NoAddress { .. } => Reason::NoAddress,
        DialError::Unreachable { .. } => Reason::Unreachable,
        DialError::Refused { reason, .. } => Reason::of_peer(reason),
    }
}

/// Takes what comes in; each connection has its own task.
pub(super) async fn accept_all<T: Transport>(app: App, shared: Arc<Shared>, transport: Arc<T>) {
    let mut streams: JoinSet<()> = JoinSet::new();
    let mut joins: JoinSet<()> = JoinSet::new();
    while let Some(connection) = transport.accept().await {
        while streams.try_join_next().is_some() {}
        while joins.try_join_next().is_some() {}
        match connection.protocol {
            Protocol::Sync => {
                let (app, shared) = (app.clone(), Arc::clone(&shared));
                streams.spawn(async move {
                    drive::run(&app, &shared, connection).await;
                });
            }
            Protocol::Join if joins.len() >= JOINS_MAX => connection.path.close("busy"),
            Protocol::Join => {
                joins.spawn(serve_join(app.clone(), Arc::clone(&shared), connection));
            }
        }
    }
}

async fn serve_join(app: App, shared: Arc<Shared>, connection: Connection) {
    if join::host::serve(&app, &shared.binding, connection).await.is_ok() && shared.refresh(&app).await.is_ok() {
        shared.wake();
    }
}
