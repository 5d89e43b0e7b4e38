//! Frames: the unit on the stream, `length u32 BE ‖ kind u8 ‖ flags u8 ‖ body`.
//!
//! It cuts and joins bytes and inflates bodies; what a body says is `message`'s and `run`'s. The length counts kind, flags
//! and body. Flag bit 0: the body is zstd; bit 7: who does not know the kind skips the frame.
//!
//! Invariants: a declared length is judged before a byte of the body is kept; an inflated body never takes more memory
//! than its limit. Proved by `each_limit_holds_at_and_one_past` and `a_stream_cut_anywhere_gives_the_same_frames`.

use thiserror::Error;

/// Bytes of a frame on the wire, its length field included.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a body after inflating.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many times longer than on the wire a body may become.
pub const BODY_RATIO_MAX: usize = 20;
/// What a short body may become beside that, in bytes.
pub const BODY_RATIO_FREE: usize = 64 * 1024;

const LENGTH_BYTES: usize = 4;
const HEAD_BYTES: usize = 2;
const FLAG_ZSTD: u8 = 1;
const FLAG_SKIPPABLE: u8 = 1 << 7;
/// Shorter bodies travel as they are.
const COMPRESS_FROM: usize = 96;
const ZSTD_LEVEL: i32 = 3;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Who speaks and what it knows of the other; the first frame.
    Hello = 1,
    /// Hashes over everything shared; the second frame.
    Front = 2,
    /// One hash for each scope.
    Scopes = 3,
    /// The heads of one scope.
    Heads = 4,
    /// How much of one scope will come.
    Have = 5,
    /// Keys and commits.
    Data = 6,
    /// What is durable.
    Ack = 7,
    /// Two commits under one number.
    Fork = 8,
    /// The last frame, with its reason.
    Close = 9,
    /// Tell me when all that you hold was sent.
    Ask = 10,
    /// All that was held at that question was sent.
    Told = 11,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Hello,
        Self::Front,
        Self::Scopes,
        Self::Heads,
        Self::Have,
        Self::Data,
        Self::Ack,
        Self::Fork,
        Self::Close,
        Self::Ask,
        Self::Told,
    ];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// A peer that does not know the kind may go on without it.
    fn flags(self) -> u8 {
        match self {
            Self::Have | Self::Fork | Self::Ask | Self::Told => FLAG_SKIPPABLE,
            Self::Hello | Self::Front | Self::Scopes | Self::Heads | Self::Data | Self::Ack | Self::Close => 0,
        }
    }
}

/// A frame as it was read: its body is inflated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// What it says.
    pub body: Vec<u8>,
}

/// Why bytes are not a frame, or a body does not fit one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The declared length is out of range.
    #[error("a frame of {bytes} bytes; 6 to {FRAME_BYTES_MAX} are allowed")]
    Length {
        /// Declared bytes, length field included.
        bytes: u64,
    },
    /// A kind that is not known and may not be skipped.
    #[error("frame kind {kind} is not known")]
    Kind {
        /// Its number.
        kind: u8,
    },
    /// A flag that is not known, or one that does not belong to the kind.
    #[error("frame flags {flags:#04x} are not known")]
    Flags {
        /// The flags.
        flags: u8,
    },
    /// Not zstd, or more than it may become.
    #[error("the body cannot be inflated within {limit} bytes")]
    Inflate {
        /// The limit.
        limit: usize,
    },
    /// A body that no frame can carry.
    #[error("a body of {bytes} bytes does not fit a frame")]
    Body {
        /// Its length.
        bytes: usize,
    },
}

/// Writes a frame; the body is compressed where that is shorter and within the ratio.
///
/// # Errors
/// If the body fits no frame.
pub fn write_frame(kind: FrameKind, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(FrameError::Body { bytes: body.len() });
    }
    let small = compressed(body);
    let (flags, body) = match &small {
        Some(small) => (kind.flags() | FLAG_ZSTD, small.as_slice()),
        None => (kind.flags(), body),
    };
    let length = HEAD_BYTES + body.len();
    if LENGTH_BYTES + length > FRAME_BYTES_MAX {
        return Err(FrameError::Body { bytes: body.len() });
    }
    let mut frame = Vec::with_capacity(LENGTH_BYTES + length);
    frame.extend_from_slice(&(length as u32).to_be_bytes());
    frame.extend_from_slice(&[kind as u8, flags]);
    frame.extend_from_slice(body);
    Ok(frame)
}

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < COMPRESS_FROM {
        return None;
    }
    let small = zstd::bulk::compress(body, ZSTD_LEVEL).ok()?;
    (small.len() < body.len() && body.len() <= inflated_max(small.len())).then_some(small)
}

/// What a body of `bytes` on the wire may become.
fn inflated_max(bytes: usize) -> usize {
    (bytes * BODY_RATIO_MAX + BODY_RATIO_FREE).min(BODY_BYTES_MAX)
}

/// Cuts a stream into frames; holds at most one frame and the bytes given last.
#[derive(Debug, Default)]
pub struct Splitter {
    held: Vec<u8>,
    read: usize,
}

impl Splitter {
    /// Takes bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        self.held.extend_from_slice(bytes);
    }

    /// Gives the next whole frame; unknown skippable ones are left out.
    ///
    /// # Errors
    /// If the stream breaks a rule of this file; it is of no more use then.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let rest = &self.held[self.read..];
            let Some((length, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
            let length = u32::from_be_bytes(*length) as usize;
            if length < HEAD_BYTES || LENGTH_BYTES + length > FRAME_BYTES_MAX {
                return Err(FrameError::Length { bytes: (LENGTH_BYTES + length) as u64 });
            }
            let Some(frame) = rest.get(..length) else { return Ok(None) };
            let frame = read_frame(frame)?;
            self.read += LENGTH_BYTES + length;
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }

    /// Whether bytes of an unfinished frame are held.
    pub fn is_within_frame(&self) -> bool {
        self.read < self.held.len()
    }
}

/// Reads kind, flags and body; `None` where the frame may be skipped.
fn read_frame(frame: &[u8]) -> Result<Option<Frame>, FrameError> {
    let (kind, flags, body) = (frame[0], frame[1], &frame[HEAD_BYTES..]);
    if flags & !(FLAG_ZSTD | FLAG_SKIPPABLE) != 0 {
        return Err(FrameError::Flags { flags });
    }
    let Some(known) = FrameKind::from_byte(kind) else {
        return if flags & FLAG_SKIPPABLE == 0 { Err(FrameError::Kind { kind }) } else { Ok(None) };
    };
    if flags & FLAG_SKIPPABLE != known.flags() {
        return Err(FrameError::Flags { flags });
    }
    let body = if flags & FLAG_ZSTD == 0 { body.to_vec() } else { inflate(body)? };
    Ok(Some(Frame { kind: known, body }))
}

fn inflate(body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let limit = inflated_max(body.len());
    zstd::bulk::decompress(body, limit).map_err(|_| FrameError::Inflate { limit })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut noise);
        noise
    }

    fn split(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        let mut splitter = Splitter::default();
        splitter.push(bytes);
        splitter.next_frame()
    }

    fn raw(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        [&((body.len() + 2) as u32).to_be_bytes()[..], &[kind, flags], body].concat()
    }

    #[test]
    fn each_limit_holds_at_and_one_past() {
        let most = noise(FRAME_BYTES_MAX - 6);
        let frame = write_frame(FrameKind::Data, &most).unwrap();
        assert_eq!(frame.len(), FRAME_BYTES_MAX);
        assert_eq!(split(&frame).unwrap().unwrap().body, most);
        let more = noise(FRAME_BYTES_MAX - 5);
        assert_eq!(write_frame(FrameKind::Data, &more), Err(FrameError::Body { bytes: more.len() }));
        let head = (FRAME_BYTES_MAX as u32 - 3).to_be_bytes();
        assert_eq!(split(&head), Err(FrameError::Length { bytes: FRAME_BYTES_MAX as u64 + 1 }), "before its body");
        assert_eq!(split(&u32::MAX.to_be_bytes()), Err(FrameError::Length { bytes: u64::from(u32::MAX) + 4 }));
        assert_eq!(split(&1u32.to_be_bytes()), Err(FrameError::Length { bytes: 5 }));
        assert!(split(&raw(9, 0, &[])).unwrap().is_some(), "an empty body");
    }

    #[test]
    fn a_body_inflates_to_its_limit_and_not_one_byte_further() {
        for (plain, fits) in [(BODY_BYTES_MAX, true), (BODY_BYTES_MAX + 1, false)] {
            // Noise first, so that the ratio is kept and the absolute limit alone decides.
            let body = [noise(300_000), vec![7; plain - 300_000]].concat();
            let frame = raw(6, 1, &zstd::bulk::compress(&body, 1).unwrap());
            assert_eq!(split(&frame).is_ok(), fits, "{plain}");
            assert_eq!(write_frame(FrameKind::Data, &body).is_ok(), fits, "{plain}");
        }
    }

    #[test]
    fn a_body_inflates_twenty_times_and_64_kib_and_not_one_byte_further() {
        let of = |plain: usize| zstd::bulk::compress(&vec![0; plain], 1).unwrap();
        let mut plain = 64 * 1024;
        while plain < inflated_max(of(plain + 1).len()) {
            plain += 1;
        }
        assert_eq!(inflated_max(of(plain).len()), plain, "the last that fits");
        assert!(split(&raw(6, 1, &of(plain))).is_ok());
        assert!(matches!(split(&raw(6, 1, &of(plain + 1))), Err(FrameError::Inflate { .. })));
        let bomb = of(400 * 1024 * 1024);
        assert!(matches!(split(&raw(6, 1, &bomb)), Err(FrameError::Inflate { .. })));
        assert_eq!(write_frame(FrameKind::Data, &vec![0; 500_000]).unwrap().len(), 500_006, "too good a ratio: plain");
    }

    #[test]
    fn an_unknown_kind_is_skipped_only_where_it_says_so() {
        assert_eq!(split(&raw(200, 0, b"x")), Err(FrameError::Kind { kind: 200 }));
        let close = write_frame(FrameKind::Close, b"end").unwrap();
        let frame = split(&[raw(200, 0x80, b"news"), close].concat()).unwrap().unwrap();
        assert_eq!((frame.kind, frame.body.as_slice()), (FrameKind::Close, b"end".as_slice()));
        assert_eq!(split(&raw(6, 2, b"x")), Err(FrameError::Flags { flags: 2 }));
        assert_eq!(split(&raw(6, 0x80, b"x")), Err(FrameError::Flags { flags: 0x80 }));
    }

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames() {
        let frames: Vec<Frame> = FrameKind::ALL
            .iter()
            .map(|kind| Frame { kind: *kind, body: vec![*kind as u8; 40 * *kind as usize] })
            .collect();
        let stream: Vec<u8> = frames.iter().flat_map(|frame| write_frame(frame.kind, &frame.body).unwrap()).collect();
        for step in [1, 2, 3, 7, 64, stream.len()] {
            let (mut splitter, mut seen) = (Splitter::default(), Vec::new());
            for part in stream.chunks(step) {
                splitter.push(part);
                while let Some(frame) = splitter.next_frame().unwrap() {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, frames, "{step}");
            assert!(!splitter.is_within_frame());
        }
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let frame = write_frame(FrameKind::Data, &[1; 300]).unwrap();
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut bytes = frame.clone();
                bytes[at] ^= 1 << bit;
                drop(split(&bytes));
            }
        }
    }
}
