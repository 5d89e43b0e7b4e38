//! Typed extractors: a JSON body with its idempotency key, query parameters, and reads off the async threads.
//!
//! Invariants: a body is read to its limit and not a byte further, within 30 seconds; unknown fields and parameters
//! are refused by name. Proved by `a_body_at_the_limit_is_read_and_one_byte_more_is_not`,
//! `an_unknown_field_is_named` and `an_idempotency_key_of_129_characters_is_refused` in `router.rs`.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::Problem;
use super::pointer::{offset_of, pointer_at};
use crate::app::error::{AppError, FieldError};
use crate::app::model;
use crate::app::model::IdempotencyKey;

/// Bytes of a JSON body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the body of a new order: 2,000 lines with names of 200 characters, even where each is escaped.
pub const ORDER_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a JSON body may take, and each piece of an uploaded file.
pub const BODY_TIMEOUT_MS_MAX: u64 = 30_000;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A JSON body of at most `BYTES_MAX` bytes and what makes the request repeatable.
pub struct Posted<T, const BYTES_MAX: usize = BODY_BYTES_MAX> {
    /// The body; an absent one reads as `{}`.
    pub body: T,
    /// Key and hash.
    pub request: model::Request,
}

impl<S: Sync, T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<S> for Posted<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let idempotency_key = idempotency_key(&parts.headers)?;
        let kind = content_type(&parts.headers)?;
        let has_kind = kind.is_some();
        kind.map_or(Ok(()), |kind| expect_type(kind, &["application/json"]))?;
        let bytes = read_body(&parts.headers, body, BYTES_MAX).await?;
        let json: &[u8] = match (bytes.is_empty(), has_kind) {
            (true, _) => b"{}",
            (false, true) => &bytes,
            (false, false) => return Err(wrong_type("nothing", &["application/json"])),
        };
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(malformed("The body is not a JSON object.".to_owned()));
        }
        let body_hash = *request_hasher(&parts).update(json).finalize().as_bytes();
        let body = serde_json::from_slice(json).map_err(|error| json_problem(json, &error))?;
        Ok(Self { body, request: model::Request { idempotency_key, body_hash } })
    }
}

/// Query parameters, each at most once.
pub struct Parameters<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parameters_of(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// The parameters of a query.
pub fn parameters_of<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let parameters = serde_urlencoded::from_str(query);
    parameters.map_err(|error: serde_urlencoded::de::Error| {
        let detail = error.to_string();
        let name = quoted_name(&detail).unwrap_or_default();
        let remedy = "Leave the parameter out or correct its name; give each parameter once.";
        Problem::from(AppError::field(format!("/{name}"), format!("query: {detail}"), remedy))
    })
}

/// Runs a blocking read of the application beside the async threads.
pub async fn read<T, F>(work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, AppError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(Problem::from),
        Err(fault) => Err(Problem::internal(fault.to_string())),
    }
}

/// The idempotency key of a request, if it has one.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| IdempotencyKey::new(text).ok());
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        (Some(_), Some(_)) | (None, _) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key is not one text of 1 to 128 visible ASCII characters.",
            "Send a fresh UUID and keep it for repetitions of this request.",
        )),
    }
}

/// A hasher that already knows what the request is about; the body follows.
pub fn request_hasher(parts: &Parts) -> blake3::Hasher {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut hasher = blake3::Hasher::new();
    hasher.update(parts.method.as_str().as_bytes()).update(b" ").update(target.as_bytes()).update(b"\n");
    hasher
}

/// Media type without its parameters, lower case; none where the header is absent.
pub fn content_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| wrong_type("unreadable bytes", &[]))?;
    let essence = text.split(';').next().unwrap_or_default();
    Ok(Some(essence.trim().to_ascii_lowercase()))
}

/// Refuses media types that are not among `wanted`.
pub fn expect_type(kind: String, wanted: &[&str]) -> Result<(), Problem> {
    if wanted.contains(&kind.as_str()) { Ok(()) } else { Err(wrong_type(&kind, wanted)) }
}

/// The answer to a body of a media type that the address does not take.
pub fn wrong_type(found: &str, wanted: &[&str]) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("The Content-Type is {found}."),
        format!("Send Content-Type: {}.", wanted.join(" or ")),
    )
}

/// The answer to a body that stops arriving.
pub fn body_timeout() -> Problem {
    let detail = format!("The body did not arrive within {BODY_TIMEOUT_MS_MAX} ms.");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail, "Send it again over a better connection.")
        .retryable()
}

/// The answer to a body that breaks off.
pub fn body_broken() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "body_broken", "The body broke off.", "Send it again.").retryable()
}

/// The length that the sender announced.
pub fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The bytes of a body, at most `limit` of them.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::from(AppError::TooLarge { limit: limit as u64 });
    if announced_length(headers).is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let reading = Limited::new(body, limit).collect();
    match tokio::time::timeout(Duration::from_millis(BODY_TIMEOUT_MS_MAX), reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(body_broken()),
        Err(_) => Err(body_timeout()),
    }
}

/// Names the field at which reading `json` failed.
fn json_problem(json: &[u8], error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let detail = text.split(" at line ").next().unwrap_or(&text);
    match error.classify() {
        Category::Data => {
            let mut pointer = pointer_at(json, offset_of(json, error.line(), error.column()));
            let mut remedy = "See GET /openapi.json for the fields; amounts and quantities are texts: \"2.55\".";
            if detail.starts_with("missing field") {
                pointer = format!("{pointer}/{}", quoted_name(detail).unwrap_or_default());
                remedy = "Add the field.";
            } else if detail.starts_with("unknown field") {
                remedy = "Leave the field out or correct its name.";
            }
            let errors = vec![FieldError { pointer, detail: detail.to_owned(), remedy: remedy.to_owned() }];
            Problem::invalid(errors)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            malformed(format!("Line {}, column {}: {detail}.", error.line(), error.column()))
        }
    }
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail, "Send one JSON object in UTF-8.")
}

fn quoted_name(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}
