//! The network page: who is met, and pausing or resuming the exchange.
//!
//! Invariant: what is done is done before the page shows it. Proved by `the_exchange_is_paused_from_the_page`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::Markup;

use super::form::Form;
use super::layout::{Title, page};
use super::look::own_address;
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::sync::Wait;
use crate::http::error::Problem;
use crate::http::extract::read;
use crate::http::peers::NewInviteBody;

/// Shows each peer.
pub async fn show(State(app): State<App>, visit: Visit) -> Result<Markup, Problem> {
    let sync = read(move || app.sync_status()).await?;
    Ok(page(&visit, Title::Key("nav-network"), &pages::network::page(&visit, &sync)))
}

/// Makes a ticket for one device and shows it, once.
pub async fn invite(State(web): State<Web>, visit: Visit, form: Form) -> Result<Markup, Problem> {
    let text = |name: &str| form.get(name).map(str::to_owned);
    let wanted = NewInviteBody {
        site: text("site").unwrap_or_default(),
        kind: text("kind"),
        zone: text("zone"),
        territory: None,
        hours: None,
    };
    let invite = web.app.invite(wanted.check()?).await?;
    Ok(page(&visit, Title::Key("nav-network"), &pages::network::ticket(&visit, &invite)))
}

/// Pauses, resumes or dials now.
pub async fn act(State(web): State<Web>, Path(verb): Path<String>, form: Form) -> Result<Response, Problem> {
    match verb.as_str() {
        "pause" => web.app.pause_sync().await?,
        "resume" => web.app.resume_sync().await?,
        "now" => drop(web.app.sync_now(None, Wait::No).await?),
        _other => return Err(AppError::NotFound { what: "action", id: verb }.into()),
    }
    let told = format!("/network?done=network-{verb}");
    Ok(Redirect::to(form.get("back").map_or(&told, own_address)).into_response())
}
