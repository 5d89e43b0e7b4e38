//! The value of a put: what its commit makes known stands as tokens, the rest as it is.
//!
//! Tokens are the commit's instant, its request, the document, the derived event keys of its change and the ids of the
//! keys of the body. They are found by their first six bytes; a value without one is written as it is.
//!
//! Invariant: replacing tokens gives the value back. Proved by `every_commit_comes_back_byte_for_byte`.

use std::collections::HashMap;

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::Commit;
use crdt_model::id::{DocumentId, EventKey, KeyId, RequestId};

/// Bytes by which a token is found; no token is shorter.
const TOKEN_BYTES_MIN: usize = 6;

/// The tokens of one change, each with its number.
pub(super) struct Tokens {
    tokens: Vec<Vec<u8>>,
    by_start: HashMap<[u8; TOKEN_BYTES_MIN], usize>,
    first_bytes: [bool; 256],
}

impl Tokens {
    /// Collects the tokens of a change of `document` within `commit` whose next event keys are `keys`.
    pub fn new(commit: &Commit, document: &DocumentId, key_ids: &[KeyId], keys: &[EventKey]) -> Self {
        let mut tokens = Self { tokens: Vec::new(), by_start: HashMap::new(), first_bytes: [false; 256] };
        let mut instant = Writer::new();
        instant.signed(commit.hlc.millis() as i64);
        tokens.add(&instant.finish());
        if commit.request != RequestId::ZERO {
            tokens.add(&commit.request.0);
        }
        tokens.add(&document.0);
        keys.iter().for_each(|key| tokens.add(&key.0));
        key_ids.iter().for_each(|id| tokens.add(&id.0));
        tokens
    }

    fn add(&mut self, token: &[u8]) {
        if let Some(start) = token.first_chunk::<TOKEN_BYTES_MIN>() {
            self.by_start.entry(*start).or_insert(self.tokens.len());
            self.first_bytes[usize::from(start[0])] = true;
        }
        self.tokens.push(token.to_vec());
    }

    fn at(&self, rest: &[u8]) -> Option<(usize, usize)> {
        let start = rest.first_chunk::<TOKEN_BYTES_MIN>().filter(|start| self.first_bytes[usize::from(start[0])])?;
        let number = *self.by_start.get(start)?;
        rest.starts_with(&self.tokens[number]).then_some((number, self.tokens[number].len()))
    }

    /// Writes the tokens of a value with the bytes before each, and gives the bytes between them.
    pub fn write(&self, writer: &mut Writer, value: &[u8]) -> Vec<u8> {
        let (mut found, mut plain, mut at, mut gap) = (Vec::new(), Vec::new(), 0, 0);
        while at < value.len() {
            match self.at(&value[at..]) {
                Some((number, bytes)) => {
                    found.push((gap, number));
                    (gap, at) = (0, at + bytes);
                }
                None => {
                    plain.push(value[at]);
                    (gap, at) = (gap + 1, at + 1);
                }
            }
        }
        writer.number(found.len() as u64);
        for (gap, number) in found {
            writer.number(gap as u64).number(number as u64);
        }
        plain
    }

    /// Reads what [`Tokens::write`] wrote; the rest of a value of `length` bytes comes from `plain`.
    pub fn read<'r>(
        &self,
        reader: &mut Reader<'r>,
        length: usize,
        plain: impl FnOnce(&mut Reader<'r>, usize) -> Result<&'r [u8], DecodeError>,
    ) -> Result<Vec<u8>, DecodeError> {
        let out_of_range = DecodeError::OutOfRange { field: "token" };
        let count = reader.number_up_to("tokens", (length / TOKEN_BYTES_MIN) as u64)?;
        let (mut found, mut left) = (Vec::new(), length);
        for _ in 0..count {
            let gap = reader.number_up_to("token place", length as u64)? as usize;
            let number = reader.number_up_to("token", self.tokens.len() as u64)? as usize;
            let token = self.tokens.get(number).ok_or(out_of_range.clone())?;
            left = left.checked_sub(gap + token.len()).ok_or(out_of_range.clone())?;
            found.push((gap, token));
        }
        let tokens_length: usize = found.iter().map(|(_, token)| token.len()).sum();
        let plain = plain(reader, length - tokens_length)?;
        let (mut value, mut rest) = (Vec::with_capacity(length), plain);
        for (gap, token) in found {
            let (head, tail) = rest.split_at(gap);
            value.extend_from_slice(head);
            value.extend_from_slice(token);
            rest = tail;
        }
        value.extend_from_slice(rest);
        Ok(value)
    }
}
