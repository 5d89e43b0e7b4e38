//! The replica: the state machine that turns commands into signed, durable commits and folded rows.
//!
//! Sans-IO: one `handle` takes inputs with their times and one write transaction, and gives outcomes that may be told
//! only after that transaction is durable (`store::Writer` does both). Keys, session and random bytes come in at the
//! start. `batch` is the write-back view of the transaction, `log` writes commits, `documents` opens and changes
//! documents, the other files hold one family of commands each.
//!
//! Invariants: the own log of a scope is contiguous and never forks within a session; after a dropped transaction all
//! memory is read again from the store; views after any history equal a rebuild. Proved by
//! `the_own_log_is_contiguous_after_dropped_batches` and `views_equal_a_rebuild_from_commits`.

mod admit;
mod adopt;
mod authors;
pub(crate) mod batch;
mod catalogue;
mod command;
mod documents;
mod drafts;
mod drawn;
mod frontier;
mod fulfilments;
mod genesis;
mod history;
mod import;
mod judge;
mod loans;
mod local;
mod log;
mod orders;
mod parked;
mod parts;
mod random;
mod rebuild;
mod receive;
mod request_index;
mod stock;
mod stored;
mod taking;
mod waiting;

pub use admit::Admission;
pub use adopt::AdoptError;
pub use authors::event_authors;
pub use command::{
    Command, CommandError, CustomerDraft, ImportCounts, ImportLine, ImportOrder, Input, LineDraft, Now, OrderDraft,
    Outcome, PaymentDraft, ProductDraft, ProductEdit, RefillCounts, RequestKey, StockKind,
};
pub use documents::references;
pub use fulfilments::{FulfilmentError, Sending};
pub use genesis::{GenesisDraft, write_genesis};
pub use import::{IMPORT_ORDERS_MAX, KnownProduct, Writable, customer_id, import_identity, known_product};
pub use loans::LoanError;
pub use local::{LocalChange, LocalTable};
pub use log::{Identity, ReplicaError};
pub use rebuild::rebuild_control;
pub use receive::{Arrival, Received, Refusal};
pub use request_index::request_outcome;
pub use stored::{CommitState, decode_reason};

use std::collections::{BTreeSet, HashMap, HashSet};

use crdt_model::commit::{COMMIT_DEPS_MAX, CONTROL_HEADS_MAX};
use crdt_model::control::capability::may_see;
use crdt_model::control::history::ControlHistory;
use crdt_model::control::state::Control;
use crdt_model::document::held::Origin;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{DocumentId, EventId, EventKey, RequestId, TransactionId, actor_of};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::{Hlc, Timestamp};

use crate::store::WriteTx;
use batch::Batch;
use documents::DocumentCache;
use frontier::Logs;
use history::Views;
use local::remember;
use random::Random;
use waiting::Waiting;

/// Items and customers remembered as existing; past it the memory starts anew.
const KNOWN_MAX: usize = 200_000;

/// One node's state machine.
pub struct Replica {
    identity: Identity,
    actor: [u8; 16],
    random: Random,
    memory: Option<Memory>,
    documents: DocumentCache,
    waiting: Waiting,
    written: u64,
}

/// What is remembered of the store between batches; dropped with a dropped transaction.
struct Memory {
    control: Control,
    logs: Logs,
    history: ControlHistory,
    views: Views,
    parked: BTreeSet<(Scope, DocumentId)>,
    hlc: Hlc,
    orders_numbered: u64,
    device_letter: String,
    journal: Option<OpenJournal>,
    /// Items and customers that exist, and names of products: looked up only, so their order shows nowhere.
    known: HashSet<DocumentId>,
    names: HashMap<DocumentId, Text>,
    /// Which commits made loans; looked up only.
    loans: HashMap<EventId, Origin>,
}

/// The journal of this session that still takes events.
struct OpenJournal {
    id: DocumentId,
    events: usize,
}

impl Replica {
    /// Starts a session; `seed` is 32 random bytes.
    pub fn new(identity: Identity, seed: [u8; 32]) -> Self {
        let actor = actor_of(&identity.author_id(), &identity.session);
        Self {
            identity,
            actor,
            random: Random::new(seed),
            memory: None,
            documents: DocumentCache::new(),
            waiting: Waiting::default(),
            written: 0,
        }
    }

    /// Handles inputs in order within one transaction; what it returns may be told after the commit.
    pub fn handle(
        &mut self,
        tx: &mut WriteTx<'_>,
        inputs: &[&Input],
    ) -> Result<Vec<Result<Outcome, CommandError>>, ReplicaError> {
        let mut batch = Batch::new(tx);
        if self.memory.is_none() {
            self.load(&batch)?;
            self.retry_parked(&mut batch)?;
        }
        let outcomes = inputs.iter().map(|input| self.handle_one(&mut batch, input)).collect::<Result<Vec<_>, _>>()?;
        batch.flush()?;
        Ok(outcomes)
    }

    /// Commits and keys written since the start, those of dropped transactions too: it rises with every new one.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Forgets everything that a dropped transaction may have put into memory.
    pub fn forget(&mut self) {
        self.memory = None;
        self.documents.clear();
        self.waiting = Waiting::default();
    }

    fn handle_one(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
    ) -> Result<Result<Outcome, CommandError>, ReplicaError> {
        if let Some(request) = &input.request
            && let Some(answer) = request_index::replay(batch, request)?
        {
            return Ok(answer);
        }
        let outcome = match self.execute(batch, input) {
            Ok(outcome) => outcome,
            Err(Stop::Refused(error)) => return Ok(Err(error)),
            Err(Stop::Failed(error)) => return Err(error),
        };
        if let Some(request) = &input.request {
            request_index::remember(batch, request, &outcome)?;
        }
        Ok(Ok(outcome))
    }

    fn execute(&mut self, batch: &mut Batch<'_, '_>, input: &Input) -> Result<Outcome, Stop> {
        match &input.command {
            Command::Receive(_) | Command::Remember(_) | Command::Rebuild => {}
            _own_commands => self.prepare(batch, input.now.at)?,
        }
        match &input.command {
            Command::PlaceOrder(draft) => self.place_order(batch, input, draft),
            Command::ConfirmOrder { scope, id } => self.confirm_order(batch, input, scope, *id),
            Command::ShipOrder { scope, id, lines } => self.ship_order(batch, input, scope, *id, lines.as_deref()),
            Command::CancelOrder { scope, id, lines, reason } => {
                self.cancel_order(batch, input, scope, *id, lines.as_deref(), reason.clone())
            }
            Command::SendOrder(sending) => self.send_order(batch, input, sending),
            Command::ShipFulfilment { scope, id, lines, reference } => {
                self.ship_fulfilment(batch, input, (scope, *id), lines.as_deref(), reference.clone())
            }
            Command::CancelFulfilment { scope, id, lines, reason } => {
                self.cancel_fulfilment(batch, input, (scope, *id), lines.as_deref(), reason.clone())
            }
            Command::PostProduct(draft) => self.post_product(batch, input, draft),
            Command::EditProduct(edit) => self.edit_product(batch, input, edit),
            Command::AdoptProduct { sku, site, alias_of } => {
                self.adopt_product(batch, input, (sku, site), alias_of.as_ref())
            }
            Command::PostCustomer(draft) => self.post_customer(batch, input, draft),
            Command::AddChannel(channel) => self.add_channel(batch, input, channel),
            Command::RecordStock { kind, sku, quantity, reference, reason } => {
                self.record_stock(batch, input, *kind, sku, *quantity, (reference.clone(), reason.clone()))
            }
            Command::LendStock { sku, quantity, holder } => self.lend_stock(batch, input, sku, *quantity, *holder),
            Command::ReturnLoan { loan, quantity } => self.return_loan(batch, input, *loan, *quantity),
            Command::Refill => self.refill(batch, input),
            Command::ImportOrders(orders) => self.import_orders(batch, input, orders),
            Command::ImportProducts(products) => self.import_products(batch, input, products),
            Command::StartImport { id } => Ok(Outcome::Import { id: *id }),
            Command::Rebuild => self.rebuild(batch),
            Command::Receive(arrival) => self.receive(batch, input.now.at, arrival),
            Command::Admit(admission) => self.admit(batch, input, admission),
            Command::Remember(changes) => Ok(remember(batch, changes)),
        }
    }

    /// A member may write; what it has seen of more authors than one commit names is written down first.
    fn prepare(&mut self, batch: &mut Batch<'_, '_>, at: Timestamp) -> Result<(), Stop> {
        let author = self.identity.author_id();
        if !self.control().members.contains_key(&author) {
            return Err(CommandError::NotAdmitted.into());
        }
        let joins = self.memory().history.heads().len() > CONTROL_HEADS_MAX / 2;
        let mut crowded = Vec::new();
        for (scope, log) in &self.memory().logs {
            let joined = joins && *scope == Scope::Control;
            if log.heads.len() > COMMIT_DEPS_MAX || joined {
                let unseen = log.unseen(&author);
                if unseen.len() > COMMIT_DEPS_MAX || joined {
                    crowded.push((scope.clone(), unseen));
                }
            }
        }
        for (scope, unseen) in crowded {
            if may_see(self.control(), &author, &scope).is_err() {
                continue;
            }
            for deps in unseen.chunks(COMMIT_DEPS_MAX) {
                let draft = self.draft(scope.clone(), RequestId::ZERO, TransactionId::ZERO);
                self.sign(batch, draft, deps.to_vec(), at)?;
            }
        }
        Ok(())
    }

    fn memory(&mut self) -> &mut Memory {
        self.memory.as_mut().expect("invariant: handle() loads the memory before it executes a command")
    }

    fn control(&self) -> &Control {
        &self.memory.as_ref().expect("invariant: handle() loads the memory before it executes a command").control
    }

    fn site_scope(&self) -> Scope {
        Scope::Site(self.identity.site.clone())
    }

    fn customers_scope(&self) -> Scope {
        let territory = self.control().sites.get(&self.identity.site).map(|site| site.territory.clone());
        Scope::Customers(territory.unwrap_or_else(|| self.identity.site.clone()))
    }

    /// The keeper epoch of this site, and whether this author is its keeper.
    fn keeping(&self) -> (u32, Keeping) {
        let site: &SiteCode = &self.identity.site;
        let epoch = self.control().epoch(site);
        let keeper = self.control().keeper(site, epoch) == Some(self.identity.author_id());
        (epoch, if keeper { Keeping::Mine } else { Keeping::Others })
    }
}

/// Who keeps the rights of this site.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// This author.
    Mine,
    /// Another one, or nobody.
    Others,
}

/// Why a command ended early.
enum Stop {
    /// By a rule: nothing was written.
    Refused(CommandError),
    /// By the machine: the transaction is dropped.
    Failed(ReplicaError),
}

impl<E: Into<ReplicaError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

/// An event with the key that it is written under.
type KeyedEvent = (EventKey, crdt_model::event::Event);

/// A document's row after a change.
type NewRow = (DocumentId, Option<DocumentRow>);

#[cfg(test)]
pub(crate) mod tests {
    mod adopt;
    mod batch;
    mod converge;
    mod fulfilments;
    mod import;
    mod limits;
    mod loans;
    mod log;
    pub(crate) mod network;
    mod orders;
    mod random;
    mod rebuild;
    mod receive;
    mod requests;
    mod stock;
    pub(crate) mod world;
}
