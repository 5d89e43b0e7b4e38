//! An example of every route of the API, each once in its good case where one node has one, and bad input in the cases that
//! callers must tell apart.
//!
//! Not a test: `http_api` pins them, `reference` shows the first of each route.

use std::fmt::{Display, Formatter};

use serde_json::{Value, json};

use crate::{Shop, ask, pretty};

/// What is asked.
#[derive(Debug)]
pub struct Example {
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path: &'static str,
    /// A JSON body.
    pub body: Option<Value>,
    /// The Idempotency-Key.
    pub key: Option<&'static str>,
}

/// An example with its answer, masked.
#[derive(Debug)]
pub struct Asked {
    /// What was asked.
    pub example: Example,
    /// The HTTP status.
    pub status: u16,
    /// The JSON of the answer, a field a line.
    pub answer: String,
}

impl Asked {
    /// What is sent, as text.
    pub fn sent(&self) -> String {
        let Example { method, path, body, key } = &self.example;
        let sent = match body {
            Some(body) if body["lines"].as_array().is_some_and(|lines| lines.len() > 2) => "(2,001 lines)\n".to_owned(),
            Some(body) => format!("{body}\n"),
            None => String::new(),
        };
        let key = key.map(|key| format!("Idempotency-Key: {key}\n")).unwrap_or_default();
        format!("{method} {path}\n{key}{sent}")
    }
}

impl Display for Asked {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}-> {}\n{}", self.sent(), self.status, self.answer)
    }
}

/// Asks a new shop for every example in turn.
pub fn asked() -> Vec<Asked> {
    let shop = Shop::new();
    let node = shop.open();
    let ask_one = |example: Example| {
        let Example { method, path, ref body, key } = example;
        let answer = ask(&node, method, path, body.as_ref(), key);
        let object: Value =
            serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{method} {path}: not JSON"));
        Asked { status: answer.status, answer: shop.masked(&pretty(&object)), example }
    };
    examples().into_iter().map(ask_one).collect()
}

/// What is asked, in order.
pub fn examples() -> Vec<Example> {
    let line = |sku: &str, quantity: &str, price: &str| json!({"sku": sku, "quantity": quantity, "price": price});
    let order = |lines: Value| json!({"walk_in": false, "lines": lines});
    let given = vec![
        ("GET", "/api/v1/health", None, None),
        ("GET", "/api/v1/status?content_digest=true", None, None),
        ("POST", "/api/v1/sign-in-links", Some(json!({})), None),
        ("POST", "/api/v1/channels", Some(json!({"name": "wechat", "home": "HQ", "zone": "Asia/Shanghai"})), None),
        ("POST", "/api/v1/channels", Some(json!({"name": "web", "home": "SH01", "zone": "Asia/Shanghai"})), None),
        ("POST", "/api/v1/channels", Some(json!({"name": "web", "home": "HQ", "zone": "Mars/Base"})), None),
        ("GET", "/api/v1/channels", None, None),
        ("POST", "/api/v1/products", Some(json!({"sku": "MUG", "name": "Blue mug", "unit": "piece"})), None),
        ("POST", "/api/v1/products", Some(json!({"sku": "MUG", "name": "Blue mug"})), None),
        ("GET", "/api/v1/products?q=mu", None, None),
        ("GET", "/api/v1/products/MUG", None, None),
        ("POST", "/api/v1/products/MUG/edit", Some(json!({"barcodes": ["96385074"], "price": "2.50"})), None),
        ("POST", "/api/v1/products/MUG/edit", Some(json!({"barcodes": ["96385075"]})), None),
        ("GET", "/api/v1/products/by-code/96385074", None, None),
        ("GET", "/api/v1/products/by-code/4006381333931", None, None),
        ("POST", "/api/v1/products/MUG/adopt", Some(json!({})), None),
        ("POST", "/api/v1/products/mug/alias", Some(json!({"to": "MUG", "site": "HQ"})), None),
        ("POST", "/api/v1/customers", Some(json!({"name": "张三", "phone": "13800138000", "address": "北京"})), None),
        ("GET", "/api/v1/customers", None, None),
        ("POST", "/api/v1/stock/receipts", Some(json!({"sku": "MUG", "quantity": "10", "reference": "DN-1"})), None),
        ("GET", "/api/v1/stock/MUG/ledger", None, None),
        ("POST", "/api/v1/stock/adjustments", Some(json!({"sku": "MUG", "quantity": "-1", "reason": "broken"})), None),
        ("GET", "/api/v1/search?q=MUG", None, None),
        ("GET", "/api/v1/stock", None, None),
        ("GET", "/api/v1/stock/MUG", None, None),
        ("GET", "/api/v1/stock/promise?sku=MUG&quantity=12", None, None),
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
        ("GET", "/api/v1/imports", None, None),
        ("GET", "/api/v1/imports/0000000000000000", None, None),
        ("POST", "/api/v1/imports/0000000000000000/cancel", Some(json!({})), None),
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
    ];
    given.into_iter().map(|(method, path, body, key)| Example { method, path, body, key }).collect()
}

/// Whether an address is one of a route: segments in braces fit any text.
pub fn fits(route: &str, address: &str) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    let (route, address): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), address.split('/').collect());
    route.len() == address.len() && route.iter().zip(&address).all(|(r, a)| r.starts_with('{') || r == a)
}
