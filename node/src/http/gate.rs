//! The one middleware: who may come in, and how every answer goes out.
//!
//! Not routing and not business. It runs before routing: Host, header size, origin, token, a place among the running
//! requests; then it names the request, writes problem bodies and sets the headers that every answer carries.
//!
//! Invariants: the order of the checks above, no CORS header, and no cause of a 500 outside the log. Proved by the
//! tests of `router.rs`, by `headers_past_16_kib_are_refused` and by
//! `a_fault_is_logged_under_its_request_id_and_not_answered`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::auth::TokenHash;
use super::caller::{Caller, foreign_page, is_open, is_page, of_session};
use super::error::{Problem, Retry};
use super::host::{Hosts, from_own_page};
use crate::app::error::AppError;
use crate::clock;
use crate::web;
use crate::web::session::Sessions;

/// Bytes of all header names, values and the target of a request.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Requests that run at the same time.
pub const REQUESTS_RUNNING_MAX: usize = 1_024;
/// The one address that answers without a token.
pub const HEALTH_PATH: &str = "/api/v1/health";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// No page of another origin frames, embeds or reads what we answer, and ours load nothing from elsewhere.
const FIXED_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];
/// The reader of the API's description styles itself and draws its own small pictures; it loads nothing from elsewhere either.
const READER_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                             base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Marks a request that this process made itself; Host and token do not apply to it.
#[derive(Debug, Clone, Copy)]
pub struct InProcess;

/// What the middleware knows.
#[derive(Debug)]
pub struct Gate {
    hosts: Hosts,
    token: TokenHash,
    sessions: Arc<Sessions>,
    running: Semaphore,
    log: fn(&str),
    start: i64,
    count: AtomicU64,
}

impl Gate {
    /// For a listener on `port`; `log` gets one line for each fault of the machine.
    pub fn new(port: u16, token: TokenHash, log: fn(&str), sessions: Arc<Sessions>) -> Self {
        let start = clock::now().0;
        let running = Semaphore::new(REQUESTS_RUNNING_MAX);
        Self { hosts: Hosts::of_port(port), token, sessions, running, log, start, count: AtomicU64::new(0) }
    }

    fn admit(&self, request: &Request) -> Result<(SemaphorePermit<'_>, Caller), Problem> {
        let in_process = request.extensions().get::<InProcess>().is_some();
        let caller = if in_process { Caller::Program } else { self.check_caller(request)? };
        let place = self.running.try_acquire().map_err(|_| Problem::from(AppError::Busy))?;
        Ok((place, caller))
    }

    fn check_caller(&self, request: &Request) -> Result<Caller, Problem> {
        let headers = request.headers();
        let host = self.hosts.own(headers, request.uri()).ok_or_else(misdirected)?;
        if header_bytes(headers) + request.uri().path_and_query().map_or(0, |p| p.as_str().len()) > HEADER_BYTES_MAX {
            return Err(headers_too_large());
        }
        if !from_own_page(request.method(), headers, host) {
            return Err(foreign_page());
        }
        if self.token.opens(headers) {
            return Ok(Caller::Program);
        }
        match of_session(request, &self.sessions)? {
            Some(caller) => Ok(caller),
            None if is_health(request) || is_open(request.uri().path()) => Ok(Caller::Nobody),
            None => Err(token_required()),
        }
    }

    fn next_request_id(&self) -> String {
        format!("{:x}-{}", self.start, self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn finish(&self, mut response: Response, request_id: String, policy: &'static str) -> Response {
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            response = self.with_problem_body(response, &request_id);
        }
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        for (name, value) in FIXED_HEADERS {
            headers.insert(name, value);
        }
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        if let Ok(value) = HeaderValue::try_from(request_id) {
            headers.insert(REQUEST_ID, value);
        }
        response
    }

    fn with_problem_body(&self, mut response: Response, request_id: &str) -> Response {
        let known = response.extensions_mut().remove::<Problem>();
        let problem = known.unwrap_or_else(|| Problem::of_status(response.status()));
        if let Some(cause) = problem.cause() {
            (self.log)(&format!("request {request_id}: {}: {cause}", problem.code()));
        }
        if response.extensions().get::<web::ErrorPage>().is_some() {
            return response;
        }
        let (status, retry) = (problem.status(), problem.retry());
        let document = problem.into_body(Some(request_id.to_owned()));
        let bytes = serde_json::to_vec(&document).expect("invariant: a problem document holds only texts and numbers");
        let (mut parts, _) = response.into_parts();
        parts.status = status;
        parts.headers.remove(axum::http::header::CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if status == StatusCode::UNAUTHORIZED {
            parts.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE && retry == Retry::Later {
            parts.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// Lets a request in, runs it and dresses the answer.
pub async fn gate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let request_id = gate.next_request_id();
    let policy = if request.uri().path().starts_with("/docs") { READER_POLICY } else { POLICY };
    let response = match gate.admit(&request) {
        Ok((_running, caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) if problem.code() == "token_required" && is_page(request.uri().path()) => {
            web::ask_to_sign_in(request.headers())
        }
        Err(problem) => problem.into_response(),
    };
    gate.finish(response, request_id, policy)
}

fn is_health(request: &Request) -> bool {
    request.uri().path() == HEALTH_PATH && matches!(*request.method(), Method::GET | Method::HEAD)
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn misdirected() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "misdirected",
        "The Host header does not name this node.",
        "Use the address that the node printed when it started.",
    )
}

fn headers_too_large() -> Problem {
    Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        format!("Target and headers are larger than {HEADER_BYTES_MAX} bytes."),
        "Send fewer or shorter headers.",
    )
}

fn token_required() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "token_required",
        "The token is missing or wrong.",
        "Send `Authorization: Bearer TOKEN` with the token of node.json in the data folder.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

    async fn fault() -> Problem {
        Problem::internal("page 7 of /secret".to_owned())
    }

    async fn panic() -> Problem {
        panic!("invariant broken in /secret")
    }

    #[tokio::test]
    async fn a_fault_is_logged_under_its_request_id_and_not_answered() {
        let log = |line: &str| LOG.lock().unwrap().push(line.to_owned());
        let state = Arc::new(gate_of(log));
        let routes = Router::new().route("/fault", get(fault)).route("/panic", get(panic));
        let router = routes.layer(CatchPanicLayer::new()).layer(from_fn_with_state(state, gate));
        for target in ["/fault", "/panic"] {
            let request = Request::get(target).extension(InProcess).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&body["code"], &body["request_id"]), (&"internal".into(), &id.clone().into()));
            assert!(!body.to_string().contains("secret"));
            assert!(LOG.lock().unwrap().iter().any(|line| line.contains(&id)), "{target}");
        }
        assert!(LOG.lock().unwrap()[0].contains("page 7 of /secret"));
    }

    fn gate_of(log: fn(&str)) -> Gate {
        let sessions = Sessions::open(crate::http::tests::world::World::new().app()).unwrap();
        Gate::new(7070, TokenHash::of("t"), log, Arc::new(sessions))
    }

    fn request(filler: usize) -> Request {
        let builder = Request::get("/").header("host", "localhost:7070").header("authorization", "Bearer t");
        builder.header("x-filler", "f".repeat(filler)).body(Body::empty()).unwrap()
    }

    #[test]
    fn headers_past_16_kib_are_refused() {
        let gate = gate_of(|_| ());
        let others = "/".len() + "hostlocalhost:7070".len() + "authorizationBearer t".len() + "x-filler".len();
        assert!(gate.check_caller(&request(HEADER_BYTES_MAX - others)).is_ok());
        let refused = gate.check_caller(&request(HEADER_BYTES_MAX - others + 1)).unwrap_err();
        assert_eq!(refused.status().as_u16(), 431);
    }

    #[test]
    fn a_request_past_the_running_limit_is_told_to_wait() {
        let gate = gate_of(|_| ());
        let places: Vec<_> = (0..REQUESTS_RUNNING_MAX).map(|_| gate.admit(&request(1)).unwrap()).collect();
        assert_eq!(gate.admit(&request(1)).unwrap_err().code(), "busy");
        drop(places);
        assert!(gate.admit(&request(1)).is_ok());
    }

    #[test]
    fn every_request_has_its_own_id() {
        let gate = gate_of(|_| ());
        assert_ne!(gate.next_request_id(), gate.next_request_id());
    }
}
