//! Runs the API on a socket, or calls it inside the process.
//!
//! Not the choice of address or token, which is the node's.
//!
//! Invariants: a stop ends within two seconds even where a caller hangs; an in-process call passes the same routes as a
//! foreign one, without Host and token. Proved by `a_hanging_caller_does_not_delay_the_stop` and
//! `a_local_call_needs_no_token`.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::serve::ListenerExt;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;

use super::gate::InProcess;

/// How long running requests may go on after the stop.
pub const STOP_MS_MAX: u64 = 2_000;

/// Serves `router` on `listener` until `shutdown` ends, then at most [`STOP_MS_MAX`] longer.
///
/// # Errors
/// What the socket reports.
pub async fn serve<S>(listener: TcpListener, router: Router, shutdown: S) -> std::io::Result<()>
where
    S: Future<Output = ()> + Send + 'static,
{
    serve_patiently(listener, router, shutdown, Duration::from_millis(STOP_MS_MAX)).await
}

async fn serve_patiently<S>(
    listener: TcpListener,
    router: Router,
    shutdown: S,
    patience: Duration,
) -> std::io::Result<()>
where
    S: Future<Output = ()> + Send + 'static,
{
    let (stop, stopping) = watch::channel(());
    let listener = listener.tap_io(|connection| {
        // Without it answers wait for acknowledgements; a socket that refuses it still works.
        drop(connection.set_nodelay(true));
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        drop(stop);
    });
    tokio::select! {
        ended = serving.into_future() => ended,
        () = end_of_patience(stopping, patience) => Ok(()),
    }
}

/// Ends `patience` after the sender of `stopping` is gone.
async fn end_of_patience(mut stopping: watch::Receiver<()>, patience: Duration) {
    while stopping.changed().await.is_ok() {}
    tokio::time::sleep(patience).await;
}

/// Calls the API inside the process: for a command line that opened the store itself.
#[derive(Debug, Clone)]
pub struct LocalCaller {
    router: Router,
}

impl LocalCaller {
    /// Over a router of [`super::router()`].
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    /// The status and body of the answer; a target or header that cannot be sent gives 400 and an empty body.
    pub async fn call(
        &self,
        method: &str,
        path_and_query: &str,
        content_type: Option<&str>,
        idempotency_key: Option<&str>,
        body: Vec<u8>,
    ) -> (u16, Vec<u8>) {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { return (400, Vec::new()) };
        let mut request = Request::builder().method(method).uri(path_and_query).extension(InProcess);
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let Ok(request) = request.body(Body::from(body)) else { return (400, Vec::new()) };
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map(|body| body.to_bytes().to_vec());
        (status, body.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::http::tests::world::{TOKEN, World};

    #[tokio::test]
    async fn a_local_call_needs_no_token() {
        let world = World::new();
        let caller = LocalCaller::new(world.router.clone());
        let (status, body) = caller.call("GET", "/api/v1/health", None, None, Vec::new()).await;
        assert_eq!((status, body.is_empty()), (200, false));
        let (status, _) = caller.call("GET", "/openapi.json", None, None, Vec::new()).await;
        assert_eq!(status, 200);
        let (status, _) = caller.call("GET", "not a target", None, None, Vec::new()).await;
        assert_eq!(status, 400);
    }

    #[tokio::test]
    async fn a_served_request_is_answered_on_the_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = World::on_port(port);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, world.router.clone(), async move { drop(stopped.await) }));
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!(
            "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.200}");
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn raw_requests_to_other_hosts_are_misdirected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = World::on_port(port);
        let serving = tokio::spawn(serve(listener, world.router.clone(), std::future::pending()));
        let own = format!("Host: localhost:{port}\r\n");
        for (target, hosts, status) in [
            ("/api/v1/health".to_owned(), own.clone(), 200),
            (format!("http://localhost:{port}/api/v1/health"), own.clone(), 200),
            ("http://evil.example/api/v1/health".to_owned(), own.clone(), 421),
            ("/api/v1/health".to_owned(), String::new(), 421),
            ("/api/v1/health".to_owned(), own.repeat(2), 421),
            ("/api/v1/health".to_owned(), "Host: evil.example\r\n".to_owned(), 421),
        ] {
            let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let request = format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target} {hosts}: {answer:.100}");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn a_hanging_caller_does_not_delay_the_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = World::on_port(port);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let patience = Duration::from_millis(20);
        let serving = tokio::spawn(serve_patiently(listener, world.router.clone(), stopped, patience));
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let half =
            format!("POST /api/v1/orders HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {TOKEN}\r\n");
        let expects = "Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
        socket.write_all(format!("{half}{expects}").as_bytes()).await.unwrap();
        let mut interim = [0; 12];
        socket.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100", "the request is running");
        let start = Instant::now();
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        assert!((patience..Duration::from_secs(20)).contains(&start.elapsed()));
    }
}
