//! What happens at the node, as server-sent events: for our pages and for programs that follow.
//!
//! An event says that something changed, not what: whoever hears it reads again. The id is the number of commits that are
//! held, so a listener that comes back names the last one and misses nothing.
//!
//! Invariants: a listener that was away hears of it at once; at most one event in [`PAUSE_MS`]. Proved by
//! `a_listener_that_was_away_hears_of_it_at_once` and `a_write_is_told_to_who_listens`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::error::{Problem, ProblemBody};
use super::extract::read;
use crate::app::App;

/// The shortest time between two events, in milliseconds.
pub const PAUSE_MS: u64 = 100;
/// How often a quiet stream shows that it lives, in seconds.
const ALIVE_SECONDS: u64 = 15;

/// One listener.
struct Listener {
    app: App,
    news: watch::Receiver<u64>,
    links: Option<watch::Receiver<u64>>,
    /// Commits that it has heard of.
    commits: Option<u64>,
    /// What is told before anything happens.
    first: Option<Event>,
}

/// Tells as server-sent events what happens at the node: `ready` once, `changed` after commits, `sync` after a change of a
/// link. The id of an event is the number of commits held; a `Last-Event-ID` that is behind is answered with `changed`.
#[utoipa::path(get, path = "/api/v1/events", tag = "node", params(("Last-Event-ID" = Option<u64>, Header)), responses(
    (status = 200, description = "Events until either side ends the stream.", body = String, content_type = "text/event-stream"),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn follow_events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let heard = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<u64>().ok());
    let news = app.news();
    let links = app.link_changes();
    let commits = held(&app).await?;
    let first = if heard.is_some_and(|heard| heard != commits) { "changed" } else { "ready" };
    let listener = Listener { app, news, links, commits: Some(commits), first: Some(event(first, commits)) };
    let alive = KeepAlive::new().interval(Duration::from_secs(ALIVE_SECONDS));
    Ok(Sse::new(unfold(listener, next)).keep_alive(alive))
}

async fn next(mut listener: Listener) -> Option<(Result<Event, Infallible>, Listener)> {
    if let Some(first) = listener.first.take() {
        return Some((Ok(first), listener));
    }
    tokio::select! {
        told = listener.news.changed() => told.ok()?,
        told = changed(&mut listener.links) => told.ok()?,
    }
    // Whatever else happens in this moment is told with it.
    tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
    listener.news.borrow_and_update();
    if let Some(links) = &mut listener.links {
        links.borrow_and_update();
    }
    let commits = held(&listener.app).await.ok()?;
    let kind = if listener.commits.replace(commits) == Some(commits) { "sync" } else { "changed" };
    Some((Ok(event(kind, commits)), listener))
}

/// Waits for ever where there are no links.
async fn changed(links: &mut Option<watch::Receiver<u64>>) -> Result<(), watch::error::RecvError> {
    match links {
        Some(links) => links.changed().await,
        None => std::future::pending().await,
    }
}

async fn held(app: &App) -> Result<u64, Problem> {
    let app = app.clone();
    read(move || app.commits_held()).await
}

fn event(kind: &'static str, commits: u64) -> Event {
    Event::default().event(kind).id(commits.to_string()).data(format!("{{\"commits\":{commits}}}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::http::tests::world::World;

    /// The next event of a stream: its kind and id.
    async fn hear(body: &mut Body) -> (String, u64) {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (field("event:"), field("id:").parse().unwrap())
    }

    async fn listen(world: &World, last: Option<u64>) -> Body {
        let mut request = World::request("GET", "/api/v1/events");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        answer.into_body()
    }

    #[tokio::test]
    async fn a_write_is_told_to_who_listens() {
        let world = World::new();
        let mut events = listen(&world, None).await;
        let (kind, id) = hear(&mut events).await;
        assert_eq!(kind, "ready");
        world.post("/api/v1/products", r#"{"sku": "A", "name": "a"}"#).await;
        assert_eq!(hear(&mut events).await, ("changed".to_owned(), id + 1));
    }

    #[tokio::test]
    async fn a_listener_that_was_away_hears_of_it_at_once() {
        let world = World::new();
        let (_, id) = hear(&mut listen(&world, None).await).await;
        assert_eq!(hear(&mut listen(&world, Some(id)).await).await, ("ready".to_owned(), id));
        world.post("/api/v1/products", r#"{"sku": "A", "name": "a"}"#).await;
        assert_eq!(hear(&mut listen(&world, Some(id)).await).await, ("changed".to_owned(), id + 1));
    }
}
