//! The cells of one row: while it is read, and packed for the spool and the rejects file.
//!
//! Invariants: packing then reading gives the same cells, byte for byte; a packed row has one allocation. Proved by
//! `packed_cells_are_the_cells`.

/// The cells of the row being read; reused from row to row.
#[derive(Debug, Default)]
pub struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    /// Forgets all cells.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a whole cell.
    pub fn push(&mut self, cell: &[u8]) {
        self.extend(cell);
        self.end_cell();
    }

    /// Adds to the cell being built.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Ends the cell being built.
    pub fn end_cell(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// How many cells there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// All cells' bytes, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One cell.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count()).filter_map(|index| self.get(index))
    }

    /// Puts `mend` of each cell in the cell's place.
    pub fn replace_each(&mut self, mend: impl Fn(&[u8]) -> &[u8]) {
        let mut mended = Self::default();
        self.iter().for_each(|cell| mended.push(mend(cell)));
        *self = mended;
    }

    /// Appends the packed form.
    pub fn pack_into(&self, packed: &mut Vec<u8>) {
        for cell in self.iter() {
            push_number(packed, cell.len() as u64);
            packed.extend_from_slice(cell);
        }
    }

    /// The packed form.
    pub fn pack(&self) -> PackedCells {
        let mut packed = Vec::with_capacity(self.bytes.len() + self.ends.len());
        self.pack_into(&mut packed);
        PackedCells(packed.into_boxed_slice())
    }
}

/// The original cells of a row, kept so that a reject can show them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackedCells(Box<[u8]>);

impl PackedCells {
    /// Takes bytes that [`Cells::pack_into`] wrote.
    pub(super) fn from_packed(packed: Vec<u8>) -> Self {
        Self(packed.into_boxed_slice())
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let length = take_number(&mut rest)?;
            let (cell, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            Some(cell)
        })
    }

    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number that [`push_number`] wrote; `None` where the bytes end or it is too long.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_cells_are_the_cells(rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..9)) {
            let mut cells = Cells::default();
            for cell in &rows {
                cells.push(cell);
            }
            prop_assert_eq!(cells.count(), rows.len());
            prop_assert_eq!(cells.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), rows.clone());
            prop_assert_eq!(cells.pack().iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), rows);
        }

        #[test]
        fn numbers_survive_packing(number in any::<u64>()) {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take_number(&mut rest), Some(number));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_number_that_does_not_end_is_none() {
        assert_eq!(take_number(&mut [0x80; 12].as_slice()), None);
        assert_eq!(take_number(&mut [0x80].as_slice()), None);
    }
}
