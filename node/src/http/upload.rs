//! Streams an uploaded file to disk; it is never whole in memory.
//!
//! The pieces pass through a bounded channel to a blocking writer, which also hashes them.
//!
//! Invariants: at most 4 GiB, at most 30 seconds between two pieces, and a file that did not arrive whole is removed.
//! Proved by `a_file_past_the_limit_is_refused_and_removed` and `an_upload_arrives_unchanged`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::multipart::Field;
use http_body_util::BodyExt;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::error::Problem;
use super::extract::{BODY_TIMEOUT_MS_MAX, body_broken, body_timeout};
use crate::app::error::AppError;
use crate::store::{NoRoom, is_full};

/// Bytes of an uploaded file.
pub const UPLOAD_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Pieces between the connection and the disk.
const PIECES_WAITING_MAX: usize = 16;

/// A file that arrived whole.
#[derive(Debug)]
pub struct Upload {
    /// Where it lies; whoever takes it removes it.
    pub path: PathBuf,
    /// Hash of the request line and the file.
    pub hash: [u8; 32],
}

/// Where an uploaded file comes from.
pub enum Source<'f> {
    /// The whole body of a request.
    Body(Body),
    /// A field of a form.
    Field(Box<Field<'f>>),
}

impl Source<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Self::Body(body) => loop {
                let Some(frame) = body.frame().await else { return Ok(None) };
                if let Ok(piece) = frame.map_err(|_| body_broken())?.into_data() {
                    return Ok(Some(piece));
                }
            },
            Self::Field(field) => field.chunk().await.map_err(|_| body_broken()),
        }
    }

    /// The announced length in bytes; 0 where none was announced.
    fn needed(&self) -> u64 {
        match self {
            Self::Body(body) => body.size_hint().exact().unwrap_or_default(),
            Self::Field(_) => 0,
        }
    }
}

/// Writes what `source` gives to a new file in `folder`; `hasher` already knows the request line.
pub async fn receive(
    folder: &Path,
    source: Source<'_>,
    hasher: blake3::Hasher,
    bytes_max: u64,
) -> Result<Upload, Problem> {
    let needed = source.needed();
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    let target = folder.to_owned();
    let writer = tokio::task::spawn_blocking(move || write(&target, receiver, hasher));
    let sent = send_pieces(source, &sender, bytes_max).await;
    drop(sender);
    let written = writer.await.map_err(|fault| Problem::internal(fault.to_string()))?;
    let (file, hash) = written.map_err(|error| write_problem(error, folder, needed))?;
    sent?;
    let path = file.into_temp_path().keep().map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Upload { path, hash })
}

async fn send_pieces(mut source: Source<'_>, sender: &mpsc::Sender<Bytes>, bytes_max: u64) -> Result<(), Problem> {
    let mut total: u64 = 0;
    loop {
        let waiting = tokio::time::timeout(Duration::from_millis(BODY_TIMEOUT_MS_MAX), source.next());
        let Some(piece) = waiting.await.map_err(|_| body_timeout())?? else { return Ok(()) };
        total += piece.len() as u64;
        if total > bytes_max {
            return Err(AppError::TooLarge { limit: bytes_max }.into());
        }
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
    }
}

type Written = Result<(NamedTempFile, [u8; 32]), std::io::Error>;

fn write(folder: &Path, mut pieces: mpsc::Receiver<Bytes>, mut hasher: blake3::Hasher) -> Written {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix("upload-").tempfile_in(folder)?;
    while let Some(piece) = pieces.blocking_recv() {
        hasher.update(&piece);
        file.write_all(&piece)?;
    }
    file.flush()?;
    Ok((file, *hasher.finalize().as_bytes()))
}

/// `needed` is the announced length of the file.
fn write_problem(error: std::io::Error, folder: &Path, needed: u64) -> Problem {
    match error.kind() {
        kind if is_full(kind) => AppError::DiskFull(NoRoom::on(folder, needed)).into(),
        kind => Problem::internal(format!("upload: {kind}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test]
    async fn an_upload_arrives_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let upload =
            receive(folder.path(), Source::Body(Body::from("a,b\n1,2\n")), blake3::Hasher::new(), 8).await.unwrap();
        assert_eq!(std::fs::read_to_string(&upload.path).unwrap(), "a,b\n1,2\n");
        assert_eq!(upload.hash, *blake3::hash(b"a,b\n1,2\n").as_bytes());
    }

    #[tokio::test]
    async fn a_file_past_the_limit_is_refused_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let refused =
            receive(folder.path(), Source::Body(Body::from("123456789")), blake3::Hasher::new(), 8).await.unwrap_err();
        assert_eq!(refused.code(), "too_large");
        assert_eq!(files(folder.path()), 0);
    }

    #[test]
    fn a_file_that_the_disk_cannot_hold_is_told_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let full = std::io::ErrorKind::StorageFull.into();
        let body = write_problem(full, folder.path(), 1 << 40).into_body(None);
        assert_eq!((body.code.as_str(), body.status, body.needed_bytes), ("disk_full", 507, Some(1 << 40)));
        let other = write_problem(std::io::ErrorKind::PermissionDenied.into(), folder.path(), 1);
        assert_eq!(other.code(), "internal");
    }

    #[tokio::test]
    async fn an_upload_makes_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("imports");
        receive(&inner, Source::Body(Body::from("x")), blake3::Hasher::new(), 8).await.unwrap();
        assert_eq!(files(&inner), 1);
    }
}
