//! Seeded randomness in streams: each purpose draws from its own, so that a change in one leaves the others as they were.
//!
//! Invariant: equal seed and purpose give equal numbers on every machine. Proved by `a_stream_is_a_function_of_seed_and_purpose`.

/// What a stream is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which operations people do, and when.
    Work = 1,
    /// Which faults happen, and when.
    Faults = 2,
    /// Delays of the network.
    Network = 3,
    /// Which sectors survive a power cut.
    Disk = 4,
    /// Random bytes of a node's sessions.
    Sessions = 5,
    /// When and where the checks look deeper.
    Checks = 6,
}

/// One stream (splitmix64).
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The stream of a seed for a purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut stream = Self(seed ^ (purpose as u64).wrapping_mul(0xA24B_AED4_963E_E407));
        stream.draw();
        stream
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is above zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// Whether one of `times` happens.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.draw().to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_function_of_seed_and_purpose() {
        let first = |seed, purpose| Stream::new(seed, purpose).draw();
        assert_eq!(first(1, Purpose::Work), first(1, Purpose::Work));
        assert_ne!(first(1, Purpose::Work), first(1, Purpose::Faults));
        assert_ne!(first(1, Purpose::Work), first(2, Purpose::Work));
    }
}
