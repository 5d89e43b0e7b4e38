//! A position in the chunk: takes bytes and numbers, always checking the length before reading.
//!
//! Not a parser of anything bigger than a number. Invariants: never panics, and every number has
//! one accepted encoding, the shortest; tests `numbers_have_one_encoding` and
//! `numbers_read_back_as_written`.

use super::ScanError;

/// Most bytes of a 64-bit number.
const NUMBER_BYTES_MAX: u32 = 10;

/// The bytes not yet read and the offset of the first of them in the chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(rest: &'a [u8], at: usize) -> Self {
        Cursor { rest, at }
    }

    /// The offset of the next byte in the chunk.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn truncated(&self, needed: u64) -> ScanError {
        ScanError::Truncated { at: self.at, needed, left: self.left() }
    }

    fn byte(&mut self) -> Result<u8, ScanError> {
        let (byte, rest) = self.rest.split_first().ok_or(self.truncated(1))?;
        *self = Cursor::new(rest, self.at + 1);
        Ok(*byte)
    }

    /// Takes `len` bytes.
    pub(super) fn take(&mut self, len: u64) -> Result<Cursor<'a>, ScanError> {
        let at = self.at;
        let taken = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (head, rest) = taken.ok_or(self.truncated(len))?;
        *self = Cursor::new(rest, at + head.len());
        Ok(Cursor::new(head, at))
    }

    /// Takes exactly `N` bytes.
    pub(super) fn take_array<const N: usize>(&mut self) -> Result<&'a [u8; N], ScanError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(self.truncated(N as u64))?;
        *self = Cursor::new(rest, self.at + N);
        Ok(head)
    }

    /// All that is left, as bytes.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// All that is left, as text.
    pub(super) fn text(self) -> Result<&'a str, ScanError> {
        std::str::from_utf8(self.rest).map_err(|_| ScanError::NotUtf8 { at: self.at })
    }

    /// Takes an unsigned LEB128 number.
    pub(super) fn unsigned(&mut self) -> Result<u64, ScanError> {
        let at = self.at;
        let mut value = 0u64;
        for index in 0..NUMBER_BYTES_MAX {
            let byte = self.byte()?;
            if index + 1 == NUMBER_BYTES_MAX && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let overlong = byte == 0 && index > 0;
                return number(value, overlong, at);
            }
        }
        Err(ScanError::NumberTooLarge { at })
    }

    /// Takes a signed LEB128 number.
    pub(super) fn signed(&mut self) -> Result<i64, ScanError> {
        let at = self.at;
        let (mut value, mut before) = (0i64, 0u8);
        for index in 0..NUMBER_BYTES_MAX {
            let byte = self.byte()?;
            if index + 1 == NUMBER_BYTES_MAX && byte != 0 && byte != 0x7f {
                break;
            }
            value |= i64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let bits = 7 * (index + 1);
                if byte & 0x40 != 0 && bits < i64::BITS {
                    value |= -1 << bits;
                }
                let sign_only = if before & 0x40 == 0 { 0 } else { 0x7f };
                return number(value, index > 0 && byte == sign_only, at);
            }
            before = byte;
        }
        Err(ScanError::NumberTooLarge { at })
    }
}

/// The number read from `at` on, unless its last byte was not needed.
fn number<N>(value: N, overlong: bool, at: usize) -> Result<N, ScanError> {
    if overlong {
        return Err(ScanError::NumberOverlong { at });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::tests::forge::{signed, unsigned};

    #[test]
    fn numbers_read_back_as_written() {
        for shift in 0..64 {
            for near in [-2i64, -1, 0, 1, 2] {
                let whole = (1u64 << shift).wrapping_add_signed(near);
                let bytes = unsigned(whole);
                let mut cursor = Cursor::new(&bytes, 0);
                assert_eq!(cursor.unsigned(), Ok(whole));
                assert!(cursor.is_empty());
                for value in [whole as i64, (whole as i64).wrapping_neg()] {
                    let bytes = signed(value);
                    let mut cursor = Cursor::new(&bytes, 0);
                    assert_eq!(cursor.signed(), Ok(value));
                    assert!(cursor.is_empty());
                }
            }
        }
    }

    #[test]
    fn numbers_have_one_encoding() {
        let unsigned = |bytes: &[u8]| Cursor::new(bytes, 5).unsigned();
        let signed = |bytes: &[u8]| Cursor::new(bytes, 5).signed();
        let overlong = ScanError::NumberOverlong { at: 5 };
        let large = ScanError::NumberTooLarge { at: 5 };
        for bytes in [&[0x80, 0][..], &[0xff, 0], &[0x80, 0x80, 0]] {
            assert_eq!(unsigned(bytes), Err(overlong));
        }
        for bytes in [&[0x80, 0][..], &[0xbf, 0], &[0xff, 0x7f], &[0xc0, 0x7f]] {
            assert_eq!(signed(bytes), Err(overlong));
        }
        assert_eq!(signed(&[0xff, 0]), Ok(127));
        assert_eq!(signed(&[0x80, 0x7f]), Ok(-128));
        let ten = |last: u8| [[0xff; 9].as_slice(), &[last]].concat();
        assert_eq!(unsigned(&ten(1)), Ok(u64::MAX));
        assert_eq!(unsigned(&ten(2)), Err(large));
        assert_eq!(unsigned(&[0x80; 20]), Err(large));
        assert_eq!(signed(&ten(0)), Ok(i64::MAX));
        assert_eq!(signed(&ten(1)), Err(large));
        assert_eq!(signed(&[0x80; 20]), Err(large));
    }

    #[test]
    fn lengths_are_checked_before_reading() {
        let truncated = |needed, left| ScanError::Truncated { at: 3, needed, left };
        let mut cursor = Cursor::new(&[1, 2], 3);
        assert_eq!(cursor.take(3).err(), Some(truncated(3, 2)));
        assert_eq!(cursor.take(u64::MAX).err(), Some(truncated(u64::MAX, 2)));
        assert_eq!(cursor.take_array::<3>().err(), Some(truncated(3, 2)));
        assert_eq!(cursor.take(2).map(|c| c.bytes()), Ok(&[1, 2][..]));
        assert_eq!(Cursor::new(&[], 3).unsigned(), Err(truncated(1, 0)));
    }
}
