//! The world of the HTTP tests: a router over a node of its own, a token, and one sample of every view.
//!
//! Invariant: each test has its own folder. Proved by the tests that count files in it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use crdt_model::id::{DocumentId, OrgId};
use crdt_model::money::Currency;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::{EventTime, Timestamp};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::app::App;
use crate::app::model::*;
use crate::folder::Folder;
use crate::http::auth::TokenHash;
use crate::http::router::{HttpConfig, router};
use crate::init::{InitRequest, init};
use crate::run;
use crate::run::open_app;
use crate::web::session::Sessions;

/// The token of every test router.
pub const TOKEN: &str = "a-token-of-the-tests";

/// A router over a new node with its own folder.
pub struct World {
    pub router: Router,
    pub folder: TempDir,
    pub sessions: Arc<Sessions>,
    app: App,
}

impl Drop for World {
    fn drop(&mut self) {
        self.app.stop();
    }
}

/// An answer, read.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The code of a problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// The pointers of a problem document.
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

impl World {
    pub fn new() -> Self {
        Self::on_port(7070)
    }

    pub fn on_port(port: u16) -> Self {
        Self::served_for(port, run::Purpose::Work)
    }

    pub fn served_for(port: u16, purpose: run::Purpose) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = new_node(&folder.path().join("data"));
        let imports_folder = folder.path().join("imports");
        let sessions = Arc::new(Sessions::open(&app).unwrap());
        let token = TokenHash::of(TOKEN);
        let config = HttpConfig { port, token, imports_folder, log: |_| (), sessions: Arc::clone(&sessions), purpose };
        Self { router: router(app.clone(), config), folder, sessions, app }
    }

    /// A world with the product `85123A`.
    pub async fn with_product() -> Self {
        let world = Self::new();
        let made = world.post("/api/v1/products", r#"{"sku": "85123A", "name": "HOLDER"}"#).await;
        assert_eq!(made.status, 201);
        world
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// A request with our Host and token.
    pub fn request(method: &str, target: &str) -> axum::http::request::Builder {
        let token = format!("Bearer {TOKEN}");
        Request::builder().method(method).uri(target).header("host", "localhost:7070").header("authorization", token)
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream of events has no end to wait for.
        let is_stream = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_stream { Vec::new() } else { body.collect().await.unwrap().to_bytes().to_vec() };
        Answer { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send(Self::request("GET", target).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, target: &str, body: impl Into<Body>) -> Answer {
        let request = Self::request("POST", target).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }
}

fn new_node(data: &Path) -> App {
    let request = InitRequest {
        data: data.to_owned(),
        org: "Demo".into(),
        site: "HQ".into(),
        kind: "head-office".into(),
        currency: "GBP".into(),
        zone: "Europe/London".into(),
        territory: "MAIN".into(),
        sync_listen: None,
    };
    init(&request).unwrap();
    open_app(&Folder::new(data)).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn site() -> SiteCode {
    SiteCode::new("HQ").unwrap()
}

fn time() -> EventTime {
    EventTime { at: Timestamp(1_291_191_960_000), offset_minutes: 0, business_date: "2010-12-01".parse().unwrap() }
}

fn gbp() -> Currency {
    Currency::new("GBP", 2).unwrap()
}

pub fn sample_order() -> OrderView {
    let units = |units: i128| QuantitySum(units * 1_000);
    let line = OrderLineView {
        line: 1,
        sku: text("85123A"),
        name: Some(text("HOLDER")),
        quantity: "6".parse().unwrap(),
        price: "2.55".parse().unwrap(),
        total: MoneySum(1530),
        cancelled: units(0),
        sent: units(0),
        reserved: units(4),
        secured: units(3),
        shipped: units(2),
        delivered: units(0),
        backordered: units(0),
    };
    OrderView {
        id: DocumentId([7; 16]),
        number: "HQ-A-000001".into(),
        scope: Scope::Site(site()),
        site: site(),
        channel: Some(text("web")),
        external_number: Some(text("77")),
        purpose: Purpose::Sale,
        entry: EntryKind::New,
        walk_in: false,
        status: OrderState::Confirmed,
        fulfilment: FulfilmentState::PartlyShipped,
        payment: PaymentState::Paid,
        currency: gbp(),
        ordered_at: time(),
        region: Some(text("United Kingdom")),
        customer: Some(OrderCustomerView {
            id: DocumentId([9; 16]),
            external_number: Some(text("17850")),
            name: Some(text("李雷")),
        }),
        contact: Some(ContactDetails { name: Some(text("李雷")), phone: None, address: Some(text("上海")) }),
        note: None,
        total: MoneySum(1530),
        paid: MoneySum(1530),
        secured: Secured::Part,
        duplicate_of: None,
        line_count: 1,
        lines: Some(vec![line]),
        cases: Some(Vec::new()),
        fulfilments: Some(Vec::new()),
    }
}

pub fn sample_stock() -> StockView {
    let units = |units: i128| QuantitySum(units * 1_000);
    StockView {
        site: site(),
        sku: text("85123A"),
        name: text("HOLDER"),
        on_hand: units(10),
        unavailable: units(0),
        reserved: units(4),
        secured: units(3),
        allotted: units(0),
        available: units(6),
        free_rights: units(7),
        promise_now: units(5),
        minted: units(10),
        burned: units(0),
        spent: QuantitySum(-500),
        as_of: time(),
    }
}

pub fn sample_report() -> SalesReport {
    let figures = SalesFigures {
        gross_sales: MoneySum(10_451_880),
        net_sales: MoneySum(-100),
        units: QuantitySum(5_588_375_000),
        invoices: 3,
        lines: 4,
    };
    SalesReport {
        by: SalesBy::Item,
        currency: gbp(),
        from: "2010-12-01".parse().ok(),
        to: None,
        rows: vec![
            SalesRow { rank: Some(1), key: "85123A".into(), name: Some(text("HOLDER")), figures },
            SalesRow { rank: None, key: "(none)".into(), name: None, figures },
        ],
        totals: figures,
        definitions: vec![("net_sales", "Sales less credit orders.")],
        coverage: vec![CoverageRow { site: site(), state: CoverageState::Live, as_of: Some(time()), reason: None }],
        complete: true,
    }
}

pub fn sample_status() -> StatusView {
    let scope =
        ScopeStatus { scope: Scope::Site(site()), documents: 3, orders: 2, commits: 5, digest: StateDigest([4; 32]) };
    StatusView {
        org: OrgId([3; 32]),
        org_name: text("Demo"),
        site: site(),
        site_kind: "head-office".into(),
        zone: text("Europe/London"),
        currency: gbp(),
        node: "a1b2c3d4".into(),
        version: "0.1.0",
        url: None,
        commits: 5,
        orders: 2,
        cases_open: 1,
        set_aside: 0,
        parked: 0,
        alerts: 0,
        scopes: vec![scope],
        content_digest: Some(StateDigest([5; 32])),
    }
}

pub fn sample_import() -> ImportView {
    let counts = DocumentCounts { documents: 1, lines: 2 };
    ImportView {
        id: "i-1".into(),
        kind: ImportKind::Orders,
        state: ImportState::Done,
        file_name: Text::new("orders.csv").ok(),
        channel: Text::new("web").ok(),
        started: sample_stock().as_of,
        ended: None,
        rows: 9,
        rows_done: 8,
        rows_total: Some(9),
        created: 1,
        updated: 2,
        unchanged: 3,
        rejected: 4,
        lines: 5,
        orders: OrderCounts { documents: 1, lines: 2, with_sales: 3, zero_price_only: 4 },
        credit_orders: counts,
        adjustments: counts,
        products_created: 6,
        customers_created: 7,
        encoding: Some("UTF-8".into()),
        mode: ImportMode::Write,
        rejects_file: Some("/data/rejects.csv".into()),
        error: None,
    }
}
