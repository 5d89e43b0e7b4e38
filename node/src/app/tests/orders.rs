//! Tests of orders through the API: the walk of a day, repeated requests, the largest order.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::world::{Shop, order};

fn stock(shop: &Shop) -> [String; 6] {
    let row = shop.shown("stock/lamp");
    ["on_hand", "secured", "reserved", "spent", "free_rights", "available"]
        .map(|field| row[field].as_str().unwrap().to_owned())
}

fn kinds(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|case| case["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_day_of_receipts_promises_shipments_and_sales_ends_as_the_book_says() {
    let mut shop = Shop::with(&["lamp"]);
    shop.made("stock/receipts", &json!({"sku": "lamp", "quantity": "10"}));
    let first = shop.made("orders", &order("lamp", "7"));
    assert_eq!((&first["number"], &first["secured"]), (&json!("HQ-A-000001"), &json!("all")));
    let second = shop.made("orders", &order("lamp", "5"));
    assert_eq!((&second["secured"], &second["lines"][0]["secured"]), (&json!("part"), &json!("3")));
    assert_eq!((&second["lines"][0]["reserved"], &second["total"]), (&json!("5"), &json!("12.75")));
    assert_eq!(stock(&shop), ["10", "10", "12", "0", "0", "-2"]);

    let confirmed = shop.made("orders/HQ-A-000001/confirm", &json!({}));
    assert_eq!(confirmed["status"], "confirmed");
    let shipped = shop.made("orders/HQ-A-000001/ship", &json!({}));
    assert_eq!((&shipped["fulfilment"], &shipped["lines"][0]["shipped"]), (&json!("shipped"), &json!("7")));
    let path = format!("orders/{}/cancel", second["id"].as_str().unwrap());
    let cancelled = shop.made(&path, &json!({"reason": "changed their mind"}));
    assert_eq!((&cancelled["status"], &cancelled["lines"][0]["cancelled"]), (&json!("cancelled"), &json!("5")));
    assert_eq!(stock(&shop), ["3", "0", "0", "7", "3", "3"]);
    shop.reopen();
    assert_eq!(stock(&shop), ["3", "0", "0", "7", "3", "3"], "all of it was durable");

    let mut sale = order("lamp", "4");
    sale["walk_in"] = json!(true);
    sale["payments"] = json!([{"tender": "cash", "amount": "10.20"}]);
    let sold = shop.made("orders", &sale);
    assert_eq!(
        (&sold["status"], &sold["payment"], &sold["secured"]),
        (&json!("completed"), &json!("paid"), &json!("not_needed"))
    );
    assert_eq!(stock(&shop), ["-1", "0", "0", "7", "-1", "-1"]);
    assert_eq!(kinds(&shop.shown("cases")["items"]), ["negative_stock"]);
    assert_eq!(shop.shown("status")["cases_open"], 1);
    shop.made("stock/adjustments", &json!({"sku": "lamp", "quantity": "1", "reason": "counted"}));
    assert!(kinds(&shop.shown("cases")["items"]).is_empty());
    assert_eq!(shop.post(&path, &json!({})).body["code"], "order_cancelled");
}

#[test]
fn a_repeated_key_gets_the_first_order_and_another_body_is_422() {
    let mut shop = Shop::with(&["lamp"]);
    let first = shop.post_keyed("orders", Some("k1"), &order("lamp", "1"));
    assert_eq!(first.status, 201);
    shop.reopen();
    let again = shop.post_keyed("orders", Some("k1"), &order("lamp", "1"));
    assert_eq!((again.status, &again.body), (201, &first.body));
    let other = shop.post_keyed("orders", Some("k1"), &order("lamp", "2"));
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_key_reused")));
    assert_eq!(shop.pages("orders", 5).len(), 1);
}

#[test]
fn the_largest_order_is_created_reopened_and_listed() {
    let mut shop = Shop::with(&["lamp"]);
    let line = |number: usize| {
        let name = format!("{number:04}{}", "灯".repeat(196));
        json!({"sku": "lamp", "quantity": "1", "price": "0.01", "name": name})
    };
    let mut lines: Vec<Value> = (1..=2_000).map(line).collect();
    let made = shop.made("orders", &json!({"walk_in": false, "lines": lines}));
    assert_eq!((&made["line_count"], &made["total"]), (&json!(2_000), &json!("20.00")));
    shop.reopen();
    let shown = shop.shown("orders/HQ-A-000001");
    assert_eq!(shown["lines"].as_array().unwrap().len(), 2_000);
    assert_eq!(shown["lines"][1_999]["name"], lines[1_999]["name"]);
    let listed = shop.pages("orders", 50);
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["line_count"]), (1, &made["id"], &json!(2_000)));
    lines.push(line(2_001));
    let refused = shop.post("orders", &json!({"walk_in": false, "lines": lines}));
    assert_eq!((refused.status, refused.body["errors"][0]["pointer"].as_str()), (422, Some("/lines")));
}

#[test]
fn a_text_that_no_document_can_hold_is_refused_by_its_place() {
    let shop = Shop::with(&["lamp"]);
    let long = "n".repeat(16 * 1_024);
    let mut named = order("lamp", "1");
    named["lines"][0]["name"] = json!(long);
    let mut contact = order("lamp", "1");
    contact["contact"] = json!({"name": "n", "address": long});
    let made = shop.made("orders", &order("lamp", "1"));
    let cancel = format!("orders/{}/cancel", made["id"].as_str().unwrap());
    for (path, body, pointer) in [
        ("orders", named, "/lines/0/name"),
        ("orders", contact, "/contact/address"),
        (cancel.as_str(), json!({"reason": long}), "/reason"),
        ("stock/receipts", json!({"sku": "lamp", "quantity": "1", "reason": long}), "/reason"),
    ] {
        let refused = shop.post(path, &body);
        assert_eq!((refused.status, refused.body["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{path}");
    }
    let payment = json!({"tender": "cash", "amount": "0.01", "reference": "r".repeat(1_024)});
    let mut full = order("lamp", "1");
    full["contact"] = json!({"address": "a".repeat(4 * 1_024)});
    full["payments"] = json!(vec![payment; 100]);
    let made = shop.made("orders", &full);
    shop.made(&format!("orders/{}/confirm", made["id"].as_str().unwrap()), &json!({}));
    shop.made("rebuild", &json!({}));
}
