//! Pictures of the pages in both languages, of a shop with a day's work in it.
//!
//! `TRADEPOST_SCREENS=docs/pages cargo test -p tests --test browser screens` writes them into a folder; otherwise they are
//! only looked at: a page that shows nothing fails.

use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::json;

use super::driver::{Browser, is_left_out};
use super::place::{Chain, Node};

/// Name of the picture and address.
const SCREENS: [(&str, &str); 8] = [
    ("overview", "/overview"),
    ("orders", "/orders"),
    ("order", "/orders/SH01-A-000002"),
    ("stock", "/stock/TEA"),
    ("customers", "/customers"),
    ("sales", "/reports/sales?by=item"),
    ("inbox", "/inbox"),
    ("network", "/network"),
];

/// A day at head office and in one store: sales, a promise that is not covered, a member.
fn a_day() -> (Chain, Node, Node) {
    let (chain, office) = Chain::new();
    let items = [
        ("TEA", "明前龙井 250g", "128"),
        ("CUP", "青瓷茶杯", "36.50"),
        ("POT", "紫砂壶", "460"),
        ("TRAY", "竹茶盘", "89"),
    ];
    for (sku, name, price) in items {
        office.post("/api/v1/products", &json!({"sku": sku, "name": name, "price": price, "unit": "件"}));
    }
    for (name, phone, address) in
        [("王小明", "13800004567", "上海市徐汇区"), ("李雷", "13900001234", "浙江省杭州市西湖区")]
    {
        office.post("/api/v1/customers", &json!({"name": name, "phone": phone, "address": address}));
    }
    let shop = chain.join(&office, "SH01", "S1");
    shop.exchange();
    for (sku, quantity) in [("TEA", "40"), ("CUP", "120"), ("POT", "3")] {
        shop.post("/api/v1/stock/receipts", &json!({"sku": sku, "quantity": quantity, "reference": "DN-1"}));
    }
    let line = |sku: &str, quantity: &str, price: &str| json!({"sku": sku, "quantity": quantity, "price": price});
    let paid = |amount: &str| json!([{"tender": "wechat", "amount": amount}]);
    shop.post(
        "/api/v1/orders",
        &json!({"walk_in": true, "lines": [line("TEA", "2", "128"), line("CUP", "4", "36.50")],
        "payments": paid("402")}),
    );
    let order = shop.post(
        "/api/v1/orders",
        &json!({"walk_in": false, "contact": {"name": "李雷", "phone": "13900001234",
        "address": "浙江省杭州市西湖区"}, "lines": [line("POT", "5", "460")], "payments": paid("1000")}),
    );
    shop.post(&format!("/api/v1/orders/{}/confirm", order["number"].as_str().unwrap()), &json!({}));
    shop.post("/api/v1/orders", &json!({"walk_in": true, "lines": [line("TRAY", "1", "89")]}));
    shop.exchange();
    (chain, office, shop)
}

fn keep(folder: &Path, name: &str, picture: &str) {
    let bytes = base64::engine::general_purpose::STANDARD.decode(picture).unwrap();
    assert!(bytes.len() > 10_000, "{name} shows nothing");
    std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
}

#[test]
fn every_page_can_be_pictured_in_both_languages() {
    if is_left_out() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("TRADEPOST_SCREENS").map_or_else(
        || scratch.path().to_owned(),
        |folder| {
            // Cargo runs tests in their package; the folder is meant from the root.
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)
        },
    );
    std::fs::create_dir_all(&folder).unwrap();
    let (_chain, office, shop) = a_day();
    for language in ["zh", "en"] {
        let browser = Browser::open(language);
        let link = office.post("/api/v1/sign-in-links", &json!({}));
        browser.go(link["sign_in"].as_str().unwrap());
        browser.until("document.querySelector('nav.main')");
        for (name, address) in SCREENS {
            browser.go(&format!("{}{address}", office.url));
            browser.until("document.readyState === 'complete' && document.querySelector('h1')");
            keep(&folder, &format!("{name}-{language}"), &browser.picture());
        }
        let browser = Browser::open(language);
        let link = shop.post("/api/v1/sign-in-links", &json!({}));
        browser.go(link["sign_in"].as_str().unwrap());
        browser.until("document.querySelector('nav.main')");
        browser.go(&format!("{}/orders/new", shop.url));
        browser.until("document.activeElement.matches('[data-scan]')");
        for scan in ["2*TEA", "CUP", "5*POT"] {
            browser.fill("[data-scan]", &format!("{scan}\u{e007}"));
            browser.until(&format!(
                "document.querySelector('#draft').textContent.includes('{}')",
                &scan[scan.len() - 3..]
            ));
        }
        keep(&folder, &format!("new-order-{language}"), &browser.picture());
    }
}
