//! Tests of imports through the API: figures, rejects, second runs.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::world::Shop;

pub const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Rows of the first `invoices` of a made-up year: sales, credits and adjustments; every invoice has its own time.
pub fn rows(invoices: u32) -> Vec<String> {
    let mut rows = Vec::new();
    for invoice in 0..invoices {
        let (mark, sign, lines) = match invoice % 10 {
            3 => ("C", -1, 2),
            7 => ("", -1, 1),
            _ => ("", 1, 1 + invoice % 4),
        };
        for line in 0..lines {
            let mut row = String::new();
            let item = (invoice * 3 + line) % 17;
            let (hour, minute) = (8 + invoice / 60 % 12, invoice % 60);
            let price = if mark.is_empty() && sign < 0 { "0" } else { "2.55" };
            let number = 536_365 + invoice;
            write!(
                row,
                "{mark}{number},I{item},ITEM {item},{},2010-12-01 {hour:02}:{minute:02}:00,",
                sign * (line as i64 + 1)
            )
            .unwrap();
            writeln!(row, "{price},{},France", 17_850 + invoice % 5).unwrap();
            rows.push(row);
        }
    }
    rows
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.made("channels", &json!({"name": "online-retail", "home": "HQ", "zone": "Europe/London"}));
    shop
}

/// Everything but what changes with time.
fn state(shop: &Shop) -> Value {
    let mut status = shop.shown("status?content_digest=true");
    status["url"] = Value::Null;
    status
}

#[test]
fn a_file_imported_twice_writes_nothing_new() {
    let mut shop = shop();
    let file = format!("{HEADER}{}", rows(60).concat());
    let query = "kind=orders&preset=online-retail";
    let preview = shop.import(&format!("{query}&dry_run=true"), &file);
    assert_eq!((&preview["created"], &shop.shown("status")["orders"]), (&json!(60), &json!(0)));
    let first = shop.import(query, &file);
    let lines = rows(60).len();
    assert_eq!((&first["created"], &first["unchanged"], &first["rejected"]), (&json!(60), &json!(0), &json!(0)));
    assert_eq!((&first["lines"], &first["rows_done"]), (&json!(lines), &json!(lines)));
    assert_eq!((&first["credit_orders"]["documents"], &first["adjustments"]["documents"]), (&json!(6), &json!(6)));
    assert_eq!((&first["products_created"], &first["customers_created"]), (&json!(17), &json!(5)));
    let before = state(&shop);
    for _ in 0..2 {
        let again = shop.import(query, &file);
        assert_eq!((&again["created"], &again["updated"], &again["unchanged"]), (&json!(0), &json!(0), &json!(60)));
        assert_eq!(state(&shop), before, "not a commit more");
        shop.reopen();
    }
}

#[test]
fn a_repeated_import_request_is_the_same_import_also_after_a_restart() {
    let mut shop = shop();
    let query = "kind=orders&preset=online-retail";
    let file = format!("{HEADER}{}900001,I1,ITEM 1,many,2010-12-01 09:00:00,1,1,France\n", rows(20).concat());
    let first = shop.import_keyed(query, Some("k-1"), &file);
    assert_eq!((&first["created"], &first["rejected"]), (&json!(20), &json!(1)));
    for _ in 0..2 {
        assert_eq!(shop.import_keyed(query, Some("k-1"), &file), first, "the first answer, not a second run");
        let other = shop.send_file(query, Some("k-1"), &format!("{HEADER}{}", rows(3).concat()));
        assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_key_reused")));
        let other = shop.send_file(&format!("{query}&dry_run=true"), Some("k-1"), &file);
        assert_eq!(other.body["code"], "idempotency_key_reused", "other parameters are another request");
        shop.reopen();
    }
    let second = shop.import_keyed(query, Some("k-2"), &file);
    assert_ne!(second["id"], first["id"]);
    assert_eq!((&second["created"], &second["unchanged"]), (&json!(0), &json!(20)));
    let uploads = std::fs::read_dir(shop.folder.path().join("imports")).unwrap();
    assert!(uploads.flatten().all(|file| !file.file_name().to_string_lossy().starts_with("upload-")));
}

#[test]
fn an_import_that_was_cut_goes_on_under_its_id() {
    let mut shop = shop();
    let query = "kind=orders&preset=online-retail";
    let file = format!("{HEADER}{}", rows(20).concat());
    let first = shop.import_keyed(query, Some("k-1"), &file);
    let id = first["id"].as_str().unwrap();
    shop.stop();
    let record = shop.folder.path().join("imports").join(format!("{id}-import"));
    let mut bytes = std::fs::read(&record).unwrap();
    // The second byte is the state: one that runs, as a kill leaves it.
    bytes[1] = 1;
    std::fs::write(&record, bytes).unwrap();
    shop.reopen();
    let cut = shop.shown(&format!("imports/{id}"));
    assert_eq!(
        (&cut["state"], &cut["error"]["code"]),
        (&json!("cut"), &json!("import_cut")),
        "nobody says that it ended"
    );
    assert!(cut["error"]["remedy"].as_str().unwrap().contains("Import the same file again"), "{cut}");
    assert_eq!(shop.shown("imports")["items"], json!([cut]));
    assert_eq!(shop.post(&format!("imports/{id}/cancel"), &json!({})).body["code"], "import_ended");
    let again = shop.import_keyed(query, Some("k-1"), &file);
    assert_eq!((&again["id"], &again["created"], &again["unchanged"]), (&first["id"], &json!(0), &json!(20)));
}

#[test]
fn no_bad_row_stops_a_run() {
    let shop = shop();
    let mut file = format!("{HEADER}{}", rows(9).concat());
    for (number, sku, name, quantity, price) in [
        ("900001", "I1", "ITEM 1", "many", "1"),
        ("900002", "I1", "ITEM 1", "1", "0.1234567"),
        ("900003", "I1", "ITEM 1", "1000000001", "1"),
        ("900004", &"s".repeat(1_025), "ITEM 1", "1", "1"),
        ("900005", "I1", &"n".repeat(14 * 1_024 + 1), "1", "1"),
        (&"9".repeat(1_025), "I1", "ITEM 1", "1", "1"),
        ("A900006", "B", "Adjust bad debt", "1", "1"),
    ] {
        writeln!(file, "{number},{sku},{name},{quantity},2010-12-01 09:00:00,{price},1,France").unwrap();
    }
    writeln!(file, "900010,{},{},1,2010-12-01 09:00:00,1,1,France", "s".repeat(1_024), "n".repeat(14 * 1_024)).unwrap();
    let done = shop.import("kind=orders&preset=online-retail", &file);
    assert_eq!(
        (&done["state"], &done["created"], &done["rejected"]),
        (&json!("done"), &json!(10), &json!(7)),
        "{done}"
    );
    let rejects = std::fs::read_to_string(done["rejects_file"].as_str().unwrap()).unwrap();
    assert!(rejects.contains("900001") && rejects.contains("A900006"));
    shop.made("rebuild", &json!({}));
}

#[test]
fn a_known_order_with_other_content_is_a_reject() {
    let shop = shop();
    let query = "kind=orders&preset=online-retail";
    shop.import(query, &format!("{HEADER}{}", rows(5).concat()));
    let before = state(&shop);
    let changed = rows(5).concat().replacen("2.55", "2.56", 1);
    let again = shop.import(query, &format!("{HEADER}{changed}"));
    assert_eq!(
        (&again["created"], &again["unchanged"], &again["rejected"]),
        (&json!(0), &json!(4), &json!(1)),
        "{again}"
    );
    assert_eq!(state(&shop), before);
}

#[test]
fn a_dry_run_knows_an_order_that_was_taken_by_hand() {
    let shop = shop();
    shop.made("products", &json!({"sku": "I0", "name": "ITEM 0"}));
    let mut by_hand = super::world::order("I0", "5");
    (by_hand["channel"], by_hand["external_number"]) = (json!("online-retail"), json!("536365"));
    shop.made("orders", &by_hand);
    let file = format!("{HEADER}{}", rows(2).concat());
    for query in ["&dry_run=true", ""] {
        let told = shop.import(&format!("kind=orders&preset=online-retail{query}"), &file);
        assert_eq!((&told["created"], &told["rejected"]), (&json!(1), &json!(1)), "{query}: {told}");
    }
}

#[test]
fn an_import_of_another_sites_channel_or_none_is_refused() {
    let shop = Shop::new();
    let refused = shop.call(crate::run::LocalRequest {
        method: "POST",
        path_and_query: "/api/v1/imports?kind=orders&preset=online-retail".into(),
        content_type: Some("text/csv".into()),
        idempotency_key: None,
        body: HEADER.into(),
    });
    assert_eq!(refused.body["code"], "unknown_channel", "{refused:?}");
    assert!(refused.body["remedy"].as_str().unwrap().contains("channel add"), "{refused:?}");
}

#[test]
fn products_of_a_file_are_imported_once() {
    let shop = Shop::new();
    let file: String = (0..50).map(|number| format!("P{number},name {number}\n")).collect();
    let query = "kind=products&map=sku:Code,name:Name";
    let first = shop.import(query, &format!("Code,Name\n{file}"));
    assert_eq!((&first["products_created"], &first["state"]), (&json!(50), &json!("done")), "{first}");
    let before = state(&shop);
    let again = shop.import(query, &format!("Code,Name\n{file}"));
    assert_eq!((&again["products_created"], &again["unchanged"]), (&json!(0), &json!(50)));
    assert_eq!(state(&shop), before);
}

#[test]
fn imports_are_listed_newest_first_also_after_a_restart() {
    let mut shop = shop();
    let started: Vec<Value> = (1..4)
        .map(|count| {
            shop.import(
                "kind=orders&preset=online-retail&file_name=a.csv",
                &format!("{HEADER}{}", rows(count).concat()),
            )
        })
        .collect();
    for _ in 0..2 {
        let listed = shop.pages("imports", 2);
        assert_eq!(listed.len(), 3);
        let times: Vec<&str> = listed.iter().map(|import| import["started_at"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|later, earlier| later >= earlier), "{times:?}");
        for import in &started {
            let found = listed.iter().find(|listed| listed["id"] == import["id"]).unwrap();
            assert_eq!((found, &found["file_name"]), (import, &json!("a.csv")));
            assert_eq!((&found["kind"], &found["channel"]), (&json!("orders"), &json!("online-retail")));
        }
        shop.reopen();
    }
}

/// Cancels an import once a batch is durable; `None` where it ended before.
fn cancelled(shop: &Shop, query: &str, file: &str) -> Option<Value> {
    let started = shop.send_file(query, Some("k-1"), file);
    let path = format!("imports/{}", started.body["id"].as_str().unwrap());
    while shop.shown(&path)["rows_done"] == 0 {
        std::thread::yield_now();
    }
    let told = shop.post(&format!("{path}/cancel"), &json!({}));
    if told.status == 409 {
        return None;
    }
    assert_eq!((told.status, &told.body["state"]), (200, &json!("cancelling")), "{told:?}");
    loop {
        let import = shop.shown(&path);
        match import["state"].as_str().unwrap() {
            "cancelling" => std::thread::yield_now(),
            "done" => return None,
            _ended => return Some(import),
        }
    }
}

#[test]
fn a_cancelled_import_stops_after_the_batch_in_hand_and_goes_on_later() {
    let query = "kind=orders&preset=online-retail";
    for size in [6_000, 12_000, 24_000, 48_000] {
        let mut shop = shop();
        let row = |number: usize| format!("{},I1,ITEM,1,2010-12-01 08:01:00,1,1,France\n", 100_000 + number);
        let file = format!("{HEADER}{}", (0..size).map(row).collect::<String>());
        let Some(import) = cancelled(&shop, query, &file) else { continue };
        let written = import["created"].as_u64().unwrap();
        assert_eq!(import["state"], "cancelled");
        assert!(written > 0 && written < size as u64, "{import}");
        assert_eq!((&import["rows_done"], &import["orders"]["documents"]), (&json!(written), &json!(written)));
        assert_eq!(shop.shown("status")["orders"], json!(written), "what is durable is what is told");
        shop.reopen();
        assert_eq!(shop.shown("imports")["items"], json!([import]));
        let again = shop.import_keyed(query, Some("k-1"), &file);
        assert_eq!((&again["id"], &again["state"]), (&import["id"], &json!("done")));
        assert_eq!((&again["unchanged"], &again["created"]), (&json!(written), &json!(size as u64 - written)));
        return;
    }
    panic!("every import ended before it could be cancelled");
}
