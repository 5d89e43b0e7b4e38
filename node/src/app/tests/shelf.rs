//! Tests of the ledger of an item and of the question how lines would be promised.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::super::ledger::BALANCE_ROWS_MAX;
use super::super::model::{LedgerEntry, PageLimit, PageRequest};
use super::world::{Shop, order};

fn rows(shop: &Shop, path: &str) -> Vec<(String, String, Value)> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let rows = shop.pages(path, 500);
    rows.iter().map(|row| (text(row, "kind"), text(row, "quantity"), row["on_hand"].clone())).collect()
}

fn receive(shop: &Shop, sku: &str, quantity: &str) {
    shop.made("stock/receipts", &json!({"sku": sku, "quantity": quantity, "reference": "DN-1"}));
}

/// Ten lamps in, one sold over the counter, three ordered: one of them shipped, one cancelled; two broken.
fn busy() -> Shop {
    let shop = Shop::with(&["lamp", "mug"]);
    receive(&shop, "lamp", "10");
    shop.made("orders", &json!({"walk_in": true, "lines": [{"sku": "lamp", "quantity": "1", "price": "2.55"}]}));
    let id = shop.made("orders", &order("lamp", "3"))["id"].as_str().unwrap().to_owned();
    shop.made(&format!("orders/{id}/ship"), &json!({"lines": [{"line": 1, "quantity": "1"}]}));
    shop.made(&format!("orders/{id}/cancel"), &json!({"lines": [{"line": 1, "quantity": "1"}]}));
    shop.made("stock/adjustments", &json!({"sku": "lamp", "quantity": "-2", "reason": "broken"}));
    shop
}

#[test]
fn pages_of_a_ledger_hold_every_movement_once_with_its_balance() {
    let mut shop = busy();
    let all = rows(&shop, "stock/lamp/ledger");
    let mut kinds: Vec<&str> = all.iter().map(|(kind, ..)| kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["adjustment", "cancellation", "receipt", "reservation", "sale", "shipment"]);
    let goods = ["adjustment", "receipt", "sale", "shipment"];
    let mut on_hand = 0;
    for (kind, quantity, balance) in all.iter().rev() {
        let quantity: i64 = quantity.parse().unwrap();
        on_hand += if goods.contains(&kind.as_str()) { quantity } else { 0 };
        assert_eq!(*balance, json!(on_hand.to_string()), "{kind}");
    }
    assert_eq!(shop.shown("stock/lamp")["on_hand"], json!(on_hand.to_string()), "10 - 1 - 1 - 2");
    for limit in [1, 2, 5] {
        let paged: Vec<Value> = shop.pages("stock/lamp/ledger", limit);
        assert_eq!(paged, shop.pages("stock/lamp/ledger", 500), "by {limit}");
    }
    shop.made("rebuild", &json!({}));
    shop.reopen();
    assert_eq!(rows(&shop, "stock/lamp/ledger"), all, "made anew by a rebuild");
    assert_eq!(shop.shown("stock/mug/ledger")["items"], json!([]));
    assert_eq!(shop.get("stock/no-such/ledger").status, 404);
    assert_eq!(shop.get("stock/lamp/ledger?cursor=6162").status, 422);
}

#[test]
fn a_ledger_names_the_node_of_each_movement() {
    let shop = busy();
    let node = shop.shown("status")["node"].clone();
    let rows = shop.pages("stock/lamp/ledger", 500);
    assert!(rows.iter().all(|row| row["node"] == node && row["site"] == "HQ"));
    let of = |kind: &str| rows.iter().find(|row| row["kind"] == kind).unwrap();
    assert_eq!((&of("receipt")["reference"], &of("receipt")["order"]), (&json!("DN-1"), &Value::Null));
    assert_eq!(of("adjustment")["reason"], "broken");
    let number = of("shipment")["reference"].as_str().unwrap();
    assert_eq!(shop.shown(&format!("orders/{number}"))["id"], of("shipment")["order"]);
    assert_eq!((&of("reservation")["account"], &of("sale")["account"]), (&json!("promised"), &json!("on_hand")));
}

#[test]
fn a_balance_is_told_up_to_the_limit_of_rows() {
    let shop = Shop::with(&["lamp"]);
    (0..6).for_each(|_| receive(&shop, "lamp", "1"));
    let app = shop.app();
    let page = |cursor: Option<String>, most: usize| {
        let request = PageRequest { limit: PageLimit::new(3).unwrap(), cursor };
        app.stock_ledger_within("lamp", &request, most).unwrap()
    };
    let first = page(None, 0);
    let told = |entries: &[LedgerEntry]| entries.iter().map(|row| row.on_hand.map(|sum| sum.0)).collect::<Vec<_>>();
    assert_eq!(told(&first.items), [Some(6_000), Some(5_000), Some(4_000)], "the first page counts nothing back");
    let second = |most| told(&page(first.next_cursor.clone(), most).items);
    assert_eq!(second(3), [Some(3_000), Some(2_000), Some(1_000)]);
    assert_eq!(second(2), [None, None, None], "one row past the limit");
    assert_eq!(second(BALANCE_ROWS_MAX), second(3));
}

#[test]
fn orders_of_the_past_are_in_no_ledger() {
    let shop = Shop::new();
    shop.made("channels", &json!({"name": "online-retail", "home": "HQ", "zone": "Europe/London"}));
    let file = format!("{}1,I1,ITEM,1,2010-12-01 08:01:00,1,C1,France\n", super::imports::HEADER);
    shop.import("kind=orders&preset=online-retail", &file);
    assert_eq!(shop.shown("stock/I1/ledger")["items"], json!([]));
}

#[test]
fn a_promise_says_what_an_order_would_secure() {
    let shop = Shop::with(&["lamp", "mug"]);
    receive(&shop, "lamp", "3");
    let path = "stock/promise?sku=lamp&quantity=2&sku=lamp&quantity=3&sku=mug&quantity=1.5";
    let lines = shop.shown(path)["lines"].clone();
    let parts =
        |at: usize| ["here", "now", "likely", "backorder"].map(|part| lines[at][part].as_str().unwrap().to_owned());
    assert_eq!(parts(0), ["3", "2", "0", "0"].map(str::to_owned));
    assert_eq!(parts(1), ["3", "1", "0", "2"].map(str::to_owned), "the second line gets what the first leaves");
    assert_eq!(parts(2), ["0", "0", "0", "1.5"].map(str::to_owned));
    assert_eq!((&lines[2]["name"], &lines[2]["elsewhere_as_of"]), (&json!("the mug"), &Value::Null));
    let taken = shop.made("orders", &order("lamp", "5"));
    assert_eq!(taken["lines"][0]["secured"], "3", "{taken}");
    let after = shop.shown("stock/promise?sku=lamp&quantity=1");
    assert_eq!((&after["lines"][0]["now"], &after["lines"][0]["backorder"]), (&json!("0"), &json!("1")));
    let unknown = shop.get("stock/promise?sku=lamp&quantity=1&sku=no&quantity=1");
    assert_eq!((unknown.status, &unknown.body["errors"][0]["pointer"]), (422, &json!("/lines/1/sku")));
}
