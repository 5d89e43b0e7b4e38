//! When everything has healed and nothing is on its way: all holders agree, rows equal rows made anew, the model agrees.

use crdt_model::commit::SignedCommit;
use crdt_model::control::grants::holds;
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use node::replica::Command;
use node::store::{ReadTables, Snapshot, Table};

use super::{Bank, Check, Violation, check_bank, commits_of};
use crate::machine::{Answer, Job, Tag, list, rows_under};
use crate::model::Model;
use crate::node::frontier_of;
use crate::plan::NODES;
use crate::world::World;

/// Tables that equal holders of a scope fill alike.
const SHARED: [Table; 17] = [
    Table::Rows,
    Table::OrdersByRequest,
    Table::OrdersByTime,
    Table::OrdersByStatus,
    Table::OrdersByCustomer,
    Table::OrdersByExternal,
    Table::OrdersByNumber,
    Table::SalesByItem,
    Table::SalesByCountry,
    Table::SalesByCustomer,
    Table::SalesByDay,
    Table::Counters,
    Table::Frontier,
    Table::SetAside,
    Table::FulfilmentsByStatus,
    Table::StockOverLanes,
    Table::CasesAcross,
];

impl World {
    /// Everything that holds at rest.
    pub(crate) fn check_at_rest(&mut self) -> Result<(), Violation> {
        if let Some((many, last)) = self.ledger.open() {
            return Err(Violation::of(Check::Quiet, format!("{many} calls have no answer, the last: {last:?}")));
        }
        let mut snapshots = Vec::new();
        for node in 0..NODES {
            let snapshot = self.nodes[node].snapshot();
            let gone = || Violation::of(Check::Works, format!("node {node} does not run at the end"));
            snapshots.push(snapshot.ok_or_else(gone)?);
        }
        for (node, snapshot) in snapshots.iter().enumerate() {
            self.check_log(node, snapshot)?;
            self.check_granted(node, snapshot)?;
            if !matches!(node, 0 | 2) {
                check_bank(snapshot, &Scope::Site(self.nodes[node].site.clone()), node, Bank::AtRest)?;
            }
        }
        self.check_converged(&snapshots)?;
        for (node, snapshot) in snapshots.iter().enumerate() {
            self.check_model(node, snapshot)?;
        }
        self.check_books(&snapshots[0])?;
        drop(snapshots);
        let some = (self.plan.seed % NODES as u64) as usize;
        self.check_rebuilt(some)
    }

    /// Every log is contiguous, signed, and says under each number what was seen under it.
    fn check_log(&mut self, node: usize, snapshot: &Snapshot) -> Result<(), Violation> {
        for (hash, bytes) in list(snapshot, Table::Commits)? {
            // Equal bytes were verified at the node that was looked at before.
            if !self.verified.insert((hash, *blake3::hash(&bytes).as_bytes())) {
                continue;
            }
            SignedCommit::verify(&bytes)
                .map_err(|error| Violation::of(Check::Signatures, format!("a commit at node {node}: {error}")))?;
        }
        let mut last: std::collections::BTreeMap<_, (u64, _)> = Default::default();
        for (_, entry) in list(snapshot, Table::AuthorLog)? {
            let bytes = snapshot.get(Table::Commits, &entry[..32])?.unwrap_or_default();
            let signed = SignedCommit::decode_trusted(&bytes).map_err(|error| {
                Violation::of(Check::Sequence, format!("a commit of a log at node {node}: {error}"))
            })?;
            let commit = signed.commit();
            let known = self.numbers.entry((commit.author, commit.scope.clone(), commit.seq)).or_insert(signed.hash());
            let before = last.insert((commit.author, commit.scope.clone()), (commit.seq, signed.hash()));
            let (seq, hash) = before.unwrap_or((0, crdt_model::id::CommitHash::ZERO));
            if *known != signed.hash() || commit.seq != seq + 1 || commit.prev != hash {
                let detail = format!("commit {} of {} in {} at node {node}", commit.seq, commit.author, commit.scope);
                return Err(Violation::of(Check::Sequence, detail));
            }
        }
        Ok(())
    }

    fn check_granted(&self, node: usize, snapshot: &Snapshot) -> Result<(), Violation> {
        let site = &self.nodes[node].site;
        for (scope, _) in frontier_of(snapshot).into_keys() {
            if !holds(&self.nodes[0].control, site, &scope) {
                return Err(Violation::of(Check::Granted, format!("node {node} of {site} holds {scope}")));
            }
        }
        Ok(())
    }

    fn check_converged(&mut self, snapshots: &[Snapshot]) -> Result<(), Violation> {
        let mut scopes: Vec<Scope> = frontier_of(&snapshots[0]).into_keys().map(|(scope, _)| scope).collect();
        scopes.dedup();
        for scope in scopes {
            let mut first: Option<usize> = None;
            for node in 0..NODES {
                if !holds(&self.nodes[0].control, &self.nodes[node].site, &scope) {
                    continue;
                }
                let one = *first.get_or_insert(node);
                for table in SHARED {
                    let prefix = RowKey::of(&scope).into_bytes();
                    let (ours, theirs) =
                        (rows_under(&snapshots[one], table, &prefix)?, rows_under(&snapshots[node], table, &prefix)?);
                    if ours != theirs {
                        let detail = format!(
                            "{} of {scope}: {} rows at node {one}, {} at node {node}",
                            table.name(),
                            ours.len(),
                            theirs.len()
                        );
                        return Err(Violation::of(Check::Converged, detail));
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows kept up to date equal rows made anew.
    fn check_rebuilt(&mut self, node: usize) -> Result<(), Violation> {
        let dump = |world: &Self| -> Result<Vec<_>, Violation> {
            let snapshot = world.nodes[node].snapshot();
            let gone = || Violation::of(Check::Works, format!("node {node} does not run at the end"));
            let snapshot = snapshot.ok_or_else(gone)?;
            SHARED.iter().map(|table| Ok((table.name(), list(&snapshot, *table)?))).collect()
        };
        let before = dump(self)?;
        let input = self.nodes[node].input(self.now, Command::Rebuild);
        let answers = self.nodes[node].process(vec![Job { tag: Tag::Duty, input }]);
        if !matches!(answers.first(), Some((_, Answer::Done(_)))) {
            return Err(Violation::of(Check::Works, format!("node {node} cannot rebuild: {answers:?}")));
        }
        for ((table, was), (_, is)) in before.into_iter().zip(dump(self)?) {
            if was != is {
                let detail = format!("{table} of node {node}: {} rows, {} made anew", was.len(), is.len());
                return Err(Violation::of(Check::Rebuilt, detail));
            }
        }
        Ok(())
    }

    /// The naive model says the same of what a node holds.
    pub(crate) fn check_model(&self, node: usize, snapshot: &Snapshot) -> Result<(), Violation> {
        let commits = commits_of(snapshot, None).map_err(|error| Violation::of(Check::Works, error))?;
        let model = Model::of(&commits, &self.nodes[node].control);
        model
            .compare(snapshot, &self.nodes[node].site)
            .map_err(|why| Violation::of(Check::Model, format!("node {node}: {why}")))
    }
}
