//! The run of one import on its own thread.
//!
//! Invariant: a batch's figures are added after its transaction is durable. Proved by
//! `a_file_imported_twice_writes_nothing_new`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use crdt_model::order::event::ExternalOrder;
use crdt_model::order::state;
use crdt_model::text::Text;
use tokio::sync::oneshot;

use super::super::error::AppError;
use super::super::machine::Answer;
use super::super::model::{DocumentCounts, ImportMode, ImportState, OrderCounts};
use super::super::{App, answered};
use super::preview::Preview;
use super::{Shared, lock, record, refused};
use crate::clock;
use crate::import::columns::{Field, Mapping};
use crate::import::delimiter::TextForm;
use crate::import::map::{MappedLine, MappedOrder, Purpose};
use crate::import::orders::OrderReader;
use crate::import::preset::OrderPlan;
use crate::import::products::{MappedProduct, ProductReader};
use crate::import::summary::{Summary, Tally};
use crate::import::{ImportFiles, Limits};
use crate::replica::{Command, IMPORT_ORDERS_MAX, ImportCounts, ImportLine, ImportOrder, Outcome, ProductDraft};
use crate::store::NoRoom;

/// Lines of one batch; a batch is one transaction.
const BATCH_LINES_MAX: usize = 8_000;
/// Bytes of the texts of one batch, but for its last order or product.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Why a known order is a reject.
const DIFFERS: &str = "The order is known with other content. Compare both; correct the order itself, not the file.";

/// Why an order is a reject whose texts do not fit a document.
const TOO_LARGE: &str = "The names of this order are too long together. Shorten them, or split the order.";
/// Bytes of SKUs and names of one order: a document has 4 MiB.
const IMPORT_ORDER_BYTES_MAX: usize = 2 << 20;

/// What an import reads.
pub(super) enum Work {
    /// Orders of a channel.
    Orders {
        /// Columns and rules.
        plan: OrderPlan,
        /// Where they come from.
        channel: Text,
        /// The zone of their times.
        zone: Tz,
    },
    /// Products.
    Products(Mapping),
}

impl Work {
    /// The channel of its orders.
    pub fn channel(&self) -> Option<Text> {
        match self {
            Self::Orders { channel, .. } => Some(channel.clone()),
            Self::Products(_) => None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With the file.
    Whole,
    /// Before it, because somebody wanted it so.
    Cancelled,
}

/// An import under way.
pub(super) struct Job {
    pub app: App,
    pub shared: Shared,
    pub files: ImportFiles,
    pub form: TextForm,
    pub work: Work,
    pub mode: ImportMode,
}

/// A batch that the replica has and its orders, in the same order.
struct Pending {
    answer: oneshot::Receiver<Answer>,
    orders: Vec<MappedOrder>,
}

impl Job {
    /// Runs to the end; the outcome stands in the shared view.
    pub fn run(self) {
        let ended = catch_unwind(AssertUnwindSafe(|| match &self.work {
            Work::Orders { plan, channel, zone } => self.import_orders(plan.clone(), channel, *zone),
            Work::Products(mapping) => self.import_products(mapping),
        }));
        let ended = ended.unwrap_or_else(|_| Err(AppError::Storage("the import stopped by a fault".to_owned())));
        // The upload was a copy; what is left of it is swept with the folder.
        drop(std::fs::remove_file(&self.files.input));
        // Whoever sees the end may stop the node at once: nothing holds its folder any more.
        let Self { app, shared, files, .. } = self;
        let now = app.now();
        drop(app);
        let mut view = lock(&shared);
        view.ended = Some(now);
        match ended {
            Ok(End::Whole) => view.state = ImportState::Done,
            Ok(End::Cancelled) => view.state = ImportState::Cancelled,
            Err(error) => {
                view.state = ImportState::Failed;
                view.error = Some(with_free_bytes(error, &files.temporary));
            }
        }
        // Without its record a repeated request runs the import again, which changes nothing.
        drop(record::keep(&files.temporary, &view, record::Sync::Now));
    }

    /// Whether somebody wants it to stop.
    fn is_cancelled(&self) -> bool {
        lock(&self.shared).state == ImportState::Cancelling
    }

    fn import_orders(&self, plan: OrderPlan, channel: &Text, zone: Tz) -> Result<End, AppError> {
        let mut reader = OrderReader::open(&self.files, plan, self.form, &Limits::STANDARD).map_err(refused)?;
        self.begin(reader.encoding(), reader.summary().rows);
        let mut pending = None;
        let mut preview = Preview::new(self.app.clone())?;
        let (mut batch, mut lines, mut bytes) = (Vec::new(), 0, 0);
        let mut how = End::Whole;
        loop {
            let order = match self.is_cancelled() {
                true => {
                    how = End::Cancelled;
                    None
                }
                false => self.next_order(&mut reader)?,
            };
            let many = batch.len() == IMPORT_ORDERS_MAX || lines >= BATCH_LINES_MAX || bytes >= BATCH_BYTES_MAX;
            let full = order.is_none() || many;
            if full && !batch.is_empty() {
                let next = self.hand_over(std::mem::take(&mut batch), channel, zone, &mut preview)?;
                (lines, bytes) = (0, 0);
                self.settle(pending.replace(next), &mut reader)?;
            }
            match order {
                Some(order) => {
                    lines += order.lines.len();
                    bytes += order_bytes(&order);
                    batch.push(order);
                }
                None => break,
            }
        }
        self.settle(pending, &mut reader)?;
        let end = reader.finish().map_err(refused)?;
        self.count(&end.summary);
        self.finish(how, end.summary.rows, end.rejects_file);
        Ok(how)
    }

    /// Rows that were set aside are done too, once the whole file is.
    fn finish(&self, how: End, rows: u64, rejects_file: Option<PathBuf>) {
        let mut view = lock(&self.shared);
        view.rejects_file = rejects_file;
        if how == End::Whole {
            view.rows_done = rows;
        }
    }

    /// The next order that can be written; others become rejects.
    fn next_order(&self, reader: &mut OrderReader) -> Result<Option<MappedOrder>, AppError> {
        while let Some(order) = reader.next_order().map_err(refused)? {
            match self.refusal(&order) {
                None => return Ok(Some(order)),
                Some((field, reason)) => reader.reject_order(&order, Some(field), &reason).map_err(refused)?,
            }
        }
        Ok(None)
    }

    /// Why an order cannot be written, if anything stands against it.
    fn refusal(&self, order: &MappedOrder) -> Option<(Field, String)> {
        let books = self.app.facts().currency;
        if order.currency != books {
            let (other, books) = (order.currency.code(), books.code());
            let reason = format!("{other} is not the currency of the books, {books}. Give the prices in {books}.");
            return Some((Field::Currency, reason));
        }
        (order_bytes(order) > IMPORT_ORDER_BYTES_MAX).then(|| (Field::Name, TOO_LARGE.to_owned()))
    }

    fn begin(&self, encoding: &str, rows: u64) {
        let mut view = lock(&self.shared);
        view.encoding = Some(encoding.to_owned());
        view.rows = rows;
        view.rows_total = Some(rows);
    }

    fn hand_over(
        &self,
        orders: Vec<MappedOrder>,
        channel: &Text,
        zone: Tz,
        preview: &mut Preview,
    ) -> Result<Pending, AppError> {
        let drafts: Vec<ImportOrder> = orders.iter().map(|order| draft_of(order, channel, zone)).collect();
        let answer = match self.mode {
            ImportMode::Write => self.app.write_blocking(Command::ImportOrders(drafts))?,
            ImportMode::DryRun => {
                let (reply, answer) = oneshot::channel();
                drop(reply.send(Ok(Outcome::Imported(preview.orders(&drafts)?))));
                answer
            }
        };
        Ok(Pending { answer, orders })
    }

    fn settle(&self, pending: Option<Pending>, reader: &mut OrderReader) -> Result<(), AppError> {
        let Some(Pending { answer, orders }) = pending else { return Ok(()) };
        let counts = self.answer(answer)?;
        for at in &counts.differing {
            reader.reject_order(&orders[*at], Some(Field::ExternalNumber), DIFFERS).map_err(refused)?;
        }
        let rows: usize = orders.iter().map(|order| order.lines.len()).sum();
        self.add(&counts, rows as u64);
        self.count(reader.summary());
        Ok(())
    }

    fn answer(&self, answer: oneshot::Receiver<Answer>) -> Result<ImportCounts, AppError> {
        match answered(answer.blocking_recv()).map_err(|failure| failure.into_app_error(""))? {
            Outcome::Imported(counts) => Ok(counts),
            _other => Err(AppError::Storage("an import was answered with another outcome".to_owned())),
        }
    }

    fn add(&self, counts: &ImportCounts, rows: u64) {
        let mut view = lock(&self.shared);
        view.rows_done += rows;
        view.created += counts.created;
        view.updated += counts.updated;
        view.unchanged += counts.unchanged;
        view.products_created += counts.products_created;
        view.customers_created += counts.customers_created;
        // How far it is is told again after the next batch.
        drop(record::keep(&self.files.temporary, &view, record::Sync::Later));
    }

    fn count(&self, summary: &Summary) {
        let documents = |tally: Tally| DocumentCounts { documents: tally.documents, lines: tally.lines };
        let mut view = lock(&self.shared);
        view.rejected = summary.rejects;
        view.lines = summary.orders.lines + summary.credit_orders.lines + summary.adjustments.lines;
        view.orders = OrderCounts {
            documents: summary.orders.documents,
            lines: summary.orders.lines,
            with_sales: summary.orders_with_sales,
            zero_price_only: summary.orders_zero_price_only,
        };
        view.credit_orders = documents(summary.credit_orders);
        view.adjustments = documents(summary.adjustments);
    }

    fn import_products(&self, mapping: &Mapping) -> Result<End, AppError> {
        let mut reader = ProductReader::open(&self.files, mapping, self.form, &Limits::STANDARD).map_err(refused)?;
        self.begin(reader.encoding(), reader.summary().rows);
        let mut preview = Preview::new(self.app.clone())?;
        let how = loop {
            if self.is_cancelled() {
                break End::Cancelled;
            }
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while batch.len() < IMPORT_ORDERS_MAX
                && bytes < BATCH_BYTES_MAX
                && let Some(product) = reader.next_product().map_err(refused)?
            {
                bytes += product.sku.as_str().len() + product.name.as_str().len();
                batch.push(product);
            }
            if batch.is_empty() {
                break End::Whole;
            }
            self.import_product_batch(&mut reader, batch, &mut preview)?;
        };
        let rows = reader.summary().rows;
        let (summary, rejects_file) = reader.finish().map_err(refused)?;
        lock(&self.shared).rejected = summary.rejects;
        self.finish(how, rows, rejects_file);
        Ok(how)
    }

    fn import_product_batch(
        &self,
        reader: &mut ProductReader,
        batch: Vec<MappedProduct>,
        preview: &mut Preview,
    ) -> Result<(), AppError> {
        let drafts: Vec<ProductDraft> = batch
            .iter()
            .map(|product| ProductDraft {
                sku: product.sku.clone(),
                name: product.name.clone(),
                unit: product.unit.clone(),
                barcodes: product.barcodes.clone(),
                price: product.price,
            })
            .collect();
        let counts = match self.mode {
            ImportMode::Write => self.answer(self.app.write_blocking(Command::ImportProducts(drafts))?)?,
            ImportMode::DryRun => preview.products(&drafts)?,
        };
        let rows = batch.len() as u64;
        for (at, product) in batch.into_iter().enumerate() {
            if counts.differing.contains(&at) {
                reader.reject_product(product, Some(Field::Sku), DIFFERS_PRODUCT).map_err(refused)?;
            }
        }
        self.add(&ImportCounts { products_created: counts.created, ..counts }, rows);
        lock(&self.shared).rejected = reader.summary().rejects;
        Ok(())
    }
}

/// The error of a full disk, with what is free on the disk of `folder` where the error does not know it.
fn with_free_bytes(error: AppError, folder: &Path) -> AppError {
    match error {
        AppError::DiskFull(NoRoom { free: None, needed }) => AppError::DiskFull(NoRoom::on(folder, needed)),
        other => other,
    }
}

/// Bytes of SKUs and names of an order.
fn order_bytes(order: &MappedOrder) -> usize {
    let bytes = |line: &MappedLine| line.sku.as_str().len() + line.name.as_ref().map_or(0, |name| name.as_str().len());
    order.lines.iter().map(bytes).sum()
}

/// Why a known product is a reject.
const DIFFERS_PRODUCT: &str = "The product is known with another name, or its bar codes and price are kept by head office. \
                               Change the product itself, there, not by the file.";

fn draft_of(order: &MappedOrder, channel: &Text, zone: Tz) -> ImportOrder {
    ImportOrder {
        purpose: match order.purpose {
            Purpose::Sale => state::Purpose::Sale,
            Purpose::Credit => state::Purpose::Credit,
            Purpose::Adjustment => state::Purpose::Adjustment,
        },
        external: ExternalOrder {
            channel: channel.clone(),
            number: order.external.clone(),
            time_text: order.time_text.clone(),
        },
        time: clock::local_moment(order.time, zone),
        customer: order.customer.clone(),
        region: order.region.clone(),
        currency: order.currency,
        lines: order
            .lines
            .iter()
            .map(|line| ImportLine {
                sku: line.sku.clone(),
                name: line.name.clone(),
                quantity: line.quantity,
                price: line.price,
            })
            .collect(),
    }
}
