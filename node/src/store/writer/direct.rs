//! The writer without threads: the caller's thread plans, commits and answers, one batch after the other.
//!
//! The same `Worker` as behind `Writer`, for programs that must run the same way twice: the simulator, and rebuilds.
//!
//! Invariant: as of `writer`; in addition nothing runs between two calls. Proved by the simulator's trace hashes.

use super::{Machine, Worker};
use crate::store::Store;
use std::sync::Arc;

/// A writer that works when it is called.
pub struct DirectWriter<M: Machine>(Worker<M>);

impl<M: Machine> DirectWriter<M> {
    /// A writer over an open store.
    pub fn new(store: Arc<Store>, machine: M) -> Self {
        Self(Worker::new(store, machine))
    }

    /// Handles `inputs` in one transaction where that is possible; each is answered when this returns.
    pub fn process(&mut self, inputs: Vec<M::Input>) {
        self.0.process(inputs);
    }
}

impl<M: Machine> std::fmt::Debug for DirectWriter<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectWriter").field("stale", &self.0.stale).finish_non_exhaustive()
    }
}
