//! The bounded queue before the writer thread.
//!
//! Not here: what the inputs are.
//!
//! Invariants: every input that `push` or `try_push` took is handed to the reader exactly once,
//! in order, also when the queue closes (`what_was_taken_before_the_close_is_still_handed_over`);
//! the queue never holds more than its capacity (`a_full_queue_gives_the_input_back`).

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The queue did not take an input; it is given back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError<I> {
    /// The queue is at its capacity; try again later.
    #[error("the writer is busy")]
    Full(I),
    /// The writer was stopped.
    #[error("the writer has stopped")]
    Stopped(I),
}

#[derive(Debug)]
struct State<I> {
    waiting: VecDeque<I>,
    closed: bool,
    woken: bool,
}

/// A bounded queue of many senders and one reader.
#[derive(Debug)]
pub(super) struct Queue<I> {
    state: Mutex<State<I>>,
    capacity: usize,
    not_empty: Condvar,
    not_full: Condvar,
}

impl<I> Queue<I> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { waiting: VecDeque::new(), closed: false, woken: false }),
            capacity,
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
        }
    }

    /// Waits for room and takes `input`.
    pub(super) fn push(&self, input: I) -> Result<(), SubmitError<I>> {
        let no_room = |state: &mut State<I>| !state.closed && state.waiting.len() >= self.capacity;
        let waited = self.not_full.wait_while(self.lock(), no_room);
        self.add(waited.unwrap_or_else(PoisonError::into_inner), input)
    }

    /// Takes `input` if there is room now.
    pub(super) fn try_push(&self, input: I) -> Result<(), SubmitError<I>> {
        self.add(self.lock(), input)
    }

    /// Waits for inputs or a [`Queue::wake`] and hands over up to `most` inputs, none if it was only woken; `None` once
    /// closed and empty.
    pub(super) fn pop(&self, most: usize) -> Option<Vec<I>> {
        let idle = |state: &mut State<I>| !state.closed && !state.woken && state.waiting.is_empty();
        let waited = self.not_empty.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let woken = std::mem::take(&mut state.woken);
        let count = state.waiting.len().min(most);
        let batch: Vec<I> = state.waiting.drain(..count).collect();
        self.not_full.notify_all();
        (woken || !batch.is_empty()).then_some(batch)
    }

    /// Makes the reader look up, now or when it next waits.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.not_empty.notify_all();
    }

    /// Takes no more inputs; what waits is still handed over.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.not_empty.notify_all();
        self.not_full.notify_all();
    }

    fn add(&self, mut state: MutexGuard<'_, State<I>>, input: I) -> Result<(), SubmitError<I>> {
        if state.closed {
            return Err(SubmitError::Stopped(input));
        }
        if state.waiting.len() >= self.capacity {
            return Err(SubmitError::Full(input));
        }
        state.waiting.push_back(input);
        self.not_empty.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_queue_gives_the_input_back() {
        let queue = Queue::new(2);
        queue.try_push(1).unwrap();
        queue.try_push(2).unwrap();
        assert_eq!(queue.try_push(3), Err(SubmitError::Full(3)));
        assert_eq!(queue.pop(1), Some(vec![1]));
        queue.try_push(4).unwrap();
        assert_eq!(queue.pop(9), Some(vec![2, 4]));
    }

    #[test]
    fn what_was_taken_before_the_close_is_still_handed_over() {
        let queue = Queue::new(3);
        queue.push(1).unwrap();
        queue.push(2).unwrap();
        queue.close();
        assert_eq!(queue.push(3), Err(SubmitError::Stopped(3)));
        assert_eq!(queue.try_push(3), Err(SubmitError::Stopped(3)));
        assert_eq!(queue.pop(1), Some(vec![1]));
        assert_eq!(queue.pop(1), Some(vec![2]));
        assert_eq!(queue.pop(1), None);
    }

    #[test]
    fn a_woken_reader_returns_once_without_inputs() {
        let queue = Queue::new(2);
        queue.wake();
        assert_eq!(queue.pop(9), Some(Vec::<u8>::new()));
        queue.push(1).unwrap();
        queue.wake();
        assert_eq!(queue.pop(9), Some(vec![1]));
        queue.close();
        assert_eq!(queue.pop(9), None);
    }

    #[test]
    fn a_sender_waits_for_room() {
        let queue = Queue::new(1);
        let handed = std::thread::scope(|threads| {
            threads.spawn(|| (0..100).for_each(|n| queue.push(n).unwrap()));
            let mut handed = Vec::new();
            while handed.len() < 100 {
                let batch = queue.pop(7).unwrap();
                assert_eq!(batch.len(), 1);
                handed.extend(batch);
            }
            handed
        });
        assert_eq!(handed, (0..100).collect::<Vec<_>>());
    }
}
