//! Imports: files in, a batch of orders or products a transaction, progress and rejects out.
//!
//! A job reads on a thread of its own (`run`) and hands batches to the replica; one batch is under way while the next one
//! is read. What a job wrote stays, so running a file again goes on where it was cut; how far it is is kept in a file
//! (`record`).
//!
//! Invariants: `rows_done` counts rows whose outcome is durable; no row stops the run; one idempotency key is one import,
//! also after a restart; a cancelled import keeps what is durable. Proved by `a_file_imported_twice_writes_nothing_new`,
//! `a_repeated_import_request_is_the_same_import_also_after_a_restart`,
//! `a_cancelled_import_stops_after_the_batch_in_hand_and_goes_on_later` and by the acceptance script's kills.

mod preview;
mod record;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;
use crdt_model::id::DocumentId;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::error::AppError;
use super::model::{
    EntryKind, ImportDelimiter, ImportKind, ImportRequest, ImportState, ImportView, Page, PageRequest, Request,
};
use super::{App, answered, page, read};
use crate::entropy;
use crate::import::columns::Mapping;
use crate::import::delimiter::{Delimiter, DelimiterChoice, TextForm};
use crate::import::preset::{DateFormat, ImportMode as EntryMode, OrderPlan, PlanError, Preset};
use crate::import::source::EncodingChoice;
use crate::import::{ImportError, ImportFiles};
use crate::replica::{Command, Outcome};
use run::{Job, Work};

/// Jobs that are remembered; past it the oldest ended one is forgotten.
const JOBS_MAX: usize = 100;
/// Jobs that run at the same time.
const RUNNING_MAX: usize = 2;

/// The jobs of this process.
#[derive(Default)]
pub(super) struct Imports {
    jobs: Mutex<BTreeMap<String, Shared>>,
}

/// Whether a request begins an import.
enum Place {
    /// It does.
    New(Shared),
    /// It began or ended it before.
    Taken(Box<ImportView>),
}

/// A job's state as the job and its askers share it.
pub(super) type Shared = Arc<Mutex<ImportView>>;

/// Locks a value that no holder can leave broken: every change is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Starts an import of `file`, which it takes away at the end.
    pub fn start_import(&self, request: ImportRequest, file: PathBuf) -> Result<ImportView, AppError> {
        let work = self.work_of(&request)?;
        let encoding = match &request.encoding {
            Some(label) => EncodingChoice::from_label(label.as_str()).map_err(|error| refused(error.into()))?,
            None => EncodingChoice::Detect,
        };
        let form = TextForm { encoding, delimiter: delimiter_of(request.delimiter) };
        let id = self.import_id(&request.request)?.to_string();
        let folder = self.imports_folder();
        let view = new_view(id.clone(), &request, work.channel(), self.now());
        let shared = match self.place_for(&id, view.clone())? {
            Place::New(shared) => shared,
            Place::Taken(earlier) => {
                // The file came a second time; what is left of it is swept with the folder.
                drop(std::fs::remove_file(&file));
                return Ok(*earlier);
            }
        };
        // Without its record an import that is cut is not told; it can be run again all the same.
        drop(record::keep(&folder, &view, record::Sync::Now));
        let files = ImportFiles { input: file, rejects: folder.join(format!("{id}-rejects.csv")), temporary: folder };
        let job = Job { app: self.clone(), shared: Arc::clone(&shared), files, form, work, mode: request.mode };
        let spawned = std::thread::Builder::new().name(format!("import {id}")).spawn(move || job.run());
        match spawned {
            Ok(_) => Ok(view),
            Err(error) => {
                let mut view = lock(&shared);
                view.state = ImportState::Failed;
                drop(record::keep(&self.imports_folder(), &view, record::Sync::Now));
                Err(AppError::Storage(error.to_string()))
            }
        }
    }

    /// How far an import is.
    pub fn import(&self, id: &str) -> Result<ImportView, AppError> {
        let running = lock(&self.inner.imports.jobs).get(id).map(|shared| lock(shared).clone());
        let found = running.or_else(|| record::find(&self.imports_folder(), id));
        found.ok_or_else(|| AppError::NotFound { what: "import", id: id.to_owned() })
    }

    /// Imports that this node knows, newest first.
    pub fn imports(&self, request: PageRequest) -> Result<Page<ImportView>, AppError> {
        let mut known: BTreeMap<String, ImportView> =
            record::all(&self.imports_folder()).into_iter().map(|view| (view.id.clone(), view)).collect();
        let jobs = lock(&self.inner.imports.jobs);
        known.extend(jobs.iter().map(|(id, shared)| (id.clone(), lock(shared).clone())));
        drop(jobs);
        Ok(page::cut(known.into_values().collect(), &request, newest_first))
    }

    /// Stops a running import after the batch in hand; what it has written stays. Doing it again changes nothing.
    pub fn cancel_import(&self, id: &str) -> Result<ImportView, AppError> {
        if let Some(shared) = lock(&self.inner.imports.jobs).get(id) {
            let mut view = lock(shared);
            if view.state == ImportState::Running {
                view.state = ImportState::Cancelling;
            }
            if view.state.is_running() {
                return Ok(view.clone());
            }
        }
        let view = self.import(id)?;
        Err(AppError::Conflict {
            code: "import_ended",
            detail: format!("the import is not running: its state is `{}`", view.state.word()),
            remedy: "Nothing is left to stop.".to_owned(),
        })
    }

    fn imports_folder(&self) -> PathBuf {
        self.facts().data.join("imports")
    }

    /// The import of a request: a new one, or the one that the same request began before.
    fn import_id(&self, request: &Request) -> Result<DocumentId, AppError> {
        let random = entropy::bytes::<10>().map_err(|error| AppError::Storage(error.to_string()))?;
        let id = DocumentId::random(self.now().at, random);
        let Some(key) = &request.idempotency_key else { return Ok(id) };
        let answer = self.write_repeatable(request, Command::StartImport { id })?;
        match answered(answer.blocking_recv()).map_err(|failure| failure.into_app_error(key.as_str()))? {
            Outcome::Import { id } => Ok(id),
            // The key was used for something else than an import whose request had the same hash: impossible but told.
            _other => Err(AppError::KeyReused { key: key.as_str().to_owned() }),
        }
    }

    /// The file of an import's rejected rows.
    pub fn import_rejects(&self, id: &str) -> Result<PathBuf, AppError> {
        let view = self.import(id)?;
        view.rejects_file.ok_or_else(|| AppError::NotFound { what: "rejects of import", id: id.to_owned() })
    }

    /// A place among the jobs, unless an import of this id runs or ended well; any other one begins anew.
    fn place_for(&self, id: &str, view: ImportView) -> Result<Place, AppError> {
        let mut jobs = lock(&self.inner.imports.jobs);
        let running = |shared: &Shared| lock(shared).state.is_running();
        let earlier = jobs.get(id).map(|shared| lock(shared).clone());
        let earlier = earlier.or_else(|| record::find(&self.imports_folder(), id));
        let stands = |view: &ImportView| view.state.is_running() || view.state == ImportState::Done;
        if let Some(earlier) = earlier.filter(stands) {
            return Ok(Place::Taken(Box::new(earlier)));
        }
        if jobs.values().filter(|shared| running(shared)).count() >= RUNNING_MAX {
            return Err(AppError::Busy);
        }
        if jobs.len() >= JOBS_MAX {
            let ended = jobs.iter().find(|(_, shared)| !running(shared)).map(|(id, _)| id.clone());
            ended.and_then(|id| jobs.remove(&id));
        }
        let shared = Arc::new(Mutex::new(view));
        jobs.insert(id.to_owned(), Arc::clone(&shared));
        Ok(Place::New(shared))
    }

    fn work_of(&self, request: &ImportRequest) -> Result<Work, AppError> {
        let mut mapping = Mapping::default();
        if !request.mapping.is_empty() {
            let flags: Vec<String> =
                request.mapping.iter().map(|entry| format!("{}:{}", entry.field, entry.column)).collect();
            let parsed = Mapping::from_flags(flags.iter().map(String::as_str));
            mapping = parsed.map_err(|error| refused(error.into()))?;
        }
        if request.kind == ImportKind::Products {
            return Ok(Work::Products(mapping));
        }
        let preset = request.preset.as_ref().map(|name| Preset::named(name.as_str())).transpose();
        let preset = preset.map_err(|error: PlanError| refused(error.into()))?;
        let entry = request.entry.map(|entry| match entry {
            EntryKind::History => EntryMode::History,
            EntryKind::New => EntryMode::New,
        });
        let plan = OrderPlan::new(preset, entry, mapping, self.facts().currency, DateFormat::default());
        let plan = plan.map_err(|error| refused(error.into()))?;
        let (channel, zone) = self.channel_of(request)?;
        Ok(Work::Orders { plan, channel, zone })
    }

    /// The channel's name (the preset's unless given) and zone; refused where its home is another site.
    fn channel_of(&self, request: &ImportRequest) -> Result<(Text, Tz), AppError> {
        let name = request.channel.clone().or_else(|| request.preset.clone()).ok_or_else(|| {
            AppError::field("/channel", "the orders need a channel", "Add `--channel NAME`; `channel list` shows them.")
        })?;
        let control = read::control(&self.snapshot()?)?;
        let channel = control.channels.get(name.as_str()).ok_or(AppError::UnknownChannel { channel: name.clone() })?;
        if channel.home != self.facts().site {
            return Err(AppError::OtherHome { channel: name, site: channel.home.clone() });
        }
        let zone = channel.zone.as_str().parse();
        Ok((name, zone.map_err(|_| AppError::Storage(format!("the zone {} is not known", channel.zone)))?))
    }
}

fn delimiter_of(given: Option<ImportDelimiter>) -> DelimiterChoice {
    match given {
        None => DelimiterChoice::Detect,
        Some(ImportDelimiter::Comma) => DelimiterChoice::Fixed(Delimiter::Comma),
        Some(ImportDelimiter::Semicolon) => DelimiterChoice::Fixed(Delimiter::Semicolon),
        Some(ImportDelimiter::Tab) => DelimiterChoice::Fixed(Delimiter::Tab),
    }
}

/// An import that cannot begin or go on.
pub(super) fn refused(error: ImportError) -> AppError {
    if let Some(room) = error.no_room() {
        return AppError::DiskFull(room);
    }
    AppError::Refused { code: error.code(), detail: error.to_string(), remedy: error.remedy() }
}

/// Sorts later starts before earlier ones.
fn newest_first(view: &ImportView) -> String {
    let order = !((view.started.at.0 as u64) ^ (1 << 63));
    format!("{order:016x}{}", view.id)
}

fn new_view(id: String, request: &ImportRequest, channel: Option<Text>, started: EventTime) -> ImportView {
    ImportView {
        id,
        kind: request.kind,
        state: ImportState::Running,
        file_name: request.file_name.clone(),
        channel,
        started,
        ended: None,
        rows: 0,
        rows_done: 0,
        rows_total: None,
        created: 0,
        updated: 0,
        unchanged: 0,
        rejected: 0,
        lines: 0,
        orders: Default::default(),
        credit_orders: Default::default(),
        adjustments: Default::default(),
        products_created: 0,
        customers_created: 0,
        encoding: None,
        mode: request.mode,
        rejects_file: None,
        error: None,
    }
}
