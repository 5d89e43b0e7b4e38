//! How an import is asked for and how its progress is written.
//!
//! Invariant: at most 256 mapped columns, each field once. Proved by `a_mapping_names_each_field_once`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::model::{
    ColumnMapping, DocumentCounts, EntryKind, ImportDelimiter, ImportKind, ImportMode, ImportRequest, ImportView,
    OrderCounts, Request,
};
use crate::http::check::{At, Errors};
use crate::http::error::{Problem, ProblemBody, problem_body};

/// Columns that a mapping may name.
const COLUMNS_MAX: usize = 256;

/// What to import and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParameters {
    /// `orders` or `products`.
    kind: Option<String>,
    /// The preset that names columns and rules.
    preset: Option<String>,
    /// The channel of the orders.
    channel: Option<String>,
    /// `history` or `new`; a preset says it itself.
    #[serde(rename = "as")]
    #[param(rename = "as")]
    entry: Option<String>,
    /// The file's encoding; detected where it is left out.
    encoding: Option<String>,
    /// What parts the cells: `comma`, `semicolon` or `tab`; detected where it is left out.
    delimiter: Option<String>,
    /// `field:Column,field:Column`.
    map: Option<String>,
    /// `true` only says what it would do.
    dry_run: Option<String>,
    /// The file's name, for people.
    file_name: Option<String>,
}

/// An import that runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedBody {
    /// For `GET /api/v1/imports/{id}`.
    pub id: String,
}

/// Nothing but the wish.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelImportBody {}

/// How far an import is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportBody {
    /// Its identity.
    id: String,
    /// `orders` or `products`.
    kind: &'static str,
    /// `running`, `cancelling`, `done`, `failed`, `cancelled` or `cut`: the node ended while it ran.
    state: &'static str,
    /// The file's name at the sender.
    file_name: Option<String>,
    /// The channel of its orders.
    channel: Option<String>,
    /// When this run began, RFC 3339.
    started_at: String,
    /// When it ended, RFC 3339.
    ended_at: Option<String>,
    /// Rows read.
    rows: u64,
    /// Rows whose outcome is durable.
    rows_done: u64,
    /// Rows in the file, once known.
    rows_total: Option<u64>,
    /// Documents written first by this run.
    created: u64,
    /// Documents that this run changed.
    updated: u64,
    /// Documents that were already so.
    unchanged: u64,
    /// Rows set aside.
    rejected: u64,
    /// Lines in accepted documents.
    lines: u64,
    /// Orders.
    orders: OrderCountsBody,
    /// Credit orders.
    credit_orders: DocumentCountsBody,
    /// Historical adjustments.
    adjustments: DocumentCountsBody,
    /// Products made on the way.
    products_created: u64,
    /// Customers made on the way.
    customers_created: u64,
    /// The encoding used.
    encoding: Option<String>,
    /// Whether nothing is written.
    dry_run: bool,
    /// The file of rejected rows on the node's machine.
    rejects_file: Option<String>,
    /// Why it failed or was cut, and how it goes on.
    error: Option<ProblemBody>,
}

/// Orders of an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderCountsBody {
    /// Orders.
    documents: u64,
    /// Their lines.
    lines: u64,
    /// With at least one priced line.
    with_sales: u64,
    /// Whose lines all cost nothing.
    zero_price_only: u64,
}

/// Credit orders or adjustments of an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentCountsBody {
    /// Documents.
    documents: u64,
    /// Their lines.
    lines: u64,
}

/// Parameters that passed; the request's hash is known only after the file.
#[derive(Debug)]
pub struct CheckedParameters(ImportRequest);

impl CheckedParameters {
    /// The whole request.
    pub fn into_request(self, request: Request) -> ImportRequest {
        ImportRequest { request, ..self.0 }
    }
}

impl ImportParameters {
    /// The parameters, or everything that is wrong with them.
    pub fn check(self) -> Result<CheckedParameters, Problem> {
        let mut errors = Errors::default();
        let kind = self.kind.as_deref().unwrap_or_default();
        let kind = errors.word(At::Field("kind"), kind, ImportKind::from_word, ImportKind::WORDS);
        let entry = self.entry.as_deref();
        let delimiter = self.delimiter.as_deref();
        let dry_run = errors.switch(At::Field("dry_run"), self.dry_run.as_deref());
        let request = ImportRequest {
            request: Request { idempotency_key: None, body_hash: [0; 32] },
            kind: kind.unwrap_or(ImportKind::Orders),
            preset: errors.optional_name(At::Field("preset"), self.preset),
            channel: errors.optional_name(At::Field("channel"), self.channel),
            entry: entry.and_then(|word| errors.word(At::Field("as"), word, EntryKind::from_word, EntryKind::WORDS)),
            encoding: errors.optional_name(At::Field("encoding"), self.encoding),
            delimiter: delimiter.and_then(|word| {
                errors.word(At::Field("delimiter"), word, ImportDelimiter::from_word, ImportDelimiter::WORDS)
            }),
            mapping: self.map.map(|map| check_mapping(&mut errors, &map)).unwrap_or_default(),
            mode: if dry_run { ImportMode::DryRun } else { ImportMode::Write },
            file_name: errors.optional_name(At::Field("file_name"), self.file_name),
        };
        errors.finish(CheckedParameters(request))
    }
}

fn check_mapping(errors: &mut Errors, map: &str) -> Vec<ColumnMapping> {
    let at = At::Field("map");
    let mut fields = BTreeSet::new();
    let mut mapping = Vec::new();
    for pair in map.split(',').take(COLUMNS_MAX + 1) {
        let Some((field, column)) = pair.split_once(':') else {
            errors.add(at, format!("`{pair}` is not field:Column"), "Write it as sku:StockCode,quantity:Quantity.");
            continue;
        };
        if !fields.insert(field) {
            errors.add(at, format!("field `{field}` is named twice"), "Name each field once.");
        }
        mapping.push(ColumnMapping { field: errors.name(at, field), column: errors.name(at, column) });
    }
    if mapping.len() > COLUMNS_MAX {
        errors.add(at, format!("more than {COLUMNS_MAX} columns"), "Map only the columns that are needed.");
    }
    mapping
}

impl From<OrderCounts> for OrderCountsBody {
    fn from(counts: OrderCounts) -> Self {
        Self {
            documents: counts.documents,
            lines: counts.lines,
            with_sales: counts.with_sales,
            zero_price_only: counts.zero_price_only,
        }
    }
}

impl From<DocumentCounts> for DocumentCountsBody {
    fn from(counts: DocumentCounts) -> Self {
        Self { documents: counts.documents, lines: counts.lines }
    }
}

impl From<ImportView> for ImportBody {
    fn from(import: ImportView) -> Self {
        Self {
            id: import.id,
            kind: import.kind.word(),
            state: import.state.word(),
            file_name: import.file_name.map(|name| name.to_string()),
            channel: import.channel.map(|channel| channel.to_string()),
            started_at: import.started.rfc3339(),
            ended_at: import.ended.map(|ended| ended.rfc3339()),
            rows: import.rows,
            rows_done: import.rows_done,
            rows_total: import.rows_total,
            created: import.created,
            updated: import.updated,
            unchanged: import.unchanged,
            rejected: import.rejected,
            lines: import.lines,
            orders: import.orders.into(),
            credit_orders: import.credit_orders.into(),
            adjustments: import.adjustments.into(),
            products_created: import.products_created,
            customers_created: import.customers_created,
            encoding: import.encoding,
            dry_run: import.mode == ImportMode::DryRun,
            rejects_file: import.rejects_file.map(|path| path.to_string_lossy().into_owned()),
            error: import.error.map(problem_body),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::app::error::AppError;
    use crate::http::tests::world::sample_import;

    fn mapping(map: &str) -> Result<Vec<ColumnMapping>, Problem> {
        let parameters =
            ImportParameters { kind: Some("orders".into()), map: Some(map.into()), ..ImportParameters::default() };
        parameters.check().map(|checked| checked.0.mapping)
    }

    #[test]
    fn a_mapping_names_each_field_once() {
        let pairs = |count: usize| (0..count).map(|n| format!("f{n}:C")).collect::<Vec<_>>().join(",");
        assert_eq!(mapping("sku:Stock Code,name:描述").unwrap()[1].column.as_str(), "描述");
        assert_eq!(mapping(&pairs(COLUMNS_MAX)).unwrap().len(), COLUMNS_MAX);
        for wrong in ["sku", "sku:A,sku:B", "", ":A", "sku:", &pairs(COLUMNS_MAX + 1)] {
            assert!(mapping(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_delimiter_is_one_of_three_words() {
        let of = |word: &str| {
            let parameters = ImportParameters {
                kind: Some("orders".into()),
                delimiter: Some(word.into()),
                ..ImportParameters::default()
            };
            parameters.check().map(|checked| checked.0.delimiter)
        };
        assert_eq!(of("semicolon").unwrap(), Some(ImportDelimiter::Semicolon));
        assert_eq!(of("pipe").unwrap_err().into_body(None).errors[0].pointer, "/delimiter");
    }

    #[test]
    fn the_kind_of_file_must_be_said() {
        let errors = ImportParameters::default().check().unwrap_err().into_body(None).errors;
        assert_eq!(errors[0].pointer, "/kind");
    }

    #[test]
    fn an_import_is_written_as_the_contract_says() {
        let counts = json!({"documents": 1, "lines": 2});
        assert_eq!(
            serde_json::to_value(ImportBody::from(sample_import())).unwrap(),
            json!({"id": "i-1", "kind": "orders", "state": "done", "file_name": "orders.csv", "channel": "web",
                "started_at": "2010-12-01T08:26:00+00:00", "ended_at": null, "rows": 9, "rows_done": 8, "rows_total": 9, "created": 1, "updated": 2,
                "unchanged": 3, "rejected": 4, "lines": 5, "orders": {"documents": 1, "lines": 2, "with_sales": 3,
                "zero_price_only": 4}, "credit_orders": counts, "adjustments": counts, "products_created": 6,
                "customers_created": 7, "encoding": "UTF-8", "dry_run": false, "rejects_file": "/data/rejects.csv",
                "error": null})
        );
        let failed = ImportView { error: Some(AppError::Stopping), ..sample_import() };
        assert_eq!(serde_json::to_value(ImportBody::from(failed)).unwrap()["error"]["code"], "stopping");
    }
}
