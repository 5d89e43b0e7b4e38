//! How long to wait before the next dial: doubling from 0.2 to 5 seconds, with jitter so that branches do not come at once.
//!
//! Invariant: a wait is never longer than [`WAIT_MS_MAX`]. Proved by `waits_double_up_to_five_seconds`.

use std::time::Duration;

/// The first wait, in milliseconds.
pub const WAIT_MS_MIN: u64 = 200;
/// The longest wait, in milliseconds.
pub const WAIT_MS_MAX: u64 = 5_000;

/// Counts failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a further failure: the second half of it is up to `random`.
    pub fn next(&mut self, random: u8) -> Duration {
        let full = WAIT_MS_MIN.saturating_mul(1 << self.failures.min(16)).min(WAIT_MS_MAX);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(full / 2 + full / 2 * u64::from(random) / 255)
    }

    /// Starts anew after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        let longest: Vec<u128> = (0..8).map(|_| backoff.next(255).as_millis()).collect();
        assert_eq!(longest, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.next(0).as_millis(), 100);
        for _ in 0..100 {
            assert!(backoff.next(255) <= Duration::from_millis(WAIT_MS_MAX));
        }
    }
}
