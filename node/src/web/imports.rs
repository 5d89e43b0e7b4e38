//! Imports: a file is sent, its progress is watched, its rejected rows are fetched. Jobs live in the node, not in the page.
//!
//! The form's words come before its file, which streams to disk as an upload of the API does.
//!
//! Invariants: the page's token is read before the file; a reload shows the same jobs. Proved by
//! `a_file_is_imported_from_the_page` and `a_file_without_the_page_s_token_is_not_read`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::multipart::Field;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::Markup;

use super::form::{Form, REQUEST_FIELD, TOKEN_FIELD};
use super::layout::{Title, page};
use super::query::PageQuery;
use super::sheet::download;
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::{IdempotencyKey, PageLimit, PageRequest, Request};
use crate::http::caller::{Caller, Proof, page_token_required};
use crate::http::error::Problem;
use crate::http::extract::{body_broken, read};
use crate::http::imports::{ImportParameters, read_rejects, start};
use crate::http::upload::{Source, UPLOAD_BYTES_MAX, receive};

/// Jobs that the page lists.
const JOBS_SHOWN: u64 = 100;
/// Bytes of a word of the form.
const WORD_BYTES_MAX: usize = 4_096;
/// Words of the form.
const WORDS_MAX: usize = 16;
/// The words that say what the import is.
const PARAMETERS: [&str; 8] = ["kind", "preset", "channel", "as", "encoding", "delimiter", "map", "dry_run"];

/// The jobs, and the form that starts one.
pub async fn list(State(app): State<App>, visit: Visit) -> Result<Markup, Problem> {
    let limit = PageLimit::new(JOBS_SHOWN).unwrap_or_default();
    let jobs = read(move || app.imports(PageRequest { limit, cursor: None })).await?.items;
    Ok(page(&visit, Title::Key("nav-import"), &pages::imports::page(&visit, &jobs)))
}

/// One job.
pub async fn show(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Result<Markup, Problem> {
    let job = read(move || app.import(&id)).await?;
    Ok(page(&visit, Title::Key("nav-import"), &pages::imports::job(&visit, &job)))
}

/// The rejected rows of a job as a sheet that can be corrected and imported again.
pub async fn rejected(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let name = format!("rejected-{id}.csv");
    let sheet = read(move || read_rejects(&app.import_rejects(&id)?)).await?;
    Ok(download(&name, sheet))
}

/// Stops a job; what is written stays.
pub async fn cancel(State(web): State<Web>, Path(id): Path<String>, _checked: Form) -> Result<Response, Problem> {
    let app = web.app.clone();
    let job = read(move || app.cancel_import(&id)).await?;
    Ok(Redirect::to(&format!("/imports/{}?done=import-cancel", job.id)).into_response())
}

/// Takes the file and starts the job.
pub async fn upload(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    mut form: Multipart,
) -> Result<Response, Problem> {
    let mut words = BTreeMap::new();
    while let Some(field) = form.next_field().await.map_err(|_| body_broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            return take(&web, caller, &words, field).await;
        }
        if words.len() >= WORDS_MAX {
            return Err(AppError::TooLarge { limit: WORDS_MAX as u64 }.into());
        }
        words.insert(name, word(field).await?);
    }
    Err(AppError::field("/file", "there is no file", "Choose a file.").into())
}

async fn word(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|_| body_broken())? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > WORD_BYTES_MAX {
            return Err(AppError::TooLarge { limit: WORD_BYTES_MAX as u64 }.into());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

async fn take(
    web: &Web,
    caller: Caller,
    words: &BTreeMap<String, String>,
    field: Field<'_>,
) -> Result<Response, Problem> {
    let said = |name: &str| words.get(name).map(String::as_str).unwrap_or_default();
    match caller {
        Caller::Program | Caller::Page { proof: Proof::Shown, .. } => {}
        Caller::Page { secret, proof: Proof::Owed } if secret.has_page_token(said(TOKEN_FIELD)) => {}
        Caller::Page { .. } | Caller::Nobody => return Err(page_token_required()),
    }
    let mut query = PageQuery::default();
    for name in PARAMETERS.into_iter().filter(|name| !said(name).is_empty()) {
        query = query.plus(name, said(name));
    }
    if let Some(name) = field.file_name() {
        query = query.plus("file_name", name);
    }
    let checked = query.typed::<ImportParameters>()?.check()?;
    let _place = web.heavy.place_now()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(query.to_text().as_bytes());
    let upload = receive(&web.imports_folder.0, Source::Field(Box::new(field)), hasher, UPLOAD_BYTES_MAX).await?;
    let request = Request { idempotency_key: IdempotencyKey::new(said(REQUEST_FIELD)).ok(), body_hash: upload.hash };
    let app = web.app.clone();
    let job = read(move || start(&app, checked.into_request(request), upload.path)).await?;
    Ok(Redirect::to(&format!("/imports/{}", job.id)).into_response())
}
