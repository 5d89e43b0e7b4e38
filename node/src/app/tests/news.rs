//! What the application tells links: arrivals taken in, and that there is something new.
#![allow(clippy::unwrap_used)]

use crate::folder::Folder;
use crate::init::{InitRequest, init};
use crate::replica::{Arrival, Received};
use crate::run::open_app;

#[test]
fn news_tick_for_what_is_durable_and_new_alone() {
    let place = tempfile::tempdir().unwrap();
    let request = InitRequest {
        data: place.path().to_owned(),
        org: "Demo".into(),
        site: "HQ".into(),
        kind: "head-office".into(),
        currency: "GBP".into(),
        zone: "Europe/London".into(),
        territory: "MAIN".into(),
    };
    init(&request).unwrap();
    let app = open_app(&Folder::new(place.path())).unwrap();
    let news = app.news();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let nothing = Arrival { commits: Vec::new(), keys: Vec::new() };
    assert_eq!(runtime.block_on(app.receive(nothing)).unwrap(), Received::default());
    assert!(!news.has_changed().unwrap());
    let key = crdt_model::seal::SealKey::new([1; 32]);
    let record = crdt_model::seal::KeyRecord { subject: crdt_model::id::DocumentId([1; 16]), key };
    let arrival = Arrival { commits: Vec::new(), keys: vec![record] };
    runtime.block_on(app.receive(arrival)).unwrap();
    app.stop();
    assert!(news.has_changed().is_err() || *news.borrow() == 1, "told before the writer ended");
    assert_eq!(*news.borrow(), 1);
}
