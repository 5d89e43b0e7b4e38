//! What a request for a page says of its reader, and what every page shows of the node.
//!
//! Invariant: a visit has a session, or is a program's. Proved by `every_page_asks_who_has_no_session_to_sign_in`.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use crdt_model::time::EventTime;

use super::Web;
use super::form::request_name;
use super::look::Look;
use super::session::Secret;
use super::texts::Language;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::place::{PlaceView, Standing};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::read;
use crate::run::Purpose;

/// One request for a page.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Language, theme, size.
    pub look: Look,
    /// Path and query, to come back to.
    pub address: String,
    /// The token that our forms and script show.
    pub page_token: String,
    /// Where the node stands.
    pub place: PlaceView,
    /// Whether it is in touch with the others.
    pub standing: Standing,
    /// What the node is served for.
    pub purpose: Purpose,
    /// Now, in the site's zone.
    pub now: EventTime,
    /// A name for the request that a form of this page makes.
    pub request: String,
    /// What was just done: the key of a sentence.
    pub done: Option<String>,
    /// The session, if a browser asks.
    pub secret: Option<Secret>,
}

impl Visit {
    /// The language of every sentence.
    pub fn language(&self) -> Language {
        self.look.language
    }

    /// Reads it of a request.
    pub async fn of(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        if let Some(visit) = parts.extensions.get::<Self>() {
            return Ok(visit.clone());
        }
        let secret = match parts.extensions.get::<Caller>() {
            Some(Caller::Page { secret, .. }) => Some(*secret),
            Some(Caller::Program) => None,
            Some(Caller::Nobody) | None => return Err(Problem::of_status(StatusCode::UNAUTHORIZED)),
        };
        let app = web.app.clone();
        let (place, standing, now) = read(move || facts(&app)).await?;
        let visit = Self {
            look: Look::of(&parts.headers),
            address: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            page_token: secret.map(|secret| secret.page_token()).unwrap_or_default(),
            place,
            standing,
            purpose: web.purpose,
            now,
            request: request_name(),
            done: done(parts.uri.query().unwrap_or_default()),
            secret,
        };
        parts.extensions.insert(visit.clone());
        Ok(visit)
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        Self::of(parts, web).await
    }
}

fn facts(app: &App) -> Result<(PlaceView, Standing, EventTime), AppError> {
    Ok((app.place()?, app.standing()?, app.now()))
}

/// The word of `done` in a query: what the page before did.
fn done(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let done = pairs.find(|(key, _)| key == "done")?.1.into_owned();
    done.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then_some(done)
}
