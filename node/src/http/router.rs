//! All routes on one screen, and what their handlers share.
//!
//! Not the middleware, which is `gate.rs`, and no handler.
//!
//! Invariant: the description at `/openapi.json` is made from the same list as the routes. Proved by
//! `the_description_holds_every_route`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::auth::TokenHash;
use super::error::Problem;
use super::gate::{Gate, gate};
use super::{
    adoption, cases, channels, customers, events, fulfilments, imports, ledger, loans, orders, peers, products,
    promise, reports, search, sign_in_links, status, stock, sync,
};
use crate::app::App;
use crate::app::error::AppError;
use crate::run::Purpose;
use crate::web::session::Sessions;
use crate::web::{self, Web};

/// Reports, digests, rebuilds and uploads that run at the same time.
const HEAVY_RUNNING_MAX: usize = 4;

/// What the API needs besides the application.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The port that callers name in their Host header.
    pub port: u16,
    /// The token that opens the API.
    pub token: TokenHash,
    /// Where uploaded files go.
    pub imports_folder: PathBuf,
    /// Gets one line for each fault of the machine.
    pub log: fn(&str),
    /// Who may see the pages.
    pub sessions: Arc<Sessions>,
    /// What the node is served for.
    pub purpose: Purpose,
}

/// What handlers share.
#[derive(Clone)]
struct Api {
    app: App,
    imports_folder: ImportsFolder,
    heavy: Heavy,
    sessions: Arc<Sessions>,
    description: Description,
}

/// The folder of uploaded files.
#[derive(Debug, Clone)]
pub struct ImportsFolder(pub Arc<Path>);

/// The OpenAPI document as JSON.
#[derive(Debug, Clone)]
pub struct Description(pub Bytes);

/// Keeps the expensive requests few.
#[derive(Debug, Clone)]
pub struct Heavy(Arc<Semaphore>);

impl Heavy {
    /// Waits for a place.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0).acquire_owned().await.map_err(|_| AppError::Stopping.into())
    }

    /// Takes a place or says that all are taken.
    pub fn place_now(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| AppError::Busy.into())
    }
}

impl FromRef<Api> for App {
    fn from_ref(api: &Api) -> Self {
        api.app.clone()
    }
}

impl FromRef<Api> for ImportsFolder {
    fn from_ref(api: &Api) -> Self {
        api.imports_folder.clone()
    }
}

impl FromRef<Api> for Heavy {
    fn from_ref(api: &Api) -> Self {
        api.heavy.clone()
    }
}

impl FromRef<Api> for Arc<Sessions> {
    fn from_ref(api: &Api) -> Self {
        Arc::clone(&api.sessions)
    }
}

impl FromRef<Api> for Description {
    fn from_ref(api: &Api) -> Self {
        api.description.clone()
    }
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(ApiDescription::openapi())
        .routes(routes!(status::health))
        .routes(routes!(status::show_status))
        .routes(routes!(events::follow_events))
        .routes(routes!(search::search))
        .routes(routes!(sign_in_links::create_sign_in_link))
        .routes(routes!(status::rebuild))
        .routes(routes!(status::describe))
        .routes(routes!(channels::list_channels, channels::create_channel))
        .routes(routes!(products::list_products, products::create_product))
        .routes(routes!(products::show_product))
        .routes(routes!(products::find_product))
        .routes(routes!(products::edit_product))
        .routes(routes!(adoption::adopt_product))
        .routes(routes!(adoption::alias_product))
        .routes(routes!(customers::list_customers, customers::create_customer))
        .routes(routes!(customers::show_customer))
        .routes(routes!(orders::list_orders, orders::create_order))
        .routes(routes!(orders::show_order))
        .routes(routes!(orders::confirm_order))
        .routes(routes!(orders::ship_order))
        .routes(routes!(orders::cancel_order))
        .routes(routes!(orders::send_order))
        .routes(routes!(fulfilments::list_fulfilments))
        .routes(routes!(fulfilments::show_fulfilment))
        .routes(routes!(fulfilments::ship_fulfilment))
        .routes(routes!(fulfilments::cancel_fulfilment))
        .routes(routes!(stock::list_stock))
        .routes(routes!(stock::show_stock))
        .routes(routes!(ledger::stock_ledger))
        .routes(routes!(promise::stock_promise))
        .routes(routes!(stock::receive_stock))
        .routes(routes!(stock::adjust_stock))
        .routes(routes!(loans::list_loans, loans::lend_stock))
        .routes(routes!(loans::return_loan))
        .routes(routes!(cases::list_cases))
        .routes(routes!(reports::sales_report))
        .routes(routes!(imports::list_imports, imports::start_import))
        .routes(routes!(imports::show_import))
        .routes(routes!(imports::download_rejects))
        .routes(routes!(imports::cancel_import))
        .routes(routes!(peers::list_peers))
        .routes(routes!(peers::invite_peer))
        .routes(routes!(peers::set_peer_address))
        .routes(routes!(sync::show_sync))
        .routes(routes!(sync::sync_now))
        .routes(routes!(sync::pause_sync))
        .routes(routes!(sync::resume_sync))
}

/// The whole API over `app`.
pub fn router(app: App, config: HttpConfig) -> Router {
    let sessions = config.sessions;
    let gate_state = Arc::new(Gate::new(config.port, config.token, config.log, Arc::clone(&sessions)));
    let (router, description) = routes().split_for_parts();
    let api = Api {
        app,
        imports_folder: ImportsFolder(config.imports_folder.into()),
        heavy: Heavy(Arc::new(Semaphore::new(HEAVY_RUNNING_MAX))),
        sessions: Arc::clone(&sessions),
        description: Description(json_of(&description).into()),
    };
    let pages = web::routes(Web {
        app: api.app.clone(),
        sessions,
        heavy: api.heavy.clone(),
        imports_folder: api.imports_folder.clone(),
        purpose: config.purpose,
    });
    let reader = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
    router
        .with_state(api)
        .merge(reader)
        .merge(pages)
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(gate_state, gate))
}

/// The OpenAPI 3.1 document that the node serves.
pub fn openapi_json() -> String {
    json_of(&routes().into_openapi())
}

fn json_of(description: &utoipa::openapi::OpenApi) -> String {
    description.to_json().expect("invariant: the description is made of texts and maps with text keys")
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Tradepost", description = "Orders, stock and customers of one node.", license(name = "MIT OR Apache-2.0")),
    security(("token" = [])),
    modifiers(&TokenScheme)
)]
struct ApiDescription;

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        description.components.get_or_insert_default().add_security_scheme("token", bearer);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use axum::body::Body;
    use axum::http::Request;
    use serde_json::{Value, json};

    use crate::http::extract::{BODY_BYTES_MAX, ORDER_BODY_BYTES_MAX};
    use crate::http::tests::world::{TOKEN, World};

    /// The contract: every route that callers may rely on.
    const ROUTES: &[(&str, &str)] = &[
        ("get", "/api/v1/health"),
        ("get", "/api/v1/status"),
        ("get", "/api/v1/events"),
        ("get", "/api/v1/search"),
        ("post", "/api/v1/sign-in-links"),
        ("post", "/api/v1/rebuild"),
        ("get", "/openapi.json"),
        ("get", "/api/v1/channels"),
        ("post", "/api/v1/channels"),
        ("get", "/api/v1/products"),
        ("post", "/api/v1/products"),
        ("get", "/api/v1/products/{sku}"),
        ("get", "/api/v1/products/by-code/{code}"),
        ("post", "/api/v1/products/{sku}/edit"),
        ("post", "/api/v1/products/{sku}/adopt"),
        ("post", "/api/v1/products/{sku}/alias"),
        ("get", "/api/v1/customers"),
        ("post", "/api/v1/customers"),
        ("get", "/api/v1/customers/{id}"),
        ("get", "/api/v1/orders"),
        ("post", "/api/v1/orders"),
        ("get", "/api/v1/orders/{id}"),
        ("post", "/api/v1/orders/{id}/confirm"),
        ("post", "/api/v1/orders/{id}/ship"),
        ("post", "/api/v1/orders/{id}/cancel"),
        ("post", "/api/v1/orders/{id}/send"),
        ("get", "/api/v1/fulfilments"),
        ("get", "/api/v1/fulfilments/{id}"),
        ("post", "/api/v1/fulfilments/{id}/ship"),
        ("post", "/api/v1/fulfilments/{id}/cancel"),
        ("get", "/api/v1/stock"),
        ("get", "/api/v1/stock/{sku}"),
        ("get", "/api/v1/stock/{sku}/ledger"),
        ("get", "/api/v1/stock/promise"),
        ("post", "/api/v1/stock/receipts"),
        ("post", "/api/v1/stock/adjustments"),
        ("get", "/api/v1/stock/loans"),
        ("post", "/api/v1/stock/loans"),
        ("post", "/api/v1/stock/loans/{id}/return"),
        ("get", "/api/v1/cases"),
        ("get", "/api/v1/reports/sales"),
        ("get", "/api/v1/imports"),
        ("post", "/api/v1/imports"),
        ("post", "/api/v1/imports/{id}/cancel"),
        ("get", "/api/v1/imports/{id}"),
        ("get", "/api/v1/imports/{id}/rejects"),
        ("get", "/api/v1/peers"),
        ("post", "/api/v1/peers/invites"),
        ("put", "/api/v1/peers/{node}/address"),
        ("get", "/api/v1/sync"),
        ("post", "/api/v1/sync/now"),
        ("post", "/api/v1/sync/pause"),
        ("post", "/api/v1/sync/resume"),
    ];

    fn order_with(change: impl FnOnce(&mut Value)) -> String {
        let mut order = json!({"walk_in": false, "lines": [{"sku": "85123A", "quantity": "6", "price": "2.55"}]});
        change(&mut order);
        order.to_string()
    }

    fn described_routes(description: &Value) -> BTreeSet<(String, String)> {
        let paths = description["paths"].as_object().unwrap();
        let methods = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
        });
        methods.collect()
    }

    #[tokio::test]
    async fn the_description_holds_every_route() {
        let answer = World::new().get("/openapi.json").await;
        let description = answer.json();
        assert_eq!((answer.status, description["openapi"].as_str()), (200, Some("3.1.0")));
        let contract = ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        assert_eq!(described_routes(&description), contract);
        assert_eq!(answer.bytes, super::openapi_json().into_bytes());
    }

    #[tokio::test]
    async fn every_reference_of_the_description_is_there() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let description = World::new().get("/openapi.json").await.json();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            assert!(description.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[tokio::test]
    async fn every_route_but_health_wants_the_token() {
        let world = World::new();
        for (method, path) in ROUTES {
            let target = path.replace("{sku}", "85123A").replace("{id}", "HQ-A-000001").replace("{node}", "SH01");
            for credential in [None, Some("Bearer wrong"), Some("Basic YTpi")] {
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(&target);
                let request = request.header("host", "localhost:7070").header("content-type", "application/json");
                let request = credential.into_iter().fold(request, |r, c| r.header("authorization", c));
                let answer = world.send(request.body(Body::empty()).unwrap()).await;
                if target == "/api/v1/health" {
                    assert_eq!(answer.status, 200);
                } else {
                    assert_eq!((answer.status, answer.code().as_str()), (401, "token_required"), "{method} {target}");
                    assert_eq!(answer.headers["www-authenticate"], "Bearer");
                }
            }
        }
    }

    #[tokio::test]
    async fn every_route_of_the_contract_is_routed() {
        let world = World::new();
        for (method, path) in ROUTES {
            let target = path.replace("{sku}", "85123A").replace("{id}", "HQ-A-000001").replace("{node}", "SH01");
            let request = World::request(&method.to_uppercase(), &target).body(Body::empty()).unwrap();
            let answer = world.send(request).await;
            assert!(answer.status != 405, "{method} {target}");
            if answer.status >= 400 {
                assert_ne!(answer.code(), "no_such_route", "{method} {target}");
            }
        }
    }

    #[tokio::test]
    async fn health_tells_only_that_it_runs() {
        let request = Request::get("/api/v1/health").header("host", "[::1]:7070").body(Body::empty()).unwrap();
        let answer = World::new().send(request).await;
        assert_eq!(answer.json(), json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    }

    #[tokio::test]
    async fn health_takes_no_other_method_without_the_token() {
        let request = Request::post("/api/v1/health").header("host", "localhost:7070").body(Body::empty()).unwrap();
        assert_eq!(World::new().send(request).await.status, 401);
    }

    #[tokio::test]
    async fn a_foreign_host_is_misdirected() {
        let world = World::new();
        for (host, status) in [
            ("localhost:7070", 200),
            ("127.0.0.1:7070", 200),
            ("[::1]:7070", 200),
            ("localhost:7071", 421),
            ("localhost.:7070", 421),
            ("evil.example", 421),
        ] {
            for (target, own) in
                [("/api/v1/channels", status), ("/no/such/route", if status == 200 { 404 } else { 421 })]
            {
                let request =
                    Request::get(target).header("host", host).header("authorization", format!("Bearer {TOKEN}"));
                let answer = world.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, own, "{host} {target}");
            }
        }
    }

    #[tokio::test]
    async fn a_page_of_another_origin_changes_nothing() {
        let world = World::new();
        for (name, value) in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let request = World::request("POST", "/api/v1/orders").header(name, value);
            let request =
                request.header("content-type", "application/json").body(Body::from(order_with(|_| ()))).unwrap();
            assert_eq!(world.send(request).await.code(), "foreign_page", "{name} {value}");
        }
        let request = World::request("OPTIONS", "/api/v1/orders").header("origin", "http://evil.example");
        assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, 405);
    }

    #[tokio::test]
    async fn no_answer_carries_a_cors_header() {
        let world = World::new();
        for target in ["/api/v1/orders", "/no/such/route", "/openapi.json"] {
            let request = World::request("GET", target).header("origin", "http://localhost:7070");
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{target}");
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            assert!(answer.headers.contains_key("x-request-id"));
        }
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem_document() {
        let world = World::new();
        for (method, target, status, code) in [
            ("GET", "/no/such/route", 404, "no_such_route"),
            ("DELETE", "/api/v1/orders", 405, "method_not_allowed"),
            ("GET", "/api/v1/orders/HQ-A-999999", 404, "not_found"),
            ("GET", "/api/v1/products/%FF", 400, "bad_request"),
            ("GET", "/api/v1/reports/sales", 422, "invalid"),
            ("POST", "/api/v1/orders", 422, "invalid"),
        ] {
            let answer = world.send(World::request(method, target).body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {target}");
            let body = answer.json();
            assert_eq!(body["status"], status);
            assert_eq!(body["type"], format!("/problems/{code}"));
            assert_eq!(body["request_id"], answer.headers["x-request-id"].to_str().unwrap());
            assert!(body["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{code}");
        }
    }

    #[tokio::test]
    async fn an_order_is_created_and_read_again() {
        let world = World::with_product().await;
        let made = world.post("/api/v1/orders", order_with(|_| ())).await;
        assert_eq!((made.status, made.json()["number"].as_str()), (201, Some("HQ-A-000001")));
        let read = world.get("/api/v1/orders/HQ-A-000001").await;
        assert_eq!((read.status, read.json()), (200, made.json()));
        let listed = world.get("/api/v1/orders").await.json();
        assert_eq!((&listed["items"][0]["id"], listed["items"][0].get("lines")), (&made.json()["id"], None));
    }

    #[tokio::test]
    async fn an_unknown_field_is_named() {
        let world = World::new();
        for (pointer, body) in [
            ("/channell", order_with(|order| order["channell"] = json!("web"))),
            ("/lines/0/prise", order_with(|order| order["lines"][0]["prise"] = json!("1"))),
            ("/lines/0/price", order_with(|order| order["lines"][0]["price"] = json!(2.55))),
            ("/lines/0/quantity", order_with(|order| order["lines"][0]["quantity"] = json!([]))),
            ("/lines/0/sku", order_with(|order| drop(order["lines"][0].as_object_mut().unwrap().remove("sku")))),
            ("/lines", order_with(|order| drop(order.as_object_mut().unwrap().remove("lines")))),
            ("/lines", order_with(|order| order["lines"] = json!({}))),
            ("/walk_in", order_with(|order| order["walk_in"] = json!("yes"))),
            ("/contact/e~1mail", order_with(|order| order["contact"] = json!({"e/mail": "x"}))),
        ] {
            let answer = world.post("/api/v1/orders", body.clone()).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![pointer.to_owned()]), "{body}");
        }
    }

    #[tokio::test]
    async fn a_wrong_price_on_the_fourth_line_is_named() {
        let body = order_with(|order| {
            let line = order["lines"][0].clone();
            order["lines"] = json!([line, line, line, {"sku": "85123A", "quantity": "1", "price": "0.1234567"}]);
        });
        let answer = World::new().post("/api/v1/orders", body).await;
        assert_eq!(answer.pointers(), ["/lines/3/price"]);
        assert_eq!(answer.json()["remedy"], "Round it to 6 digits after the point.");
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_is_refused() {
        let world = World::new();
        for body in ["{", "[1,", "[]", "null", "{\"lines\": nope}", "{\"lines\": []} {}", "\u{feff}{}"] {
            let answer = world.post("/api/v1/orders", body).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "malformed_json"), "{body}");
        }
    }

    #[tokio::test]
    async fn only_json_is_taken_as_json() {
        let world = World::with_product().await;
        for (kind, status) in [
            (Some("application/json"), 201),
            (Some("application/json; charset=utf-8"), 201),
            (Some("text/plain"), 415),
            (Some("application/x-www-form-urlencoded"), 415),
            (Some("multipart/form-data"), 415),
            (None, 415),
        ] {
            let request = World::request("POST", "/api/v1/orders");
            let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
            let answer = world.send(request.body(Body::from(order_with(|_| ()))).unwrap()).await;
            assert_eq!(answer.status, status, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn an_absent_body_reads_as_an_empty_object() {
        let answer = World::new().send(World::request("POST", "/api/v1/rebuild").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200);
    }

    #[tokio::test]
    async fn an_idempotency_key_of_129_characters_is_refused() {
        let world = World::with_product().await;
        for (key, status) in [("k".repeat(128), 201), ("k".repeat(129), 400), (String::new(), 400), ("a b".into(), 400)]
        {
            let request = World::request("POST", "/api/v1/orders").header("content-type", "application/json");
            let request = request.header("idempotency-key", &key).body(Body::from(order_with(|_| ()))).unwrap();
            let answer = world.send(request).await;
            assert_eq!(answer.status, status, "{key}");
            if status == 400 {
                assert_eq!(answer.code(), "idempotency_key_invalid");
            }
        }
    }

    #[tokio::test]
    async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
        let world = World::with_product().await;
        for (target, limit) in [("/api/v1/rebuild", BODY_BYTES_MAX), ("/api/v1/orders", ORDER_BODY_BYTES_MAX)] {
            let body = if target.ends_with("orders") { order_with(|_| ()) } else { "{}".to_owned() };
            let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
            assert!(world.post(target, padded(limit)).await.status < 300, "{target}");
            let answer = world.post(target, padded(limit + 1)).await;
            assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"), "{target}");
        }
    }

    #[tokio::test]
    async fn an_order_of_2000_lines_with_long_names_fits() {
        let name = "青".repeat(200);
        let line = json!({"sku": "85123A", "quantity": "6", "price": "2.55", "name": name});
        let body = order_with(|order| order["lines"] = json!(vec![line; 2_000]));
        let escaped = body.replace('青', "\\u9752");
        assert!(body.len() > BODY_BYTES_MAX && escaped.len() < ORDER_BODY_BYTES_MAX);
        let world = World::with_product().await;
        assert_eq!(world.post("/api/v1/orders", body).await.status, 201);
        assert_eq!(world.post("/api/v1/orders", escaped).await.status, 201);
    }

    #[tokio::test]
    async fn paging_parameters_are_checked() {
        let world = World::new();
        for (query, pointers) in [
            ("", vec![]),
            ("?limit=500", vec![]),
            ("?cursor=abc", vec!["/cursor"]),
            ("?limit=501", vec!["/limit"]),
            ("?limit=0", vec!["/limit"]),
            ("?limit=x&cursor=%20", vec!["/limit", "/cursor"]),
            ("?limit=1&limit=2", vec!["/limit"]),
            ("?offset=5", vec!["/offset"]),
            ("?status=open&from=2011-01-01&to=2010-01-01", vec!["/to", "/status"]),
        ] {
            let answer = world.get(&format!("/api/v1/orders{query}")).await;
            if pointers.is_empty() {
                assert_eq!(answer.json(), json!({"items": [], "next_cursor": null, "has_more": false}));
            } else {
                assert_eq!(
                    (answer.status, answer.pointers()),
                    (422, pointers.iter().map(|p| (*p).to_owned()).collect())
                );
            }
        }
    }

    #[tokio::test]
    async fn pages_show_each_item_once() {
        let world = World::new();
        for sku in ["A-1", "商品 2", "A&3"] {
            let made = world.post("/api/v1/products", json!({"sku": sku, "name": sku}).to_string()).await;
            assert_eq!(made.status, 201);
        }
        let (mut target, mut shown) = ("/api/v1/products?limit=1".to_owned(), Vec::new());
        while shown.len() < 4 {
            let page = world.get(&target).await.json();
            shown.extend(page["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned()));
            assert_eq!(page["has_more"], json!(page["next_cursor"].is_string()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            target = format!("/api/v1/products?limit=1&cursor={cursor}");
        }
        shown.sort();
        assert_eq!(shown, ["A&3", "A-1", "商品 2"]);
    }

    #[tokio::test]
    async fn one_key_gives_one_order_and_refuses_another_body() {
        let world = World::with_product().await;
        let mut answers = Vec::new();
        for note in ["first", "first", "second"] {
            let request = World::request("POST", "/api/v1/orders").header("content-type", "application/json");
            let body = order_with(|order| order["note"] = json!(note));
            answers.push(world.send(request.header("idempotency-key", "k-1").body(Body::from(body)).unwrap()).await);
        }
        assert_eq!((answers[0].status, answers[1].status), (201, 201));
        assert_eq!(answers[0].json()["id"], answers[1].json()["id"]);
        assert_eq!((answers[2].status, answers[2].code().as_str()), (422, "idempotency_key_reused"));
        assert_eq!(world.get("/api/v1/orders").await.json()["items"].as_array().unwrap().len(), 1);
    }

    async fn import(world: &World, query: &str) -> crate::http::tests::world::Answer {
        let request = World::request("POST", &format!("/api/v1/imports{query}")).header("content-type", "text/csv");
        world.send(request.body(Body::from("a,b\n1,2\n")).unwrap()).await
    }

    #[tokio::test]
    async fn import_parameters_are_checked_first() {
        let world = World::new();
        let answer = import(&world, "?kind=carts&as=old&dry_run=maybe").await;
        assert_eq!(answer.pointers(), ["/kind", "/dry_run", "/as"]);
        assert!(!world.folder.path().join("imports").exists());
    }

    #[tokio::test]
    async fn a_refused_import_leaves_no_file() {
        let world = World::new();
        let answer = import(&world, "?kind=orders&as=history&channel=nowhere&map=sku:a").await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
        assert_eq!(std::fs::read_dir(world.folder.path().join("imports")).unwrap().count(), 0);
    }
}
