//! Products, customers and channels.
//!
//! Invariant: personal details are opened for the answer alone and stand nowhere else. Proved by
//! `personal_details_are_not_in_the_file_as_plain_text` in `tests/`.

use std::collections::BTreeSet;

use crdt_model::codec::Reader;
use crdt_model::control::event::Channel;
use crdt_model::customer::state::CustomerState;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::DocumentId;
use crdt_model::product::state::ProductState;
use crdt_model::rows::RowKind;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::barcode_key;
use crdt_model::text::Text;

use super::error::AppError;
use super::model::{
    ChannelView, CustomerView, NewChannel, NewCustomer, NewProduct, Page, PageRequest, ProductChanges, ProductFilter,
    ProductView, Request,
};
use super::read::{self, SkuPage, sku_cursor};
use super::stock::site_of;
use super::{App, page};
use crate::replica::{Command, CustomerDraft, Outcome, ProductDraft, ProductEdit};
use crate::store::{Snapshot, Table};

impl App {
    /// Products of the catalogue and provisional ones, by SKU.
    pub fn products(&self, filter: ProductFilter, request: PageRequest) -> Result<Page<ProductView>, AppError> {
        let snapshot = self.snapshot()?;
        let query = filter.query.map(|query| query.as_str().to_lowercase());
        let (cursor, limit) = (request.cursor.as_deref(), request.limit.items() + 1);
        let rows = SkuPage { snapshot: &snapshot, kind: RowKind::Document, cursor, limit };
        let mut found = Vec::new();
        for scope in [Scope::Catalogue].into_iter().chain(read::site_scopes(&snapshot)?) {
            found.extend(rows.of_scope(&scope, |sku| {
                let id = DocumentId::of_sku(sku);
                let Some(DocumentRow::Product(product)) = read::document(&snapshot, &scope, &id)? else {
                    return Ok(None);
                };
                let own = product.adopted.as_ref() != Some(&product.sku);
                let wanted = own && query.as_ref().is_none_or(|query| matches(&product, query));
                Ok(wanted.then(|| product_view(&scope, id, &product)))
            })?);
        }
        Ok(page::cut(found, &request, |product| sku_cursor(product.sku.as_str(), &product.scope)))
    }

    /// The product of a SKU.
    pub fn product(&self, sku: &str) -> Result<ProductView, AppError> {
        let snapshot = self.snapshot()?;
        let id = DocumentId::of_sku(sku);
        let found = read::product(&snapshot, &id)?;
        let (scope, product) = found.ok_or_else(|| AppError::NotFound { what: "product", id: sku.to_owned() })?;
        Ok(product_view(&scope, id, &product))
    }

    /// Adds a product.
    pub async fn create_product(&self, request: Request, product: NewProduct) -> Result<ProductView, AppError> {
        let NewProduct { sku, name, unit, barcodes, price } = product;
        let draft = ProductDraft { sku: sku.clone(), name, unit, barcodes, price };
        self.write(&request, Command::PostProduct(draft)).await?;
        self.product(sku.as_str())
    }

    /// The product whose SKU is `code`, else the one that carries it as a bar code, with or without leading zeros.
    pub fn product_by_code(&self, code: &str) -> Result<ProductView, AppError> {
        let mut found = self.products_of_code(code)?;
        match (found.pop(), found.is_empty()) {
            (Some(product), true) => Ok(product),
            (None, _) => Err(AppError::NotFound { what: "product", id: code.to_owned() }),
            (Some(last), false) => Err(AppError::Conflict {
                code: "ambiguous_code",
                detail: format!("`{code}` is on several products: {}", listed(found.iter().chain([&last]))),
                remedy: "Choose one of them by its SKU.".to_owned(),
            }),
        }
    }

    /// Every product that a code may mean, as [`Self::product_by_code`] reads it; another name of one of them is not told.
    pub(super) fn products_of_code(&self, code: &str) -> Result<Vec<ProductView>, AppError> {
        let snapshot = self.snapshot()?;
        let mut items = vec![DocumentId::of_sku(code)];
        if read::product(&snapshot, &items[0])?.is_none() {
            items = items_by_barcode(&snapshot, code)?;
        }
        let mut found = Vec::new();
        for item in items {
            found.extend(read::product(&snapshot, &item)?.map(|(scope, product)| product_view(&scope, item, &product)));
        }
        let skus: Vec<Text> = found.iter().map(|product| product.sku.clone()).collect();
        found.retain(|product| product.alias_of.as_ref().is_none_or(|sku| !skus.contains(sku)));
        Ok(found)
    }

    /// Adds bar codes to a product, or sets its list price.
    pub async fn edit_product(
        &self,
        request: Request,
        sku: &str,
        changes: ProductChanges,
    ) -> Result<ProductView, AppError> {
        let unknown = || AppError::NotFound { what: "product", id: sku.to_owned() };
        let ProductChanges { barcodes, price } = changes;
        let edit = ProductEdit { sku: Text::new(sku).map_err(|_| unknown())?, barcodes, price };
        read::product(&self.snapshot()?, &DocumentId::of_sku(sku))?.ok_or_else(unknown)?;
        self.write(&request, Command::EditProduct(edit)).await?;
        self.product(sku)
    }

    /// Takes a site's provisional product over: as it is, or as another name of an item of the catalogue.
    pub async fn adopt_product(
        &self,
        request: Request,
        sku: &str,
        site: Option<SiteCode>,
        alias_of: Option<Text>,
    ) -> Result<ProductView, AppError> {
        let site = site.map_or_else(|| self.only_site_with(sku), Ok)?;
        let text = Text::new(sku).map_err(|_| AppError::NotFound { what: "product", id: sku.to_owned() })?;
        let command = Command::AdoptProduct { sku: text, site, alias_of: alias_of.clone() };
        self.write(&request, command).await?;
        self.product(alias_of.as_ref().map_or(sku, Text::as_str))
    }

    /// The one site that has this product of its own.
    fn only_site_with(&self, sku: &str) -> Result<SiteCode, AppError> {
        let (snapshot, id) = (self.snapshot()?, DocumentId::of_sku(sku));
        let mut sites = Vec::new();
        for scope in read::site_scopes(&snapshot)? {
            if read::document(&snapshot, &scope, &id)?.is_some() {
                sites.extend(site_of(&scope));
            }
        }
        match &sites[..] {
            [site] => Ok(site.clone()),
            [] => Err(AppError::NotFound { what: "product", id: sku.to_owned() }),
            [_, _, ..] => {
                let names: Vec<&str> = sites.iter().map(SiteCode::as_str).collect();
                let detail = format!("several sites have `{sku}`: {}", names.join(", "));
                Err(AppError::field("/site", detail, "Name one of them."))
            }
        }
    }

    /// Customers of every territory that is held, by id.
    pub fn customers(&self, request: PageRequest) -> Result<Page<CustomerView>, AppError> {
        let wrong =
            |_| AppError::field("/cursor", "not a cursor of this list", "Give `next_cursor` of the page before.");
        let after = request.cursor.as_deref().map(str::parse::<DocumentId>).transpose().map_err(wrong)?;
        let snapshot = self.snapshot()?;
        let mut found = Vec::new();
        for scope in read::scopes(&snapshot)?.into_iter().filter(|scope| matches!(scope, Scope::Customers(_))) {
            let limit = request.limit.items() + 1;
            for (id, row) in read::documents_after(&snapshot, &scope, after.as_ref(), limit)? {
                if let DocumentRow::Customer(customer) = row {
                    found.push((id, customer));
                }
            }
        }
        let page = page::cut(found, &request, |(id, _)| id.to_string());
        let items = page.items.iter().map(|(id, customer)| self.customer_view(&snapshot, *id, customer));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
    }

    /// One customer.
    pub fn customer(&self, id: &str) -> Result<CustomerView, AppError> {
        let unknown = || AppError::NotFound { what: "customer", id: id.to_owned() };
        let document: DocumentId = id.parse().map_err(|_| unknown())?;
        let snapshot = self.snapshot()?;
        let customer = read::customer(&snapshot, &document)?.ok_or_else(unknown)?;
        self.customer_view(&snapshot, document, &customer)
    }

    /// Adds a customer.
    pub async fn create_customer(&self, request: Request, customer: NewCustomer) -> Result<CustomerView, AppError> {
        let text = |text: Option<Text>| text.map(|text| text.to_string());
        let NewCustomer { name, phone, email, address } = customer;
        let details = [Some(name.to_string()), text(phone), text(email), text(address)];
        let command = Command::PostCustomer(CustomerDraft { external: None, details });
        match self.write(&request, command).await? {
            Outcome::Customer { id, .. } => self.customer(&id.to_string()),
            _other => Err(AppError::Storage("the customer was answered with another outcome".to_owned())),
        }
    }

    fn customer_view(
        &self,
        snapshot: &Snapshot,
        id: DocumentId,
        customer: &CustomerState,
    ) -> Result<CustomerView, AppError> {
        let (texts, details) = read::open_customer(snapshot, self.facts().org, id, customer)?;
        let [name, phone, email, address] = texts.map(|text| text.and_then(|text| Text::new(&text).ok()));
        let external = customer.external.as_ref();
        Ok(CustomerView {
            id,
            external_number: external.map(|external| external.number.clone()),
            channel: external.map(|external| external.channel.clone()),
            name,
            phone,
            email,
            address,
            details,
        })
    }

    /// Channels by name.
    pub fn channels(&self, request: PageRequest) -> Result<Page<ChannelView>, AppError> {
        let control = read::control(&self.snapshot()?)?;
        let views = control.channels.into_values().map(channel_view).collect();
        Ok(page::cut(views, &request, |channel: &ChannelView| channel.name.to_string()))
    }

    /// Adds a channel.
    pub async fn create_channel(&self, request: Request, channel: NewChannel) -> Result<ChannelView, AppError> {
        let zone = Text::new(channel.zone.name()).map_err(|error| AppError::Storage(error.to_string()))?;
        let channel = Channel { name: channel.name, home: channel.home, zone };
        self.write(&request, Command::AddChannel(channel.clone())).await?;
        Ok(channel_view(channel))
    }
}

/// Items that carry a bar code in any scope, each once, in order of their ids.
fn items_by_barcode(snapshot: &Snapshot, code: &str) -> Result<Vec<DocumentId>, AppError> {
    let mut items = BTreeSet::new();
    for scope in [Scope::Catalogue].into_iter().chain(read::site_scopes(snapshot)?) {
        let prefix = barcode_key(&scope, code).into_bytes();
        items.extend(read::collect(snapshot, Table::ItemsByBarcode, &prefix, |key, _| {
            Ok(Some(DocumentId(Reader::new(&key[prefix.len()..]).array("item")?)))
        })?);
    }
    Ok(items.into_iter().collect())
}

fn listed<'a>(products: impl Iterator<Item = &'a ProductView>) -> String {
    products.map(|product| product.sku.as_str()).collect::<Vec<_>>().join(", ")
}

fn matches(product: &ProductState, query: &str) -> bool {
    let mut texts = [&product.sku].into_iter().chain(&product.names).chain(&product.barcodes);
    texts.any(|text| text.as_str().to_lowercase().contains(query))
}

fn product_view(scope: &Scope, id: DocumentId, product: &ProductState) -> ProductView {
    ProductView {
        id,
        sku: product.sku.clone(),
        name: product.name().clone(),
        unit: product.units.first().cloned(),
        barcodes: product.barcodes.clone(),
        price: product.price(),
        provisional: *scope != Scope::Catalogue && product.adopted.is_none(),
        scope: scope.clone(),
        alias_of: product.alias_of().cloned(),
    }
}

fn channel_view(channel: Channel) -> ChannelView {
    ChannelView { name: channel.name, home: channel.home, zone: channel.zone }
}
