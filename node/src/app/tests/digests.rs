//! Tests of the digests: equal content is told, whoever wrote it and in whatever order.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::imports::{HEADER, rows};
use super::world::Shop;
use crate::store::sim_disk::Rng;

fn shop() -> Shop {
    let shop = Shop::new();
    shop.made("channels", &json!({"name": "online-retail", "home": "HQ", "zone": "Europe/London"}));
    shop
}

fn digests(shop: &Shop) -> (String, String) {
    let status = shop.shown("status?content_digest=true");
    let scopes = status["scopes"].as_array().unwrap();
    let own = scopes.iter().find(|scope| scope["scope"] == "site/HQ").unwrap();
    (status["content_digest"].as_str().unwrap().to_owned(), own["digest"].as_str().unwrap().to_owned())
}

fn import(shop: &Shop, rows: &[String]) {
    let done = shop.import("kind=orders&preset=online-retail", &format!("{HEADER}{}", rows.concat()));
    assert_eq!(done["state"], "done", "{done}");
}

fn shuffled(mut rows: Vec<String>, seed: u64) -> Vec<String> {
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    for at in (1..rows.len()).rev() {
        rows.swap(at, (rng.next() % (at as u64 + 1)) as usize);
    }
    rows
}

#[test]
fn equal_imports_give_equal_content_digests() {
    let (one, other) = (shop(), shop());
    import(&one, &rows(60));
    import(&other, &shuffled(rows(60), 7));
    let ((content, state), (other_content, other_state)) = (digests(&one), digests(&other));
    assert_eq!(content, other_content, "rows in any order");
    assert_ne!(state, other_state, "two organisations wrote them");

    import(&other, &rows(61)[rows(60).len()..]);
    assert_ne!(digests(&other).0, content, "an order more");
    import(&one, &rows(61));
    assert_eq!(digests(&one).0, digests(&other).0, "the same in another number of runs");
}

#[test]
fn a_content_digest_tells_stock_products_and_customers_apart() {
    let (one, other) = (Shop::with(&["lamp"]), Shop::with(&["lamp"]));
    let mut last = digests_of(&one);
    assert_eq!(last, digests_of(&other));
    let steps = [
        ("products", json!({"sku": "chair", "name": "a chair"})),
        ("stock/receipts", json!({"sku": "lamp", "quantity": "3"})),
        ("customers", json!({"name": "Wang", "phone": "139"})),
        ("orders", super::world::order("lamp", "2")),
    ];
    for (path, body) in steps {
        one.made(path, &body);
        let now = digests_of(&one);
        assert_ne!(now, last, "{path} is content");
        other.made(path, &body);
        assert_eq!(now, digests_of(&other), "{path} is the same content in another organisation");
        last = now;
    }
}

fn digests_of(shop: &Shop) -> String {
    shop.shown("status?content_digest=true")["content_digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_rebuild_leaves_every_digest() {
    let shop = shop();
    import(&shop, &rows(20));
    let before = shop.shown("status?content_digest=true");
    let rebuilt = shop.made("rebuild", &json!({}));
    assert_eq!(rebuilt["commits"], before["commits"]);
    assert_eq!(shop.shown("status?content_digest=true"), before);
}
