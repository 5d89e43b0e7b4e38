//! Planning beside committing: the next batch is planned in memory while the last is written and synced.
//!
//! A batch grows in steps for as long as the batch before it is under way, so its size follows the disk.
//!
//! Not here: what happens after a failure; the worker handles what was planned anew, in the store itself.
//!
//! Invariants: at most one batch is under way and batches are committed in the order of their planning; a batch planned
//! on one that failed is never committed (`every_piped_input_is_answered_once_whatever_call_fails`); planning goes on
//! while a batch is under way, up to a limit (`a_batch_grows_up_to_the_limit_while_one_is_under_way`).

use super::super::Store;
use super::super::error::{StoreError, WriteError};
use super::super::queue::Queue;
use super::super::staged::{Changes, Stage};
use super::super::transaction::WriteTx;
use super::{BATCH_INPUTS_MAX, Herald, Machine, Worker};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};
use std::thread::{Builder, JoinHandle};

/// Inputs that are planned before the state of the disk is looked at again.
const STEP_INPUTS: usize = 8;
/// A batch that holds so many bytes takes no more inputs.
const STAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A batch on its way to the disk.
struct Planned<M: Machine> {
    inputs: Vec<M::Input>,
    outputs: Vec<M::Output>,
    changes: Arc<Changes>,
}

/// A batch whose transaction failed.
struct Failed<I> {
    inputs: Vec<I>,
    error: WriteError<StoreError>,
}

/// How a batch ended.
type Verdict<I> = Result<(), Failed<I>>;

/// A batch being planned.
struct Draft<M: Machine> {
    stage: Stage,
    inputs: Vec<M::Input>,
    outputs: Vec<M::Output>,
}

impl<M: Machine> Draft<M> {
    fn is_full(&self) -> bool {
        self.inputs.len() >= BATCH_INPUTS_MAX || self.stage.bytes() >= STAGE_BYTES_MAX
    }
}

/// The planning thread's side, and the committing thread behind it.
pub(super) struct Pipeline<M: Machine> {
    worker: Worker<M>,
    queue: Arc<Queue<M::Input>>,
    /// Taken from the queue and not planned yet.
    pending: VecDeque<M::Input>,
    to_disk: Option<SyncSender<Planned<M>>>,
    verdicts: Receiver<Verdict<M::Input>>,
    committer: Option<JoinHandle<()>>,
    /// What the batch under way changes.
    under_way: Option<Arc<Changes>>,
}

impl<M: Machine> Pipeline<M> {
    /// Starts the committing thread.
    pub(super) fn spawn(worker: Worker<M>, queue: Arc<Queue<M::Input>>) -> io::Result<Self> {
        let (to_disk, planned) = mpsc::sync_channel(1);
        let (tell, verdicts) = mpsc::channel();
        let (store, herald) = (Arc::clone(&worker.store), Arc::clone(&worker.herald));
        let wake = WakeOnEnd(Arc::clone(&queue));
        let committer = Builder::new().name("store-commit".to_owned());
        let committer = committer.spawn(move || commit_all::<M>(&store, &herald, &planned, wake, tell))?;
        let (to_disk, committer) = (Some(to_disk), Some(committer));
        Ok(Self { worker, queue, pending: VecDeque::new(), to_disk, verdicts, committer, under_way: None })
    }

    /// Plans until the queue is closed and empty.
    pub(super) fn run(mut self) -> M {
        while self.more() {
            if let Some(verdict) = self.verdict_now() {
                self.accept(verdict);
            }
            self.plan_batch();
        }
        self.wait_for_disk();
        self.to_disk = None;
        self.join();
        self.worker.machine
    }

    /// Waits until something is pending or a batch ended; `false` once nothing will come.
    fn more(&mut self) -> bool {
        if !self.pending.is_empty() {
            return true;
        }
        let popped = self.queue.pop(BATCH_INPUTS_MAX);
        let goes_on = popped.is_some();
        self.pending.extend(popped.into_iter().flatten());
        goes_on
    }

    /// Plans what is pending, and what comes while the disk is busy, and hands it over.
    fn plan_batch(&mut self) {
        let Some(first) = self.pending.front() else { return };
        let alone = self.worker.machine.works_alone(first);
        let snapshot = if alone || self.worker.stale { None } else { self.worker.store.read().ok() };
        let Some(snapshot) = snapshot else {
            let count = if alone { 1 } else { self.pending.len().min(BATCH_INPUTS_MAX) };
            let inputs = self.pending.drain(..count).collect();
            self.wait_for_disk();
            return self.worker.process(inputs);
        };
        let stage = Stage::new(snapshot, self.under_way.clone());
        let mut draft = Draft { stage, inputs: Vec::new(), outputs: Vec::new() };
        while self.plan_step(&mut draft) {
            if let Some(verdict) = self.verdict_now() {
                return self.end_of_last(verdict, draft);
            }
            let goes_on = !draft.is_full() && self.under_way.is_some() && self.more();
            let next_is_alone = self.pending.front().is_some_and(|next| self.worker.machine.works_alone(next));
            if !goes_on || next_is_alone {
                return self.hand_over(draft);
            }
        }
        // The machine stumbled: everything of this batch once more, in the store itself.
        self.wait_for_disk();
        self.worker.machine.dropped();
        self.worker.process(draft.inputs);
    }

    /// Plans a few inputs more; `false` if the machine could not.
    fn plan_step(&mut self, draft: &mut Draft<M>) -> bool {
        let machine = &mut self.worker.machine;
        let room = STEP_INPUTS.min(BATCH_INPUTS_MAX - draft.inputs.len());
        let count = self.pending.iter().take(room).take_while(|input| !machine.works_alone(input)).count();
        let begin = draft.inputs.len();
        draft.inputs.extend(self.pending.drain(..count));
        let step = &draft.inputs[begin..];
        if step.is_empty() {
            return true;
        }
        let stage = &mut draft.stage;
        match catch_unwind(AssertUnwindSafe(|| machine.handle(&mut WriteTx::staged(stage), step))) {
            Ok(Ok(outputs)) => {
                draft.outputs.extend(outputs);
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// The batch under way ended: the draft that was planned on it follows it, or is handled anew.
    fn end_of_last(&mut self, verdict: Verdict<M::Input>, draft: Draft<M>) {
        if self.accept(verdict) {
            self.hand_over(draft);
        } else {
            self.worker.process(draft.inputs);
        }
    }

    /// Gives the draft to the committing thread, after the batch under way.
    fn hand_over(&mut self, draft: Draft<M>) {
        if !self.wait_for_disk() {
            return self.worker.process(draft.inputs);
        }
        let changes = Arc::new(draft.stage.into_changes());
        let batch = Planned { inputs: draft.inputs, outputs: draft.outputs, changes: Arc::clone(&changes) };
        self.under_way = Some(changes);
        let sent = self.to_disk.as_ref().map(|to_disk| to_disk.send(batch));
        if !matches!(sent, Some(Ok(()))) {
            self.join();
        }
    }

    /// How the batch under way ended, if one is and it has.
    fn verdict_now(&mut self) -> Option<Verdict<M::Input>> {
        self.under_way.as_ref()?;
        match self.verdicts.try_recv() {
            Ok(verdict) => Some(verdict),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.join();
                None
            }
        }
    }

    /// Waits until nothing is under way; `false` if the last batch failed, and with it what was planned on it.
    fn wait_for_disk(&mut self) -> bool {
        if self.under_way.is_none() {
            return true;
        }
        let Ok(verdict) = self.verdicts.recv() else {
            self.join();
            return false;
        };
        self.accept(verdict)
    }

    /// Notes that nothing is under way; answers the inputs of a failed batch.
    fn accept(&mut self, verdict: Verdict<M::Input>) -> bool {
        self.under_way = None;
        let Err(failed) = verdict else { return true };
        if let Some(dropped) = self.worker.undo(failed.inputs, failed.error) {
            self.worker.mend(dropped);
        }
        false
    }

    /// Waits for the committing thread, and panics as it did.
    fn join(&mut self) {
        if let Some(Err(panic)) = self.committer.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
    }
}

/// Wakes the planning thread when the committing thread ends, also by a panic.
struct WakeOnEnd<I>(Arc<Queue<I>>);

impl<I> Drop for WakeOnEnd<I> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// The committing thread. Locals are dropped last first: the planning thread is woken when `tell` is gone.
fn commit_all<M: Machine>(
    store: &Store,
    herald: &M::Herald,
    planned: &Receiver<Planned<M>>,
    wake: WakeOnEnd<M::Input>,
    tell: Sender<Verdict<M::Input>>,
) {
    let wake = wake;
    let tell = tell;
    for batch in planned {
        if tell.send(commit::<M>(store, herald, batch)).is_err() {
            return;
        }
        wake.0.wake();
    }
}

fn commit<M: Machine>(store: &Store, herald: &M::Herald, batch: Planned<M>) -> Verdict<M::Input> {
    match store.write(|tx| batch.changes.write(tx)) {
        Ok(()) => {
            herald.release(batch.inputs, batch.outputs);
            Ok(())
        }
        Err(error) => Err(Failed { inputs: batch.inputs, error }),
    }
}
