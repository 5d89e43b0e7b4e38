//! The replica behind the store's writer: one batch, one transaction, answers after the fsync.
//!
//! Invariant: each job is answered once, with what is durable. Proved by the writer's tests in `store` and by
//! the kills of `tests/acceptance/01.sh`.

use crdt_model::order::decide::RuleError;
use crdt_model::scope_state::ScopeError;
use tokio::sync::{oneshot, watch};

use super::error::AppError;
use crate::replica::{
    AdoptError, Command, CommandError, FulfilmentError, Input, LoanError, Outcome, Replica, ReplicaError,
    request_outcome,
};
use crate::store::{BatchError, Herald, Machine, NoRoom, Snapshot, StoreError, WriteTx};

/// What became of a job.
pub(crate) type Answer = Result<Outcome, Failure>;

/// Why a job has no outcome.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A rule refused it; nothing was written.
    Command(CommandError),
    /// The disk is full.
    DiskFull(NoRoom),
    /// Folded rows cannot be read; why.
    RowsUnreadable(String),
    /// The machine failed.
    Storage(String),
    /// The node is going down.
    Stopping,
}

impl Failure {
    fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::DiskFull(_) => Self::DiskFull(error.no_room().unwrap_or(NoRoom::unknown())),
            other => Self::Storage(other.to_string()),
        }
    }

    /// As the caller sees it; `key` is its idempotency key.
    pub fn into_app_error(self, key: &str) -> AppError {
        match self {
            Self::Command(error) => command_error(error, key),
            Self::DiskFull(room) => AppError::DiskFull(room),
            Self::RowsUnreadable(reason) => AppError::rows_unreadable(&reason),
            Self::Storage(reason) => AppError::Storage(reason),
            Self::Stopping => AppError::Stopping,
        }
    }
}

/// A command for the replica and where its answer goes.
pub(crate) struct Job {
    pub input: Input,
    pub reply: oneshot::Sender<Answer>,
}

/// An answer, and what the replica had written by then.
pub(crate) struct Told {
    answer: Answer,
    written: u64,
}

/// Tells callers and links what is durable.
pub(crate) struct ReplicaHerald {
    news: watch::Sender<u64>,
}

impl Herald<Job, Told> for ReplicaHerald {
    fn release(&self, inputs: Vec<Job>, outputs: Vec<Told>) {
        let written = outputs.last().map(|last| last.written);
        for (job, told) in inputs.into_iter().zip(outputs) {
            tell(job, told.answer);
        }
        if let Some(written) = written {
            self.news.send_if_modified(|told| std::mem::replace(told, written) != written);
        }
    }
}

/// The replica as the writer drives it.
pub(crate) struct ReplicaMachine {
    replica: Replica,
    news: watch::Sender<u64>,
}

impl ReplicaMachine {
    pub fn new(replica: Replica, news: watch::Sender<u64>) -> Self {
        Self { replica, news }
    }
}

impl Machine for ReplicaMachine {
    type Input = Job;
    type Output = Told;
    type Herald = ReplicaHerald;

    fn herald(&self) -> ReplicaHerald {
        ReplicaHerald { news: self.news.clone() }
    }

    fn works_alone(&self, job: &Job) -> bool {
        matches!(job.input.command, Command::Rebuild)
    }

    fn handle(&mut self, tx: &mut WriteTx<'_>, inputs: &[Job]) -> Result<Vec<Told>, BatchError> {
        let inputs: Vec<&Input> = inputs.iter().map(|job| &job.input).collect();
        let outcomes = self.replica.handle(tx, &inputs).map_err(batch_error)?;
        let written = self.replica.written();
        let told = |outcome: Result<_, _>| Told { answer: outcome.map_err(Failure::Command), written };
        Ok(outcomes.into_iter().map(told).collect())
    }

    fn dropped(&mut self) {
        self.replica.forget();
    }

    fn refuse(&mut self, job: Job, why: &BatchError) {
        let failure = match why {
            BatchError::Store(error) | BatchError::OutcomeUnknown(error) => Failure::of_store(error),
            BatchError::RowsUnreadable { reason } => Failure::RowsUnreadable(reason.clone()),
            other => Failure::Storage(other.to_string()),
        };
        tell(job, Err(failure));
    }

    fn reload(&mut self, _store: &Snapshot) -> Result<(), StoreError> {
        self.replica.forget();
        Ok(())
    }

    fn settle(&mut self, store: &Snapshot, job: Job, why: &StoreError) {
        let durable = job.input.request.as_ref().map(|request| request_outcome(store, request));
        let answer = match durable {
            Some(Ok(Some(outcome))) => outcome.map_err(Failure::Command),
            Some(Ok(None) | Err(_)) | None => Err(Failure::of_store(why)),
        };
        tell(job, answer);
    }
}

/// A caller that has gone away needs no answer.
fn tell(job: Job, answer: Answer) {
    drop(job.reply.send(answer));
}

fn batch_error(error: ReplicaError) -> BatchError {
    match error {
        ReplicaError::Store(error) | ReplicaError::Scope(ScopeError::Rows(error)) => BatchError::Store(error),
        ReplicaError::Scope(ScopeError::Damaged(error)) => BatchError::RowsUnreadable { reason: error.to_string() },
        other => BatchError::Machine { reason: other.to_string() },
    }
}

fn command_error(error: CommandError, key: &str) -> AppError {
    let invalid = |pointer: String, detail: String, remedy: &str| AppError::field(pointer, detail, remedy);
    match error {
        CommandError::UnknownSku { line, ref sku } => invalid(
            format!("/lines/{line}/sku"),
            format!("no product `{sku}`"),
            "Create the product first or correct the SKU; letter case counts.",
        ),
        CommandError::TooManyBarcodes { .. } => {
            invalid("/barcodes".into(), error.to_string(), "Open another product for further codes.")
        }
        CommandError::UnknownOrder { id } => AppError::NotFound { what: "order", id: id.to_string() },
        CommandError::UnknownCustomer { id } => {
            invalid("/customer".into(), format!("no customer {id}"), "List customers, or give `contact` instead.")
        }
        CommandError::UnknownChannel { name } => AppError::UnknownChannel { channel: name },
        CommandError::OtherHome { name, home } => AppError::OtherHome { channel: name, site: home },
        CommandError::UnknownSite { code } => {
            invalid("/home".into(), format!("no site {code}"), "Give the code of a site of this organisation.")
        }
        CommandError::Exists { what, ref name } => conflict(
            "exists",
            &format!("{what} `{name}` exists already"),
            "Use the existing one, or give another name.",
        ),
        CommandError::OtherCurrency { .. } => {
            invalid("/currency".into(), error.to_string(), "Give the amounts in the organisation's currency.")
        }
        CommandError::RequestReused => AppError::KeyReused { key: key.to_owned() },
        CommandError::ContactTooLong => invalid("/contact".into(), error.to_string(), "Shorten name, address or note."),
        CommandError::TextTooLong { line, field } => {
            let place = line.map_or(String::new(), |line| format!("/lines/{line}"));
            invalid(format!("{place}/{field}"), error.to_string(), "Shorten it.")
        }
        CommandError::NotAdmitted => {
            conflict("not_admitted", &error, "Join the organisation first: `tradepost join TICKET`.")
        }
        CommandError::NotRegistrar => {
            conflict("not_registrar", &error, "Invite at the node that began the organisation.")
        }
        CommandError::NotAllowed { .. } => {
            conflict("not_allowed", &error, "Do it at the site that it concerns, or at head office.")
        }
        CommandError::OtherSite { .. } => conflict("exists", &error, "Give the site's own kind, zone and territory."),
        CommandError::NoLetterLeft { .. } => conflict("no_letter_left", &error, "Open another site."),
        CommandError::Parked { .. } => conflict("parked", &error, "Upgrade this node, then run `tradepost rebuild`."),
        CommandError::OrderTooLarge => {
            invalid("/lines".into(), error.to_string(), "Split the order, or shorten the names.")
        }
        CommandError::Loan(error) => loan_error(&error),
        CommandError::Adopt(error) => adopt_error(&error),
        CommandError::Fulfilment(error) => fulfilment_error(&error),
        CommandError::Rule(rule) => rule_error(&rule),
    }
}

fn conflict(code: &'static str, error: &dyn std::fmt::Display, remedy: &str) -> AppError {
    AppError::Conflict { code, detail: error.to_string(), remedy: remedy.to_owned() }
}

fn loan_error(error: &LoanError) -> AppError {
    match error {
        LoanError::NotKeeper { .. } => {
            conflict("not_keeper", error, "Lend at the till that keeps the site's stock rights.")
        }
        LoanError::NotOfSite { .. } => {
            AppError::field("/holder", error.to_string(), "Name another admitted node of this site.")
        }
        LoanError::NotEnoughRights { .. } => {
            conflict("not_enough_rights", error, "Lend at most the free rights; `stock show` tells them.")
        }
        LoanError::UnknownLoan { loan } => AppError::NotFound { what: "loan", id: loan.to_string() },
        LoanError::NotHolder { .. } => conflict("not_holder", error, "Give it back at the till that holds it."),
        LoanError::MoreThanBalance { .. } => {
            conflict("more_than_balance", error, "Give back at most what is neither promised nor sold.")
        }
    }
}

fn adopt_error(error: &AdoptError) -> AppError {
    match error {
        AdoptError::NotHeadOffice { .. } => {
            conflict("not_head_office", error, "Give the command at a node of head office.")
        }
        AdoptError::UnknownProduct { sku, .. } => AppError::NotFound { what: "product", id: sku.to_string() },
        AdoptError::NoTarget { .. } => {
            AppError::field("/to", error.to_string(), "Name another item that is in the catalogue.")
        }
        AdoptError::TakenOver { .. } => conflict("taken_over", error, "It stays what it was taken over as."),
    }
}

fn fulfilment_error(error: &FulfilmentError) -> AppError {
    match error {
        FulfilmentError::OwnSite { .. } => {
            AppError::field("/from", error.to_string(), "Name another site, or ship with `order ship`.")
        }
        FulfilmentError::Unknown { id } => AppError::NotFound { what: "fulfilment", id: id.to_string() },
        FulfilmentError::OtherShipper { .. } => {
            conflict("other_shipper", error, "Ship it at the site that has the goods.")
        }
        FulfilmentError::HalfMissing { .. } => {
            conflict("half_missing", error, "Exchange with the other nodes (`tradepost sync now`), then repeat it.")
        }
    }
}

fn rule_error(rule: &RuleError) -> AppError {
    let invalid = |pointer: String, remedy: &str| AppError::field(pointer, rule.to_string(), remedy);
    let of_line = |line: &u16, field: &str| format!("/lines/{}{field}", line.saturating_sub(1));
    match rule {
        RuleError::NoLines | RuleError::TooManyLines { .. } => {
            invalid("/lines".into(), "Give 1 to 2,000 lines; split a larger order.")
        }
        RuleError::QuantityNotPositive { line } => invalid(of_line(line, "/quantity"), "Give a quantity above zero."),
        RuleError::PriceNegative { line } => invalid(of_line(line, "/price"), "Give a price of zero or more."),
        RuleError::TotalTooLarge { line } => invalid(of_line(line, ""), "Check quantity and price."),
        RuleError::UnknownLine { .. } => invalid("/lines".into(), "Name a line that the order has."),
        RuleError::MoreThanOpen { .. } => conflict("more_than_open", rule, "Give at most what is open."),
        RuleError::NothingOpen => conflict("nothing_open", rule, "Nothing is left to do."),
        RuleError::IsCancelled => conflict("order_cancelled", rule, "Take a new order."),
        RuleError::Finished => conflict("order_finished", rule, "History is not changed; take a new order."),
    }
}
