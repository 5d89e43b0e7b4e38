//! Bytes of an import file as decoded text: gzip found by its magic, encoding found from the content or forced.
//!
//! Not a CSV reader (that is `record`) and not a store of the file: the caller hands over a path that can be read twice.
//!
//! Invariants: memory is one window whatever the file's size; what gzip yields counts against the limit; the only byte
//! handed on that is not UTF-8 is [`UNDECODABLE`], which stands for one damaged sequence. Proved by
//! `gzip_output_counts_against_the_limit`, `gb18030_is_found_and_named` and `a_damaged_sequence_is_marked_not_guessed`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, GBK, UTF_8};
use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

/// Stands in the text where a sequence could not be decoded; never part of UTF-8.
pub const UNDECODABLE: u8 = 0xFF;
/// Bytes that decide the encoding, and that decide it again where strict UTF-8 breaks later.
pub const WINDOW_BYTES: usize = 1 << 20;
/// Bytes taken from the input at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// A text with at least this many UTF-8 sequences for each broken one is UTF-8 with damage.
const UTF8_SEQUENCES_PER_BREAK: usize = 8;
/// A text in which more than one byte of this many is zero is no text.
const ZERO_BYTES_SHARE: usize = 8;

/// Why the file cannot be read as text.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The gzip stream is cut short or corrupt.
    #[error("the gzip file is damaged or cut short after {bytes} bytes of content")]
    DamagedGzip {
        /// Decompressed bytes before the damage.
        bytes: u64,
    },
    /// More decompressed bytes than an import takes.
    #[error("the file holds more than {limit} bytes of content")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// UTF-16, a spreadsheet or another kind of binary file.
    #[error("the file is {found}, not CSV text")]
    NotText {
        /// What it looks like.
        found: &'static str,
    },
    /// The encoding's label is not known, or no CSV can be written in it.
    #[error("the encoding `{label}` is not one that a CSV file can have")]
    UnknownEncoding {
        /// The label as given.
        label: String,
    },
    /// The text is in another encoding than its first window showed; the file has to be read again.
    #[error("the text turned out to be {}", found.name())]
    OtherEncoding {
        /// The encoding to read it with.
        found: &'static Encoding,
    },
}

/// Whether the encoding is looked for or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingChoice {
    /// Byte order mark, strict UTF-8, then the likeliest legacy encoding.
    Detect,
    /// Given by a person, or found in an earlier reading.
    Fixed(&'static Encoding),
}

impl EncodingChoice {
    /// Takes a label such as `gbk`, `utf-8` or `windows-1252`.
    pub fn from_label(label: &str) -> Result<Self, SourceError> {
        let found = Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible());
        // GB18030 holds all of GBK, and files called GBK often hold more than GBK.
        let found = found.map(|encoding| if encoding == GBK { GB18030 } else { encoding });
        found.map(Self::Fixed).ok_or_else(|| SourceError::UnknownEncoding { label: label.to_owned() })
    }
}

/// Whether the encoding in use may still turn out wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Open,
    Settled,
}

/// A stream of decoded text.
pub struct TextSource {
    input: Box<dyn Read + Send>,
    raw: Vec<u8>,
    decoded: Box<[u8]>,
    decoder: Decoder,
    doubt: Doubt,
    sequences_seen: usize,
    bytes_read: u64,
    bytes_max: u64,
    input_ended: bool,
    text_ended: bool,
}

impl TextSource {
    /// Opens a file; see [`TextSource::new`].
    pub fn open(path: &Path, choice: EncodingChoice, bytes_max: u64) -> Result<Self, SourceError> {
        Self::new(File::open(path)?, choice, bytes_max)
    }

    /// Looks at the first window and decides on gzip and the encoding. `bytes_max` bounds the decompressed bytes.
    pub fn new(input: impl Read + Send + 'static, choice: EncodingChoice, bytes_max: u64) -> Result<Self, SourceError> {
        let mut input = BufReader::with_capacity(CHUNK_BYTES, input);
        let input: Box<dyn Read + Send> = match input.fill_buf()? {
            [0x1F, 0x8B, ..] => Box::new(GzipReader { stream: MultiGzDecoder::new(input) }),
            _ => Box::new(input),
        };
        let mut source = Self {
            input,
            raw: Vec::new(),
            decoded: vec![0; CHUNK_BYTES].into_boxed_slice(),
            decoder: UTF_8.new_decoder_without_bom_handling(),
            doubt: Doubt::Settled,
            sequences_seen: 0,
            bytes_read: 0,
            bytes_max,
            input_ended: false,
            text_ended: false,
        };
        source.begin(choice)?;
        Ok(source)
    }

    /// The encoding in use.
    pub fn encoding(&self) -> &'static Encoding {
        self.decoder.encoding()
    }

    /// Appends the next piece of text and says how many bytes it has; zero at the end.
    pub fn fill(&mut self, text: &mut Vec<u8>) -> Result<usize, SourceError> {
        let before = text.len();
        while text.len() == before && !self.text_ended {
            if self.raw.is_empty() {
                self.read_until(CHUNK_BYTES)?;
            }
            self.decode(text)?;
        }
        Ok(text.len() - before)
    }

    fn begin(&mut self, choice: EncodingChoice) -> Result<(), SourceError> {
        self.read_until(WINDOW_BYTES)?;
        refuse_binary(&self.raw)?;
        let encoding = match choice {
            EncodingChoice::Fixed(encoding) => encoding,
            EncodingChoice::Detect => decide(&self.raw, 0),
        };
        if choice == EncodingChoice::Detect && encoding == UTF_8 {
            self.doubt = Doubt::Open;
        }
        if encoding == UTF_8 && self.raw.starts_with(b"\xEF\xBB\xBF") {
            self.raw.drain(..3);
        }
        self.decoder = encoding.new_decoder_without_bom_handling();
        Ok(())
    }

    /// Reads until `raw` holds `wanted` bytes or the input ends.
    fn read_until(&mut self, wanted: usize) -> Result<(), SourceError> {
        let missing = wanted.saturating_sub(self.raw.len()) as u64;
        let allowed = missing.min(self.bytes_max - self.bytes_read + 1);
        let result = (&mut self.input).take(allowed).read_to_end(&mut self.raw);
        let got = result.map_err(|error| gzip_damage(error, self.bytes_read))? as u64;
        self.bytes_read += got;
        self.input_ended |= got < allowed;
        if self.bytes_read > self.bytes_max { Err(SourceError::TooLarge { limit: self.bytes_max }) } else { Ok(()) }
    }

    fn decode(&mut self, text: &mut Vec<u8>) -> Result<(), SourceError> {
        let mut at = 0;
        loop {
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(&self.raw[at..], &mut self.decoded, self.input_ended);
            at += read;
            text.extend_from_slice(&self.decoded[..written]);
            if self.doubt == Doubt::Open {
                self.sequences_seen += sequences(&self.decoded[..written]);
            }
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(damaged, after) => {
                    self.doubt_again(at.saturating_sub(usize::from(damaged) + usize::from(after)))?;
                    text.push(UNDECODABLE);
                }
            }
        }
        self.raw.clear();
        self.text_ended = self.input_ended;
        Ok(())
    }

    /// Strict UTF-8 broke at `from`: looks at a window from there on.
    fn doubt_again(&mut self, from: usize) -> Result<(), SourceError> {
        if self.doubt == Doubt::Settled {
            return Ok(());
        }
        self.read_until(from + WINDOW_BYTES)?;
        let found = decide(&self.raw[from..], self.sequences_seen);
        self.doubt = Doubt::Settled;
        if found == UTF_8 { Ok(()) } else { Err(SourceError::OtherEncoding { found }) }
    }
}

/// Marks errors of the compressed stream, so that they are not taken for those of the disk.
struct GzipReader<R> {
    stream: MultiGzDecoder<R>,
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::new(io::ErrorKind::InvalidData, error)
            }
            _ => error,
        })
    }
}

fn gzip_damage(error: io::Error, bytes: u64) -> SourceError {
    if error.kind() == io::ErrorKind::InvalidData {
        SourceError::DamagedGzip { bytes }
    } else {
        SourceError::Read(error)
    }
}

fn refuse_binary(window: &[u8]) -> Result<(), SourceError> {
    let zeros = window.iter().filter(|byte| **byte == 0).count();
    let found = match window {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16",
        [b'P', b'K', 3, 4, ..] => "a spreadsheet or ZIP file",
        _ if zeros * ZERO_BYTES_SHARE > window.len() => "UTF-16 or binary",
        _ => return Ok(()),
    };
    Err(SourceError::NotText { found })
}

/// The encoding of a window that follows `sequences_seen` good UTF-8 sequences beyond ASCII.
fn decide(window: &[u8], sequences_seen: usize) -> &'static Encoding {
    if window.starts_with(b"\xEF\xBB\xBF") || is_strict_utf8(window) {
        return UTF_8;
    }
    let (mut good, mut broken) = (sequences_seen, 0);
    for piece in window.utf8_chunks() {
        good += sequences(piece.valid().as_bytes());
        broken += usize::from(!piece.invalid().is_empty());
    }
    if broken * UTF8_SEQUENCES_PER_BREAK <= good { UTF_8 } else { legacy(window) }
}

/// Whether a window is UTF-8, its last character perhaps cut.
fn is_strict_utf8(window: &[u8]) -> bool {
    match std::str::from_utf8(window) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

fn sequences(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte >= 0xC0).count()
}

fn legacy(window: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(window, true);
    let guess = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    let usable = guess != GBK && guess.is_ascii_compatible();
    if usable { guess } else { GB18030 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>, choice: EncodingChoice, limit: u64) -> Result<(Vec<u8>, &'static str), SourceError> {
        let mut source = TextSource::new(Cursor::new(bytes), choice, limit)?;
        let mut text = Vec::new();
        while source.fill(&mut text)? > 0 {}
        Ok((text, source.encoding().name()))
    }

    fn detect(bytes: impl Into<Vec<u8>>) -> Result<(Vec<u8>, &'static str), SourceError> {
        read(bytes.into(), EncodingChoice::Detect, 1 << 30)
    }

    const CHINESE: &str = "订单号,商品名称,数量\n1001,红色陶瓷茶壶,3\n1002,手工编织地毯,12\n";

    #[test]
    fn utf8_with_and_without_a_byte_order_mark_is_the_same_text() {
        let marked = [b"\xEF\xBB\xBF".as_slice(), CHINESE.as_bytes()].concat();
        assert_eq!(detect(marked).unwrap(), (CHINESE.as_bytes().to_vec(), "UTF-8"));
        assert_eq!(detect(CHINESE).unwrap(), (CHINESE.as_bytes().to_vec(), "UTF-8"));
        assert_eq!(detect("").unwrap(), (Vec::new(), "UTF-8"));
    }

    #[test]
    fn gb18030_is_found_and_named() {
        let text = format!("{CHINESE}1003,镕\u{20087}字号商品,1\n");
        let (bytes, _, _) = GB18030.encode(&text);
        assert_eq!(detect(bytes.into_owned()).unwrap(), (text.into_bytes(), "gb18030"));
    }

    #[test]
    fn a_forced_encoding_is_taken_as_given() {
        let EncodingChoice::Fixed(latin) = EncodingChoice::from_label("latin1").unwrap() else { panic!("fixed") };
        let (text, name) = read(b"caf\xE9".to_vec(), EncodingChoice::Fixed(latin), 10).unwrap();
        assert_eq!((text, name), ("café".as_bytes().to_vec(), "windows-1252"));
        assert_eq!(EncodingChoice::from_label("gbk").unwrap(), EncodingChoice::Fixed(GB18030));
        for label in ["klingon", "utf-16le"] {
            assert!(matches!(EncodingChoice::from_label(label), Err(SourceError::UnknownEncoding { .. })), "{label}");
        }
    }

    #[test]
    fn gbk_after_a_long_ascii_beginning_asks_to_be_read_again() {
        let mut bytes = b"1001,plain text,3\n".repeat(2 * WINDOW_BYTES / 18);
        bytes.extend_from_slice(&GB18030.encode(&CHINESE.repeat(20)).0);
        let Err(SourceError::OtherEncoding { found }) = detect(bytes.clone()) else { panic!("re-decide") };
        assert_eq!(found, GB18030);
        let (text, _) = read(bytes, EncodingChoice::Fixed(found), 1 << 30).unwrap();
        assert!(text.ends_with(CHINESE.as_bytes()));
    }

    #[test]
    fn a_damaged_sequence_is_marked_not_guessed() {
        for lead in [1, 2 * WINDOW_BYTES / CHINESE.len()] {
            let mut bytes = CHINESE.repeat(lead).into_bytes();
            bytes.extend_from_slice(b"9,\xE8\x8C,1\n");
            let (text, name) = detect(bytes).unwrap();
            assert_eq!(name, "UTF-8");
            assert!(text.ends_with(b"9,\xFF,1\n"));
            assert_eq!(text.iter().filter(|byte| **byte == UNDECODABLE).count(), 1);
        }
    }

    #[test]
    fn characters_cut_by_a_chunk_are_whole_again() {
        let text = format!("x{}", "茶".repeat(WINDOW_BYTES));
        assert_eq!(detect(text.as_str()).unwrap().0, text.as_bytes());
    }

    #[test]
    fn utf16_spreadsheets_and_binaries_are_refused_by_name() {
        for (bytes, name) in [
            (b"\xFF\xFEa\0".as_slice(), "UTF-16"),
            (b"\xFE\xFF\0a", "UTF-16"),
            (b"PK\x03\x04rest", "a spreadsheet or ZIP file"),
            (b"a\0,\0b\0", "UTF-16 or binary"),
        ] {
            assert!(matches!(detect(bytes), Err(SourceError::NotText { found }) if found == name), "{name}");
        }
    }

    #[test]
    fn gzip_is_found_by_its_magic_and_may_have_members() {
        let bytes = [gzip(b"a,b\n"), gzip(b"1,2\n")].concat();
        assert_eq!(detect(bytes).unwrap().0, b"a,b\n1,2\n");
    }

    #[test]
    fn a_cut_gzip_file_is_named_as_damaged() {
        let mut bytes = gzip(CHINESE.as_bytes());
        bytes.truncate(bytes.len() - 9);
        assert!(matches!(detect(bytes), Err(SourceError::DamagedGzip { .. })));
    }

    #[test]
    fn plain_bytes_are_taken_to_the_limit_and_not_past_it() {
        assert!(read(b"12345678".to_vec(), EncodingChoice::Detect, 8).is_ok());
        let past = read(b"123456789".to_vec(), EncodingChoice::Detect, 8);
        assert!(matches!(past, Err(SourceError::TooLarge { limit: 8 })));
    }

    #[test]
    fn gzip_output_counts_against_the_limit() {
        let content = vec![b'a'; 3 * WINDOW_BYTES];
        let bytes = gzip(&content);
        assert!(bytes.len() < WINDOW_BYTES);
        assert!(read(bytes.clone(), EncodingChoice::Detect, content.len() as u64).is_ok());
        let past = read(bytes, EncodingChoice::Detect, content.len() as u64 - 1);
        assert!(matches!(past, Err(SourceError::TooLarge { .. })));
    }

    #[test]
    fn a_missing_file_is_an_error_of_reading() {
        let missing = TextSource::open(Path::new("/nonexistent/file.csv"), EncodingChoice::Detect, 1);
        assert!(matches!(missing, Err(SourceError::Read(_))));
    }
}
