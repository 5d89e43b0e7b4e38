//! Three walks of at most a minute: the store's, head office's, and that of two tills. Each asserts its figures.

use serde_json::{Value, json};

use super::driver::{Browser, ENTER, F4, turn};
use super::place::{Chain, Node};

const TEA: &str = "6901234567892";
const CUP: &str = "6909876543212";

/// What the organisation sells, and one member.
fn catalogue(office: &Node) {
    for (sku, name, barcode, price) in [("TEA", "绿茶", TEA, "12.50"), ("CUP", "茶杯", CUP, "30")] {
        let product = json!({"sku": sku, "name": name, "barcode": barcode, "price": price});
        office.post("/api/v1/products", &product);
    }
    office.post("/api/v1/customers", &json!({"name": "王小明", "phone": "13800004567", "address": "上海市徐汇区"}));
}

fn open(node: &Node, language: &str) -> Browser {
    let browser = Browser::open(language);
    browser.go(&node.sign_in);
    browser.until("document.querySelector('nav.main')");
    browser
}

fn cut(browser: &Browser, node: &Node) {
    browser.go(&format!("{}/network", node.url));
    browser.click("form[action='/network/pause'] button");
    browser.until("document.querySelector('#standing').className === 'amber'");
}

fn heal(browser: &Browser, node: &Node) {
    browser.go(&format!("{}/network", node.url));
    browser.click("form[action='/network/resume'] button");
    browser.until("document.querySelector('#standing').className === 'quiet'");
}

#[test]
fn a_store_that_is_cut_off_sells_and_head_office_sees_it_later() {
    let Some(_turn) = turn() else { return };
    let (chain, office) = Chain::new();
    catalogue(&office);
    let mut shop = chain.join(&office, "SH01", "S1");
    shop.exchange();
    shop.post("/api/v1/stock/receipts", &json!({"sku": "TEA", "quantity": "5"}));
    shop.exchange();
    let browser = open(&shop, "zh-CN");
    browser.until("document.documentElement.lang === 'zh'");
    cut(&browser, &shop);
    browser.until_shows("#standing", "离线工作中");

    browser.go(&format!("{}/orders/new", shop.url));
    browser.until("document.activeElement.matches('[data-scan]')");
    for code in [TEA, CUP, TEA] {
        browser.press(&format!("{code}{ENTER}"), 2);
    }
    browser.until("document.querySelectorAll('[name=line_sku]').length === 2");
    browser.until("document.querySelector('[name=line_quantity]').value === '2'");
    browser.until_shows("#total", "¥55.00");
    browser.fill("[name=customer_query]", &format!("4567{ENTER}"));
    browser.click("button[value^='customer:']:not([value='customer:'])");
    browser.until("document.querySelector('[name=customer]')");
    browser.run("document.querySelector('[name=tender]').value = 'wechat'");
    browser.fill("[name=paid]", "55");
    browser.press(F4, 0);
    browser.until("location.pathname.endsWith('/receipt')");
    browser.until_shows(".receipt", "¥55.00");

    let number = "SH01-A-000001";
    browser.go(&format!("{}/orders/{number}", shop.url));
    browser.until_shows("#order", "总部未见");
    browser.until_shows("#order", "微信");
    shop.kill();
    browser.until("document.querySelector('#standing').className === 'red'");
    browser.until_shows("#standing", "本机服务已停止");
    shop.again();
    browser.until("document.querySelector('#standing').className === 'amber'");
    browser.go(&format!("{}/orders/{number}", shop.url));
    browser.until_shows("#order", "¥55.00");
    browser.run(
        "window.marked = 0; const look = () => { if (!document.querySelector('.unseen')) window.marked ||= Date.now(); \
                 else setTimeout(look, 20); }; look();",
    );
    let healed = browser.run("return Date.now()").as_i64().unwrap();
    shop.post("/api/v1/sync/resume", &json!({}));
    browser.until("window.marked > 0");
    let took = browser.run("return window.marked").as_i64().unwrap() - healed;
    assert!(took < 2_000, "the mark cleared after {took} ms");
    let there = office.get(&format!("/api/v1/orders/{number}"));
    assert_eq!((&there["total"], &there["payment"]), (&json!("55.00"), &json!("paid")));
    assert_eq!(there["customer"]["name"], "王小明");
}

#[test]
fn head_office_sees_what_it_lacks_and_gains_exactly_what_the_store_sold() {
    let Some(_turn) = turn() else { return };
    let (chain, office) = Chain::new();
    catalogue(&office);
    let shop = chain.join(&office, "SH01", "S1");
    shop.exchange();
    shop.post("/api/v1/stock/receipts", &json!({"sku": "CUP", "quantity": "10"}));
    let line = |quantity: &str| json!([{"sku": "CUP", "quantity": quantity, "price": "30"}]);
    let order = shop.post("/api/v1/orders", &json!({"walk_in": false, "lines": line("2")}));
    let number = order["number"].as_str().unwrap();
    shop.post(&format!("/api/v1/orders/{number}/confirm"), &json!({}));
    shop.exchange();
    shop.post("/api/v1/sync/pause", &json!({}));
    shop.post("/api/v1/orders", &json!({"walk_in": true, "lines": line("3")}));

    let browser = open(&office, "zh-CN");
    browser.go(&format!("{}/overview", office.url));
    browser.until_shows("#coverage", "数据不完整");
    browser.until_shows("#coverage", "截至");
    let before = gross(&office);
    browser.go(&format!("{}/orders/{number}", office.url));
    browser.click("details summary");
    browser.fill("[name=reason]", "客户改变主意");
    browser.click("button.danger");
    browser.until_shows("#order", "已取消");
    shop.post(&format!("/api/v1/orders/{number}/ship"), &json!({}));
    browser.go(&format!("{}/overview", office.url));
    browser.until_shows("#coverage", "数据不完整");
    shop.post("/api/v1/sync/resume", &json!({}));
    shop.exchange();
    browser.until_shows("#coverage", "数据完整");
    assert_eq!(gross(&office) - before, 9_000, "three cups at 30.00");
    assert_eq!(gross(&office), gross(&shop));
    browser.until_shows("#overview", "¥150.00");
    browser.go(&format!("{}/inbox", office.url));
    browser.until_shows("#list", number);
    for node in [&office, &shop] {
        assert_eq!(node.get(&format!("/api/v1/orders/{number}"))["status"], "cancelled_after_dispatch");
        assert_eq!(node.get("/api/v1/cases")["items"].as_array().unwrap().len(), 1);
    }
    let at_office = office.digests();
    assert!(shop.digests().iter().all(|scope| at_office.contains(scope)));
}

/// Gross sales in minor units.
fn gross(node: &Node) -> i64 {
    let report = node.get("/api/v1/reports/sales?by=site");
    report["totals"]["gross_sales"].as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn two_tills_that_are_apart_never_promise_the_same_unit() {
    let Some(_turn) = turn() else { return };
    let (chain, office) = Chain::new();
    catalogue(&office);
    let first = chain.join(&office, "SH01", "S1");
    let second = chain.join(&office, "SH01", "S2");
    first.exchange();
    second.exchange();
    first.post("/api/v1/stock/receipts", &json!({"sku": "CUP", "quantity": "5"}));
    first.post("/api/v1/stock/loans", &json!({"sku": "CUP", "quantity": "3", "holder": "B"}));
    first.exchange();
    second.exchange();
    let browser = open(&second, "zh-CN");
    cut(&browser, &second);
    browser.go(&format!("{}/orders/new", second.url));
    browser.until("document.activeElement.matches('[data-scan]')");
    browser.press(&format!("5*{CUP}{ENTER}"), 2);
    browser.until_shows("#draft", "3 立即保证 · 2 缺货待补");
    browser.run("document.querySelector('[name=walk_in]').checked = false");
    browser.press(F4, 0);
    browser.until("location.pathname.endsWith('/receipt')");
    let number = "SH01-B-000001";
    browser.go(&format!("{}/orders/{number}", second.url));
    browser.click("form[action$='/confirm'] button");
    browser.until_shows("#order", "3 保证 · 2 缺货待补");
    let ladder = second.get(&format!("/api/v1/orders/{number}"))["lines"][0].clone();
    assert_eq!(ladder["secured"], "3", "{ladder}");

    let other = first
        .post("/api/v1/orders", &json!({"walk_in": false, "lines": [{"sku": "CUP", "quantity": "5", "price": "30"}]}));
    let other = other["number"].as_str().unwrap();
    first.post(&format!("/api/v1/orders/{other}/confirm"), &json!({}));
    heal(&browser, &second);
    second.exchange();
    first.exchange();
    let number_of = |row: &Value, field: &str| row[field].as_str().unwrap().parse::<f64>().unwrap();
    for node in [&first, &second, &office] {
        let rows = node.get("/api/v1/stock?sku=CUP");
        let row = rows["items"].as_array().unwrap().iter().find(|row| row["site"] == "SH01").unwrap().clone();
        assert!(number_of(&row, "secured") <= number_of(&row, "minted"), "{row}");
        assert_eq!(number_of(&row, "secured"), 5.0, "{row}");
    }
    let at_office = office.digests();
    for node in [&first, &second] {
        assert!(node.digests().iter().all(|scope| at_office.contains(scope)));
    }
}
