//! The one map from errors to answers: status, code, title, detail, remedy.
//!
//! A [`Problem`] travels as an extension of an empty response; `gate.rs` writes its body once it knows the request id.
//!
//! Invariants: a 500 says nothing of its cause, which goes to the log; each error has its own code. Proved by
//! `a_machine_fault_hides_its_cause` and `every_error_has_a_code_and_a_status`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{AppError, FieldError};
use crate::store::NoRoom;

/// Why a request is not done; becomes a problem document.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    remedy: String,
    errors: Vec<FieldError>,
    retry: Retry,
    cause: Option<String>,
    room: Option<NoRoom>,
}

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may.
    Later,
    /// It will not.
    Never,
}

/// RFC 9457: the body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Address of the page about this kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, short; the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The machine-readable name.
    pub code: String,
    /// What happened, with names and numbers.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
    /// Each field that is wrong.
    pub errors: Vec<FieldProblem>,
    /// The request's name in the log.
    pub request_id: Option<String>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// With `disk_full`: free bytes on the disk of the data folder, where the operating system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// With `disk_full`: bytes that must be free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_bytes: Option<u64>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
}

/// The problem document of an error that is shown inside an answer or on the command line.
pub fn problem_body(error: AppError) -> ProblemBody {
    Problem::from(error).into_body(None)
}

impl Problem {
    /// A problem without fields that a repetition does not mend.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            detail: detail.into(),
            remedy: remedy.into(),
            errors: Vec::new(),
            retry: Retry::Never,
            cause: None,
            room: None,
        }))
    }

    /// The same problem, which may pass.
    pub fn retryable(mut self) -> Self {
        self.0.retry = Retry::Later;
        self
    }

    /// The problem of an answer that some layer below gave with a bare status.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(
                status,
                "no_such_route",
                "There is no such address.",
                "See GET /openapi.json for all addresses.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method_not_allowed",
                "The address does not take this method.",
                "Use a method that the Allow header names.",
            ),
            status if status.is_server_error() => Self::internal("answered without a cause".to_owned()),
            status => {
                Self::new(status, "bad_request", "The request cannot be read.", "Correct the address or headers.")
            }
        }
    }

    /// A fault of the machine; `cause` goes to the log only.
    pub fn internal(cause: String) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The node could not do it because of a fault of its own.",
            "Try again; if it stays, look for the request id in the node's log.",
        )
        .retryable();
        problem.0.cause = Some(cause);
        problem
    }

    /// The disk of the data folder is full; the remedy names what must become free.
    fn disk_full(detail: String, room: NoRoom) -> Self {
        let NoRoom { needed, free } = room;
        let known = free.map_or_else(String::new, |free| format!(" ({free} are free, {needed} are needed)"));
        let missing = room.missing();
        let remedy = format!(
            "Free at least {missing} bytes on the disk of the data folder{known}, then repeat the request; nothing is lost."
        );
        let mut problem = Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", detail, remedy).retryable();
        problem.0.room = Some(room);
        problem
    }

    /// Fields that do not hold what they must.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let first = errors.first();
        let detail = match (first, errors.len()) {
            (Some(first), 1) => format!("{}: {}", first.pointer, first.detail),
            (Some(first), count) => format!("{}: {} ({} more)", first.pointer, first.detail, count - 1),
            (None, _) => "The request does not hold what it must.".to_owned(),
        };
        let remedy = first.map_or_else(|| "Correct the request.".to_owned(), |error| error.remedy.clone());
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail, remedy);
        problem.0.errors = errors;
        problem
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The machine-readable name.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Whether a repetition may succeed.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// What belongs into the log and nowhere else.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The document.
    pub fn into_body(self, request_id: Option<String>) -> ProblemBody {
        let parts = *self.0;
        let errors = parts.errors.into_iter().map(FieldProblem::from).collect();
        ProblemBody {
            kind: format!("/problems/{}", parts.code),
            title: title(parts.code, parts.status).to_owned(),
            status: parts.status.as_u16(),
            code: parts.code.to_owned(),
            detail: parts.detail,
            remedy: parts.remedy,
            errors,
            request_id,
            retryable: parts.retry == Retry::Later,
            free_bytes: parts.room.and_then(|room| room.free),
            needed_bytes: parts.room.map(|room| room.needed),
        }
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self { pointer: error.pointer, detail: error.detail, remedy: error.remedy }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = capitalised(&error.to_string());
        match error {
            AppError::NotFound { what, .. } => {
                let remedy = match what {
                    "import" | "rejects of import" => "Start the import again; nothing is done twice.".to_owned(),
                    _ => format!("List the {what}s to see which exist."),
                };
                Self::new(StatusCode::NOT_FOUND, "not_found", detail, remedy)
            }
            AppError::Invalid { errors } => Self::invalid(errors),
            AppError::KeyReused { .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                detail,
                "Send the first body again, or a new key for a new request.",
            ),
            AppError::InProgress => {
                Self::new(StatusCode::CONFLICT, "in_progress", detail, "Wait a moment and repeat the request.")
                    .retryable()
            }
            AppError::Conflict { code, remedy, .. } => Self::new(StatusCode::CONFLICT, code, detail, remedy),
            AppError::Refused { code, remedy, .. } => Self::new(StatusCode::BAD_REQUEST, code, detail, remedy),
            AppError::OtherHome { site, .. } => Self::new(
                StatusCode::CONFLICT,
                "other_home",
                detail,
                format!("Send its orders to a node of site {site}."),
            ),
            AppError::UnknownChannel { channel } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_channel",
                detail,
                format!("Create it: tradepost channel add {channel} --home SITE --zone ZONE"),
            ),
            AppError::DiskFull(room) => Self::disk_full(detail, room),
            AppError::Storage(cause) => Self::internal(cause),
            AppError::Stopping => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail, "Repeat the request when it runs again.")
                    .retryable()
            }
            AppError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, "Repeat the request in a second.")
                    .retryable()
            }
            AppError::TooLarge { limit } => {
                let remedy = format!("Send at most {limit} bytes at once.");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail, remedy)
            }
        }
    }
}

/// The short text of a code; codes of business conflicts share one.
fn title(code: &str, status: StatusCode) -> &'static str {
    const TITLES: &[(&str, &str)] = &[
        ("invalid", "A field does not hold what it must"),
        ("not_found", "There is no such thing"),
        ("idempotency_key_reused", "The idempotency key was used for another request"),
        ("in_progress", "The first request is still running"),
        ("other_home", "The channel belongs to another site"),
        ("unknown_channel", "There is no such channel"),
        ("disk_full", "The disk is full"),
        ("internal", "The node failed"),
        ("stopping", "The node is stopping"),
        ("busy", "The node is busy"),
        ("too_large", "The request is too large"),
        ("malformed_json", "The body is not JSON"),
        ("token_required", "The token is missing or wrong"),
    ];
    let known = TITLES.iter().find(|(known, _)| *known == code).map(|(_, title)| *title);
    match (known, status) {
        (Some(title), _) => title,
        (None, StatusCode::CONFLICT) => "The state of things does not allow it",
        (None, status) => status.canonical_reason().unwrap_or("The request was refused"),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let mut text: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    text.push_str(letters.as_str());
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use crdt_model::scope::SiteCode;
    use crdt_model::text::Text;

    use super::*;

    fn every_error() -> Vec<(AppError, u16, &'static str)> {
        let channel = Text::new("web").unwrap();
        vec![
            (AppError::NotFound { what: "order", id: "HQ-A-000009".into() }, 404, "not_found"),
            (AppError::field("/sku", "empty", "fill it"), 422, "invalid"),
            (AppError::KeyReused { key: "k".into() }, 422, "idempotency_key_reused"),
            (AppError::InProgress, 409, "in_progress"),
            (AppError::Conflict { code: "not_open", detail: "d".into(), remedy: "r".into() }, 409, "not_open"),
            (AppError::OtherHome { channel: channel.clone(), site: SiteCode::new("SH01").unwrap() }, 409, "other_home"),
            (AppError::UnknownChannel { channel }, 422, "unknown_channel"),
            (AppError::DiskFull(NoRoom { free: Some(1), needed: 2 }), 507, "disk_full"),
            (AppError::Storage("page 7".into()), 500, "internal"),
            (AppError::Stopping, 503, "stopping"),
            (AppError::Busy, 503, "busy"),
            (AppError::TooLarge { limit: 9 }, 413, "too_large"),
        ]
    }

    #[test]
    fn every_error_has_a_code_and_a_status() {
        let mut codes = BTreeSet::new();
        for (error, status, code) in every_error() {
            let body = problem_body(error);
            assert_eq!((body.status, body.code.as_str()), (status, code));
            assert_eq!(body.kind, format!("/problems/{code}"));
            assert!(!body.title.is_empty() && !body.detail.is_empty() && !body.remedy.is_empty(), "{code}");
            assert!(codes.insert(body.code));
        }
    }

    #[test]
    fn a_full_disk_is_told_with_its_numbers() {
        let body = problem_body(AppError::DiskFull(NoRoom { free: Some(100), needed: 1_100 }));
        assert_eq!((body.free_bytes, body.needed_bytes), (Some(100), Some(1_100)));
        assert_eq!(body.detail, "The disk is full: 1100 bytes are needed, 100 are free.");
        assert!(body.remedy.contains("at least 1000 bytes") && body.retryable, "{}", body.remedy);
        let unknown = problem_body(AppError::DiskFull(NoRoom { free: None, needed: 7 }));
        assert_eq!((unknown.free_bytes, unknown.needed_bytes), (None, Some(7)));
        assert!(unknown.remedy.contains("at least 7 bytes on the disk of the data folder, then"), "{}", unknown.remedy);
    }

    #[test]
    fn a_machine_fault_hides_its_cause() {
        let problem = Problem::from(AppError::Storage("page 7 of /secret".into()));
        assert_eq!(problem.cause(), Some("page 7 of /secret"));
        assert!(!serde_json::to_string(&problem.into_body(None)).unwrap().contains("secret"));
    }

    #[test]
    fn the_first_wrong_field_leads_the_detail() {
        let field = |pointer: &str| FieldError { pointer: pointer.into(), detail: "bad".into(), remedy: "fix".into() };
        let body = Problem::invalid(vec![field("/lines/3/price"), field("/note")]).into_body(Some("r-1".into()));
        assert_eq!(body.detail, "/lines/3/price: bad (1 more)");
        assert_eq!(body.errors[0].pointer, "/lines/3/price");
        assert_eq!(body.request_id.as_deref(), Some("r-1"));
    }
}
