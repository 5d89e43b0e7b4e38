//! The replica behind the writer of a simulated node, as the product's machine is, with the seeded bugs of this seam.
//!
//! Invariant: without a bug it does what the product's machine does: hands inputs on, forgets what was dropped, answers
//! from the store after a failed commit. Proved by every run of the gate.

use std::sync::{Arc, Mutex, PoisonError};

use crdt_model::commit::SignedCommit;
use crdt_model::document_row::DocumentRow;
use crdt_model::money::UnitPrice;
use crdt_model::rows::{RowKind, row_key};
use crdt_model::scope_state::ScopeError;
use crdt_model::stock::StockRow;
use crdt_model::stock::loan::LoanRow;
use crdt_model::time::Hlc;
use node::replica::{Arrival, Command, CommandError, Input, Outcome, Replica, ReplicaError, request_outcome};
use node::store::{BatchError, Direction, Herald, KeyRange, Machine, ReadTables, Snapshot, StoreError, Table, WriteTx};

use crate::bugs::Bug;

/// Whose answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// A caller's.
    Call(usize),
    /// A frame of a connection.
    Frame {
        /// Which link.
        link: usize,
        /// Which end.
        side: usize,
        /// Which connection of the link.
        connection: u64,
        /// The frame's number.
        frame: u64,
    },
    /// The keeper's own duty.
    Duty,
}

/// One thing to do.
#[derive(Debug)]
pub struct Job {
    /// Whose.
    pub tag: Tag,
    /// What.
    pub input: Input,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Done and durable.
    Done(Outcome),
    /// A rule refused it.
    Refused(CommandError),
    /// The machine failed; it may have happened or not.
    Failed(String),
}

/// The answers of a batch, in order.
pub type Answers = Arc<Mutex<Vec<(Tag, Answer)>>>;

/// Answers callers.
pub struct Voice(Answers);

impl Herald<Job, Result<Outcome, CommandError>> for Voice {
    fn release(&self, inputs: Vec<Job>, outputs: Vec<Result<Outcome, CommandError>>) {
        for (job, output) in inputs.into_iter().zip(outputs) {
            tell(&self.0, job.tag, output.map_or_else(Answer::Refused, Answer::Done));
        }
    }
}

fn tell(answers: &Answers, tag: Tag, answer: Answer) {
    answers.lock().unwrap_or_else(PoisonError::into_inner).push((tag, answer));
}

/// The machine of one node.
pub struct SimMachine {
    replica: Replica,
    answers: Answers,
    bug: Option<Bug>,
    newest: Hlc,
}

impl SimMachine {
    /// A machine around a replica.
    pub fn new(replica: Replica, answers: Answers, bug: Option<Bug>) -> Self {
        Self { replica, answers, bug, newest: Hlc::default() }
    }

    /// What a broken machine makes of an input; more than one where it does it twice, none where it loses it.
    fn bent(&mut self, tx: &WriteTx<'_>, input: &Input) -> Vec<Input> {
        let mut bent = input.clone();
        match (self.bug, &mut bent.command) {
            (Some(Bug::RunTwice), Command::RecordStock { .. }) | (Some(Bug::ShipTwice), Command::ShipOrder { .. }) => {
                bent.request = None;
                return vec![input.clone(), bent];
            }
            (Some(Bug::LoseCancel), Command::CancelOrder { scope, id, .. }) => {
                bent.command = Command::ConfirmOrder { scope: scope.clone(), id: *id };
            }
            (Some(Bug::LoseLine), Command::PlaceOrder(draft)) => draft.lines.truncate(1),
            (Some(Bug::CentTooMuch), Command::PlaceOrder(draft)) => {
                for line in &mut draft.lines {
                    let dearer = UnitPrice::from_millionths(line.price.millionths() + 10_000);
                    line.price = dearer.unwrap_or(line.price);
                }
            }
            (Some(Bug::JudgeByClock), Command::Receive(arrival)) => self.drop_older(tx, arrival),
            (Some(Bug::ImportTwice), Command::ImportOrders(orders)) => {
                for order in orders {
                    let again = format!("{} ", input.now.at.0 % 7);
                    let number = format!("{}{again}", order.external.number);
                    order.external.number = crdt_model::text::Text::new(&number).unwrap_or_default();
                }
            }
            (_, _) => {}
        }
        vec![bent]
    }

    fn drop_older(&mut self, tx: &WriteTx<'_>, arrival: &mut Arrival) {
        let (mut newest, known) =
            (self.newest, |commit: &SignedCommit| tx.get(Table::Commits, &commit.hash().0).ok().flatten().is_some());
        arrival.commits.retain(|commit| {
            let old = commit.commit().hlc.millis() + 3_600_000 < newest.millis();
            newest = newest.max(commit.commit().hlc);
            !old || known(commit)
        });
        self.newest = newest;
    }

    /// What a broken machine does to the rows before and after a batch.
    fn spoil(&self, tx: &mut WriteTx<'_>, before: &Rows, inputs: &[Job]) -> Result<(), StoreError> {
        let received = inputs.iter().any(|job| matches!(job.input.command, Command::Receive(_)));
        match self.bug {
            Some(Bug::StaleView) if received => {
                for (key, value) in before {
                    tx.put(Table::Rows, key, value)?;
                }
            }
            Some(Bug::DropSetAside) => {
                for (key, _) in list(tx, Table::SetAside)? {
                    tx.delete(Table::SetAside, &key)?;
                }
            }
            Some(Bug::LoseCase) => {
                for (key, _) in rows_of(tx, RowKind::Case)? {
                    tx.delete(Table::Rows, &key)?;
                }
            }
            _other => {}
        }
        Ok(())
    }

    /// What a broken machine believes before it promises.
    fn believe(&self, tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
        match self.bug {
            Some(Bug::PromiseWithoutRights) => {
                for (key, value) in rows_of(tx, RowKind::Stock)? {
                    if let Ok(mut row) = StockRow::decode(&value) {
                        row.sums.rights.values_mut().for_each(|rights| rights.minted += 1_000_000);
                        tx.put(Table::Rows, &key, &row.encode())?;
                    }
                }
            }
            Some(Bug::SpendLoanTwice) => {
                for (key, value) in rows_of(tx, RowKind::Loan)? {
                    if let Ok(mut row) = LoanRow::decode(&value) {
                        (row.secured, row.spent) = (0, 0);
                        tx.put(Table::Rows, &key, &row.encode())?;
                    }
                }
            }
            _other => {}
        }
        Ok(())
    }
}

/// Keys and values.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// All rows of a table.
///
/// # Errors
/// What the store said.
pub fn list(store: &impl ReadTables, table: Table) -> Result<Rows, StoreError> {
    rows_under(store, table, &[])
}

/// The folded rows of a kind in one scope.
///
/// # Errors
/// What the store said.
pub fn rows_in(store: &impl ReadTables, scope: &crdt_model::scope::Scope, kind: RowKind) -> Result<Rows, StoreError> {
    rows_under(store, Table::Rows, row_key(scope, kind, &[]).as_bytes())
}

/// The rows of a table whose keys begin so.
///
/// # Errors
/// What the store said.
pub fn rows_under(store: &impl ReadTables, table: Table, prefix: &[u8]) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    store.scan(table, &KeyRange::prefix(prefix), Direction::Forward, |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// The folded rows of a kind in all scopes.
///
/// # Errors
/// What the store said.
pub fn rows_of(store: &impl ReadTables, kind: RowKind) -> Result<Rows, StoreError> {
    let mut rows = list(store, Table::Rows)?;
    rows.retain(|(key, _)| key.get(1 + usize::from(key[0])) == Some(&(kind as u8)));
    Ok(rows)
}

impl Machine for SimMachine {
    type Input = Job;
    type Output = Result<Outcome, CommandError>;
    type Herald = Voice;

    fn herald(&self) -> Voice {
        Voice(Arc::clone(&self.answers))
    }

    fn works_alone(&self, job: &Job) -> bool {
        matches!(job.input.command, Command::Rebuild)
    }

    fn handle(&mut self, tx: &mut WriteTx<'_>, inputs: &[Job]) -> Result<Vec<Self::Output>, BatchError> {
        if self.bug.is_none() {
            let inputs: Vec<&Input> = inputs.iter().map(|job| &job.input).collect();
            return self.replica.handle(tx, &inputs).map_err(batch_error);
        }
        self.believe(tx)?;
        let before = match self.bug {
            Some(Bug::StaleView) => rows_of(tx, RowKind::Stock)?,
            _other => Rows::new(),
        };
        let mut outputs = Vec::new();
        for job in inputs {
            let bent = self.bent(tx, &job.input);
            let bent: Vec<&Input> = bent.iter().collect();
            outputs.extend(self.replica.handle(tx, &bent).map_err(batch_error)?.into_iter().next());
        }
        self.spoil(tx, &before, inputs)?;
        Ok(outputs)
    }

    fn dropped(&mut self) {
        if self.bug != Some(Bug::KeepMemory) {
            self.replica.forget();
        }
    }

    fn refuse(&mut self, job: Job, why: &BatchError) {
        tell(&self.answers, job.tag, Answer::Failed(why.to_string()));
    }

    fn reload(&mut self, _store: &Snapshot) -> Result<(), StoreError> {
        self.dropped();
        Ok(())
    }

    fn settle(&mut self, store: &Snapshot, job: Job, why: &StoreError) {
        let durable = job.input.request.as_ref().map(|request| request_outcome(store, request));
        let answer = match durable {
            Some(Ok(Some(outcome))) => outcome.map_or_else(Answer::Refused, Answer::Done),
            Some(Ok(None) | Err(_)) | None => Answer::Failed(why.to_string()),
        };
        tell(&self.answers, job.tag, answer);
    }
}

fn batch_error(error: ReplicaError) -> BatchError {
    match error {
        ReplicaError::Store(error) | ReplicaError::Scope(ScopeError::Rows(error)) => BatchError::Store(error),
        ReplicaError::Scope(ScopeError::Damaged(error)) => BatchError::RowsUnreadable { reason: error.to_string() },
        other => BatchError::Machine { reason: other.to_string() },
    }
}

/// A folded document.
///
/// # Errors
/// What the store said; a row that cannot be read is an error of it.
pub fn document(
    store: &impl ReadTables,
    scope: &crdt_model::scope::Scope,
    id: crdt_model::id::DocumentId,
) -> Result<Option<DocumentRow>, StoreError> {
    let key = row_key(scope, RowKind::Document, &id.0);
    let row = store.get(Table::Rows, key.as_bytes())?;
    row.map(|row| DocumentRow::decode(&row))
        .transpose()
        .map_err(|error| StoreError::Corrupted { detail: error.to_string() })
}
