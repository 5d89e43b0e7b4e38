//! The HTTP API pinned: its description, and an example of every route with the shape of its answer.
//!
//! Not a test of the gate (token, Host) nor of limits: those stand in `node/src/http`. A changed field shows here as a
//! difference of a file in `tests/golden`; `UPDATE_GOLDEN=1 cargo test -p tests` writes the files anew.

use serde_json::{Value, json};
use tests::{Shop, ask, golden, pretty};

/// Every route once in its good case, and bad input in the cases that callers must tell apart.
fn examples() -> Vec<(&'static str, &'static str, Option<Value>, Option<&'static str>)> {
    let line = |sku: &str, quantity: &str, price: &str| json!({"sku": sku, "quantity": quantity, "price": price});
    let order = |lines: Value| json!({"walk_in": false, "lines": lines});
    vec![
        ("GET", "/api/v1/health", None, None),
        ("GET", "/api/v1/status?content_digest=true", None, None),
        ("POST", "/api/v1/channels", Some(json!({"name": "wechat", "home": "HQ", "zone": "Asia/Shanghai"})), None),
        ("POST", "/api/v1/channels", Some(json!({"name": "web", "home": "SH01", "zone": "Asia/Shanghai"})), None),
        ("POST", "/api/v1/channels", Some(json!({"name": "web", "home": "HQ", "zone": "Mars/Base"})), None),
        ("GET", "/api/v1/channels", None, None),
        ("POST", "/api/v1/products", Some(json!({"sku": "MUG", "name": "Blue mug", "unit": "piece"})), None),
        ("POST", "/api/v1/products", Some(json!({"sku": "MUG", "name": "Blue mug"})), None),
        ("GET", "/api/v1/products?q=mu", None, None),
        ("GET", "/api/v1/products/MUG", None, None),
        ("POST", "/api/v1/products/MUG/adopt", Some(json!({})), None),
        ("POST", "/api/v1/products/mug/alias", Some(json!({"to": "MUG", "site": "HQ"})), None),
        ("POST", "/api/v1/customers", Some(json!({"name": "张三", "phone": "13800138000", "address": "北京"})), None),
        ("GET", "/api/v1/customers", None, None),
        ("POST", "/api/v1/stock/receipts", Some(json!({"sku": "MUG", "quantity": "10", "reference": "DN-1"})), None),
        ("POST", "/api/v1/stock/adjustments", Some(json!({"sku": "MUG", "quantity": "-1", "reason": "broken"})), None),
        ("GET", "/api/v1/stock", None, None),
        ("GET", "/api/v1/stock/MUG", None, None),
        ("POST", "/api/v1/stock/loans", Some(json!({"sku": "MUG", "quantity": "2", "holder": "B"})), None),
        ("GET", "/api/v1/stock/loans", None, None),
        ("POST", "/api/v1/stock/loans/0123456789abcdef0123456789abcdef/return", Some(json!({})), None),
        ("POST", "/api/v1/orders", Some(order(json!([line("MUG", "7", "2.50")]))), Some("k1")),
        ("POST", "/api/v1/orders", Some(order(json!([line("MUG", "7", "2.50")]))), Some("k1")),
        ("POST", "/api/v1/orders", Some(order(json!([line("MUG", "8", "2.50")]))), Some("k1")),
        (
            "POST",
            "/api/v1/orders",
            Some(json!({
                "channel": "wechat", "external_number": "W-1", "walk_in": false, "currency": "CNY", "region": "上海",
                "contact": {"name": "李四", "phone": "139", "address": "上海"}, "note": "gift",
                "lines": [line("MUG", "5", "2.123456")], "payments": [{"tender": "wechat", "amount": "5.00"}]
            })),
            None,
        ),
        ("GET", "/api/v1/orders?limit=1", None, None),
        ("GET", "/api/v1/orders/HQ-A-000001", None, None),
        ("POST", "/api/v1/orders/HQ-A-000001/confirm", Some(json!({})), None),
        ("POST", "/api/v1/orders/HQ-A-000001/ship", Some(json!({"lines": [{"line": 1, "quantity": "3"}]})), None),
        ("POST", "/api/v1/orders/HQ-A-000001/cancel", Some(json!({"reason": "changed"})), None),
        ("POST", "/api/v1/orders/HQ-A-000001/cancel", Some(json!({})), None),
        ("POST", "/api/v1/orders", Some(json!({"walk_in": true, "lines": [line("MUG", "9", "2.5")]})), None),
        ("GET", "/api/v1/cases", None, None),
        ("GET", "/api/v1/reports/sales?by=item&to=2012-01-01", None, None),
        ("GET", "/api/v1/imports/0000000000000000", None, None),
        ("GET", "/api/v1/imports/0000000000000000/rejects", None, None),
        ("POST", "/api/v1/rebuild", None, None),
        ("POST", "/api/v1/orders", Some(order(json!([]))), None),
        ("POST", "/api/v1/orders", Some(order(json!([line("NOPE", "1", "1")]))), None),
        ("POST", "/api/v1/orders", Some(order(json!([line("MUG", "1", "1"), line("MUG", "x", "1.1234567")]))), None),
        ("POST", "/api/v1/orders", Some(order(json!([line("MUG", "1000000001", "1")]))), None),
        ("POST", "/api/v1/orders", Some(order(json!([{"sku": "MUG", "quantity": 1, "price": "1"}]))), None),
        ("POST", "/api/v1/orders", Some(order(Value::from(vec![line("MUG", "1", "1"); 2_001]))), None),
        ("POST", "/api/v1/orders", Some(json!({"lines": [line("MUG", "1", "1")], "currency": "EUR"})), None),
        ("POST", "/api/v1/orders", Some(json!({"lines": [line("MUG", "1", "1")], "channel": "wechat"})), None),
        ("GET", "/api/v1/orders?limit=501", None, None),
        ("GET", "/api/v1/orders?status=lost", None, None),
        ("GET", "/api/v1/orders/HQ-A-000099", None, None),
        ("POST", "/api/v1/orders/HQ-A-000001/send", Some(json!({"from": "HQ"})), None),
        ("POST", "/api/v1/orders/HQ-A-000001/send", Some(json!({"from": "WH01"})), None),
        ("GET", "/api/v1/fulfilments?site=WH01&status=planned", None, None),
        ("GET", "/api/v1/fulfilments/HQ-A-000001", None, None),
        ("POST", "/api/v1/fulfilments/HQ-A-000001/ship", Some(json!({"reference": "SF-1"})), None),
        ("POST", "/api/v1/fulfilments/HQ-A-000001/cancel", Some(json!({"reason": "not found"})), None),
        ("GET", "/api/v1/peers", None, None),
        ("POST", "/api/v1/peers/invites", Some(json!({"site": "SH01"})), None),
        ("PUT", "/api/v1/peers/SH01/address", Some(json!({"address": "192.168.1.7:4433"})), None),
        ("POST", "/api/v1/sync/pause", Some(json!({})), None),
        ("POST", "/api/v1/sync/now", Some(json!({"wait": true})), None),
        ("POST", "/api/v1/sync/resume", Some(json!({})), None),
        ("POST", "/api/v1/sync/now", Some(json!({"wait": true, "timeout_seconds": 3_601})), None),
        ("GET", "/api/v1/sync", None, None),
        ("DELETE", "/api/v1/orders", None, None),
        ("GET", "/api/v1/nothing", None, None),
    ]
}

#[test]
fn an_example_of_every_route_is_pinned() {
    let shop = Shop::new();
    let node = shop.open();
    let mut session = String::new();
    for (method, path, body, key) in examples() {
        let answer = ask(&node, method, path, body.as_ref(), key);
        let object: Value =
            serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{method} {path}: not JSON"));
        let sent = match body {
            Some(body) if body["lines"].as_array().is_some_and(|lines| lines.len() > 2) => "(2,001 lines)\n".to_owned(),
            Some(body) => format!("{body}\n"),
            None => String::new(),
        };
        let key = key.map(|key| format!("Idempotency-Key: {key}\n")).unwrap_or_default();
        session.push_str(&format!("{method} {path}\n{key}{sent}-> {}\n{}\n\n", answer.status, pretty(&object)));
    }
    golden("http-api.txt", &shop.masked(&session));
}

#[test]
fn the_description_is_pinned() {
    let description: Value = serde_json::from_str(&node::http::openapi_json()).expect("a JSON description");
    golden("openapi.json", &(serde_json::to_string_pretty(&description).expect("JSON is text") + "\n"));
}

#[test]
fn every_route_of_the_description_has_an_example() {
    let description: Value = serde_json::from_str(&node::http::openapi_json()).expect("a JSON description");
    let given = examples();
    let has = |method: &str, path: &str| given.iter().any(|(m, p, ..)| *m == method && fits(path, p));
    // An upload and the file that it leaves are examples of the command line; the description pins itself.
    let elsewhere = ["POST /api/v1/imports", "GET /openapi.json", "GET /api/v1/customers/{id}"];
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let route = format!("{} {path}", method.to_uppercase());
            assert!(has(&method.to_uppercase(), path) || elsewhere.contains(&route.as_str()), "{route} has no example");
        }
    }
}

/// Whether an address is one of a route: segments in braces fit any text.
fn fits(route: &str, address: &str) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    let (route, address): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), address.split('/').collect());
    route.len() == address.len() && route.iter().zip(&address).all(|(r, a)| r.starts_with('{') || r == a)
}
