//! Tests of a folder that another process holds.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};

use crate::error::NodeError;
use crate::folder::{Folder, RunningNote};
use crate::init::{InitRequest, init};
use crate::run::{LocalNode, ServeOptions, serve};

#[test]
fn a_second_process_is_told_where_the_node_answers() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("hq");
    let request = InitRequest {
        data: data.clone(),
        org: "Demo".into(),
        site: "HQ".into(),
        kind: "head-office".into(),
        currency: "GBP".into(),
        zone: "Europe/London".into(),
        territory: "MAIN".into(),
        sync_listen: None,
    };
    init(&request).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServeOptions { data: data.clone(), listen, sync_listen: None, purpose: crate::run::Purpose::Work };
    let second = || serve(&options, |_| panic!("it must not be served twice")).unwrap_err();

    let held = LocalNode::open(&data).unwrap();
    assert!(matches!(second(), NodeError::Locked { page: None, .. }), "nobody answers there");
    let note = RunningNote {
        pid: std::process::id(),
        url: "http://127.0.0.1:7070".into(),
        token: "secret".into(),
        sync_addrs: vec![],
        site: "HQ".into(),
        node: "ab".into(),
        version: "0".into(),
    };
    Folder::new(&data).write_note(&note).unwrap();
    let locked = second();
    assert_eq!((locked.code(), locked.page()), ("locked", Some("http://127.0.0.1:7070")));
    assert_eq!(LocalNode::open(&data).err().unwrap().page(), Some("http://127.0.0.1:7070"));
    assert!(Folder::new(&data).note().is_some(), "the refused process leaves the note");
    drop(held);
    assert!(LocalNode::open(&data).is_ok(), "the folder is free again");
}

#[test]
fn a_folder_without_a_node_is_not_served() {
    let place = tempfile::tempdir().unwrap();
    let error = LocalNode::open(place.path()).err().unwrap();
    assert_eq!(error.code(), "not_initialised");
    assert!(std::fs::read_dir(place.path()).unwrap().next().is_none(), "and nothing is made in it");
}

#[test]
fn an_address_beyond_this_machine_is_not_served() {
    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = serve(
        &ServeOptions { data: "nowhere".into(), listen, sync_listen: None, purpose: crate::run::Purpose::Work },
        |_| panic!("not served"),
    )
    .unwrap_err();
    assert!(error.to_string().starts_with("listen"), "{error}");
}
