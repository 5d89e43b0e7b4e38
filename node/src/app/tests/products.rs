//! Tests of products as a till needs them: found by code, with a price that it can propose, and edited.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::world::Shop;

fn tea(shop: &Shop) -> Value {
    let product = json!({"sku": "TEA", "name": "Green tea", "barcode": "0012345678905", "barcodes": ["96385074"], "price": "2.50"});
    shop.made("products", &product)
}

#[test]
fn a_product_is_found_by_sku_and_by_each_of_its_codes() {
    let mut shop = Shop::with(&["96385074-B"]);
    let made = tea(&shop);
    assert_eq!(made["barcodes"], json!(["0012345678905", "96385074"]));
    assert_eq!((&made["barcode"], &made["price"]), (&json!("0012345678905"), &json!("2.5")));
    for _ in 0..2 {
        for code in ["TEA", "0012345678905", "012345678905", "00012345678905", "96385074"] {
            assert_eq!(shop.shown(&format!("products/by-code/{code}"))["sku"], "TEA", "{code}");
        }
        for code in ["tea", "12345678905", "4006381333931", "96385074-A"] {
            assert_eq!(shop.get(&format!("products/by-code/{code}")).body["code"], "not_found", "{code}");
        }
        shop.made("rebuild", &json!({}));
        shop.reopen();
    }
    let wrong = shop.post("products", &json!({"sku": "CUP", "name": "Cup", "barcode": "0012345678906"}));
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("/barcode")));
}

#[test]
fn a_code_on_two_products_is_told_not_guessed() {
    let shop = Shop::with(&["CUP"]);
    tea(&shop);
    shop.made("products/CUP/edit", &json!({"barcodes": ["96385074"]}));
    let found = shop.get("products/by-code/96385074");
    assert_eq!((found.status, &found.body["code"]), (409, &json!("ambiguous_code")));
    let detail = found.body["detail"].as_str().unwrap();
    assert!(detail.contains("CUP") && detail.contains("TEA"), "{detail}");
    assert_eq!(shop.shown("products/by-code/CUP")["sku"], "CUP", "a SKU is exact");
}

#[test]
fn an_edit_adds_codes_and_sets_the_price_once() {
    let shop = Shop::new();
    tea(&shop);
    let edit = json!({"barcodes": ["4006381333931", "96385074"], "price": "2.90"});
    let edited = shop.made("products/TEA/edit", &edit);
    assert_eq!(edited["barcodes"], json!(["0012345678905", "4006381333931", "96385074"]));
    assert_eq!(edited["price"], "2.9");
    let commits = shop.shown("status")["commits"].clone();
    assert_eq!(shop.made("products/TEA/edit", &edit), edited);
    assert_eq!(shop.shown("status")["commits"], commits, "the same again writes nothing");
    assert_eq!(shop.post("products/NO/edit", &edit).status, 404);
    assert_eq!(shop.post("products/TEA/edit", &json!({})).status, 422);
}

#[test]
fn a_product_file_run_again_adds_codes_and_prices() {
    let shop = Shop::new();
    let file = |codes: &str, price: &str| format!("sku,name,barcode,price\nTEA,Green tea,{codes},{price}\nCUP,Cup,,\n");
    let counts = |import: &Value| {
        ["products_created", "updated", "unchanged", "rejected"].map(|field| import[field].as_u64().unwrap())
    };
    assert_eq!(counts(&shop.import("kind=products", &file("96385074", "2"))), [2, 0, 0, 0]);
    let more = file("96385074;4006381333931", "3");
    let preview = shop.import("kind=products&dry_run=true", &more);
    assert_eq!(counts(&preview), [0, 1, 1, 0]);
    assert_eq!(shop.shown("products/TEA")["price"], "2");
    let done = shop.import("kind=products", &more);
    assert_eq!(counts(&done), counts(&preview), "a dry run counts what the import then does");
    let tea = shop.shown("products/TEA");
    assert_eq!((&tea["price"], &tea["barcodes"]), (&json!("3"), &json!(["4006381333931", "96385074"])));
    assert_eq!(counts(&shop.import("kind=products", &more)), [0, 0, 2, 0]);
    assert_eq!(counts(&shop.import("kind=products", &file("", ""))), [0, 0, 2, 0], "an empty cell takes nothing away");
}
