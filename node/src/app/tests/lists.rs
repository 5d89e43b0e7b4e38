//! Tests of the lists: pages hold every item once, also among equal times and with other writers between two pages.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::imports::HEADER;
use super::world::{Shop, order};

fn field(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

/// Every page size gives the items of one large page, each once.
fn check(shop: &Shop, list: &str, key: &str, count: usize) -> Vec<Value> {
    let all = shop.pages(list, 500);
    assert_eq!(all.len(), count, "{list}");
    assert_eq!(field(&all, key).into_iter().collect::<BTreeSet<_>>().len(), count, "{list}: each once");
    for limit in [1, 3, count, count + 1] {
        assert_eq!(field(&shop.pages(list, limit), key), field(&all, key), "{list} by {limit}");
    }
    all
}

/// Twelve orders of one minute and three of others.
fn with_orders() -> Shop {
    let shop = Shop::new();
    shop.made("channels", &json!({"name": "online-retail", "home": "HQ", "zone": "Europe/London"}));
    let row = |number: u32, minute: u32| {
        format!("{number},I1,ITEM,1,2010-12-01 08:{minute:02}:00,1,C{},France\n", number % 2)
    };
    let rows: String = (1..=15).map(|number| row(number, if number % 5 == 0 { number } else { 7 })).collect();
    let done = shop.import("kind=orders&preset=online-retail", &format!("{HEADER}{rows}"));
    assert_eq!(done["created"], 15, "{done}");
    shop
}

#[test]
fn pages_of_orders_hold_every_order_once_among_equal_times() {
    let shop = with_orders();
    let all = check(&shop, "orders", "id", 15);
    let times: Vec<String> = field(&all, "ordered_at");
    assert!(times.is_sorted_by(|later, earlier| later >= earlier), "newest first: {times:?}");
    assert_eq!(times.iter().filter(|time| **time == times[5]).count(), 12);
    let customers: Vec<String> = field(&shop.pages("customers", 10), "id");
    assert_eq!(customers.len(), 2);
    for (customer, count) in customers.iter().zip(shares(&all, &customers)) {
        check(&shop, &format!("orders?customer={customer}"), "id", count);
    }
    check(&shop, "orders?status=completed", "id", 15);
    check(&shop, "orders?channel=online-retail", "id", 15);
    check(&shop, "orders?channel=online-retail&external=4", "id", 1);
    check(&shop, "orders?from=2010-12-01&to=2010-12-01", "id", 15);
    assert!(shop.pages("orders?to=2010-11-30", 5).is_empty());
    assert!(shop.pages("orders?status=cancelled", 5).is_empty());
}

fn shares(orders: &[Value], customers: &[String]) -> Vec<usize> {
    let of = |customer: &String| orders.iter().filter(|order| order["customer"]["id"] == customer.as_str()).count();
    customers.iter().map(of).collect()
}

#[test]
fn an_order_taken_between_two_pages_moves_no_other() {
    let shop = with_orders();
    shop.made("products", &json!({"sku": "lamp", "name": "a lamp"}));
    let first = shop.shown("orders?limit=4");
    let new = shop.made("orders", &order("lamp", "1"));
    let rest = shop.shown(&format!("orders?limit=500&cursor={}", first["next_cursor"].as_str().unwrap()));
    let mut seen = field(first["items"].as_array().unwrap(), "id");
    seen.extend(field(rest["items"].as_array().unwrap(), "id"));
    let mut now = field(&shop.pages("orders", 500), "id");
    assert_eq!(now.remove(0), new["id"].as_str().unwrap());
    assert_eq!(seen, now);
}

#[test]
fn pages_of_every_other_list_hold_every_item_once() {
    let skus = ["lamp", "Lamp", "灯", "a b&c=d", "100%", "x/y", "é"];
    let shop = Shop::with(&skus);
    for (at, sku) in skus.iter().enumerate() {
        shop.made("channels", &json!({"name": format!("channel {sku}"), "home": "HQ", "zone": "Asia/Shanghai"}));
        shop.made("customers", &json!({"name": sku}));
        shop.made("stock/receipts", &json!({"sku": sku, "quantity": "1"}));
        let mut sale = order(sku, &(at + 2).to_string());
        sale["walk_in"] = json!(true);
        shop.made("orders", &sale);
    }
    check(&shop, "products", "sku", skus.len());
    check(&shop, "products?q=LAMP", "sku", 2);
    check(&shop, "channels", "name", skus.len());
    check(&shop, "customers", "id", skus.len());
    check(&shop, "stock", "sku", skus.len());
    let cases = check(&shop, "cases", "id", skus.len());
    assert!(cases.iter().all(|case| case["kind"] == "negative_stock"), "{cases:?}");
}

#[test]
fn a_text_that_is_no_cursor_is_refused() {
    let shop = with_orders();
    for cursor in ["zz", "00", "ff", &"0".repeat(4_098)] {
        let answer = shop.get(&format!("orders?cursor={cursor}"));
        assert_eq!((answer.status, answer.body["code"].as_str()), (422, Some("invalid")), "{cursor}");
    }
}

#[test]
fn pages_of_products_and_stock_end_where_they_should() {
    let mut skus: Vec<String> = (0..7).map(|number| format!("P{number}")).collect();
    skus.extend(["P", "P 1", "p1", "P10", "茶"].map(str::to_owned));
    skus.sort();
    let names: Vec<&str> = skus.iter().map(String::as_str).collect();
    let mut shop = Shop::with(&names);
    for sku in names.iter().filter(|sku| **sku != "P3") {
        shop.made("stock/receipts", &json!({"sku": sku, "quantity": "2"}));
    }
    for _ in 0..2 {
        for (list, count) in [("products", 12), ("stock", 11)] {
            assert!(field(&check(&shop, list, "sku", count), "sku").is_sorted(), "{list} by SKU");
            for limit in [count - 1, count, count + 1] {
                let page = shop.shown(&format!("{list}?limit={limit}"));
                assert_eq!(page["has_more"], limit < count, "{list}, {limit} of {count}");
            }
        }
        assert_eq!(shop.pages("products?q=p1", 1).len(), 3, "letter case does not count");
        assert_eq!(shop.pages("stock?sku=P%201", 1).len(), 1);
        assert!(shop.pages("stock?sku=P3", 1).is_empty());
        shop.made("rebuild", &json!({}));
        shop.reopen();
    }
}

#[test]
fn pages_of_customers_hold_every_customer_once() {
    let shop = Shop::new();
    for number in 0..9 {
        shop.made("customers", &json!({"name": format!("customer {number}")}));
    }
    check(&shop, "customers", "id", 9);
    let page = shop.shown("customers?limit=9");
    assert!(page["next_cursor"].is_null(), "the last page ends");
}

#[test]
fn a_product_made_between_two_pages_moves_no_other() {
    let shop = Shop::with(&["b", "d", "f"]);
    let first = shop.shown("products?limit=2");
    let cursor = first["next_cursor"].as_str().unwrap();
    for sku in ["a", "c", "e"] {
        shop.made("products", &json!({"sku": sku, "name": sku}));
    }
    let second = shop.shown(&format!("products?limit=9&cursor={cursor}"));
    assert_eq!(field(second["items"].as_array().unwrap(), "sku"), ["e", "f"]);
}
