//! The project's own codec: every value has exactly one valid encoding.
//!
//! Integers are minimal LEB128 (signed ones zig-zagged first), texts and byte strings carry their length, options and
//! enums one tag byte. It is not self-describing and knows no schema; each event, commit and row writes its fields in a
//! fixed order.
//!
//! Invariants: decode then encode is the identity, nothing is read past a declared limit, and trailing bytes are an
//! error. Proved by `every_value_has_one_encoding` and `a_longer_number_than_needed_is_refused`.

use thiserror::Error;

use crate::text::Text;

/// The longest text or byte string inside an event or row, in bytes.
pub const STRING_BYTES_MAX: usize = 16 * 1024;

/// Why bytes are not a value of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end inside the named field.
    #[error("the bytes end inside `{field}`")]
    Truncated {
        /// Field being read.
        field: &'static str,
    },
    /// The named field is written in a longer or another form than the only valid one.
    #[error("`{field}` is not in its only valid form")]
    NotCanonical {
        /// Field being read.
        field: &'static str,
    },
    /// The named field is longer than its limit.
    #[error("`{field}` has length {length}, the limit is {limit}")]
    TooLong {
        /// Field being read.
        field: &'static str,
        /// Declared length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The named field lies outside its range.
    #[error("`{field}` is out of range")]
    OutOfRange {
        /// Field being read.
        field: &'static str,
    },
    /// The value is in another version of its encoding than this program's.
    #[error("`{field}` has version {found}, this program reads {known}")]
    OtherVersion {
        /// What the value is.
        field: &'static str,
        /// The version found.
        found: u8,
        /// The version that is read.
        known: u8,
    },
    /// Bytes remain after the last field.
    #[error("{count} bytes follow the last field")]
    TrailingBytes {
        /// How many remain.
        count: usize,
    },
}

/// Writes fields in order.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts an empty value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts an empty value that takes `bytes` without growing.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Returns the bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes bytes whose length both sides know.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Writes one byte.
    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Writes an unsigned number as minimal LEB128.
    pub fn number(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.byte(value as u8)
    }

    /// Writes a signed number as minimal signed LEB128, as Automerge does.
    pub fn signed_leb(&mut self, mut value: i64) -> &mut Self {
        while !(-64..64).contains(&value) {
            self.bytes.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.byte((value as u8) & 0x7f)
    }

    /// Writes a signed number, zig-zagged.
    pub fn signed(&mut self, value: i64) -> &mut Self {
        self.number(((value << 1) ^ (value >> 63)) as u64)
    }

    /// Writes a wide signed sum: one byte of length and the fewest big-endian bytes of two's complement.
    pub fn wide(&mut self, value: i128) -> &mut Self {
        let bytes = value.to_be_bytes();
        let start = wide_start(value);
        self.byte((bytes.len() - start) as u8).fixed(&bytes[start..])
    }

    /// Writes a length and the bytes.
    pub fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).fixed(bytes)
    }

    /// Writes a length and the text.
    pub fn text(&mut self, text: &Text) -> &mut Self {
        self.blob(text.as_str().as_bytes())
    }

    /// Writes a tag byte and, where there is a value, the value.
    pub fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) -> &mut Self {
        match value {
            None => self.byte(0),
            Some(inner) => {
                self.byte(1);
                write(self, inner);
                self
            }
        }
    }

    /// Writes a count and each element.
    pub fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.number(values.len() as u64);
        for value in values {
            write(self, value);
        }
        self
    }
}

/// First byte of the big-endian two's complement that is needed to know value and sign.
fn wide_start(value: i128) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    (magnitude.leading_zeros().saturating_sub(1) / 8) as usize
}

/// Reads fields in the order in which they were written.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Succeeds when every byte was read.
    pub fn end(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }

    /// Reads `length` bytes.
    pub fn fixed(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        if self.rest.len() < length {
            return Err(DecodeError::Truncated { field });
        }
        let (head, tail) = self.rest.split_at(length);
        self.rest = tail;
        Ok(head)
    }

    /// Reads an array of bytes.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.fixed(field, N)?;
        Ok(bytes.try_into().expect("invariant: fixed() returns exactly N bytes"))
    }

    /// Reads one byte.
    pub fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.fixed(field, 1)?[0])
    }

    /// Reads the version byte that stored rows begin with.
    pub fn version(&mut self, field: &'static str, known: u8) -> Result<(), DecodeError> {
        match self.byte(field)? {
            found if found == known => Ok(()),
            found => Err(DecodeError::OtherVersion { field, found, known }),
        }
    }

    /// Reads an unsigned number; a longer form than needed is refused.
    pub fn number(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::OutOfRange { field });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let minimal = byte != 0 || shift == 0;
                return minimal.then_some(value).ok_or(DecodeError::NotCanonical { field });
            }
        }
        Err(DecodeError::OutOfRange { field })
    }

    /// Reads a number that fits `limit`.
    pub fn number_up_to(&mut self, field: &'static str, limit: u64) -> Result<u64, DecodeError> {
        let value = self.number(field)?;
        if value > limit {
            return Err(DecodeError::OutOfRange { field });
        }
        Ok(value)
    }

    /// Reads a signed number.
    pub fn signed(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let raw = self.number(field)?;
        Ok(((raw >> 1) as i64) ^ -((raw & 1) as i64))
    }

    /// Reads a wide signed sum.
    pub fn wide(&mut self, field: &'static str) -> Result<i128, DecodeError> {
        let length = usize::from(self.byte(field)?);
        if length == 0 || length > 16 {
            return Err(DecodeError::OutOfRange { field });
        }
        let short = self.fixed(field, length)?;
        let mut bytes = if short[0] & 0x80 == 0 { [0; 16] } else { [0xff; 16] };
        bytes[16 - length..].copy_from_slice(short);
        let value = i128::from_be_bytes(bytes);
        let minimal = wide_start(value) == 16 - length;
        minimal.then_some(value).ok_or(DecodeError::NotCanonical { field })
    }

    /// Reads a byte string of at most `limit` bytes.
    pub fn blob(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.number(field)?;
        if length > limit as u64 {
            return Err(DecodeError::TooLong { field, length, limit: limit as u64 });
        }
        self.fixed(field, length as usize)
    }

    /// Reads a text of at most [`STRING_BYTES_MAX`] bytes in Unicode normal form C.
    pub fn text(&mut self, field: &'static str) -> Result<Text, DecodeError> {
        Text::from_bytes(field, self.blob(field, STRING_BYTES_MAX)?)
    }

    /// Reads a tag byte that is 0 or 1.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            2..=u8::MAX => Err(DecodeError::NotCanonical { field }),
        }
    }

    /// Reads an optional value.
    pub fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        self.flag(field)?.then(|| read(self)).transpose()
    }

    /// Reads a list of at most `limit` elements.
    pub fn list<T>(
        &mut self,
        field: &'static str,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let length = self.number(field)?;
        if length > limit as u64 {
            return Err(DecodeError::TooLong { field, length, limit: limit as u64 });
        }
        (0..length).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_has_one_encoding(unsigned: u64, signed: i64, wide: i128, bytes: Vec<u8>) {
            let mut writer = Writer::new();
            writer.number(unsigned).signed(signed).wide(wide).blob(&bytes).option(Some(&unsigned), |w, v| { w.number(*v); });
            let encoded = writer.finish();
            let mut reader = Reader::new(&encoded);
            prop_assert_eq!(reader.number("a").unwrap(), unsigned);
            prop_assert_eq!(reader.signed("b").unwrap(), signed);
            prop_assert_eq!(reader.wide("c").unwrap(), wide);
            prop_assert_eq!(reader.blob("d", 1 << 20).unwrap(), &bytes[..]);
            prop_assert_eq!(reader.option("e", |r| r.number("e")).unwrap(), Some(unsigned));
            reader.end().unwrap();
        }
    }

    #[test]
    fn a_longer_number_than_needed_is_refused() {
        assert_eq!(Reader::new(&[0x80, 0x00]).number("n"), Err(DecodeError::NotCanonical { field: "n" }));
        assert_eq!(Reader::new(&[0xff; 10]).number("n"), Err(DecodeError::OutOfRange { field: "n" }));
        assert_eq!(Reader::new(&[0x80]).number("n"), Err(DecodeError::Truncated { field: "n" }));
    }

    #[test]
    fn a_text_at_the_limit_is_read_and_one_past_it_is_refused() {
        for (length, fits) in [(STRING_BYTES_MAX, true), (STRING_BYTES_MAX + 1, false)] {
            let mut writer = Writer::new();
            writer.blob(&vec![b'a'; length]);
            assert_eq!(Reader::new(&writer.finish()).text("t").is_ok(), fits);
        }
    }

    #[test]
    fn bytes_after_the_last_field_are_refused() {
        assert_eq!(Reader::new(&[1]).end(), Err(DecodeError::TrailingBytes { count: 1 }));
    }
}
