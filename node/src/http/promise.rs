//! How lines would be promised, over HTTP: pairs of SKU and quantity in the address, so that it is a read.
//!
//! Invariant: SKUs and quantities come in pairs, at most [`PROMISE_LINES_MAX`]. Proved by
//! `skus_and_quantities_come_in_pairs`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::{At, Errors, Sign};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, read};
use crate::app::App;
use crate::app::model::{PromiseLine, PromiseView};

/// Lines of one question.
pub const PROMISE_LINES_MAX: usize = 200;

/// How a line would be promised; quantities are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromiseLineBody {
    /// The item.
    sku: String,
    /// Its name.
    name: String,
    /// How much is wanted.
    quantity: String,
    /// Free rights at this site.
    here: String,
    /// What the other sites that this node holds show.
    elsewhere: String,
    /// When the oldest of these figures was true, RFC 3339; null where no other site shows the item.
    elsewhere_as_of: Option<String>,
    /// Of the wanted: covered by rights that this node may use.
    now: String,
    /// Of the rest: covered by what other sites show.
    likely: String,
    /// What is left.
    backorder: String,
}

/// How each line would be promised.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromiseBody {
    /// The lines in the order in which they were asked for.
    lines: Vec<PromiseLineBody>,
}

impl From<PromiseView> for PromiseLineBody {
    fn from(view: PromiseView) -> Self {
        Self {
            sku: view.sku.to_string(),
            name: view.name.to_string(),
            quantity: view.quantity.to_string(),
            here: view.here.to_string(),
            elsewhere: view.elsewhere.to_string(),
            elsewhere_as_of: view.elsewhere_as_of.map(|time| time.rfc3339()),
            now: view.now.to_string(),
            likely: view.likely.to_string(),
            backorder: view.backorder.to_string(),
        }
    }
}

/// The first SKU belongs to the first quantity, and so on.
fn check(parameters: &[(String, String)]) -> Result<Vec<PromiseLine>, Problem> {
    let mut errors = Errors::default();
    let (mut skus, mut quantities) = (Vec::new(), Vec::new());
    for (name, value) in parameters {
        match name.as_str() {
            "sku" => skus.push(errors.name(At::Field("sku"), value)),
            "quantity" => quantities.push(errors.quantity(At::Field("quantity"), value, Sign::Positive)),
            _other => errors.add(At::Field("sku"), "only `sku` and `quantity` are known", "Leave the others out."),
        }
    }
    if skus.len() != quantities.len() || skus.is_empty() {
        let detail = format!("{} SKUs and {} quantities", skus.len(), quantities.len());
        errors.add(At::Field("quantity"), detail, "Give a quantity for each SKU, as sku=A&quantity=2.");
    }
    if skus.len() > PROMISE_LINES_MAX {
        errors.add(At::Field("sku"), format!("more than {PROMISE_LINES_MAX} lines"), "Ask in several requests.");
    }
    let lines = skus.into_iter().zip(quantities).map(|(sku, quantity)| PromiseLine { sku, quantity });
    errors.finish(lines.collect())
}

/// Says how lines would be promised: now, likely, or as a backorder. It promises nothing.
#[utoipa::path(get, path = "/api/v1/stock/promise", tag = "stock", params(
    ("sku" = Vec<String>, Query, description = "An item; repeated for each line."),
    ("quantity" = Vec<String>, Query, description = "How much of it; as many times as `sku`.")), responses(
    (status = 200, description = "Done.", body = PromiseBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn stock_promise(
    State(app): State<App>,
    Parameters(parameters): Parameters<Vec<(String, String)>>,
) -> Result<Json<PromiseBody>, Problem> {
    let lines = check(&parameters)?;
    let views = read(move || app.promise(lines)).await?;
    Ok(Json(PromiseBody { lines: views.into_iter().map(PromiseLineBody::from).collect() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<Vec<PromiseLine>, Problem> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        check(&pairs)
    }

    #[test]
    fn skus_and_quantities_come_in_pairs() {
        let lines = asked(&[("sku", "A"), ("quantity", "2"), ("sku", "B"), ("quantity", "1.5")]).unwrap();
        let found: Vec<_> = lines.iter().map(|line| (line.sku.as_str(), line.quantity.to_string())).collect();
        assert_eq!(found, [("A", "2".to_owned()), ("B", "1.5".to_owned())]);
        for wrong in [
            &[][..],
            &[("sku", "A")],
            &[("sku", "A"), ("quantity", "0")],
            &[("sku", ""), ("quantity", "1")],
            &[("sku", "A"), ("quantity", "1"), ("quantity", "1")],
            &[("sku", "A"), ("quantity", "1"), ("q", "1")],
        ] {
            assert!(asked(wrong).is_err(), "{wrong:?}");
        }
        let many = |lines: usize| asked(&[("sku", "A"), ("quantity", "1")].repeat(lines));
        assert!(many(PROMISE_LINES_MAX).is_ok() && many(PROMISE_LINES_MAX + 1).is_err());
    }
}
