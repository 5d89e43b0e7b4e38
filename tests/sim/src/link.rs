//! The wire between two nodes: a session at each end, bytes on their way, and what a bad network does to them.
//!
//! A link carries one connection after the other; bytes of an ended connection never reach a later one.
//!
//! Invariant: bytes of one direction keep their order. Proved by every run: a session that got them out of order would
//! close with `bad_frame`.

use std::collections::VecDeque;

use node::sync::Session;

/// One direction.
#[derive(Debug, Default)]
pub struct Wire {
    /// Written and not yet read.
    pub chunks: VecDeque<Vec<u8>>,
    /// Whether the next delivery is on the calendar.
    pub is_scheduled: bool,
    /// Nothing gets through before.
    pub blocked_until: u64,
    /// Delays are long until then.
    pub slow_until: u64,
}

impl Wire {
    /// Bytes on their way.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }
}

/// The link of two nodes.
#[derive(Debug)]
pub struct Link {
    /// The nodes.
    pub ends: [usize; 2],
    /// Their sessions while a connection stands.
    pub sessions: Option<[Session; 2]>,
    /// Which connection it is.
    pub connection: u64,
    /// By reading end.
    pub wires: [Wire; 2],
    /// A bit was flipped on this connection: what its sessions claim proves nothing.
    pub is_tainted: bool,
    /// A bit of the next chunk is to be flipped.
    pub flips_next: bool,
    /// The connection ends within the next chunk.
    pub cuts_next: bool,
    /// Whether an attempt to connect is on the calendar.
    pub is_dialling: bool,
    /// Attempts since the last connection.
    pub attempts: u32,
}

impl Link {
    /// A link without a connection.
    pub fn new(one: usize, other: usize) -> Self {
        Self {
            ends: [one, other],
            sessions: None,
            connection: 0,
            wires: [Wire::default(), Wire::default()],
            is_tainted: false,
            flips_next: false,
            cuts_next: false,
            is_dialling: false,
            attempts: 0,
        }
    }

    /// Ends the connection: its bytes are gone.
    pub fn cut(&mut self) {
        self.sessions = None;
        self.connection += 1;
        self.is_tainted = false;
        for wire in &mut self.wires {
            wire.chunks.clear();
            wire.is_scheduled = false;
        }
    }

    /// Whether bytes get through both ways at `now`.
    pub fn is_free(&self, now: u64) -> bool {
        self.wires.iter().all(|wire| wire.blocked_until <= now)
    }

    /// Until when it is blocked.
    pub fn blocked_until(&self) -> u64 {
        self.wires[0].blocked_until.max(self.wires[1].blocked_until)
    }

    /// Milliseconds before the next attempt.
    pub fn backoff(&self) -> u64 {
        (5_000_u64 << self.attempts.min(7)).min(600_000)
    }
}
