//! Search over HTTP.
//!
//! Invariant: a question has at most 200 bytes. Proved by `a_question_at_its_limit_is_answered_and_one_byte_more_is_not`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, read};
use crate::app::App;
use crate::app::search::{Hit, Hits};
use crate::search::{HITS_MAX, Kind};

/// Hits of each kind where no number is asked for.
const HITS: usize = 10;

/// What to look for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParameters {
    /// Name, pinyin, initials, SKU, bar code, tail of a phone number, order number; 1 to 200 bytes.
    q: Option<String>,
    /// Hits of each kind, 1 to 50; 10 where it is left out.
    limit: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchBody {
    /// The nearest products, then customers, then orders.
    items: Vec<HitBody>,
    /// Whether the search has only begun to read: there may be more in a moment.
    building: bool,
}

/// One hit.
#[derive(Debug, Serialize, ToSchema)]
pub struct HitBody {
    /// `product`, `customer` or `order`.
    kind: &'static str,
    /// What it is called up by: SKU, customer id or order number.
    id: String,
    /// What people call it.
    label: String,
}

impl From<Hit> for HitBody {
    fn from(hit: Hit) -> Self {
        let (kind, id, label) = match hit {
            Hit::Product(product) => (Kind::Product, product.sku.to_string(), product.name.to_string()),
            Hit::Customer(customer) => {
                let name = customer.name.map(|name| name.to_string()).unwrap_or_default();
                (Kind::Customer, customer.id.to_string(), name)
            }
            Hit::Order(order) => (Kind::Order, order.number.clone(), order.number),
        };
        Self { kind: kind.word(), id, label }
    }
}

impl From<Hits> for SearchBody {
    fn from(hits: Hits) -> Self {
        Self { items: hits.hits.into_iter().map(HitBody::from).collect(), building: hits.is_building }
    }
}

/// Finds products, customers and orders by any of their texts.
#[utoipa::path(get, path = "/api/v1/search", tag = "node", params(SearchParameters), responses(
    (status = 200, description = "Done.", body = SearchBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn search(
    State(app): State<App>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Result<Json<SearchBody>, Problem> {
    let mut errors = Errors::default();
    let limit = parameters.limit.map(|limit| limit.parse().ok().filter(|limit| (1..=HITS_MAX).contains(limit)));
    if limit == Some(None) {
        let range = format!("a number from 1 to {HITS_MAX}");
        errors.add(At::Field("limit"), format!("it is not {range}"), format!("Give {range}, or leave it out."));
    }
    let limit = errors.finish(limit)?.flatten().unwrap_or(HITS);
    let question = parameters.q.unwrap_or_default();
    let hits = read(move || app.search(&question, limit)).await?;
    Ok(Json(hits.into()))
}

#[cfg(test)]
mod tests {
    use crate::http::tests::world::World;
    use crate::search::QUESTION_BYTES_MAX;

    #[tokio::test]
    async fn a_question_at_its_limit_is_answered_and_one_byte_more_is_not() {
        let world = World::new();
        for (bytes, status) in [(QUESTION_BYTES_MAX, 200), (QUESTION_BYTES_MAX + 1, 422)] {
            assert_eq!(world.get(&format!("/api/v1/search?q={}", "a".repeat(bytes))).await.status, status, "{bytes}");
        }
        for limit in ["0", "51", "x"] {
            assert_eq!(world.get(&format!("/api/v1/search?q=a&limit={limit}")).await.status, 422, "{limit}");
        }
    }
}
