//! The pages over a node with data: what they show, what their forms do, how hostile texts come out.
#![allow(clippy::unwrap_used)]
use super::gate::{Browser, PAGES};
use crate::http::PROBLEM_CODES;
use crate::http::tests::world::World;
use crate::run::Purpose;
use crate::web::texts::Language;

async fn with_order() -> (World, String) {
    let world = World::with_product().await;
    world.post("/api/v1/stock/receipts", r#"{"sku": "85123A", "quantity": "5"}"#).await;
    let order = r#"{"walk_in": false, "contact": {"name": "<script>alert(1)</script>", "phone": "13800000000"},
        "lines": [{"sku": "85123A", "quantity": "3", "price": "2.55"}]}"#;
    let made = world.post("/api/v1/orders", order).await;
    assert_eq!(made.status, 201);
    let number = made.json()["number"].as_str().unwrap().to_owned();
    (world, number)
}

#[tokio::test]
async fn a_hostile_name_is_shown_as_text() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    for target in ["/orders".to_owned(), format!("/orders/{number}")] {
        let page = browser.get(&target).await.text();
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"), "{target}");
    }
}

#[test]
fn no_page_passes_text_as_html() {
    fn look(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
            } else if std::fs::read_to_string(&path).unwrap().contains(concat!("Pre", "Escaped(")) {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    look(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/pages")), &mut found);
    // Charts and codes are drawn by libraries: their drawings alone are taken as they are.
    found.retain(|path| !path.ends_with("drawings.rs"));
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_is_shipped_from_its_page() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    for (verb, request) in [("confirm", "one"), ("confirm", "one"), ("ship", "two")] {
        let answer = browser.submit(&format!("/orders/{number}/{verb}"), &[("request", request)]).await;
        assert_eq!(answer.status, 303, "{verb}: {}", answer.text());
        assert_eq!(answer.headers["location"], format!("/orders/{number}?done=order-{verb}").as_str());
    }
    let page = browser.get(&format!("/orders/{number}?done=order-ship")).await.text();
    assert!(page.contains(">shipped<") && page.contains("Shipped.") && page.contains("3 shipped"), "{page}");
    let again = browser.submit(&format!("/orders/{number}/ship"), &[("request", "three")]).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("Nothing is left to do."), "{}", again.text());
    let unknown = browser.submit(&format!("/orders/{number}/burn"), &[]).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn the_list_is_the_same_in_every_form() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    for (query, there) in [("", true), ("?status=confirmed", false), ("?from=2000-01-01&to=&channel=", true)] {
        let html = browser.get(&format!("/orders{query}")).await.text();
        let csv = browser.get(&format!("/orders.csv{query}")).await.text();
        let json = browser.get(&format!("/orders.json{query}")).await.json();
        assert_eq!(html.contains(&number), there, "{query}");
        assert_eq!(csv.contains(&number), there, "{query}");
        assert_eq!(json["items"].as_array().unwrap().len(), usize::from(there), "{query}");
    }
    let wrong = browser.get("/orders?from=yesterday").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("Something is missing or wrong."));
}

#[tokio::test]
async fn the_exchange_is_paused_from_the_page() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    assert_eq!(browser.submit("/network/pause", &[]).await.status, 303);
    assert!(browser.get("/network").await.text().contains("Reconnect"));
    assert_eq!(browser.submit("/network/resume", &[]).await.status, 303);
    assert!(browser.get("/network").await.text().contains("Cut off"));
}

#[tokio::test]
async fn every_page_speaks_both_languages_within_100_kb() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    let own = format!("/orders/{number}");
    for page in PAGES.iter().copied().filter(|page| !page.contains('.')).chain([own.as_str()]) {
        for language in Language::ALL {
            let request = browser.request("GET", page).header("cookie", format!("tradepost_look={}", language.tag()));
            let answer = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
            let text = answer.text();
            assert!(text.contains(&format!("<html lang=\"{}\"", language.tag())), "{page}");
            assert!(text.len() < 100_000, "{page}: {} bytes", text.len());
            let main = text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
            let han = main.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert_eq!(han, language == Language::Zh, "{page} in {}", language.tag());
        }
    }
}

#[test]
fn every_problem_code_has_a_sentence_in_both_languages() {
    for problem in PROBLEM_CODES {
        let key = format!("problem-{}", problem.code.replace('_', "-"));
        for language in Language::ALL {
            assert_ne!(language.text(&key), key, "{key} in {}", language.tag());
        }
    }
}

#[tokio::test]
async fn stock_comes_in_from_the_page() {
    let world = World::with_product().await;
    let browser = Browser::new(&world).await;
    let came = browser.submit("/stock/85123A/receive", &[("quantity", "1234.5"), ("reference", "D-1")]).await;
    assert_eq!((came.status, &came.headers["location"]), (303, &"/stock/85123A?done=stock-receive".parse().unwrap()));
    let page = browser.get("/stock/85123A").await.text();
    assert!(page.contains("On hand<strong>1,234.5</strong>") && page.contains("Elsewhere"), "{page}");
    let why = browser.submit("/stock/85123A/adjust", &[("quantity", "-1")]).await;
    assert!(why.status == 422 && why.text().contains("Say why"), "a correction has a reason");
    let fixed = browser.submit("/stock/85123A/adjust", &[("quantity", "-1"), ("reason", "broken")]).await;
    assert_eq!(fixed.status, 303);
    assert!(browser.get("/stock").await.text().contains("1,233.5"));
    assert_eq!(browser.get("/stock/none").await.status, 404);
}

#[tokio::test]
async fn the_ledger_of_an_item_names_each_movement_with_its_balance() {
    let world = World::with_product().await;
    let browser = Browser::new(&world).await;
    let empty = browser.get("/stock/85123A").await.text();
    assert!(empty.contains("Nothing has moved yet"), "{empty}");
    browser.submit("/stock/85123A/receive", &[("quantity", "7"), ("reference", "D-1"), ("request", "l1")]).await;
    browser.submit("/stock/85123A/adjust", &[("quantity", "-2"), ("reason", "broken <b>"), ("request", "l2")]).await;
    let page = browser.get("/stock/85123A").await.text();
    let ledger = page.split("id=\"ledger\"").nth(1).unwrap();
    let place = |what: &str| ledger.find(what).unwrap_or_else(|| panic!("no `{what}` in {ledger}"));
    assert!(place("corrected") < place("received"), "the newest first");
    assert!(place("broken &lt;b&gt;") < place("D-1"));
    assert!(ledger.contains(">-2<") && ledger.contains(">5<") && ledger.contains(">7<"), "{ledger}");
    let first = browser.get("/stock/85123A?limit=1").await.text();
    assert!(
        first.contains("corrected") && !first.contains("D-1") && first.contains("cursor="),
        "older ones are a page away"
    );
}

#[tokio::test]
async fn an_import_that_has_ended_cannot_be_stopped_from_its_page() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let body = multipart(
        &[("page_token", &browser.token()), ("kind", "products"), ("map", "sku:Code,name:Title"), ("request", "f")],
        "Code,Title\nTEA,Tea\n",
    );
    let kind = "multipart/form-data; boundary=edge";
    let sent = browser.request("POST", "/imports").header("content-type", kind).body(body.into()).unwrap();
    let place = world.send(sent).await.headers["location"].to_str().unwrap().to_owned();
    let id = place.rsplit('/').next().unwrap().to_owned();
    let mut looks = 0;
    while world.get(&format!("/api/v1/imports/{id}")).await.json()["state"] == "running" {
        looks += 1;
        assert!(looks < 1_000_000, "the import does not end");
        tokio::task::yield_now().await;
    }
    let page = browser.get(&place).await.text();
    assert!(!page.contains("/cancel"), "nothing is left to stop: {page}");
    assert_eq!(browser.submit(&format!("{place}/cancel"), &[]).await.status, 409);
    assert_eq!(browser.submit("/imports/none/cancel", &[]).await.status, 404);
}

#[tokio::test]
async fn a_product_and_a_customer_are_added_from_their_pages() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let product =
        [("sku", "A/1 &?"), ("name", "<b>lamp</b>"), ("barcode", "0012345678905"), ("price", "9.90"), ("request", "p")];
    for _ in 0..2 {
        let added = browser.submit("/products", &product).await;
        assert_eq!(added.headers["location"], "/stock/A%2F1%20%26%3F?done=product-added");
    }
    let list = browser.get("/products?q=lamp").await.text();
    assert!(list.contains("&lt;b&gt;lamp") && list.contains("0012345678905") && list.contains(">9.9<"), "{list}");
    assert_eq!(browser.get("/stock/A%2F1%20%26%3F").await.status, 200);
    let customer = [("name", "\u{738b}\u{5c0f}\u{660e}"), ("phone", "138-0000-4567")];
    let added = browser.submit("/customers", &customer).await;
    let page = browser.get(added.headers["location"].to_str().unwrap()).await.text();
    assert!(page.contains("138-0000-4567"), "{page}");
    assert_eq!(browser.submit("/customers", &[("name", " ")]).await.status, 422);
}

#[tokio::test]
async fn an_order_is_taken_at_the_till() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    for (sku, barcode, price) in [("TEA", "6901234567892", "12.50"), ("CUP", "6909876543212", "30")] {
        browser.submit("/products", &[("sku", sku), ("name", sku), ("barcode", barcode), ("price", price)]).await;
    }
    browser.submit("/customers", &[("name", "\u{738b}\u{5c0f}\u{660e}"), ("phone", "13800004567")]).await;
    browser.submit("/stock/TEA/receive", &[("quantity", "2")]).await;
    let typed = |page: &str, name: &str| -> Vec<String> {
        let mark = format!("name=\"{name}\" value=\"");
        let fields = page.split(&mark).skip(1);
        fields.map(|field| field.split('"').next().unwrap().to_owned()).collect()
    };
    let scan = browser.submit("/orders/new", &[("do", "add"), ("scan", "3*6901234567892\r"), ("note", "<b>")]).await;
    let page = scan.text();
    assert_eq!(
        (typed(&page, "line_sku"), typed(&page, "line_quantity")),
        (vec!["TEA".to_owned()], vec!["3".to_owned()])
    );
    assert!(page.contains("2 now") && page.contains("1 on backorder") && page.contains("\u{a3}37.50"), "{page}");
    assert_eq!(typed(&page, "note"), ["&lt;b&gt;"], "a_draft_comes_back_as_it_was_sent");
    let unknown =
        browser.submit("/orders/new", &[("do", "add"), ("scan", "4711"), ("line_sku", "TEA"), ("line_quantity", "3")]);
    let unknown = unknown.await.text();
    assert!(
        unknown.contains("No item has the code 4711.") && typed(&unknown, "line_sku") == ["TEA"],
        "nothing is lost"
    );
    let found = browser.submit("/orders/new", &[("do", "find"), ("customer_query", "wxm")]).await.text();
    let id = found.split("value=\"customer:").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut fields = vec![("do", "take"), ("request", "till-1"), ("walk_in", "1"), ("customer", id.as_str())];
    for (sku, quantity, price) in [("TEA", "1", "12.50"), ("CUP", "2", "30")] {
        fields.extend([("line_sku", sku), ("line_name", sku), ("line_quantity", quantity), ("line_price", price)]);
    }
    let wrong = [&fields[..], &[("tender", "wechat"), ("paid", "seven")]].concat();
    let refused = browser.submit("/orders/new", &wrong).await;
    assert_eq!((refused.status, typed(&refused.text(), "paid")), (422, vec!["seven".to_owned()]));
    fields.extend([("tender", "wechat"), ("paid", "80")]);
    let taken = browser.submit("/orders/new", &fields).await;
    assert_eq!(taken.status, 303, "{}", taken.text());
    let place = taken.headers["location"].to_str().unwrap().to_owned();
    assert_eq!((taken.status, place.as_str()), (303, "/orders/HQ-A-000001/receipt?done=order-taken"));
    assert_eq!(browser.submit("/orders/new", &fields).await.headers["location"], place.as_str(), "one form, one order");
    let receipt = browser.get(&place).await.text();
    assert!(
        receipt.contains("\u{a3}72.50") && receipt.contains("\u{a3}80.00") && receipt.contains("\u{a3}7.50"),
        "{receipt}"
    );
    let order = world.get("/api/v1/orders/HQ-A-000001").await.json();
    assert_eq!((&order["total"], &order["paid"]), (&"72.50".into(), &"80.00".into()));
    assert_eq!(order["customer"]["id"], id.as_str());
    assert_eq!(world.get("/api/v1/orders").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_report_is_drawn_from_its_table() {
    let world = World::with_product().await;
    let order = r#"{"walk_in": true, "lines": [{"sku": "85123A", "quantity": "3", "price": "2.55"}]}"#;
    world.post("/api/v1/orders", order).await;
    let browser = Browser::new(&world).await;
    for by in ["month", "day", "country", "item", "customer", "site"] {
        let page = browser.get(&format!("/reports/sales?by={by}")).await.text();
        assert!(page.contains("\u{a3}7.65") && page.contains("<svg") && page.contains("Complete"), "{by}: {page}");
        let sheet = browser.get(&format!("/reports/sales.csv?by={by}")).await.text();
        assert!(sheet.contains("7.65,7.65,3,1,1,GBP"), "{sheet}");
    }
    let none = browser.get("/reports/sales?by=month&from=1990-01-01&to=1990-01-02").await.text();
    assert!(none.contains("No sales in this time."));
    let overview = browser.get("/overview").await.text();
    assert!(overview.contains("\u{a3}7.65") && overview.contains("HQ") && overview.contains("live"), "{overview}");
}

#[tokio::test]
async fn a_case_leads_to_its_order() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    assert!(browser.get("/inbox").await.text().contains("Nothing waits for you."));
    let sale = r#"{"walk_in": true, "lines": [{"sku": "85123A", "quantity": "30", "price": "2.55"}]}"#;
    world.post("/api/v1/orders", sale).await;
    let page = browser.get("/inbox").await.text();
    assert!(page.contains("/stock/85123A"), "{page}");
    assert_eq!(browser.get("/stock/85123A").await.status, 200);
    assert_eq!(browser.get(&format!("/orders/{number}")).await.status, 200);
}

#[tokio::test]
async fn a_form_at_its_limit_is_read_and_one_byte_more_is_not() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let head = format!("page_token={}&back=/&filler=", browser.token());
    for (bytes, status) in [(crate::web::form::FORM_BYTES_MAX, 303), (crate::web::form::FORM_BYTES_MAX + 1, 413)] {
        let body = format!("{head}{}", "f".repeat(bytes - head.len()));
        let request = browser.request("POST", "/look").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(world.send(request.body(body.into()).unwrap()).await.status, status, "{bytes}");
    }
}

/// A form with a file as browsers send it.
fn multipart(fields: &[(&str, &str)], file: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\nContent-Type: text/csv";
    body + &format!("--edge\r\n{head}\r\n\r\n{file}\r\n--edge--\r\n")
}

#[tokio::test]
async fn a_file_is_imported_from_the_page() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let fields = [
        ("page_token", browser.token()),
        ("kind", "products".into()),
        ("map", "sku:Code,name:Title,price:Price".into()),
        ("preset", String::new()),
        ("request", "file-1".into()),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = multipart(&fields, "Code,Title,Price\nTEA,Tea,12.50\nCUP,Cup,-1\n");
    let kind = "multipart/form-data; boundary=edge";
    let send = async |body: String| {
        world.send(browser.request("POST", "/imports").header("content-type", kind).body(body.into()).unwrap()).await
    };
    let started = send(body.clone()).await;
    assert_eq!(started.status, 303, "{}", started.text());
    let place = started.headers["location"].to_str().unwrap().to_owned();
    let id = place.rsplit('/').next().unwrap().to_owned();
    let mut looks = 0;
    while world.get(&format!("/api/v1/imports/{id}")).await.json()["state"] == "running" {
        looks += 1;
        assert!(looks < 1_000_000, "the import does not end");
        tokio::task::yield_now().await;
    }
    let page = browser.get(&place).await.text();
    assert!(page.contains("done") && page.contains("Rejected rows<strong>1</strong>"), "{page}");
    let sheet = browser.get(&format!("{place}/rejected.csv")).await.text();
    assert!(sheet.contains("CUP"), "{sheet}");
    assert!(browser.get("/imports").await.text().contains(&id));
    assert!(browser.get("/products").await.text().contains("12.5"));
    assert_eq!(send(body).await.headers["location"], place.as_str(), "sent twice, imported once");
}

#[tokio::test]
async fn a_file_without_the_page_s_token_is_not_read() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    for fields in [&[("kind", "products")][..], &[("page_token", "00"), ("kind", "products")]] {
        let body = multipart(fields, "Code,Title\nTEA,Tea\n");
        let request = browser.request("POST", "/imports").header("content-type", "multipart/form-data; boundary=edge");
        assert_eq!(world.send(request.body(body.into()).unwrap()).await.status, 403);
    }
    assert_eq!(std::fs::read_dir(world.folder.path().join("imports")).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn a_node_is_invited_from_the_page() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let wrong = browser.submit("/network/invite", &[("site", "x y")]).await;
    assert_eq!(wrong.status, 422);
    let made =
        browser.submit("/network/invite", &[("site", "SH01"), ("kind", "store"), ("zone", "Asia/Shanghai")]).await;
    let page = made.text();
    assert!(made.status == 200 && page.contains("<svg") && page.contains("tradepost join"), "{page}");
}

#[tokio::test]
async fn what_is_typed_is_found_by_each_of_its_texts() {
    let (world, number) = with_order().await;
    let browser = Browser::new(&world).await;
    browser.submit("/customers", &[("name", "\u{738b}\u{5c0f}\u{660e}"), ("phone", "13800004567")]).await;
    while world.app().search("x", 1).unwrap().is_building {
        tokio::task::yield_now().await;
    }
    for (question, link) in [
        ("hold", "/stock/85123A"),
        ("4567", "/customers/"),
        ("wxm", "/customers/"),
        ("000001", &*format!("/orders/{number}")),
    ] {
        let page = browser.get(&format!("/search?q={question}")).await.text();
        let hits = page.split("id=\"hits\"").nth(1).unwrap();
        assert!(hits.contains(link), "{question}: {hits}");
    }
    assert!(browser.get("/search?q=zzzz").await.text().contains("Nothing found."));
    assert_eq!(browser.get(&format!("/search?q={}", "a".repeat(201))).await.status, 422);
}

#[tokio::test]
async fn a_node_of_the_demo_is_cut_off_by_a_button_on_every_page() {
    let world = World::served_for(7070, Purpose::Demo);
    let browser = Browser::new(&world).await;
    assert!(browser.get("/orders").await.text().contains("data-demo=\"pause\""));
    let cut = browser.submit("/network/pause", &[("back", "/orders?status=confirmed")]).await;
    assert_eq!(cut.headers["location"], "/orders?status=confirmed");
    let away = browser.submit("/network/resume", &[("back", "//evil.example")]).await;
    assert_eq!(away.headers["location"], "/");
    let work = World::new();
    assert!(!Browser::new(&work).await.get("/orders").await.text().contains("data-demo"));
}
