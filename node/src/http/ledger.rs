//! The ledger of an item over HTTP.
//!
//! Invariant: a movement is written as the contract says. Proved by `a_movement_is_written_as_the_contract_says`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use crdt_model::stock::movement::Account;

use super::check::Errors;
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, read};
use super::page::{PageBody, PageParameters};
use crate::app::App;
use crate::app::model::{LedgerEntry, LedgerSubject};

/// Hexadecimal digits of an author's short name.
const SHORT_NAME_DIGITS: usize = 10;

/// A movement of an item; quantities are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementBody {
    /// `opening`, `receipt`, `adjustment`, `sale`, `shipment`, `reservation`, `release`, `cancellation`, `loan` or
    /// `loan_return`.
    kind: &'static str,
    /// What it changes: goods `on_hand`, what is `promised`, or what is `lent`.
    account: &'static str,
    /// Its signed change.
    quantity: String,
    /// Goods on hand at the site after it; null where it cannot be told.
    on_hand: Option<String>,
    /// The site whose shelf it is.
    site: String,
    /// The node that wrote it.
    node: Option<String>,
    /// The order that it belongs to.
    order: Option<String>,
    /// The fulfilment that it belongs to.
    fulfilment: Option<String>,
    /// The order's number, or a paper.
    reference: Option<String>,
    /// Why, in words.
    reason: Option<String>,
    /// RFC 3339, by the clock of the node that wrote it.
    at: String,
}

impl From<LedgerEntry> for MovementBody {
    fn from(entry: LedgerEntry) -> Self {
        let (order, fulfilment) = match entry.subject {
            LedgerSubject::Order(id) => (Some(id.to_string()), None),
            LedgerSubject::Fulfilment(id) => (None, Some(id.to_string())),
            LedgerSubject::Stock => (None, None),
        };
        Self {
            kind: entry.kind.name(),
            account: match entry.kind.account() {
                Account::OnHand => "on_hand",
                Account::Promised => "promised",
                Account::Lent => "lent",
            },
            quantity: entry.quantity.to_string(),
            on_hand: entry.on_hand.map(|on_hand| on_hand.to_string()),
            site: entry.site.to_string(),
            node: entry.node.map(|node| node.to_string()[..SHORT_NAME_DIGITS].to_owned()),
            order,
            fulfilment,
            reference: entry.reference.map(|reference| reference.to_string()),
            reason: entry.reason.map(|reason| reason.to_string()),
            at: entry.time.rfc3339(),
        }
    }
}

/// Lists the movements of an item at this node's scopes, newest first.
#[utoipa::path(get, path = "/api/v1/stock/{sku}/ledger", tag = "stock",
    params(("sku" = String, Path), PageParameters), responses(
    (status = 200, description = "Done.", body = PageBody<MovementBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn stock_ledger(
    State(app): State<App>,
    Path(sku): Path<String>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Json<PageBody<MovementBody>>, Problem> {
    let mut errors = Errors::default();
    let page = errors.page(parameters.limit.as_deref(), parameters.cursor);
    let page = errors.finish(page)?;
    let page = read(move || app.stock_ledger(&sku, page)).await?;
    Ok(Json(PageBody::of(page, MovementBody::from)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::id::{AuthorId, DocumentId};
    use crdt_model::scope::SiteCode;
    use crdt_model::stock::movement::MovementKind;
    use crdt_model::text::Text;
    use serde_json::json;

    use super::*;
    use crate::app::model::QuantitySum;
    use crate::http::tests::world::sample_stock;

    #[test]
    fn a_movement_is_written_as_the_contract_says() {
        let entry = LedgerEntry {
            kind: MovementKind::Sale,
            subject: LedgerSubject::Order(DocumentId([1; 16])),
            quantity: QuantitySum(-2_500),
            on_hand: Some(QuantitySum(7_500)),
            site: SiteCode::new("SH01").unwrap(),
            node: Some(AuthorId([0xab; 32])),
            reference: Text::new("SH01-A-000007").ok(),
            reason: None,
            time: sample_stock().as_of,
        };
        let opening = LedgerEntry {
            kind: MovementKind::Opening,
            subject: LedgerSubject::Stock,
            on_hand: None,
            node: None,
            ..entry.clone()
        };
        assert_eq!(
            serde_json::to_value(MovementBody::from(entry)).unwrap(),
            json!({"kind": "sale", "account": "on_hand", "quantity": "-2.5", "on_hand": "7.5", "site": "SH01",
                "node": "ababababab", "order": "01".repeat(16), "fulfilment": null, "reference": "SH01-A-000007",
                "reason": null, "at": "2010-12-01T08:26:00+00:00"})
        );
        let opening = serde_json::to_value(MovementBody::from(opening)).unwrap();
        assert_eq!((&opening["order"], &opening["on_hand"]), (&json!(null), &json!(null)));
    }
}
