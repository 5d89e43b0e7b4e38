//! Length-prefixed frames on a stream: `length u32 BE ‖ rest`, read in small steps.
//!
//! What a frame says is `sync`'s or `join`'s.
//!
//! Invariant: no byte of a frame is kept before its length is judged, and memory grows with what arrived, not with what was
//! announced. Proved by `a_frame_at_the_limit_is_read_and_one_past_it_refused`.

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a frame, its length field included.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Bytes read at once.
const STEP_BYTES: usize = 64 * 1024;
const LENGTH_BYTES: usize = 4;

/// Why no frame came.
#[derive(Debug, Error)]
pub enum WireError {
    /// The stream ended between two frames.
    #[error("the stream ended")]
    Ended,
    /// The stream broke, or ended inside a frame.
    #[error("the stream broke: {0}")]
    Broken(#[from] std::io::Error),
    /// The announced length is out of range.
    #[error("a frame of {bytes} bytes was announced; {FRAME_BYTES_MAX} are allowed")]
    TooLong {
        /// Announced.
        bytes: u64,
    },
}

/// Reads one frame, its length field included.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, WireError> {
    let mut length = [0; LENGTH_BYTES];
    let mut read = 0;
    while read < LENGTH_BYTES {
        match stream.read(&mut length[read..]).await? {
            0 if read == 0 => return Err(WireError::Ended),
            0 => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
            more => read += more,
        }
    }
    let rest = u32::from_be_bytes(length) as usize;
    if rest + LENGTH_BYTES > FRAME_BYTES_MAX {
        return Err(WireError::TooLong { bytes: (rest + LENGTH_BYTES) as u64 });
    }
    let mut frame = length.to_vec();
    while frame.len() < LENGTH_BYTES + rest {
        let (from, step) = (frame.len(), STEP_BYTES.min(LENGTH_BYTES + rest - frame.len()));
        frame.resize(from + step, 0);
        stream.read_exact(&mut frame[from..]).await?;
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Vec<u8>, WireError> {
        read_frame(&mut &bytes[..]).await
    }

    fn frame(rest: usize) -> Vec<u8> {
        [&(rest as u32).to_be_bytes()[..], &vec![7; rest]].concat()
    }

    #[tokio::test]
    async fn a_frame_at_the_limit_is_read_and_one_past_it_refused() {
        let most = FRAME_BYTES_MAX - LENGTH_BYTES;
        assert_eq!(read(&frame(most)).await.unwrap().len(), FRAME_BYTES_MAX);
        assert!(matches!(read(&frame(most + 1)).await, Err(WireError::TooLong { .. })));
        assert!(matches!(read(&[0xff; 8]).await, Err(WireError::TooLong { .. })));
        assert_eq!(read(&frame(0)).await.unwrap(), [0; 4]);
    }

    #[tokio::test]
    async fn a_stream_that_ends_between_frames_is_told_from_a_broken_one() {
        assert!(matches!(read(&[]).await, Err(WireError::Ended)));
        for cut in 1..8 {
            assert!(matches!(read(&frame(4)[..cut]).await, Err(WireError::Broken(_))), "{cut}");
        }
    }
}
