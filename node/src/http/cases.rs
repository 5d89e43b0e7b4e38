//! Cases over HTTP: the list of what a person should see.
//!
//! Invariant: a case is written with both languages. Proved by `a_case_is_written_in_both_languages`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::Errors;
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, read};
use super::page::{PageBody, PageParameters};
use crate::app::App;
use crate::app::model::CaseView;

/// A clash or exception.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseBody {
    /// Hexadecimal digits.
    id: String,
    /// The kind's word.
    kind: String,
    /// Where its subject lives.
    scope: String,
    /// The id of the document that it is about.
    subject: String,
    /// The document's human name.
    subject_label: String,
    /// What tells cases of one kind and subject apart.
    key: String,
    /// One line, English.
    title: String,
    /// One line, Chinese.
    title_zh: String,
    /// The facts behind it.
    detail: String,
}

impl From<CaseView> for CaseBody {
    fn from(case: CaseView) -> Self {
        Self {
            id: case.id,
            kind: case.kind,
            scope: case.scope.to_string(),
            subject: case.subject.to_string(),
            subject_label: case.subject_label,
            key: case.key,
            title: case.title,
            title_zh: case.title_zh,
            detail: case.detail,
        }
    }
}

/// Lists the open cases.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases", params(PageParameters), responses(
    (status = 200, description = "Done.", body = PageBody<CaseBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_cases(
    State(app): State<App>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Json<PageBody<CaseBody>>, Problem> {
    let mut errors = Errors::default();
    let page = errors.page(parameters.limit.as_deref(), parameters.cursor);
    let page = errors.finish(page)?;
    let page = read(move || app.cases(page)).await?;
    Ok(Json(PageBody::of(page, CaseBody::from)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::id::DocumentId;
    use crdt_model::scope::Scope;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_case_is_written_in_both_languages() {
        let case = CaseView {
            id: "ab".into(),
            kind: "negative_stock".into(),
            scope: Scope::Catalogue,
            subject: DocumentId([1; 16]),
            subject_label: "85123A".into(),
            key: "HQ".into(),
            title: "Stock below zero".into(),
            title_zh: "库存为负".into(),
            detail: "-3".into(),
        };
        assert_eq!(
            serde_json::to_value(CaseBody::from(case)).unwrap(),
            json!({"id": "ab", "kind": "negative_stock", "scope": "catalogue", "subject": "01".repeat(16),
                "subject_label": "85123A", "key": "HQ", "title": "Stock below zero", "title_zh": "库存为负", "detail": "-3"})
        );
    }
}
