//! Streams an uploaded file to disk; it is never whole in memory.
//!
//! The pieces pass through a bounded channel to a blocking writer, which also hashes them.
//!
//! Invariants: at most 4 GiB, at most 30 seconds between two pieces, and a file that did not arrive whole is removed.
//! Proved by `a_file_past_the_limit_is_refused_and_removed` and `an_upload_arrives_unchanged`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::error::Problem;
use super::extract::{BODY_TIMEOUT_MS_MAX, body_broken, body_timeout};
use crate::app::error::AppError;

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

/// Writes `body` to a new file in `folder`; `hasher` already knows the request line.
pub async fn receive(folder: &Path, body: Body, hasher: blake3::Hasher, bytes_max: u64) -> Result<Upload, Problem> {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    let folder = folder.to_owned();
    let writer = tokio::task::spawn_blocking(move || write(&folder, receiver, hasher));
    let sent = send_pieces(body, &sender, bytes_max).await;
    drop(sender);
    let written = writer.await.map_err(|fault| Problem::internal(fault.to_string()))?;
    let (file, hash) = written.map_err(write_problem)?;
    sent?;
    let path = file.into_temp_path().keep().map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Upload { path, hash })
}

async fn send_pieces(mut body: Body, sender: &mpsc::Sender<Bytes>, bytes_max: u64) -> Result<(), Problem> {
    let mut total: u64 = 0;
    loop {
        let next = tokio::time::timeout(Duration::from_millis(BODY_TIMEOUT_MS_MAX), body.frame());
        let Some(frame) = next.await.map_err(|_| body_timeout())? else { return Ok(()) };
        let frame = frame.map_err(|_| body_broken())?;
        let Ok(piece) = frame.into_data() else { continue };
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

fn write_problem(error: std::io::Error) -> Problem {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk_full",
            "The disk of the data folder has no room for the file.",
            "Free space on that disk and send the file again.",
        )
        .retryable(),
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
        let upload = receive(folder.path(), Body::from("a,b\n1,2\n"), blake3::Hasher::new(), 8).await.unwrap();
        assert_eq!(std::fs::read_to_string(&upload.path).unwrap(), "a,b\n1,2\n");
        assert_eq!(upload.hash, *blake3::hash(b"a,b\n1,2\n").as_bytes());
    }

    #[tokio::test]
    async fn a_file_past_the_limit_is_refused_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let refused = receive(folder.path(), Body::from("123456789"), blake3::Hasher::new(), 8).await.unwrap_err();
        assert_eq!(refused.code(), "too_large");
        assert_eq!(files(folder.path()), 0);
    }

    #[tokio::test]
    async fn an_upload_makes_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("imports");
        receive(&inner, Body::from("x"), blake3::Hasher::new(), 8).await.unwrap();
        assert_eq!(files(&inner), 1);
    }
}
