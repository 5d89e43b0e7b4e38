//! What parts the cells of a file: found in its header, or given.
//!
//! Not a reader of rows: `record` splits them.
//!
//! Invariant: the character that parts most cells of the header outside quotes is taken, a comma where none does or two
//! do so equally. Proved by `the_header_shows_what_parts_its_cells`.

use super::source::EncodingChoice;

/// What can part cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as spreadsheets write where the comma is the decimal sign.
    Semicolon,
    /// The tab character.
    Tab,
}

/// Whether the delimiter is looked for or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelimiterChoice {
    /// The header decides.
    Detect,
    /// Given by a person.
    Fixed(Delimiter),
}

/// How the bytes of a file become cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextForm {
    /// Its encoding.
    pub encoding: EncodingChoice,
    /// What parts its cells.
    pub delimiter: DelimiterChoice,
}

impl TextForm {
    /// Everything is looked for.
    pub const DETECT: Self = Self { encoding: EncodingChoice::Detect, delimiter: DelimiterChoice::Detect };
}

impl Delimiter {
    /// All of them; the first wins where two part equally many cells.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The character.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// What parts the cells of `header`, the file's first line.
    pub(super) fn of_header(header: &[u8]) -> Self {
        let parted = |delimiter: &Self| unquoted(header).filter(|byte| *byte == delimiter.byte()).count();
        // The last of equal ones is the maximum, so the comma comes last.
        Self::ALL.into_iter().rev().max_by_key(parted).unwrap_or(Self::Comma)
    }
}

/// Where the first line that is not blank ends outside quotes, and where it starts.
pub(super) fn header_line(text: &[u8]) -> Option<(usize, usize)> {
    let start = text.iter().position(|byte| !matches!(byte, b'\n' | b'\r'))?;
    let mut open = false;
    let ends = |byte: &u8| {
        open ^= *byte == b'"';
        *byte == b'\n' && !open
    };
    text[start..].iter().position(ends).map(|length| (start, start + length))
}

fn unquoted(line: &[u8]) -> impl Iterator<Item = u8> {
    let mut open = false;
    line.iter().copied().filter(move |byte| {
        open ^= *byte == b'"';
        !open
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_header_shows_what_parts_its_cells() {
        for (header, expected) in [
            ("sku,name", Delimiter::Comma),
            ("sku;name", Delimiter::Semicolon),
            ("sku\tname", Delimiter::Tab),
            ("sku;\"name, long, and, more\";unit", Delimiter::Semicolon),
            ("sku,price;EUR", Delimiter::Comma),
            ("sku", Delimiter::Comma),
            ("", Delimiter::Comma),
            ("编号;名称", Delimiter::Semicolon),
        ] {
            assert_eq!(Delimiter::of_header(header.as_bytes()), expected, "{header}");
        }
    }

    #[test]
    fn a_line_end_inside_quotes_does_not_end_the_header() {
        assert_eq!(header_line(b"\r\n\"a\nb\";c\nd"), Some((2, 9)));
        assert_eq!(header_line(b"a;b"), None);
        assert_eq!(header_line(b"\n\n"), None);
    }
}
