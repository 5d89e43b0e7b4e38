//! Enrolment over loopback: one ticket, one device; nothing for strangers.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crdt_model::id::DeviceId;
use crdt_model::time::Timestamp;

use super::world::Place;
use crate::app::model::ContentDigest;
use crate::app::peers::TicketAlert;
use crate::join::message::{JOIN_VERSION, Message, hear, say};
use crate::join::proof::Meeting;
use crate::link::reason::Reason;
use crate::link::rows::InviteRow;
use crate::replica::{LocalChange, LocalTable};
use crate::transport::memory::Network;
use crate::transport::ticket::Ticket;
use crate::transport::{Connection, Protocol, Remote, Transport};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_admits_one_device_and_that_one_again() {
    let place = Place::new();
    let head_office = place.serve("HQ").await;
    let ticket = head_office.invite("SH01").await.ticket;
    let joined = place.join("S1", &ticket).await.unwrap();
    assert_eq!((joined.site.as_str(), joined.letter.as_str(), joined.org_name.as_str()), ("SH01", "A", "Demo"));
    assert_eq!(place.join("S1", &ticket).await.unwrap(), joined);
    let second = place.join("S2", &ticket).await.unwrap_err();
    assert_eq!(second.code(), "ticket_used");
    let half = crate::run::open_app(&crate::folder::Folder::new(&place.folder("S2")));
    assert_eq!(half.err().unwrap().code(), "not_admitted");
    let other = head_office.invite("SH01").await.ticket;
    assert_eq!(place.join("S2", &other).await.unwrap().letter, "B");
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_uses_a_ticket_again_is_refused_and_told_at_head_office() {
    let place = Place::new();
    let head_office = place.serve("HQ").await;
    let ticket = head_office.invite("SH01").await.ticket;
    place.join("S1", &ticket).await.unwrap();
    place.join("S1", &ticket).await.unwrap();
    assert_eq!(head_office.app.ticket_alerts().unwrap(), [], "its own device may come again");
    for folder in ["S2", "S2", "S3"] {
        assert_eq!(place.join(folder, &ticket).await.unwrap_err().code(), "ticket_used");
    }
    let alerts = head_office.app.ticket_alerts().unwrap();
    let told = |alert: &TicketAlert| (alert.code, alert.site.to_string(), alert.device.clone());
    let names = ["S3", "S2"].map(|folder| place.device(folder).to_string()[..10].to_owned());
    let wanted = names.map(|name| ("ticket_used", "SH01".to_owned(), name));
    assert_eq!(alerts.iter().map(told).collect::<Vec<_>>(), wanted);
    head_office.stop().await;
    let head_office = place.open("HQ");
    assert_eq!(head_office.app.ticket_alerts().unwrap(), alerts, "also after a restart");
    assert_eq!(head_office.app.status(ContentDigest::Unwanted).unwrap().alerts, 2);
    assert_eq!(head_office.app.peers().unwrap().len(), 1, "nobody else was admitted");
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_uses_a_ticket_again_is_told_in_memory_too() {
    let place = Place::new();
    let network = Network::default();
    let head_office = place.serve_in(&network, "HQ");
    let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
    let ticket = Ticket::from_text(&head_office.invite("SH01").await.ticket).unwrap();
    for (device, wanted) in [(one, None), (two, Some("ticket_used")), (one, None)] {
        let transport = network.join(device, Arc::new(Closed));
        let remote = Remote { device: head_office.device(), addresses: Vec::new() };
        let mut connection = transport.dial(&remote, Protocol::Join).await.unwrap();
        assert_eq!(knock(&mut connection, &ticket, device).await.as_deref(), wanted);
    }
    let alerts = head_office.app.ticket_alerts().unwrap();
    assert_eq!(
        alerts.iter().map(|alert| (alert.code, &alert.device[..])).collect::<Vec<_>>(),
        [("ticket_used", "0202020202")]
    );
    head_office.stop().await;
}

/// Begins an enrolment and proves the secret; gives the code of a refusal.
async fn knock(connection: &mut Connection, ticket: &Ticket, guest: DeviceId) -> Option<String> {
    say(&mut connection.send, &Message::Begin { version: JOIN_VERSION, invite: ticket.invite_id() }).await.unwrap();
    let Message::Challenge { nonce } = hear(&mut connection.receive).await.unwrap() else { panic!("no challenge") };
    let meeting = Meeting { org: ticket.org, inviter: ticket.inviter, guest, nonce };
    let proof = *meeting.secret_proof(&ticket.verifier()).as_bytes();
    say(&mut connection.send, &Message::Proof { proof }).await.unwrap();
    match hear(&mut connection.receive).await.unwrap() {
        Message::Refused { code } => Some(code.to_string()),
        _admitted => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_gets_nothing() {
    let place = Place::new();
    let head_office = place.serve("HQ").await;
    let good = Ticket::from_text(&head_office.invite("SH01").await.ticket).unwrap();
    let forged = Ticket { secret: [9; 16], ..good.clone() };
    assert_eq!(place.join("S1", &forged.to_text()).await.unwrap_err().code(), "ticket_expired");
    let other = Ticket { org: crdt_model::id::OrgId([9; 32]), ..good };
    assert_eq!(
        place.join("S2", &other.to_text()).await.unwrap_err().code(),
        "bad_ticket",
        "the proof covers the organisation"
    );
    assert_eq!(place.join("S3", "tradepost").await.unwrap_err().code(), "bad_ticket");
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_ticket_is_told_as_such() {
    let place = Place::new();
    let head_office = place.serve("HQ").await;
    let (ticket, other) = (head_office.invite("SH01").await.ticket, head_office.invite("SH02").await.ticket);
    let end = async |ticket: &str| {
        let read = Ticket::from_text(ticket).unwrap();
        let row = head_office.app.invite_row(&read.invite_id()).unwrap().unwrap();
        let ended = InviteRow { expires: Timestamp(1), ..row };
        let (table, key) = (LocalTable::Invites, read.invite_id().to_vec());
        head_office.app.keep_rows(vec![LocalChange::Put { table, key, value: ended.encode() }]).await.unwrap();
        head_office.app.refresh_links().await.unwrap();
    };
    let told = || head_office.app.ticket_alerts().unwrap().iter().map(|alert| alert.code).collect::<Vec<_>>();
    end(&ticket).await;
    assert_eq!(place.join("S1", &ticket).await.unwrap_err().code(), "ticket_expired", "the door is open for another");
    assert_eq!(told(), ["ticket_expired"]);
    end(&other).await;
    assert_eq!(place.join("S2", &ticket).await.unwrap_err().code(), "ticket_expired", "the door is closed");
    assert_eq!(told(), ["ticket_expired"], "nobody is heard behind a closed door");
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inviter_that_is_away_is_unreachable() {
    let place = Place::new();
    let head_office = place.serve("HQ").await;
    let ticket = head_office.invite("SH01").await.ticket;
    head_office.stop().await;
    assert_eq!(place.join("S1", &ticket).await.unwrap_err().code(), "inviter_unreachable");
    let head_office = place.serve("HQ").await;
    assert_eq!(place.join("S1", &ticket).await.unwrap().site, "SH01");
    head_office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_the_registrars_does_not_invite() {
    let place = Place::with_store().await;
    let store = place.open("S1");
    let refused = store.try_invite("SH02").await.unwrap_err();
    assert!(refused.to_string().contains("HQ"), "{refused}");
    store.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_keeps_no_secret() {
    let place = Place::new();
    let head_office = place.open("HQ");
    let invite = head_office.invite("SH01").await;
    let ticket = Ticket::from_text(&invite.ticket).unwrap();
    assert!(!ticket.addresses.is_empty(), "a node that does not run says where it will be");
    let row = head_office.app.invite_row(&ticket.invite_id()).unwrap().unwrap().encode();
    assert!(!row.windows(16).any(|window| window == ticket.secret));
    let folder = head_office.folder().to_owned();
    head_office.stop().await;
    let stored = std::fs::read(folder.join("tradepost.redb")).unwrap();
    assert!(!stored.windows(16).any(|window| window == ticket.secret));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_told_that_it_is_not_admitted() {
    let place = Place::with_store().await;
    let others = Place::new();
    let head_office = place.serve("HQ").await;
    let foreign = others.serve("HQ").await;
    let address = head_office.app.link_addresses()[0];
    let key = foreign.key("device.key");
    foreign.stop().await;
    let door = std::sync::Arc::new(Closed);
    let transport = crate::transport::quic::QuicTransport::bind(&key, super::world::loopback(), door).await.unwrap();
    let remote = crate::transport::Remote { device: head_office.device(), addresses: vec![address] };
    let dialled = crate::transport::Transport::dial(&transport, &remote, crate::transport::Protocol::Sync).await;
    let told = match dialled {
        Ok(connection) => connection.path.closed().await,
        Err(crate::transport::DialError::Refused { reason, .. }) => Some(reason),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(told.map(|code| Reason::of_peer(&code)), Some(Reason::NotAdmitted));
    head_office.stop().await;
}

#[derive(Debug)]
struct Closed;

impl crate::transport::Door for Closed {
    fn admit(&self, _: crdt_model::id::DeviceId, _: crate::transport::Protocol) -> Result<(), &'static str> {
        Err("not_admitted")
    }
}
