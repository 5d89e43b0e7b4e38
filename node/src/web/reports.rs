//! The sales report as a page: choice, chart, the table that it is drawn from, coverage and export.
//!
//! Invariant: chart, table and sheet hold the same figures. Proved by `the_report_is_drawn_from_its_table`.

use axum::extract::State;
use axum::response::Response;
use crdt_model::scope::SiteCode;
use maud::Markup;

use super::layout::{Title, page};
use super::query::PageQuery;
use super::sheet::{Cell, csv, download};
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::{SalesBy, SalesReport, SalesReportRequest};
use crate::app::sync::SyncView;
use crate::http::error::Problem;
use crate::http::extract::read;
use crate::http::reports::SalesParameters;

/// Rows of the page, unless the address says another number.
const ROWS: &str = "50";

/// The sales report.
pub async fn sales(State(web): State<Web>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let query = defaults(&query);
    let report = run(&web, &query).await?;
    Ok(page(&visit, Title::Key("nav-reports"), &pages::reports::sales(&visit, &report, &query)))
}

/// The same as a sheet, whole.
pub async fn sales_as_csv(State(web): State<Web>, query: PageQuery) -> Result<Response, Problem> {
    let report = run(&web, &defaults(&query).without("top")).await?;
    let header = ["key", "name", "gross_sales", "net_sales", "units", "invoices", "lines", "currency"];
    let currency = report.currency;
    let rows = report.rows.iter().map(|row| {
        let figures = &row.figures;
        vec![
            Cell::Text(row.key.clone()),
            Cell::maybe(row.name.as_ref()),
            Cell::Own(currency.format(figures.gross_sales.0)),
            Cell::Own(currency.format(figures.net_sales.0)),
            Cell::Own(figures.units.to_string()),
            Cell::Own(figures.invoices.to_string()),
            Cell::Own(figures.lines.to_string()),
            Cell::Own(currency.code().to_owned()),
        ]
    });
    Ok(download("sales.csv", csv(&header, rows)?))
}

fn defaults(query: &PageQuery) -> PageQuery {
    let mut query = query.clone();
    for (name, value) in [("by", "month"), ("top", ROWS)] {
        if query.get(name).is_none() {
            query = query.plus(name, value);
        }
    }
    query
}

async fn run(web: &Web, query: &PageQuery) -> Result<SalesReport, Problem> {
    let request = query.typed::<SalesParameters>()?.check()?;
    let _place = web.heavy.place().await?;
    let app = web.app.clone();
    read(move || app.sales_report(request)).await
}

/// What head office sees first: sales of each site this month, how current each is, what waits for a person.
pub async fn overview(State(app): State<App>, visit: Visit) -> Result<Markup, Problem> {
    let facts = read(move || Overview::read(&app)).await?;
    Ok(page(&visit, Title::Key("nav-overview"), &pages::reports::overview(&visit, &facts)))
}

/// What the overview shows.
pub struct Overview {
    /// All sales, by site.
    pub all: SalesReport,
    /// Sales of this month, by site.
    pub month: SalesReport,
    /// The exchange with each peer.
    pub sync: SyncView,
    /// Open cases.
    pub cases: u64,
}

impl Overview {
    fn read(app: &App) -> Result<Self, AppError> {
        let today = app.now().business_date;
        let first = crdt_model::time::add_days(today, 1 - i64::from(chrono::Datelike::day(&today.naive()))).ok();
        let of = |from| SalesReportRequest { by: SalesBy::Site, from, to: None, top: None };
        Ok(Self {
            all: app.sales_report(of(None))?,
            month: app.sales_report(of(first))?,
            sync: app.sync_status()?,
            cases: app.cases_open()?,
        })
    }

    /// What waits on its way to and from a site, in commits.
    pub fn waiting(&self, site: &SiteCode) -> u64 {
        let peers = self.sync.peers.iter().filter(|peer| peer.site == *site);
        peers.map(|peer| peer.link.waiting_out.commits + peer.link.waiting_in.commits).sum()
    }
}
