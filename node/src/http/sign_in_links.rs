//! Links that open the pages once: for the command line, and for another browser of this machine.
//!
//! Invariant: a link names the address at which the node answers; a node that serves no pages makes none. Proved by
//! `a_link_is_made_where_pages_are_served`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Problem, ProblemBody};
use super::extract::Posted;
use crate::app::App;
use crate::app::error::AppError;
use crate::web::session::{LINK_MS_MAX, Sessions};

/// Nothing needs to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLinkBody {}

/// A link that opens the pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkBody {
    /// The address; it opens once.
    sign_in: String,
    /// For how long, in seconds.
    seconds: i64,
}

/// Makes a link that opens the pages once, within an hour.
#[utoipa::path(post, path = "/api/v1/sign-in-links", tag = "node", request_body = NewLinkBody, responses(
    (status = 201, description = "Created.", body = LinkBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn create_sign_in_link(
    State(app): State<App>,
    State(sessions): State<Arc<Sessions>>,
    _posted: Posted<NewLinkBody>,
) -> Result<(StatusCode, Json<LinkBody>), Problem> {
    let url = app.url().ok_or_else(|| AppError::Conflict {
        code: "not_serving",
        detail: "the node is not running: it has no pages".to_owned(),
        remedy: "Start it with `tradepost serve`.".to_owned(),
    })?;
    let code = sessions.new_link()?;
    let link = LinkBody { sign_in: format!("{url}/sign-in/{code}"), seconds: LINK_MS_MAX / 1_000 };
    Ok((StatusCode::CREATED, Json(link)))
}

#[cfg(test)]
mod tests {
    use crate::http::tests::world::World;

    #[tokio::test]
    async fn a_link_is_made_where_pages_are_served() {
        let world = World::new();
        assert_eq!(world.post("/api/v1/sign-in-links", "{}").await.code(), "not_serving");
        world.app().set_url("http://localhost:7070".to_owned());
        let made = world.post("/api/v1/sign-in-links", "{}").await;
        let link = made.json()["sign_in"].as_str().unwrap_or_default().to_owned();
        assert_eq!(made.status, 201);
        let target = link.strip_prefix("http://localhost:7070").unwrap_or_default().to_owned();
        assert_eq!(world.get(&target).await.status, 200);
        assert_eq!(world.get(&target).await.status, 410, "once");
    }
}
