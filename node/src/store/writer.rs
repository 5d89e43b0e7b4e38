//! The group-commit writer: one thread owns a [`Machine`] and plans what waits in its queue, another commits one
//! transaction at a time, so that the next batch is planned while the last is on its way to the disk (`pipeline`).
//! After any failure, and for inputs that need the store itself, the first thread does both (`Worker`, here).
//!
//! Not here: what an input does; that is the machine's.
//!
//! Invariants: an output leaves only after its transaction is durable
//! (`no_output_is_released_before_its_commit`); an input that breaks its transaction is refused
//! alone (`a_poisoned_input_is_refused_alone`); a batch is tried again only if its transaction was
//! dropped before the commit, after a failed commit its inputs are answered from what is durable
//! (`after_a_failed_commit_inputs_are_answered_from_what_is_durable`); every input is answered
//! exactly once (`every_input_is_answered_once_whatever_call_fails`); a full disk ends by itself
//! when space returns (`a_full_disk_refuses_writes_and_recovers_without_restart`).
//!
//! Limit: after an fsync that failed and lost its data, an operating system may still show the
//! lost pages until it restarts; what is then read back as durable is only as durable as that
//! page cache. The head file outside the database and the peers detect such a loss.

mod direct;
mod pipeline;

pub use direct::DirectWriter;

use super::error::{StoreError, WriteError};
use super::queue::{Queue, SubmitError};
use super::read::Snapshot;
use super::transaction::WriteTx;
use super::{Store, panic_text};
use pipeline::Pipeline;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Inputs that may wait for the writer; a sender waits for room beyond that.
pub const QUEUE_INPUTS_MAX: usize = 1024;
/// Inputs of one transaction.
pub const BATCH_INPUTS_MAX: usize = 256;

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The machine cannot handle the batch; nothing was written.
    #[error("the batch cannot be handled: {reason}")]
    Machine {
        /// For the log.
        reason: String,
    },
    /// The machine cannot read rows that it wrote earlier; nothing was written. Making them anew helps.
    #[error("stored rows cannot be read: {reason}")]
    RowsUnreadable {
        /// Which and why.
        reason: String,
    },
    /// The machine panicked; nothing was written.
    #[error("handling the batch panicked: {message}")]
    Panicked {
        /// Text of the panic.
        message: String,
    },
    /// The store could not take the batch; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The commit failed: the input may or may not be durable.
    #[error("it is not known whether the batch was written: {0}")]
    OutcomeUnknown(#[source] StoreError),
}

/// What to do with a batch whose transaction was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The device failed or an earlier failure was in the way: once more, the same batch.
    Again,
    /// One of the inputs is to blame: each alone.
    Alone,
    /// No use trying.
    Refuse,
}

impl BatchError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Machine { .. } | Self::RowsUnreadable { .. } | Self::Panicked { .. } => Remedy::Alone,
            Self::Store(error) => remedy_of(error),
            Self::OutcomeUnknown(_) => Remedy::Refuse,
        }
    }
}

fn remedy_of(error: &StoreError) -> Remedy {
    match error {
        StoreError::Io(_) | StoreError::ReopenNeeded | StoreError::Closed => Remedy::Again,
        StoreError::KeyTooLong { .. } | StoreError::ValueTooLong { .. } => Remedy::Alone,
        StoreError::DiskFull(_)
        | StoreError::Corrupted { .. }
        | StoreError::FormatTooNew { .. }
        | StoreError::Locked => Remedy::Refuse,
    }
}

/// Answers inputs whose transaction is durable, on whichever thread committed it.
pub trait Herald<I, O>: Send + Sync + 'static {
    /// Answers `inputs`, one output each, in the order in which they were handled.
    fn release(&self, inputs: Vec<I>, outputs: Vec<O>);
}

/// What the writer runs. Its calls never overlap.
pub trait Machine: Send + 'static {
    /// One thing to do, with the way to answer it.
    type Input: Send + 'static;
    /// What the herald needs to answer.
    type Output: Send + 'static;
    /// Who answers.
    type Herald: Herald<Self::Input, Self::Output>;

    /// Gives the herald; asked once.
    fn herald(&self) -> Self::Herald;

    /// Whether `input` works on the store itself, with nothing under way: what changes more than memory should hold.
    fn works_alone(&self, input: &Self::Input) -> bool;

    /// Handles `inputs` in one transaction, perhaps together with those of the call before, which may not be durable
    /// yet. On `Err` the transaction is dropped.
    ///
    /// # Errors
    /// What keeps the batch from being written. A refusal that concerns one input (a broken
    /// rule, a duplicate) is an output, not an error.
    fn handle(&mut self, tx: &mut WriteTx<'_>, inputs: &[Self::Input]) -> Result<Vec<Self::Output>, BatchError>;

    /// What was handled and not released will not be (or nothing could begin): brings the state in memory back to what
    /// the store has. Also called after `handle` panicked half-way.
    fn dropped(&mut self);

    /// Answers an input that was not written, or whose outcome is unknown
    /// ([`BatchError::OutcomeUnknown`]).
    fn refuse(&mut self, input: Self::Input, why: &BatchError);

    /// A commit failed and the store was reopened: discards the state in memory and reads it
    /// again from `store`.
    ///
    /// # Errors
    /// If it cannot be read; the writer then calls again before the next batch.
    fn reload(&mut self, store: &Snapshot) -> Result<(), StoreError>;

    /// After `reload`: answers an input of the failed commit as done if `store` says that it is
    /// durable, otherwise as not done because of `why`.
    fn settle(&mut self, store: &Snapshot, input: Self::Input, why: &StoreError);
}

/// Why [`Writer::stop`] gives no machine back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// It was stopped before.
    #[error("the writer was already stopped")]
    Stopped,
    /// The machine panicked outside `handle`.
    #[error("the writer ended by a panic: {message}")]
    Panicked {
        /// Text of the panic.
        message: String,
    },
}

/// The writer thread and its queue; shared by reference. Dropping it stops the thread.
#[derive(Debug)]
pub struct Writer<M: Machine> {
    queue: Arc<Queue<M::Input>>,
    thread: Mutex<Option<JoinHandle<M>>>,
}

impl<M: Machine> Writer<M> {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn spawn(store: Arc<Store>, machine: M) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(QUEUE_INPUTS_MAX));
        let ending = CloseOnEnd(Arc::clone(&queue));
        let pipeline = Pipeline::spawn(Worker::new(store, machine), Arc::clone(&queue))?;
        let thread = Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || {
            let _closed_at_the_end = ending;
            pipeline.run()
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Hands `input` over, waiting while the queue is full. Never call it from the machine.
    ///
    /// # Errors
    /// [`SubmitError::Stopped`] with the input.
    pub fn submit(&self, input: M::Input) -> Result<(), SubmitError<M::Input>> {
        self.queue.push(input)
    }

    /// Hands `input` over if the queue has room now.
    ///
    /// # Errors
    /// [`SubmitError::Full`] or [`SubmitError::Stopped`] with the input.
    pub fn try_submit(&self, input: M::Input) -> Result<(), SubmitError<M::Input>> {
        self.queue.try_push(input)
    }

    /// Takes no more inputs, handles those that wait, and gives the machine back.
    ///
    /// # Errors
    /// If it was stopped before or ended by a panic.
    pub fn stop(&self) -> Result<M, StopError> {
        self.queue.close();
        let mut slot = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = slot.take().ok_or(StopError::Stopped)?;
        thread.join().map_err(|panic| StopError::Panicked { message: panic_text(panic.as_ref()) })
    }
}

impl<M: Machine> Drop for Writer<M> {
    fn drop(&mut self) {
        // Either way the thread has ended, and its machine with it.
        drop(self.stop());
    }
}

/// Closes the queue when the thread ends, also by a panic, so that no sender waits for it.
struct CloseOnEnd<I>(Arc<Queue<I>>);

impl<I> Drop for CloseOnEnd<I> {
    fn drop(&mut self) {
        self.0.close();
        // What still waits after a panic is dropped here, and with it the way to answer.
        while self.0.pop(BATCH_INPUTS_MAX).is_some() {}
    }
}

/// Inputs that go back to be tried again or refused.
struct Dropped<I> {
    inputs: Vec<I>,
    why: BatchError,
}

/// Handles inputs in transactions of the store itself, one after the other.
struct Worker<M: Machine> {
    store: Arc<Store>,
    machine: M,
    herald: Arc<M::Herald>,
    /// A commit failed and the machine has not read its state again yet.
    stale: bool,
}

impl<M: Machine> Worker<M> {
    fn new(store: Arc<Store>, machine: M) -> Self {
        let herald = Arc::new(machine.herald());
        Self { store, machine, herald, stale: false }
    }

    fn process(&mut self, inputs: Vec<M::Input>) {
        if let Some(dropped) = self.attempt(inputs) {
            self.mend(dropped);
        }
    }

    /// Tries again what may help, refuses the rest.
    fn mend(&mut self, mut dropped: Dropped<M::Input>) {
        if dropped.why.remedy() == Remedy::Again {
            let Some(second) = self.attempt(dropped.inputs) else { return };
            dropped = second;
        }
        if dropped.why.remedy() == Remedy::Alone && dropped.inputs.len() > 1 {
            self.process_alone(dropped.inputs);
        } else {
            self.refuse(dropped);
        }
    }

    fn process_alone(&mut self, inputs: Vec<M::Input>) {
        for input in inputs {
            if let Some(dropped) = self.attempt(vec![input]) {
                self.refuse(dropped);
            }
        }
    }

    fn refuse(&mut self, dropped: Dropped<M::Input>) {
        for input in dropped.inputs {
            self.machine.refuse(input, &dropped.why);
        }
    }

    /// Tries one transaction; gives the inputs back only if nothing of them was written.
    fn attempt(&mut self, inputs: Vec<M::Input>) -> Option<Dropped<M::Input>> {
        if let Err(error) = self.recover() {
            return Some(Dropped { inputs, why: error.into() });
        }
        let machine = &mut self.machine;
        match self.store.write(|tx| machine.handle(tx, &inputs)) {
            Ok(outputs) => {
                self.herald.release(inputs, outputs);
                None
            }
            Err(error) => self.undo(inputs, error),
        }
    }

    /// Brings the machine back after a transaction that failed; gives the inputs back only if nothing of them was written.
    fn undo<E: Into<BatchError>>(&mut self, inputs: Vec<M::Input>, error: WriteError<E>) -> Option<Dropped<M::Input>> {
        let why = match error {
            WriteError::CommitIndeterminate(error) => {
                self.settle(inputs, error);
                return None;
            }
            WriteError::Aborted(why) => why.into(),
            WriteError::Panicked { message } => BatchError::Panicked { message },
            WriteError::Store(error) => error.into(),
        };
        self.machine.dropped();
        Some(Dropped { inputs, why })
    }

    /// Answers the inputs of a failed commit.
    fn settle(&mut self, inputs: Vec<M::Input>, error: StoreError) {
        self.stale = true;
        match reload(&self.store, &mut self.machine) {
            Ok(snapshot) => {
                self.stale = false;
                for input in inputs {
                    self.machine.settle(&snapshot, input, &error);
                }
            }
            Err(_) => self.refuse(Dropped { inputs, why: BatchError::OutcomeUnknown(error) }),
        }
    }

    /// Brings store and machine back after an earlier failure.
    fn recover(&mut self) -> Result<(), StoreError> {
        self.store.heal()?;
        if self.stale {
            reload(&self.store, &mut self.machine)?;
            self.stale = false;
        }
        Ok(())
    }
}

fn reload<M: Machine>(store: &Store, machine: &mut M) -> Result<Snapshot, StoreError> {
    store.heal()?;
    let snapshot = store.read()?;
    machine.reload(&snapshot)?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sim_disk::{Counted, Fault, SimDisk};
    use super::super::{ReadTables, Table};
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{self, Receiver, Sender};

    #[derive(Debug)]
    enum Work {
        Put(usize),
        Alone,
        Poison,
        Panic,
    }

    #[derive(Debug)]
    struct Input {
        id: u64,
        work: Work,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Answer {
        Done,
        DiskFull,
        Refused,
        Unknown,
    }

    /// What the threads of one writer share.
    struct Shared {
        disk: SimDisk,
        /// The count of the last released batch.
        committed: AtomicU64,
        /// Inputs of each released batch.
        batches: Mutex<Vec<usize>>,
        /// The next release waits here.
        gate: Mutex<Option<Receiver<()>>>,
        answers: Mutex<Sender<(u64, Answer)>>,
    }

    impl Shared {
        fn answer(&self, id: u64, answer: Answer) {
            // A test that no longer listens needs no answer.
            self.answers.lock().unwrap().send((id, answer)).unwrap_or_default();
        }
    }

    struct Voice(Arc<Shared>);

    impl Herald<Input, u64> for Voice {
        fn release(&self, inputs: Vec<Input>, outputs: Vec<u64>) {
            assert_eq!(inputs.len(), outputs.len());
            let count = *outputs.last().unwrap();
            let cut = self.0.disk.after_power_cut(count).store();
            let after_cut = cut.read().unwrap();
            for input in &inputs {
                let row = after_cut.get(Table::Requests, &input.id.to_be_bytes()).unwrap();
                assert_eq!(row.is_some(), matches!(input.work, Work::Put(_)));
            }
            let gate = self.0.gate.lock().unwrap().take();
            if let Some(gate) = gate {
                gate.recv().unwrap();
            }
            self.0.committed.store(count, Ordering::SeqCst);
            self.0.batches.lock().unwrap().push(inputs.len());
            inputs.into_iter().for_each(|input| self.0.answer(input.id, Answer::Done));
        }
    }

    /// Counts the rows that it wrote, in memory and in the store.
    struct Tally {
        shared: Arc<Shared>,
        count: u64,
        handled: Vec<usize>,
    }

    impl Machine for Tally {
        type Input = Input;
        type Output = u64;
        type Herald = Voice;

        fn herald(&self) -> Voice {
            Voice(Arc::clone(&self.shared))
        }

        fn works_alone(&self, input: &Input) -> bool {
            matches!(input.work, Work::Alone)
        }

        fn handle(&mut self, tx: &mut WriteTx<'_>, inputs: &[Input]) -> Result<Vec<u64>, BatchError> {
            self.handled.push(inputs.len());
            let mut counts = Vec::new();
            for input in inputs {
                self.count += 1;
                match &input.work {
                    Work::Put(bytes) => tx.put(Table::Requests, &input.id.to_be_bytes(), &vec![1; *bytes])?,
                    Work::Alone => tx.put(Table::Local, b"alone", &tx.count(Table::Requests)?.to_be_bytes())?,
                    Work::Poison => return Err(BatchError::Machine { reason: "poison".to_owned() }),
                    Work::Panic => panic!("poison"),
                }
                let stored = tx.get(Table::Counters, b"count")?;
                let stored = stored.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
                assert_eq!(stored + 1, self.count, "memory and what it stands on differ");
                tx.put(Table::Counters, b"count", &self.count.to_be_bytes())?;
                counts.push(self.count);
            }
            Ok(counts)
        }

        fn dropped(&mut self) {
            self.count = self.shared.committed.load(Ordering::SeqCst);
        }

        fn refuse(&mut self, input: Input, why: &BatchError) {
            let answer = match why {
                BatchError::Store(StoreError::DiskFull(_)) => Answer::DiskFull,
                BatchError::OutcomeUnknown(_) => Answer::Unknown,
                BatchError::Machine { .. }
                | BatchError::RowsUnreadable { .. }
                | BatchError::Panicked { .. }
                | BatchError::Store(_) => Answer::Refused,
            };
            self.shared.answer(input.id, answer);
        }

        fn reload(&mut self, store: &Snapshot) -> Result<(), StoreError> {
            let count = store.get(Table::Counters, b"count")?;
            self.count = count.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
            self.shared.committed.store(self.count, Ordering::SeqCst);
            Ok(())
        }

        fn settle(&mut self, store: &Snapshot, input: Input, why: &StoreError) {
            let durable = store.get(Table::Requests, &input.id.to_be_bytes());
            let answer = match (durable, why) {
                (Err(_), _) => Answer::Unknown,
                (Ok(Some(_)), _) => Answer::Done,
                (Ok(None), StoreError::DiskFull(_)) => Answer::DiskFull,
                (Ok(None), _) => Answer::Refused,
            };
            if answer == Answer::Done {
                self.shared.committed.store(self.count, Ordering::SeqCst);
            }
            self.shared.answer(input.id, answer);
        }
    }

    struct World {
        disk: SimDisk,
        store: Arc<Store>,
        shared: Arc<Shared>,
        answers: Receiver<(u64, Answer)>,
    }

    fn world_on(disk: SimDisk) -> (World, Tally) {
        world_with(disk.store(), disk)
    }

    fn world_with(store: Store, disk: SimDisk) -> (World, Tally) {
        let store = Arc::new(store);
        let (sender, answers) = mpsc::channel();
        let shared = Arc::new(Shared {
            disk: disk.clone(),
            committed: AtomicU64::new(0),
            batches: Mutex::new(Vec::new()),
            gate: Mutex::new(None),
            answers: Mutex::new(sender),
        });
        let tally = Tally { shared: Arc::clone(&shared), count: 0, handled: Vec::new() };
        (World { disk, store, shared, answers }, tally)
    }

    fn world() -> (World, Tally) {
        world_on(SimDisk::new())
    }

    impl World {
        fn worker(&self, machine: Tally) -> Worker<Tally> {
            Worker::new(Arc::clone(&self.store), machine)
        }

        fn answered(&self) -> BTreeMap<u64, Answer> {
            let mut answers = BTreeMap::new();
            for (id, answer) in self.answers.try_iter() {
                assert_eq!(answers.insert(id, answer), None, "input {id} was answered twice");
            }
            answers
        }

        fn rows(&self) -> u64 {
            self.store.read().unwrap().count(Table::Requests).unwrap()
        }
    }

    fn put(id: u64) -> Input {
        Input { id, work: Work::Put(100) }
    }

    #[test]
    fn no_output_is_released_before_its_commit() {
        let (world, tally) = world();
        let writer = Writer::spawn(Arc::clone(&world.store), tally).unwrap();
        (0..20).for_each(|id| writer.submit(put(id)).unwrap());
        // Every release cuts the power of a copy of the disk and looks its input up.
        let tally = writer.stop().unwrap();
        assert_eq!(tally.handled.iter().sum::<usize>(), 20);
        let answered = world.answered();
        assert_eq!(answered.len(), 20);
        assert!(answered.values().all(|answer| *answer == Answer::Done));
    }

    #[test]
    fn a_batch_grows_up_to_the_limit_while_one_is_under_way() {
        let (world, tally) = world();
        let (open, gate) = mpsc::channel();
        *world.shared.gate.lock().unwrap() = Some(gate);
        let writer = Writer::spawn(Arc::clone(&world.store), tally).unwrap();
        writer.submit(Input { id: 0, work: Work::Put(1) }).unwrap();
        // The first batch is on the disk and its release waits: the second one is full before the queue is.
        while world.shared.gate.lock().unwrap().is_some() {
            std::thread::yield_now();
        }
        let mut taken = 1;
        while writer.try_submit(Input { id: taken, work: Work::Put(1) }).is_ok() {
            taken += 1;
        }
        let (planned, room) = world_full(taken);
        assert!(room.contains(&planned), "{planned}");
        open.send(()).unwrap();
        let tally = writer.stop().unwrap();
        assert_eq!(tally.handled.iter().sum::<usize>(), planned);
        let batches = world.shared.batches.lock().unwrap().clone();
        // The second is what had come when its planning began; the third grew while the two before it were under way.
        assert_eq!((batches[0], batches[2]), (1, BATCH_INPUTS_MAX), "{batches:?}");
        assert!(batches.iter().all(|batch| *batch <= BATCH_INPUTS_MAX), "{batches:?}");
        assert_eq!(world.answered().len(), planned);
    }

    /// Inputs that were taken, and how many a full queue, a full batch and one in planning may hold.
    fn world_full(taken: u64) -> (usize, std::ops::RangeInclusive<usize>) {
        (usize::try_from(taken).unwrap(), QUEUE_INPUTS_MAX..=QUEUE_INPUTS_MAX + 2 * BATCH_INPUTS_MAX + 1)
    }

    #[test]
    fn what_works_alone_stands_on_everything_before_it() {
        let (world, tally) = world();
        let (open, gate) = mpsc::channel();
        *world.shared.gate.lock().unwrap() = Some(gate);
        let writer = Writer::spawn(Arc::clone(&world.store), tally).unwrap();
        (0..30).for_each(|id| writer.submit(put(id)).unwrap());
        writer.submit(Input { id: 30, work: Work::Alone }).unwrap();
        (31..40).for_each(|id| writer.submit(put(id)).unwrap());
        open.send(()).unwrap();
        writer.stop().unwrap();
        let seen = world.store.read().unwrap().get(Table::Local, b"alone").unwrap().unwrap();
        assert_eq!(u64::from_be_bytes(seen.try_into().unwrap()), 30);
        assert_eq!(world.answered().len(), 40);
    }

    #[test]
    fn every_piped_input_is_answered_once_whatever_call_fails() {
        let base = SimDisk::new();
        drop(base.store());
        let pipe = |world: &World, tally: Tally| {
            let (open, gate) = mpsc::channel();
            *world.shared.gate.lock().unwrap() = Some(gate);
            let writer = Writer::spawn(Arc::clone(&world.store), tally).unwrap();
            // Planned on a batch that is under way: what the first fails with, the second must bear.
            (1..=3).for_each(|id| writer.submit(put(id)).unwrap());
            (4..=6).for_each(|id| writer.submit(put(id)).unwrap());
            writer.submit(Input { id: 7, work: Work::Poison }).unwrap();
            open.send(()).unwrap();
            let tally = writer.stop().unwrap();
            (tally, world.answered())
        };
        let (world, tally) = world_on(base.copy());
        world.disk.set_fault(Fault::None, Counted::All);
        pipe(&world, tally);
        for at in 1..=world.disk.calls() {
            for fault in [Fault::Once(at), Fault::From(at)] {
                let (world, tally) = world_on(base.copy());
                world.disk.set_fault(fault, Counted::All);
                let (tally, answers) = pipe(&world, tally);
                check_answers(&world, &answers, &format!("{fault:?}"));
                let mut worker = world.worker(tally);
                worker.stale = true;
                worker.process(vec![put(8)]);
                assert_eq!(world.answered()[&8], Answer::Done, "{fault:?}: no recovery");
            }
        }
    }

    #[test]
    fn a_poisoned_input_is_refused_alone() {
        for poison in [Work::Poison, Work::Panic, Work::Put(super::super::VALUE_BYTES_MAX + 1)] {
            let (world, tally) = world();
            let mut worker = world.worker(tally);
            worker.process(vec![put(1), Input { id: 2, work: poison }, put(3)]);
            let answers = world.answered();
            assert_eq!(answers[&1], Answer::Done);
            assert_eq!(answers[&2], Answer::Refused);
            assert_eq!(answers[&3], Answer::Done);
            assert_eq!(world.rows(), 2);
            assert_eq!(worker.machine.count, 2, "the refused input left a trace in memory");
            assert_eq!(worker.machine.handled, [3, 1, 1, 1]);
        }
    }

    #[test]
    fn after_a_failed_commit_inputs_are_answered_from_what_is_durable() {
        let base = SimDisk::new();
        drop(base.store());
        let (world, tally) = world_on(base.copy());
        world.disk.set_fault(Fault::None, Counted::Changes);
        world.worker(tally).process(vec![put(1), put(2)]);
        let (mut done, mut refused) = (0, 0);
        for at in 1..=world.disk.calls() {
            let (world, tally) = world_on(base.copy());
            let mut worker = world.worker(tally);
            world.disk.set_fault(Fault::Once(at), Counted::Changes);
            worker.process(vec![put(1), put(2)]);
            let answers = world.answered();
            assert_eq!(answers[&1], answers[&2], "half a batch, fault at {at}");
            let rows = world.rows();
            for seed in 0..4 {
                let cut = world.disk.after_power_cut(seed).store();
                assert_eq!(cut.read().unwrap().count(Table::Requests).unwrap(), rows, "fault at {at}, seed {seed}");
            }
            match answers[&1] {
                Answer::Done => done += 1,
                Answer::Refused => refused += 1,
                Answer::DiskFull | Answer::Unknown => panic!("{:?}, fault at {at}", answers[&1]),
            }
            assert_eq!(rows, if answers[&1] == Answer::Done { 2 } else { 0 }, "fault at {at}");
            assert_eq!(worker.machine.count, rows, "memory after a fault at {at}");
        }
        assert!(done > 0 && refused > 0, "{done} done, {refused} refused");
    }

    /// Three batches; the ids with their answers.
    fn run_batches(world: &World, worker: &mut Worker<Tally>) -> BTreeMap<u64, Answer> {
        worker.process(vec![put(1), put(2), put(3)]);
        worker.process(vec![put(4), Input { id: 5, work: Work::Poison }, put(6)]);
        worker.process(vec![put(7)]);
        world.answered()
    }

    fn check_answers(world: &World, answers: &BTreeMap<u64, Answer>, context: &str) {
        world.disk.set_fault(Fault::None, Counted::All);
        assert_eq!(answers.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7], "{context}");
        let now = world.disk.copy().store();
        let cut = world.disk.after_power_cut(7).store();
        for (id, answer) in answers {
            let row = |store: &Store| store.read().unwrap().get(Table::Requests, &id.to_be_bytes()).unwrap();
            match answer {
                Answer::Done => assert!(row(&cut).is_some(), "{context}: {id} was lost"),
                Answer::Refused | Answer::DiskFull => assert!(row(&now).is_none(), "{context}: {id} is there"),
                Answer::Unknown => {}
            }
        }
    }

    #[test]
    fn every_input_is_answered_once_whatever_call_fails() {
        let base = SimDisk::new();
        drop(base.store());
        let (world, tally) = world_on(base.copy());
        world.disk.set_fault(Fault::None, Counted::All);
        run_batches(&world, &mut world.worker(tally));
        for at in 1..=world.disk.calls() {
            for fault in [Fault::Once(at), Fault::From(at)] {
                let (world, tally) = world_on(base.copy());
                let mut worker = world.worker(tally);
                world.disk.set_fault(fault, Counted::All);
                let answers = run_batches(&world, &mut worker);
                check_answers(&world, &answers, &format!("{fault:?}"));
                worker.process(vec![put(8)]);
                assert_eq!(world.answered()[&8], Answer::Done, "{fault:?}: no recovery");
                assert_eq!(worker.machine.count, world.rows(), "{fault:?}: memory and disk differ");
            }
        }
    }

    #[test]
    fn a_full_disk_refuses_writes_and_recovers_without_restart() {
        let (world, tally) = world();
        let mut worker = world.worker(tally);
        worker.process(vec![put(1)]);
        world.disk.set_room(Some(0));
        for id in 2..5 {
            worker.process(vec![Input { id, work: Work::Put(4 * 1024 * 1024) }]);
            assert_eq!(world.answered()[&id], Answer::DiskFull);
            assert_eq!(world.rows(), 1, "reads go on");
        }
        world.disk.set_room(None);
        worker.process(vec![Input { id: 5, work: Work::Put(4 * 1024 * 1024) }]);
        assert_eq!(world.answered()[&5], Answer::Done);
        assert_eq!(worker.machine.count, world.rows());
    }

    #[test]
    fn a_read_that_fails_once_costs_no_answer() {
        let disk = SimDisk::new();
        let (world, tally) = world_with(disk.store_with_cache(0).unwrap(), disk);
        let mut worker = world.worker(tally);
        worker.process(vec![put(1)]);
        world.disk.set_fault(Fault::Once(1), Counted::All);
        worker.process(vec![put(2), put(3)]);
        assert!(world.answered().values().all(|answer| *answer == Answer::Done));
        assert_eq!(worker.machine.handled, [1, 2, 2]);
        assert_eq!(world.rows(), 3);
    }

    #[test]
    fn a_stopped_writer_gives_inputs_back() {
        let (world, tally) = world();
        let writer = Writer::spawn(Arc::clone(&world.store), tally).unwrap();
        writer.submit(put(1)).unwrap();
        assert_eq!(writer.stop().unwrap().count, 1);
        assert!(matches!(writer.submit(put(2)), Err(SubmitError::Stopped(Input { id: 2, .. }))));
        assert!(matches!(writer.try_submit(put(3)), Err(SubmitError::Stopped(Input { id: 3, .. }))));
        assert_eq!(writer.stop().err(), Some(StopError::Stopped));
        assert_eq!(world.answered().len(), 1);
    }

    /// Panics where the writer cannot go on.
    struct Broken;

    impl Herald<(), ()> for Broken {
        fn release(&self, _inputs: Vec<()>, _outputs: Vec<()>) {
            panic!("cannot answer");
        }
    }

    impl Machine for Broken {
        type Input = ();
        type Output = ();
        type Herald = Broken;

        fn herald(&self) -> Broken {
            Broken
        }

        fn works_alone(&self, _input: &()) -> bool {
            false
        }

        fn handle(&mut self, _tx: &mut WriteTx<'_>, _inputs: &[()]) -> Result<Vec<()>, BatchError> {
            Ok(Vec::new())
        }

        fn dropped(&mut self) {}

        fn refuse(&mut self, _input: (), _why: &BatchError) {}

        fn reload(&mut self, _store: &Snapshot) -> Result<(), StoreError> {
            Ok(())
        }

        fn settle(&mut self, _store: &Snapshot, _input: (), _why: &StoreError) {}
    }

    #[test]
    fn a_writer_that_died_keeps_no_sender_waiting() {
        let store = Arc::new(SimDisk::new().store());
        let writer = Writer::spawn(store, Broken).unwrap();
        while writer.submit(()).is_ok() {}
        let died = writer.stop().err();
        assert_eq!(died, Some(StopError::Panicked { message: "cannot answer".to_owned() }));
    }
}
