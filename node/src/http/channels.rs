//! Channels over HTTP.
//!
//! Invariant: a channel has a home and a zone that exist in form. Proved by `an_unknown_zone_is_refused`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::{PageBody, PageParameters};
use crate::app::App;
use crate::app::model::{ChannelView, NewChannel};

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelBody {
    /// Its name.
    name: String,
    /// The site that takes its orders.
    home: String,
    /// The zone in which its files tell time.
    zone: String,
}

/// A channel to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannelBody {
    /// Its name.
    name: String,
    /// The code of the site that takes its orders.
    #[schema(example = "HQ")]
    home: String,
    /// A zone of the IANA database.
    #[schema(example = "Europe/London")]
    zone: String,
}

impl From<ChannelView> for ChannelBody {
    fn from(channel: ChannelView) -> Self {
        Self { name: channel.name.to_string(), home: channel.home.to_string(), zone: channel.zone.to_string() }
    }
}

impl NewChannelBody {
    fn check(self) -> Result<NewChannel, Problem> {
        let mut errors = Errors::default();
        let name = errors.name(At::Field("name"), &self.name);
        let home = errors.site(At::Field("home"), &self.home);
        let zone = self.zone.parse().ok();
        if zone.is_none() {
            let remedy = "Give a zone of the IANA database, such as Asia/Shanghai.";
            errors.add(At::Field("zone"), "it is not a known zone", remedy);
        }
        let channel = home.zip(zone).map(|(home, zone)| NewChannel { name, home, zone });
        errors
            .finish(channel)?
            .ok_or_else(|| Problem::internal("a channel without errors has no home or zone".to_owned()))
    }
}

/// Lists the channels.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", params(PageParameters), responses(
    (status = 200, description = "Done.", body = PageBody<ChannelBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_channels(
    State(app): State<App>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Json<PageBody<ChannelBody>>, Problem> {
    let mut errors = Errors::default();
    let page = errors.page(parameters.limit.as_deref(), parameters.cursor);
    let page = errors.finish(page)?;
    let page = read(move || app.channels(page)).await?;
    Ok(Json(PageBody::of(page, ChannelBody::from)))
}

/// Creates a channel.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = NewChannelBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = ChannelBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn create_channel(
    State(app): State<App>,
    posted: Posted<NewChannelBody>,
) -> Result<(StatusCode, Json<ChannelBody>), Problem> {
    let channel = posted.body.check()?;
    let channel = app.create_channel(posted.request, channel).await?;
    Ok((StatusCode::CREATED, Json(channel.into())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pointers(name: &str, home: &str, zone: &str) -> Vec<String> {
        let body = NewChannelBody { name: name.into(), home: home.into(), zone: zone.into() };
        let errors = body.check().map_or_else(|problem| problem.into_body(None).errors, |_| Vec::new());
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        assert!(pointers("online-retail", "HQ", "Europe/London").is_empty());
        assert_eq!(pointers("online-retail", "HQ", "Europe/Atlantis"), ["/zone"]);
        assert_eq!(pointers("", "hq", ""), ["/name", "/home", "/zone"]);
    }
}
