//! The node itself over HTTP: health, status, rebuild, and the description of the API.
//!
//! Invariant: health tells nothing of the business. Proved by `health_tells_only_that_it_runs` in `router.rs`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::router::{Description, Heavy};
use crate::app::App;
use crate::app::model::{ContentDigest, RebuildView, ScopeStatus, StatusView};

/// That the node runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// Always `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

/// The node's state.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    /// 64 hexadecimal digits.
    org: String,
    /// The organisation's name.
    org_name: String,
    /// The node's site.
    site: String,
    /// The site's kind.
    site_kind: String,
    /// The site's zone.
    zone: String,
    /// The site's currency.
    currency: String,
    /// The author's short name.
    node: String,
    /// The program's version.
    version: &'static str,
    /// Where it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Commits held.
    commits: u64,
    /// Orders held.
    orders: u64,
    /// Cases without an end.
    cases_open: u64,
    /// Commits set aside.
    set_aside: u64,
    /// Documents parked.
    parked: u64,
    /// What the list of peers warns of.
    alerts: u64,
    /// Each scope.
    scopes: Vec<ScopeBody>,
    /// 64 hexadecimal digits, where it was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_digest: Option<String>,
}

/// What the node holds of a scope.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeBody {
    /// The scope.
    scope: String,
    /// Documents.
    documents: u64,
    /// Of them orders.
    orders: u64,
    /// Commits.
    commits: u64,
    /// 64 hexadecimal digits.
    digest: String,
}

/// What a rebuild went over.
#[derive(Debug, Serialize, ToSchema)]
pub struct RebuildBody {
    /// Documents.
    documents: u64,
    /// Scopes.
    scopes: u64,
    /// Commits.
    commits: u64,
}

/// What the status shall hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatusParameters {
    /// `true` adds the digest over all content, which reads everything.
    content_digest: Option<String>,
}

/// Nothing: the address says it all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildRequestBody {}

impl From<StatusView> for StatusBody {
    fn from(status: StatusView) -> Self {
        Self {
            org: status.org.to_string(),
            org_name: status.org_name.to_string(),
            site: status.site.to_string(),
            site_kind: status.site_kind,
            zone: status.zone.to_string(),
            currency: status.currency.code().to_owned(),
            node: status.node,
            version: status.version,
            url: status.url,
            commits: status.commits,
            orders: status.orders,
            cases_open: status.cases_open,
            set_aside: status.set_aside,
            parked: status.parked,
            alerts: status.alerts,
            scopes: status.scopes.into_iter().map(ScopeBody::from).collect(),
            content_digest: status.content_digest.map(|digest| digest.to_string()),
        }
    }
}

impl From<ScopeStatus> for ScopeBody {
    fn from(scope: ScopeStatus) -> Self {
        Self {
            scope: scope.scope.to_string(),
            documents: scope.documents,
            orders: scope.orders,
            commits: scope.commits,
            digest: scope.digest.to_string(),
        }
    }
}

impl From<RebuildView> for RebuildBody {
    fn from(rebuild: RebuildView) -> Self {
        Self { documents: rebuild.documents, scopes: rebuild.scopes, commits: rebuild.commits }
    }
}

/// Says that the node runs; needs no token.
#[utoipa::path(get, path = "/api/v1/health", tag = "node", security(()), responses((status = 200, description = "Done.", body = HealthBody)))]
pub async fn health() -> Json<HealthBody> {
    Json(HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Shows counts and digests.
#[utoipa::path(get, path = "/api/v1/status", tag = "node", params(StatusParameters), responses(
    (status = 200, description = "Done.", body = StatusBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_status(
    State(app): State<App>,
    State(heavy): State<Heavy>,
    Parameters(parameters): Parameters<StatusParameters>,
) -> Result<Json<StatusBody>, Problem> {
    let mut errors = Errors::default();
    let wanted = errors.switch(At::Field("content_digest"), parameters.content_digest.as_deref());
    let digest = errors.finish(if wanted { ContentDigest::Wanted } else { ContentDigest::Unwanted })?;
    let _place = if wanted { Some(heavy.place().await?) } else { None };
    let status = read(move || app.status(digest)).await?;
    Ok(Json(status.into()))
}

/// Makes all views again from the commits.
#[utoipa::path(post, path = "/api/v1/rebuild", tag = "node", request_body = RebuildRequestBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = RebuildBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn rebuild(
    State(app): State<App>,
    State(heavy): State<Heavy>,
    posted: Posted<RebuildRequestBody>,
) -> Result<Json<RebuildBody>, Problem> {
    let _place = heavy.place().await?;
    let rebuilt = app.rebuild(posted.request).await?;
    Ok(Json(rebuilt.into()))
}

/// Describes the API as OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", tag = "node", responses((status = 200, description = "Done.", body = Object)))]
pub async fn describe(State(description): State<Description>) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/json")], description.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::http::tests::world::sample_status;

    #[test]
    fn a_status_is_written_as_the_contract_says() {
        let scope = json!({"scope": "site/HQ", "documents": 3, "orders": 2, "commits": 5, "digest": "04".repeat(32)});
        let mut body = json!({"org": "03".repeat(32), "org_name": "Demo", "site": "HQ", "site_kind": "head-office",
            "zone": "Europe/London", "currency": "GBP", "node": "a1b2c3d4", "version": "0.1.0", "commits": 5, "orders": 2,
            "cases_open": 1, "set_aside": 0, "parked": 0, "alerts": 0, "scopes": [scope], "content_digest": "05".repeat(32)});
        assert_eq!(serde_json::to_value(StatusBody::from(sample_status())).unwrap(), body);
        let unwanted = StatusView { content_digest: None, url: Some("http://127.0.0.1:1".into()), ..sample_status() };
        body.as_object_mut().unwrap().remove("content_digest");
        body["url"] = json!("http://127.0.0.1:1");
        assert_eq!(serde_json::to_value(StatusBody::from(unwanted)).unwrap(), body);
    }
}
