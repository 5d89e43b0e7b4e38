//! Coming in by a one-time link, and going out.
//!
//! Invariant: a link that is used or over tells how to get another. Proved by `a_used_link_says_how_to_get_another`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::form::Form;
use super::look::Look;
use super::session::SESSION_MS_MAX;
use super::visit::Visit;
use super::{ErrorPage, Web, layout, pages};
use crate::http::error::Problem;

/// What is told to a browser without a session: where the link comes from.
pub fn ask_to_sign_in(headers: &HeaderMap) -> Response {
    let page = layout::bare(Look::of(headers), "sign-in-title", &pages::sign_in::page(Look::of(headers).language));
    (StatusCode::UNAUTHORIZED, Extension(ErrorPage), page).into_response()
}

/// The same for whoever asks for it.
pub async fn explain(headers: HeaderMap) -> Response {
    ask_to_sign_in(&headers)
}

/// Opens a session with the code of a link.
pub async fn sign_in(
    State(web): State<Web>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let look = Look::of(&headers);
    let secret = match web.sessions.sign_in(&web.app, &code).await? {
        Some(secret) => secret,
        // Who reloads the page of a link that opened their session is in already.
        None if web.sessions.of(&headers).is_some() => return Ok(Redirect::to("/").into_response()),
        None => {
            let page = layout::bare(look, "sign-in-title", &pages::sign_in::used(look.language));
            return Ok((StatusCode::GONE, Extension(ErrorPage), page).into_response());
        }
    };
    let (name, value, seconds) = (web.sessions.cookie(), secret.to_text(), SESSION_MS_MAX / 1_000);
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Strict; HttpOnly");
    // A strict cookie does not follow a redirect that began on another page: the page itself leads on.
    let page = layout::bare(look, "sign-in-title", &pages::sign_in::welcome(look.language));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), page).into_response())
}

/// Ends the session.
pub async fn sign_out(State(web): State<Web>, visit: Visit, _form: Form) -> Result<Response, Problem> {
    if let Some(secret) = visit.secret {
        web.sessions.sign_out(&web.app, &secret).await?;
    }
    let cookie = format!("{}=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly", web.sessions.cookie());
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/sign-in")).into_response())
}
