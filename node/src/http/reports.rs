//! Reports over HTTP.
//!
//! Invariant: every report says what it covers. Proved by `a_report_is_written_with_its_coverage`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use crdt_model::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, read};
use super::router::Heavy;
use crate::app::App;
use crate::app::model::{CoverageRow, SalesBy, SalesFigures, SalesReport, SalesReportRequest, SalesRow};

/// Rows of a report.
pub const REPORT_ROWS_MAX: u32 = 100_000;

/// The sales report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SalesReportBody {
    /// Always `sales`.
    report: &'static str,
    /// The grouping.
    by: &'static str,
    /// ISO 4217.
    currency: String,
    /// First business day.
    from: Option<String>,
    /// Last business day.
    to: Option<String>,
    /// The rows.
    rows: Vec<SalesRowBody>,
    /// Over all rows, also those that are not listed.
    totals: SalesFiguresBody,
    /// What each figure means.
    definitions: BTreeMap<&'static str, &'static str>,
    /// What it covers.
    coverage: Vec<CoverageBody>,
    /// Whether every site is live.
    complete: bool,
}

/// A row of the sales report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SalesRowBody {
    /// From 1; null for rows that are not ranked.
    rank: Option<u32>,
    /// Month, day, country, SKU, customer number or site.
    key: String,
    /// What people call the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    figures: SalesFiguresBody,
}

/// Figures of the sales report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SalesFiguresBody {
    /// Without credit orders; decimal text.
    gross_sales: String,
    /// Less credit orders; decimal text.
    net_sales: String,
    /// Decimal text.
    units: String,
    /// Orders with sales.
    invoices: u64,
    /// Lines of them.
    lines: u64,
}

/// What a report knows of one site.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageBody {
    /// The site.
    site: String,
    /// `live`, `behind` or `never`.
    state: &'static str,
    /// RFC 3339.
    as_of: Option<String>,
    /// Why it is not live.
    reason: Option<String>,
}

/// What the report shall hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SalesParameters {
    /// `month`, `day`, `country`, `item`, `customer` or `site`.
    by: Option<String>,
    /// First business day.
    from: Option<String>,
    /// Last business day.
    to: Option<String>,
    /// Only so many rows.
    top: Option<String>,
}

impl SalesFiguresBody {
    fn of(figures: SalesFigures, currency: &Currency) -> Self {
        Self {
            gross_sales: currency.format(figures.gross_sales.0),
            net_sales: currency.format(figures.net_sales.0),
            units: figures.units.to_string(),
            invoices: figures.invoices,
            lines: figures.lines,
        }
    }
}

impl SalesRowBody {
    fn of(row: SalesRow, currency: &Currency) -> Self {
        let figures = SalesFiguresBody::of(row.figures, currency);
        Self { rank: row.rank, key: row.key, name: row.name.map(|name| name.to_string()), figures }
    }
}

impl From<CoverageRow> for CoverageBody {
    fn from(row: CoverageRow) -> Self {
        let as_of = row.as_of.map(|time| time.rfc3339());
        Self { site: row.site.to_string(), state: row.state.word(), as_of, reason: row.reason }
    }
}

impl From<SalesReport> for SalesReportBody {
    fn from(report: SalesReport) -> Self {
        let currency = report.currency;
        Self {
            report: "sales",
            by: report.by.word(),
            currency: currency.code().to_owned(),
            from: report.from.map(|day| day.to_string()),
            to: report.to.map(|day| day.to_string()),
            rows: report.rows.into_iter().map(|row| SalesRowBody::of(row, &currency)).collect(),
            totals: SalesFiguresBody::of(report.totals, &currency),
            definitions: report.definitions.into_iter().collect(),
            coverage: report.coverage.into_iter().map(CoverageBody::from).collect(),
            complete: report.complete,
        }
    }
}

impl SalesParameters {
    /// The report that is asked for.
    pub fn check(self) -> Result<SalesReportRequest, Problem> {
        let mut errors = Errors::default();
        let by = self.by.as_deref().unwrap_or_default();
        let by = errors.word(At::Field("by"), by, SalesBy::from_word, SalesBy::WORDS);
        let (from, to) = errors.dates(self.from.as_deref(), self.to.as_deref());
        let top = self.top.map(|top| top.parse().ok().filter(|top| (1..=REPORT_ROWS_MAX).contains(top)));
        if top == Some(None) {
            let range = format!("a number from 1 to {REPORT_ROWS_MAX}");
            errors.add(
                At::Field("top"),
                format!("it is not {range}"),
                format!("Give {range}, or leave it out for all."),
            );
        }
        let request = by.map(|by| SalesReportRequest { by, from, to, top: top.flatten() });
        errors.finish(request)?.ok_or_else(|| Problem::internal("a report without errors has no grouping".to_owned()))
    }
}

/// Runs the sales report.
#[utoipa::path(get, path = "/api/v1/reports/sales", tag = "reports", params(SalesParameters), responses(
    (status = 200, description = "Done.", body = SalesReportBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn sales_report(
    State(app): State<App>,
    State(heavy): State<Heavy>,
    Parameters(parameters): Parameters<SalesParameters>,
) -> Result<Json<SalesReportBody>, Problem> {
    let request = parameters.check()?;
    let _place = heavy.place().await?;
    let report = read(move || app.sales_report(request)).await?;
    Ok(Json(report.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::http::tests::world::sample_report;

    #[test]
    fn a_report_is_written_with_its_coverage() {
        let totals =
            json!({"gross_sales": "104518.80", "net_sales": "-1.00", "units": "5588375", "invoices": 3, "lines": 4});
        let row = |rank: Option<u32>, key: &str, name: Option<&str>| {
            let mut row = totals.clone();
            row["rank"] = json!(rank);
            row["key"] = json!(key);
            if let Some(name) = name {
                row["name"] = json!(name);
            }
            row
        };
        assert_eq!(
            serde_json::to_value(SalesReportBody::from(sample_report())).unwrap(),
            json!({"report": "sales", "by": "item", "currency": "GBP", "from": "2010-12-01", "to": null,
                "rows": [row(Some(1), "85123A", Some("HOLDER")), row(None, "(none)", None)], "totals": totals,
                "definitions": {"net_sales": "Sales less credit orders."},
                "coverage": [{"site": "HQ", "state": "live", "as_of": "2010-12-01T08:26:00+00:00", "reason": null}],
                "complete": true})
        );
    }

    #[test]
    fn a_report_needs_a_known_grouping() {
        let check = |by: Option<&str>, top: Option<&str>| {
            SalesParameters { by: by.map(str::to_owned), top: top.map(str::to_owned), ..SalesParameters::default() }
                .check()
        };
        assert_eq!(check(Some("month"), Some("10")).unwrap().top, Some(10));
        assert!(check(None, None).is_err() && check(Some("year"), None).is_err());
        assert!(check(Some("month"), Some("100000")).is_ok() && check(Some("month"), Some("100001")).is_err());
        assert!(check(Some("month"), Some("0")).is_err());
    }
}
