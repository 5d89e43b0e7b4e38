//! A form that was sent: its fields, and the proof that one of our pages sent it.
//!
//! Invariants: a form of a session without the page's token is refused before a field is read; a form sent twice is one
//! request, by the key that the page put into it. Proved by `a_form_without_the_page_s_token_changes_nothing` and
//! `a_form_at_its_limit_is_read_and_one_byte_more_is_not`.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;

use super::Web;
use crate::app::error::AppError;
use crate::app::model::{self, IdempotencyKey};
use crate::entropy;
use crate::http::caller::{Caller, Proof, page_token_required};
use crate::http::error::Problem;
use crate::http::extract::{content_type, expect_type, read_body, request_hasher};

/// Bytes of a form: an order of 2,000 lines fits.
pub const FORM_BYTES_MAX: usize = 1024 * 1024;
/// Fields of a form.
pub const FIELDS_MAX: usize = 20_000;
/// The field with the page's token.
pub const TOKEN_FIELD: &str = "page_token";
/// The field that names the request: sent twice, it is done once.
pub const REQUEST_FIELD: &str = "request";

/// The fields of a form, in their order.
#[derive(Debug, Clone, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    body_hash: [u8; 32],
}

impl Form {
    /// The first value of a field, without the space around it; `None` where it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim());
        values.next().filter(|value| !value.is_empty())
    }

    /// Every value of a field.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// What makes the request repeatable.
    pub fn request(&self) -> model::Request {
        let idempotency_key = self.get(REQUEST_FIELD).and_then(|key| IdempotencyKey::new(key).ok());
        model::Request { idempotency_key, body_hash: self.body_hash }
    }
}

/// A name for a request that a page is about to offer.
pub fn request_name() -> String {
    // Without random bytes a repetition is a new request, which the page's user sees.
    entropy::bytes::<16>().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default()
}

impl FromRequest<Web> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Web) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let kind = content_type(&parts.headers)?.unwrap_or_default();
        expect_type(kind, &["application/x-www-form-urlencoded"])?;
        let bytes = read_body(&parts.headers, body, FORM_BYTES_MAX).await?;
        let fields: Vec<(String, String)> = form_urlencoded::parse(&bytes)
            .take(FIELDS_MAX + 1)
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        if fields.len() > FIELDS_MAX {
            return Err(AppError::TooLarge { limit: FIELDS_MAX as u64 }.into());
        }
        let body_hash = *request_hasher(&parts).update(&bytes).finalize().as_bytes();
        let form = Self { fields, body_hash };
        match parts.extensions.get::<Caller>() {
            Some(Caller::Program | Caller::Page { proof: Proof::Shown, .. }) => Ok(form),
            Some(Caller::Page { secret, proof: Proof::Owed })
                if form.get(TOKEN_FIELD).is_some_and(|token| secret.has_page_token(token)) =>
            {
                Ok(form)
            }
            Some(Caller::Page { .. }) => Err(page_token_required()),
            Some(Caller::Nobody) | None => Err(Problem::of_status(StatusCode::UNAUTHORIZED)),
        }
    }
}
