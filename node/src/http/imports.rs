//! Imports over HTTP: the file streams to disk, then the application takes it.
//!
//! Invariants: the parameters are checked before a byte of the file is read; a refused file is removed. Proved by
//! `import_parameters_are_checked_first` and `a_refused_import_leaves_no_file` in `router.rs`.

use std::path::{Path as FilePath, PathBuf};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};

use super::check::Errors;
use super::error::{Problem, ProblemBody};
use super::extract::{
    Parameters, Posted, announced_length, content_type, expect_type, idempotency_key, read, request_hasher, wrong_type,
};
use super::page::{PageBody, PageParameters};
use super::router::{Heavy, ImportsFolder};
use super::upload::{Source, UPLOAD_BYTES_MAX, receive};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model;

mod wire;

pub use wire::ImportParameters;
use wire::{CancelImportBody, ImportBody, StartedBody};

/// Bytes of a rejects file that is answered over HTTP; a larger one is read from disk.
const REJECTS_BYTES_MAX: u64 = 64 * 1024 * 1024;
const FILE_TYPES: &[&str] = &["text/csv", "application/gzip", "application/x-gzip", "application/octet-stream"];

/// Starts an import of the file in the body. With an Idempotency-Key the same file and parameters are the same import,
/// also after a restart: one that runs or ended answers with its id, one that was cut or failed goes on under it.
#[utoipa::path(post, path = "/api/v1/imports", tag = "imports", params(ImportParameters,
    ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The CSV file, or its .gz"), responses(
    (status = 202, description = "Accepted; it goes on in the background.", body = StartedBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn start_import(
    State(app): State<App>,
    State(folder): State<ImportsFolder>,
    State(heavy): State<Heavy>,
    Parameters(parameters): Parameters<ImportParameters>,
    request: Request,
) -> Result<(StatusCode, Json<StartedBody>), Problem> {
    let checked = parameters.check()?;
    let _place = heavy.place_now()?;
    let (upload, request) = receive_file(&folder.0, request).await?;
    let import = read(move || start(&app, checked.into_request(request), upload)).await?;
    Ok((StatusCode::ACCEPTED, Json(StartedBody { id: import.id })))
}

/// Shows how far an import is.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "imports", params(("id" = String, Path)), responses(
    (status = 200, description = "Done.", body = ImportBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_import(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ImportBody>, Problem> {
    let import = read(move || app.import(&id)).await?;
    Ok(Json(import.into()))
}

/// Lists the imports that this node knows, newest first, those that ended before a restart too.
#[utoipa::path(get, path = "/api/v1/imports", tag = "imports", params(PageParameters), responses(
    (status = 200, description = "Done.", body = PageBody<ImportBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_imports(
    State(app): State<App>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Json<PageBody<ImportBody>>, Problem> {
    let mut errors = Errors::default();
    let page = errors.page(parameters.limit.as_deref(), parameters.cursor);
    let page = errors.finish(page)?;
    let page = read(move || app.imports(page)).await?;
    Ok(Json(PageBody::of(page, ImportBody::from)))
}

/// Stops a running import after the batch in hand. What it has written stays; the same file goes on later.
#[utoipa::path(post, path = "/api/v1/imports/{id}/cancel", tag = "imports", request_body = CancelImportBody,
    params(("id" = String, Path)), responses(
    (status = 200, description = "Done.", body = ImportBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn cancel_import(
    State(app): State<App>,
    Path(id): Path<String>,
    _posted: Posted<CancelImportBody>,
) -> Result<Json<ImportBody>, Problem> {
    let import = read(move || app.cancel_import(&id)).await?;
    Ok(Json(import.into()))
}

/// Gives the file of rejected rows.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rejects", tag = "imports", params(("id" = String, Path)), responses(
    (status = 200, description = "Done.", body = String, content_type = "text/csv"),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn download_rejects(
    State(app): State<App>,
    State(heavy): State<Heavy>,
    Path(id): Path<String>,
) -> Result<([(HeaderName, &'static str); 1], Vec<u8>), Problem> {
    let _place = heavy.place().await?;
    let bytes = read(move || read_rejects(&app.import_rejects(&id)?)).await?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], bytes))
}

async fn receive_file(folder: &FilePath, request: Request) -> Result<(PathBuf, model::Request), Problem> {
    let (parts, body) = request.into_parts();
    check_headers(&parts.headers)?;
    let idempotency_key = idempotency_key(&parts.headers)?;
    let upload = receive(folder, Source::Body(body), request_hasher(&parts), UPLOAD_BYTES_MAX).await?;
    Ok((upload.path, model::Request { idempotency_key, body_hash: upload.hash }))
}

fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = content_type(headers)?.ok_or_else(|| wrong_type("nothing", FILE_TYPES))?;
    expect_type(kind, FILE_TYPES)?;
    match announced_length(headers) {
        Some(length) if length > UPLOAD_BYTES_MAX => Err(AppError::TooLarge { limit: UPLOAD_BYTES_MAX }.into()),
        Some(_) | None => Ok(()),
    }
}

/// Hands the file to the application; a refused one is removed.
pub fn start(app: &App, request: model::ImportRequest, file: PathBuf) -> Result<model::ImportView, AppError> {
    app.start_import(request, file.clone()).inspect_err(|_| {
        // The refusal is what the caller needs; a file that cannot be removed is swept with the folder.
        drop(std::fs::remove_file(&file));
    })
}

/// The bytes of a rejects file.
pub fn read_rejects(path: &FilePath) -> Result<Vec<u8>, AppError> {
    let fault = |error: std::io::Error| AppError::Storage(format!("rejects file {}: {error}", path.display()));
    let bytes = std::fs::metadata(path).map_err(fault)?.len();
    if bytes > REJECTS_BYTES_MAX {
        return Err(AppError::Conflict {
            code: "rejects_file_large",
            detail: format!("the rejects file has {bytes} bytes, {REJECTS_BYTES_MAX} are sent"),
            remedy: format!("Open {} on the node's machine.", path.display()),
        });
    }
    std::fs::read(path).map_err(fault)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_large_rejects_file_is_named_and_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects.csv");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(REJECTS_BYTES_MAX + 1).unwrap();
        assert!(matches!(read_rejects(&path), Err(AppError::Conflict { code: "rejects_file_large", .. })));
        file.set_len(8).unwrap();
        assert_eq!(read_rejects(&path).unwrap().len(), 8);
    }

    #[test]
    fn only_files_of_rows_are_taken() {
        for (kind, fits) in [("text/csv; charset=gbk", true), ("application/gzip", true), ("application/json", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(check_headers(&headers).is_ok(), fits, "{kind}");
        }
        assert_eq!(check_headers(&HeaderMap::new()).unwrap_err().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[test]
    fn a_file_announced_past_4_gib_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "text/csv".parse().unwrap());
        headers.insert("content-length", UPLOAD_BYTES_MAX.into());
        assert!(check_headers(&headers).is_ok());
        headers.insert("content-length", (UPLOAD_BYTES_MAX + 1).into());
        assert_eq!(check_headers(&headers).unwrap_err().code(), "too_large");
    }
}
