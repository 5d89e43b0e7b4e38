//! What head office makes of provisional products, over HTTP.
//!
//! Invariant: another name names its item. Proved by `an_alias_names_another_item`.

use axum::Json;
use axum::extract::{Path, State};
use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use serde::Deserialize;
use utoipa::ToSchema;

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::Posted;
use super::products::ProductBody;
use crate::app::App;

/// Where the provisional product is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptBody {
    /// The site that made it; may be left out where only one did.
    site: Option<String>,
}

/// Of what it is another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasBody {
    /// The SKU of the catalogue.
    to: String,
    /// The site that made the provisional product; may be left out where only one did.
    site: Option<String>,
}

impl AdoptBody {
    fn check(self) -> Result<Option<SiteCode>, Problem> {
        let mut errors = Errors::default();
        let site = self.site.and_then(|site| errors.site(At::Field("site"), &site));
        errors.finish(site)
    }
}

impl AliasBody {
    fn check(self) -> Result<(Text, Option<SiteCode>), Problem> {
        let mut errors = Errors::default();
        let target = errors.name(At::Field("to"), &self.to);
        let site = self.site.and_then(|site| errors.site(At::Field("site"), &site));
        errors.finish((target, site))
    }
}

/// Takes a site's provisional product into the catalogue.
#[utoipa::path(post, path = "/api/v1/products/{sku}/adopt", tag = "products", request_body = AdoptBody,
    params(("sku" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn adopt_product(
    State(app): State<App>,
    Path(sku): Path<String>,
    posted: Posted<AdoptBody>,
) -> Result<Json<ProductBody>, Problem> {
    let site = posted.body.check()?;
    let product = app.adopt_product(posted.request, &sku, site, None).await?;
    Ok(Json(product.into()))
}

/// Makes a site's provisional product another name of an item of the catalogue.
#[utoipa::path(post, path = "/api/v1/products/{sku}/alias", tag = "products", request_body = AliasBody,
    params(("sku" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done: the item of the catalogue.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn alias_product(
    State(app): State<App>,
    Path(sku): Path<String>,
    posted: Posted<AliasBody>,
) -> Result<Json<ProductBody>, Problem> {
    let (target, site) = posted.body.check()?;
    let product = app.adopt_product(posted.request, &sku, site, Some(target)).await?;
    Ok(Json(product.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_names_another_item() {
        let alias = |to: &str, site: &str| AliasBody { to: to.into(), site: Some(site.into()) }.check().is_ok();
        assert!(alias("B", "SH01") && !alias("", "SH01") && !alias("B", "sh01"));
        assert!(AdoptBody::default().check().is_ok());
    }
}
