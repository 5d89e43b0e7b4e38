//! Two members: what one writes the other holds, through cuts, restarts and pauses.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::world::Place;
use crate::app::sync::{Wait, Waited};
use crate::link::reason::Reason;
use crate::transport::memory::Network;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_writes_the_other_holds() {
    let place = Place::with_store().await;
    let (head_office, store) = (place.serve("HQ").await, place.serve("S1").await);
    store.until(&head_office, Reason::Connected).await;
    head_office.write("web").await;
    store.until_equal(&head_office).await;
    let peers = head_office.app.peers().unwrap();
    assert_eq!((peers.len(), peers[0].site.as_str(), peers[0].letter.as_str()), (1, "SH01", "A"));
    store.stop().await;
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_head_office_is_met_again_without_a_command() {
    let place = Place::with_store().await;
    let (head_office, store) = (place.serve("HQ").await, place.serve("S1").await);
    store.until(&head_office, Reason::Connected).await;
    head_office.stop().await;
    let head_office = place.serve("HQ").await;
    head_office.until(&store, Reason::Connected).await;
    store.until(&head_office, Reason::Connected).await;
    store.stop().await;
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_meet_again_after_a_cut() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    network.cut(head_office.device());
    store.until(&head_office, Reason::Unreachable).await;
    head_office.write("while away").await;
    network.heal(head_office.device());
    store.until_equal(&head_office).await;
    store.stop().await;
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_cuts_both_directions_and_survives_a_restart() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    head_office.app.pause_sync().await.unwrap();
    head_office.until(&store, Reason::PausedHere).await;
    store.until(&head_office, Reason::PausedThere).await;
    head_office.write("kept back").await;
    let refused = head_office.app.sync_now(None, Wait::No).await.unwrap_err();
    assert!(refused.to_string().contains("paused"), "{refused}");
    head_office.stop().await;
    let head_office = place.serve_in(&network, "HQ");
    head_office.until(&store, Reason::PausedHere).await;
    store.until(&head_office, Reason::PausedThere).await;
    assert_ne!(store.control(), head_office.control());
    let status = head_office.app.sync_status().unwrap();
    assert_eq!(status.peers[0].link.waiting_out.commits, 1, "what waits is counted while nothing flows");
    head_office.app.resume_sync().await.unwrap();
    store.until_equal(&head_office).await;
    store.stop().await;
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_when_the_peer_has_all_of_the_call() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    head_office.write("web").await;
    let wait = Wait::AtMost(Duration::from_secs(30));
    let (waited, peers) = head_office.app.sync_now(None, wait).await.unwrap();
    assert_eq!((waited, peers.len()), (Waited::Complete, 1), "{peers:?}");
    assert_eq!(store.control(), head_office.control());
    store.stop().await;
    let brief = Wait::AtMost(Duration::from_millis(300));
    let (waited, peers) = head_office.app.sync_now(Some("SH01"), brief).await.unwrap();
    assert_eq!((waited, peers[0].reason), (Waited::NotReached, Reason::Unreachable));
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_when_all_that_the_peer_held_is_here() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    for turn in 0..40 {
        head_office.write(&format!("web-{turn}")).await;
        let (waited, peers) = store.app.sync_now(None, Wait::AtMost(Duration::from_secs(30))).await.unwrap();
        assert_eq!(waited, Waited::Complete, "{peers:?}");
        assert_eq!(store.control(), head_office.control(), "turn {turn}");
    }
    store.stop().await;
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_is_dialled_nowhere_has_no_address() {
    let place = Place::with_store().await;
    let (head_office, store) = (place.open("HQ"), place.open("S1"));
    let known = store.app.peers().unwrap();
    assert_eq!(known[0].link.as_ref().unwrap().reason, Reason::Unreachable, "the ticket told where head office is");
    let device = head_office.device();
    let deleted =
        crate::replica::LocalChange::Delete { table: crate::replica::LocalTable::Peers, key: device.0.to_vec() };
    store.app.keep_rows(vec![deleted]).await.unwrap();
    store.stop().await;
    let store = place.serve("S1").await;
    store.until(&head_office, Reason::NoAddress).await;
    let address = "127.0.0.1:9".parse().unwrap();
    store.app.set_peer_address("HQ", address).await.unwrap();
    store.until(&head_office, Reason::Unreachable).await;
    assert_eq!(store.app.peers().unwrap()[0].addresses, [address]);
    store.stop().await;
    head_office.stop().await;
}
