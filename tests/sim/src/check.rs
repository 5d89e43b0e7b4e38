//! The promises, looked at from outside: after each answer, each batch, each start, and when everything is at rest.
//!
//! Invariants: a check reads stores and the callers' books alone; it knows nothing of the code that it checks. Each is
//! proved to bite by a seeded bug (`bugs`).

mod books;
mod rest;

use std::collections::BTreeMap;

use crdt_model::commit::SignedCommit;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{AuthorId, request_of};
use crdt_model::rows::{RowKey, RowKind};
use crdt_model::scope::Scope;
use crdt_model::stock::StockRow;
use crdt_model::stock::loan::LoanRow;
use node::replica::{Command, Outcome, RequestKey, request_outcome};
use node::store::{ReadTables, Snapshot, StoreError, Table};

use crate::machine::{document, list, rows_in, rows_under};
use crate::node::Frontier;
use crate::world::World;

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// What was acknowledged is on disk after any cut, and a node recovers without help.
    Durable,
    /// A peer is told of what is on disk, and of nothing else.
    PeerHas,
    /// An author's log is contiguous, and a number is used once.
    Sequence,
    /// What a node has shown it goes on showing.
    Monotone,
    /// One request is one order; one number of a channel counts once.
    Twice,
    /// What a caller asked for is what happened, to the unit and the cent.
    Effect,
    /// Promises never pass the rights, nor rights the goods without a case.
    Rights,
    /// At rest all holders of a scope have the same commits, rows, marks and cases.
    Converged,
    /// Rows kept up to date equal rows made anew.
    Rebuilt,
    /// The naive model says the same.
    Model,
    /// Every stored commit carries its author's signature.
    Signatures,
    /// A node holds the scopes that its site may hold.
    Granted,
    /// Queues and memory have bounds.
    Bounded,
    /// The cluster comes to rest.
    Quiet,
    /// Nothing panics, refuses honest input or stops.
    Works,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub check: Check,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    /// A broken promise.
    pub fn of(check: Check, detail: String) -> Self {
        Self { check, detail }
    }
}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self::of(Check::Works, format!("a check could not read: {error}"))
    }
}

/// Every commit of a store, or of one scope, in the order of arrival.
///
/// # Errors
/// What could not be read.
pub fn commits_of(snapshot: &Snapshot, scope: Option<&Scope>) -> Result<Vec<SignedCommit>, String> {
    let prefix = scope.map(|scope| RowKey::of(scope).into_bytes()).unwrap_or_default();
    let order = list(snapshot, Table::CommitOrder).map_err(|error| error.to_string())?;
    let mut commits = Vec::new();
    for (_, hash) in order.into_iter().filter(|(key, _)| key.starts_with(&prefix)) {
        let bytes = snapshot.get(Table::Commits, &hash).map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or_else(|| "a commit of the order is not stored".to_owned())?;
        commits.push(SignedCommit::decode_trusted(&bytes).map_err(|error| error.to_string())?);
    }
    Ok(commits)
}

impl World {
    /// Runs a check of a node while its disk spares it.
    pub(crate) fn spared<R>(&mut self, node: usize, check: impl FnOnce(&mut Self) -> R) -> R {
        let disk = self.nodes[node].disk.clone();
        disk.spare(true);
        let result = check(self);
        disk.spare(false);
        result
    }

    /// A caller got a yes: the node shows it what it asked for.
    pub(crate) fn check_answer(&mut self, node: usize, call: usize, outcome: &Outcome) -> Result<(), Violation> {
        let Some(snapshot) = self.nodes[node].snapshot() else { return Ok(()) };
        match (&self.ledger.calls[call].command, outcome) {
            (Command::PlaceOrder(draft), Outcome::Order { scope, id }) => {
                let Some(DocumentRow::Order(order)) = document(&snapshot, scope, *id)? else {
                    return Err(Violation::of(Check::Durable, format!("order {id} was acknowledged and is not there")));
                };
                let asked = draft.lines.iter().map(|line| (line.sku.clone(), line.quantity, line.price));
                let there = order.lines.iter().map(|line| (line.sku.clone(), line.quantity, line.price));
                if !asked.eq(there) {
                    return Err(Violation::of(
                        Check::Effect,
                        format!("order {id} is not what was asked for: {order:?}"),
                    ));
                }
            }
            (Command::CancelOrder { scope, id, lines: Some(lines), .. }, _) => {
                let Some(DocumentRow::Order(order)) = document(&snapshot, scope, *id)? else { return Ok(()) };
                for wish in lines {
                    let Some(line) = order.lines.get(usize::from(wish.line) - 1) else { continue };
                    let asked = line.cancel_asked + if order.sent.is_empty() { 0 } else { line.ordered() };
                    if asked < i128::from(wish.quantity.thousandths()) {
                        return Err(Violation::of(Check::Effect, format!("the cancel of order {id} is not there")));
                    }
                }
            }
            (_, _) => {}
        }
        Ok(())
    }

    /// What holds after every batch that wrote something.
    pub(crate) fn check_after_batch(&mut self, node: usize) -> Result<(), Violation> {
        let Some(snapshot) = self.nodes[node].snapshot() else { return Ok(()) };
        let frontier = crate::node::frontier_of(&snapshot);
        self.check_frontier(node, frontier)?;
        let own = Scope::Site(self.nodes[node].site.clone());
        check_bank(&snapshot, &own, node, Bank::Moving)?;
        if self.checks.one_in(400) {
            self.check_surely(node)?;
        }
        if self.checks.one_in(600) {
            self.check_model(node, &snapshot)?;
        }
        Ok(())
    }

    /// Nothing that was held is gone, and no number means two commits.
    fn check_frontier(&mut self, node: usize, frontier: Frontier) -> Result<(), Violation> {
        for (key, head) in &self.seen[node] {
            if frontier.get(key).is_none_or(|now| now.seq < head.seq) {
                let check = if key.1 == self.nodes[node].author() { Check::Sequence } else { Check::Durable };
                return Err(Violation::of(check, format!("node {node} had {} of {key:?} and has less", head.seq)));
            }
        }
        for ((scope, author), head) in &frontier {
            let known = self.numbers.entry((*author, scope.clone(), head.seq)).or_insert(head.hash);
            if *known != head.hash {
                let detail = format!("commit {} of {author} in {scope} is two commits", head.seq);
                return Err(Violation::of(Check::Sequence, detail));
            }
        }
        self.seen[node] = frontier;
        Ok(())
    }

    /// What a node acknowledged is on its disk as a cut at this moment would leave it.
    fn check_surely(&mut self, node: usize) -> Result<(), Violation> {
        let bytes = self.nodes[node].disk.surely();
        let disk = crate::disk::Disk::holding(bytes, crate::disk::Syncs::Honest);
        let opened = node::store::Store::open(move || Ok(Box::new(disk.clone())), node::store::StoreConfig::default());
        let store =
            opened.map_err(|error| Violation::of(Check::Durable, format!("a cut now breaks node {node}: {error}")))?;
        self.check_acknowledged(node, &store.read()?)
    }

    fn check_acknowledged(&self, node: usize, snapshot: &Snapshot) -> Result<(), Violation> {
        if self.bug == Some(crate::bugs::Bug::RetryWithoutKey) {
            return Ok(());
        }
        for call in self.acknowledged[node].iter().rev().take(300) {
            let key = format!("call {call}");
            let request =
                RequestKey { id: request_of(b"till", &key), body_hash: *blake3::hash(key.as_bytes()).as_bytes() };
            let is_kept = !matches!(self.ledger.calls[*call].command, Command::ImportOrders(_));
            let kept = request_outcome(snapshot, &request);
            if is_kept && !matches!(kept, Ok(Some(Ok(_)))) {
                let what = &self.ledger.calls[*call].command;
                let detail = format!("node {node} acknowledged call {call} and has {kept:?}: {what:?}");
                return Err(Violation::of(Check::Durable, detail));
            }
        }
        Ok(())
    }

    /// What holds when a node starts again: nothing durable is gone.
    pub(crate) fn check_after_start(&mut self, node: usize) -> Result<(), Violation> {
        if self.nodes[node].is_meeting {
            return Ok(());
        }
        let Some(snapshot) = self.nodes[node].snapshot() else { return Ok(()) };
        let frontier = crate::node::frontier_of(&snapshot);
        for (key, seq) in &self.told[node] {
            if frontier.get(key).is_none_or(|head| head.seq < *seq) {
                let detail = format!("node {node} told a peer that it has {seq} of {key:?} and has less");
                return Err(Violation::of(Check::PeerHas, detail));
            }
        }
        self.check_acknowledged(node, &snapshot)?;
        self.check_frontier(node, frontier)
    }

    /// A session says that its peer has something on disk.
    pub(crate) fn check_peer_has(&mut self, peer: usize, key: (Scope, AuthorId), seq: u64) -> Result<(), Violation> {
        if self.nodes[peer].is_meeting {
            return Ok(());
        }
        if let Some(snapshot) = self.nodes[peer].snapshot() {
            let held = crate::node::frontier_of(&snapshot).get(&key).map_or(0, |head| head.seq);
            if held < seq {
                let detail = format!("node {peer} is said to have {seq} of {key:?} and has {held}");
                return Err(Violation::of(Check::PeerHas, detail));
            }
        }
        let told = self.told[peer].entry(key).or_default();
        *told = (*told).max(seq);
        Ok(())
    }
}

/// Whether rights may be on their way back from a lane where a promise ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bank {
    /// The keeper may have some to book.
    Moving,
    /// It has booked everything.
    AtRest,
}

/// Promises with rights plus free rights plus loans plus what is spent are the rights made less those taken, and what is
/// lent is what the loans say.
pub(crate) fn check_bank(snapshot: &Snapshot, scope: &Scope, node: usize, bank: Bank) -> Result<(), Violation> {
    let mut balances: BTreeMap<Vec<u8>, i128> = BTreeMap::new();
    for (key, value) in rows_in(snapshot, scope, RowKind::Loan)? {
        let row = LoanRow::decode(&value).map_err(|error| Violation::of(Check::Works, error.to_string()))?;
        let balance = row.quantity() - row.returned - row.secured - row.spent;
        if balance < 0 {
            let detail = format!("a loan of {} at node {node} is overdrawn by {}", row.sku, -balance);
            return Err(Violation::of(Check::Rights, detail));
        }
        *balances.entry(key[key.len() - 16..].to_vec()).or_default() += balance;
    }
    for (key, value) in rows_in(snapshot, scope, RowKind::Stock)? {
        let row = StockRow::decode(&value).map_err(|error| Violation::of(Check::Works, error.to_string()))?;
        let lent = balances.get(&key[key.len() - 16..]).copied().unwrap_or_default();
        let mut row = row;
        let over_lanes = RowKey::of(scope).fixed(&key[key.len() - 16..]);
        if let Some(more) = snapshot.get(Table::StockOverLanes, over_lanes.as_bytes())? {
            let more = StockRow::decode(&more).map_err(|error| Violation::of(Check::Works, error.to_string()))?;
            row.sums.add(&more.sums);
        }
        let free: i128 = row.sums.rights.values().map(crdt_model::stock::Rights::free).sum();
        let (held, made) = (row.sums.secured + row.sums.spent + lent + free, row.sums.minted() - row.sums.burned());
        if held > made || (bank == Bank::AtRest && held < made) {
            let detail = format!("the rights of {} at node {node} do not add up: lent {lent}, {:?}", row.sku, row.sums);
            return Err(Violation::of(Check::Rights, detail));
        }
        if row.sums.promises_uncovered() {
            check_has_case(snapshot, scope, &row, node)?;
        }
    }
    Ok(())
}

/// Promises that pass the goods show as a case.
fn check_has_case(snapshot: &Snapshot, scope: &Scope, row: &StockRow, node: usize) -> Result<(), Violation> {
    let mut cases = rows_in(snapshot, scope, RowKind::Case)?;
    cases.extend(rows_under(snapshot, Table::CasesAcross, RowKey::of(scope).as_bytes())?);
    let is_told =
        cases.iter().any(|(_, value)| crdt_model::case::CaseRow::decode(value).is_ok_and(|case| case.label == row.sku));
    if is_told {
        return Ok(());
    }
    let detail =
        format!("{} at node {node}: {} promised, {} there, and no case", row.sku, row.sums.secured, row.sums.on_hand);
    Err(Violation::of(Check::Rights, detail))
}

/// Units of an item at a site as a node's rows say, in thousandths.
///
/// # Errors
/// If a row cannot be read.
pub fn units_at(snapshot: &Snapshot, site: &crdt_model::scope::SiteCode, sku: &str) -> Result<i128, Violation> {
    books::on_hand(snapshot, site, sku)
}
