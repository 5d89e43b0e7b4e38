//! What the node holds, and the rebuild of its views.
//!
//! Invariant: equal rows give equal digests. Proved by `equal_imports_give_equal_content_digests` in `tests/`.

use crdt_model::rows::{Counter, RowKey};

use super::digest::{content_digest, state_digest};
use super::error::AppError;
use super::model::{ContentDigest, RebuildView, Request, ScopeStatus, StatusView};
use super::{App, read, storage};
use crate::replica::{Command, Outcome};
use crate::store::{ReadTables, Table};

/// Hexadecimal digits of an author's short name.
const SHORT_NAME_DIGITS: usize = 10;

impl App {
    /// The node's state; with the content digest it reads everything.
    pub fn status(&self, digest: ContentDigest) -> Result<StatusView, AppError> {
        let snapshot = self.snapshot()?;
        let control = read::control(&snapshot)?;
        let facts = self.facts();
        let mut scopes = Vec::new();
        let mut cases_open = 0;
        for scope in read::scopes(&snapshot)? {
            cases_open += read::counter(&snapshot, &scope, Counter::Cases)?;
            scopes.push(ScopeStatus {
                documents: read::counter(&snapshot, &scope, Counter::Documents)?,
                orders: read::counter(&snapshot, &scope, Counter::Orders)?,
                commits: read::commits(&snapshot, &scope)?,
                digest: state_digest(&snapshot, RowKey::of(&scope).as_bytes())?,
                scope,
            });
        }
        let site = control.sites.get(&facts.site);
        let genesis = control.genesis.as_ref();
        let content_digest = match digest {
            ContentDigest::Wanted => Some(content_digest(&snapshot, facts.org)?),
            ContentDigest::Unwanted => None,
        };
        let set_aside = snapshot.count(Table::SetAside).map_err(storage)?;
        let parked = snapshot.count(Table::Parked).map_err(storage)?;
        Ok(StatusView {
            org: facts.org,
            org_name: genesis.map(|genesis| genesis.name.clone()).unwrap_or_default(),
            site: facts.site.clone(),
            site_kind: site.map_or("", |site| site.kind.name()).to_owned(),
            zone: site.map(|site| site.zone.clone()).unwrap_or_default(),
            currency: facts.currency,
            node: facts.author.to_string()[..SHORT_NAME_DIGITS].to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            url: self.inner.url.get().cloned(),
            commits: scopes.iter().map(|scope| scope.commits).sum(),
            orders: scopes.iter().map(|scope| scope.orders).sum(),
            cases_open,
            set_aside,
            alerts: self.ticket_alerts()?.len() as u64,
            parked,
            scopes,
            content_digest,
        })
    }

    /// Makes every folded row anew from the commits.
    pub async fn rebuild(&self, request: Request) -> Result<RebuildView, AppError> {
        match self.write(&request, Command::Rebuild).await? {
            Outcome::Rebuilt { documents, scopes, commits } => Ok(RebuildView { documents, scopes, commits }),
            _other => Err(AppError::Storage("the rebuild was answered with another outcome".to_owned())),
        }
    }
}
