//! Tests of personal details: shown to who asks, nowhere in the files as they are.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::json;

use super::world::{Shop, order};

/// Every file below a folder, as bytes.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

fn holds(files: &[Vec<u8>], text: &str) -> bool {
    files.iter().any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[test]
fn personal_details_are_not_in_the_file_as_plain_text() {
    let mut shop = Shop::with(&["LAMP-OPEN-WORD"]);
    let details = ["王小明-canary", "13912345678-canary", "canary@example.org", "人民路-canary 7"];
    let [name, phone, email, address] = details;
    let made = shop.made("customers", &json!({"name": name, "phone": phone, "email": email, "address": address}));
    let mut sale = order("LAMP-OPEN-WORD", "1");
    let sent = ["Zoe canary-contact", "020 canary-phone", "1 canary-street", "leave it with canary-neighbour"];
    sale["customer"] = made["id"].clone();
    sale["contact"] = json!({"name": sent[0], "phone": sent[1], "address": sent[2]});
    sale["note"] = json!(sent[3]);
    let taken = shop.made("orders", &sale);
    sale["customer"] = serde_json::Value::Null;
    shop.made("orders", &sale);
    shop.made("rebuild", &json!({}));
    shop.reopen();

    let customer = shop.shown(&format!("customers/{}", made["id"].as_str().unwrap()));
    assert_eq!((&customer["name"], &customer["address"]), (&json!(name), &json!(address)));
    assert_eq!(customer["details"], "open");
    let shown = shop.shown(&format!("orders/{}", taken["id"].as_str().unwrap()));
    assert_eq!((&shown["contact"]["name"], &shown["note"]), (&json!(sent[0]), &json!(sent[3])));
    assert_eq!(shown["customer"]["name"], name);

    shop.stop();
    let files = files(shop.folder.path());
    assert!(holds(&files, "LAMP-OPEN-WORD"), "what is no secret is found");
    for text in details.into_iter().chain(sent).chain(["canary"]) {
        assert!(!holds(&files, text), "{text}");
    }
}
