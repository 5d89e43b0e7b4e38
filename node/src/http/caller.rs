//! Who asks: a program with the bearer token, one of our own pages with a session, or nobody that is known.
//!
//! A browser sends a session's cookie for any page of this host, so the cookie alone reads pages that a person navigates
//! to and our own pages fetch; what changes something also shows the token that only our pages know, in a header or in
//! the form itself.
//!
//! Invariant: no request of a foreign page counts as ours. Proved by `a_session_reads_and_only_its_page_writes` and by the
//! matrix in `web/tests`.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};

use super::error::Problem;
use crate::web::session::{Secret, Sessions};

/// The header in which our script shows the page's token.
pub const PAGE_TOKEN: HeaderName = HeaderName::from_static("x-tradepost-token");

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A program with the token of the API, or this process itself.
    Program,
    /// A browser with a session.
    Page {
        /// The session.
        secret: Secret,
        /// Whether its header proved that one of our pages asks.
        proof: Proof,
    },
    /// Nobody known: health, sign-in and the pages' own files only.
    Nobody,
}

/// What shows that a request comes from one of our own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The header did, or nothing is changed.
    Shown,
    /// Nothing yet: the form must.
    Owed,
}

/// The caller of a request with a session's cookie.
pub fn of_session(request: &Request, sessions: &Sessions) -> Result<Option<Caller>, Problem> {
    let headers = request.headers();
    let Some(secret) = sessions.of(headers) else { return Ok(None) };
    if request.method().is_safe() {
        if !reads_as_ours(headers) {
            return Err(foreign_page());
        }
        return Ok(Some(Caller::Page { secret, proof: Proof::Shown }));
    }
    if let Some(token) = headers.get(&PAGE_TOKEN) {
        let fits = token.to_str().is_ok_and(|token| secret.has_page_token(token));
        return if fits { Ok(Some(Caller::Page { secret, proof: Proof::Shown })) } else { Err(page_token_required()) };
    }
    if is_page(request.uri().path()) && is_form(headers) {
        return Ok(Some(Caller::Page { secret, proof: Proof::Owed }));
    }
    Err(page_token_required())
}

/// Whether an address is a page's, not the API's.
pub fn is_page(path: &str) -> bool {
    !(path.starts_with("/api/") || path == "/openapi.json")
}

/// Whether an address is open to everybody on this machine: sign-in, and files that tell nothing.
pub fn is_open(path: &str) -> bool {
    path == "/sign-in" || path.starts_with("/sign-in/") || path.starts_with("/assets/") || path == "/favicon.ico"
}

/// Whether a request that only reads comes from our own page or from a person who navigates.
fn reads_as_ours(headers: &HeaderMap) -> bool {
    let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match one("sec-fetch-site") {
        None | Some("same-origin" | "none") => true,
        Some(_other) => one("sec-fetch-mode") == Some("navigate") && one("sec-fetch-dest") == Some("document"),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|form| kind.starts_with(form))
}

/// The answer to a page of another origin.
pub fn foreign_page() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign_page",
        "The request comes from a page of another origin.",
        "Call the node from its own page or without a browser.",
    )
}

/// The answer to a change that no page of ours asked for.
pub fn page_token_required() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "page_token_required",
        "The request does not show the token of the page.",
        "Reload the page and do it again.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;

    use super::*;
    use crate::http::tests::world::World;

    #[tokio::test]
    async fn a_session_reads_and_only_its_page_writes() {
        let world = World::new();
        let code = world.sessions.new_link().unwrap();
        let secret = world.sessions.sign_in(world.app(), &code).await.unwrap().unwrap();
        let cookie = format!("{}={}", world.sessions.cookie(), secret.to_text());
        let form = "application/x-www-form-urlencoded";
        let token = secret.page_token();
        for (method, path, headers, outcome) in [
            ("GET", "/orders", vec![], "shown"),
            ("GET", "/orders", vec![("sec-fetch-site", "same-origin")], "shown"),
            ("GET", "/orders", vec![("sec-fetch-site", "same-site")], "foreign_page"),
            ("GET", "/api/v1/orders", vec![("sec-fetch-site", "cross-site")], "foreign_page"),
            (
                "GET",
                "/orders",
                vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
                "shown",
            ),
            (
                "GET",
                "/orders",
                vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                "foreign_page",
            ),
            ("POST", "/orders", vec![("content-type", form)], "owed"),
            ("POST", "/orders", vec![("content-type", "application/json")], "page_token_required"),
            ("POST", "/api/v1/orders", vec![("content-type", form)], "page_token_required"),
            ("POST", "/api/v1/orders", vec![("x-tradepost-token", "00")], "page_token_required"),
            ("POST", "/api/v1/orders", vec![("x-tradepost-token", token.as_str())], "shown"),
        ] {
            let mut request = axum::http::Request::builder().method(method).uri(path).header("cookie", &cookie);
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let caller = of_session(&request.body(Body::empty()).unwrap(), &world.sessions);
            let got = match caller {
                Ok(Some(Caller::Page { proof: Proof::Shown, .. })) => "shown",
                Ok(Some(Caller::Page { proof: Proof::Owed, .. })) => "owed",
                Ok(_) => "nobody",
                Err(problem) => problem.code(),
            };
            assert_eq!(got, outcome, "{method} {path} {headers:?}");
        }
    }
}
