//! What an order import does with a file: its mode, its columns, its rules for numbers, its dates and currency.
//!
//! Not a reader: a plan is made before the file is opened.
//!
//! Invariants: a plan has a mode that was asked for or that a preset sets, never one by default. Proved by
//! `an_import_without_preset_must_say_as_history` and `orders_as_new_are_not_available`.

use chrono::{NaiveDate, NaiveDateTime};
use crdt_model::money::Currency;
use crdt_model::time::BusinessDate;
use thiserror::Error;

use super::columns::{Field, Mapping};

/// A known layout of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// The "Online Retail" data set: invoices of a British wholesaler, 2010 and 2011.
    OnlineRetail,
}

/// What the orders of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Completed long ago: counted in sales, without effect on stock.
    History,
    /// To be fulfilled.
    New,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateFormat {
    /// `2010-12-01 08:26[:00]`, `2010-12-01`; slashes and single digits are as good: `2010/12/1 8:26`.
    #[default]
    YearFirst,
    /// `1/12/2010 8:26`, `1/12/2010`.
    DayMonthYear,
}

/// Why a plan cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Neither a preset nor a mode.
    #[error("the import does not say what the orders are")]
    ModeMissing,
    /// Orders to be fulfilled cannot be imported yet.
    #[error("not available yet: use --as history")]
    NewUnavailable,
    /// A word that is not one of an option's.
    #[error("`{word}` is not a value of {option}; the values are {known}")]
    UnknownWord {
        /// The option.
        option: &'static str,
        /// What was written.
        word: String,
        /// Its values.
        known: &'static str,
    },
}

impl PlanError {
    /// The code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ModeMissing => "import_as_missing",
            Self::NewUnavailable => "import_as_new_unavailable",
            Self::UnknownWord { .. } => "import_option_unknown",
        }
    }

    /// What a person can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::ModeMissing => "Add `--as history` for completed orders, or a preset that says it.".to_owned(),
            Self::NewUnavailable => "Use `--as history`, or enter the orders one by one.".to_owned(),
            Self::UnknownWord { option, known, .. } => format!("Give {option} one of {known}."),
        }
    }
}

/// How an order file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlan {
    mapping: Mapping,
    rules: Rules,
    currency: Currency,
    dates: DateFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    Plain,
    OnlineRetail,
}

/// What an order's number says about its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// Quantities are positive.
    Sale,
    /// Quantities are positive, or all are negative: then it is an adjustment.
    SaleOrAdjustment,
    /// Quantities are negative.
    Credit,
    /// Not an order.
    Bookkeeping,
}

impl Preset {
    /// Finds a preset by its name.
    pub fn named(word: &str) -> Result<Self, PlanError> {
        match word {
            "online-retail" => Ok(Self::OnlineRetail),
            _ => Err(unknown("--preset", word, "online-retail")),
        }
    }

    fn mapping(self) -> Mapping {
        match self {
            Self::OnlineRetail => Mapping::default()
                .with(Field::ExternalNumber, "InvoiceNo")
                .with(Field::OrderTime, "InvoiceDate")
                .with(Field::Sku, "StockCode")
                .with(Field::Name, "Description")
                .with(Field::Quantity, "Quantity")
                .with(Field::Price, "UnitPrice")
                .with(Field::Customer, "CustomerID")
                .with(Field::Region, "Country"),
        }
    }

    fn rules(self) -> Rules {
        match self {
            Self::OnlineRetail => Rules::OnlineRetail,
        }
    }

    fn mode(self) -> ImportMode {
        match self {
            Self::OnlineRetail => ImportMode::History,
        }
    }
}

impl ImportMode {
    /// Finds a mode by its word.
    pub fn named(word: &str) -> Result<Self, PlanError> {
        match word {
            "history" => Ok(Self::History),
            "new" => Ok(Self::New),
            _ => Err(unknown("--as", word, "history, new")),
        }
    }
}

impl DateFormat {
    /// Finds a format by its word.
    pub fn named(word: &str) -> Result<Self, PlanError> {
        match word {
            "year-first" => Ok(Self::YearFirst),
            "day-month-year" => Ok(Self::DayMonthYear),
            _ => Err(unknown("--date-format", word, "year-first, day-month-year")),
        }
    }

    /// How a date is written, for a person.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::YearFirst => "2010-12-31 08:26",
            Self::DayMonthYear => "31/12/2010 8:26",
        }
    }

    /// Reads a date, with or without a time of day; `None` for anything else and for years before 1900.
    pub(super) fn parse(self, text: &str) -> Option<NaiveDateTime> {
        let (date, clock) = match text.split_once(' ') {
            Some((date, clock)) => (date, parse_clock(clock.trim_start())?),
            None => (text, (0, 0, 0)),
        };
        let date = self.parse_date(date)?;
        BusinessDate::new(date).ok()?;
        date.and_hms_opt(clock.0, clock.1, clock.2)
    }

    fn parse_date(self, text: &str) -> Option<NaiveDate> {
        let (year, month, day) = match self {
            Self::YearFirst => {
                let [year, month, day] = parts(text, '-').or_else(|| parts(text, '/'))?;
                (year, month, day)
            }
            Self::DayMonthYear => {
                let [day, month, year] = parts(text, '/')?;
                (year, month, day)
            }
        };
        let year = i32::try_from(digits(year, 4..=4)?).ok()?;
        NaiveDate::from_ymd_opt(year, digits(month, 1..=2)?, digits(day, 1..=2)?)
    }
}

fn parse_clock(text: &str) -> Option<(u32, u32, u32)> {
    if let Some([hour, minute, second]) = parts(text, ':') {
        return Some((digits(hour, 1..=2)?, digits(minute, 2..=2)?, digits(second, 2..=2)?));
    }
    let (hour, minute) = text.split_once(':')?;
    Some((digits(hour, 1..=2)?, digits(minute, 2..=2)?, 0))
}

fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(found)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let plain = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl OrderPlan {
    /// Puts a plan together. `mapping` wins over the preset's columns; `currency` is of orders that name none.
    pub fn new(
        preset: Option<Preset>,
        mode: Option<ImportMode>,
        mapping: Mapping,
        currency: Currency,
        dates: DateFormat,
    ) -> Result<Self, PlanError> {
        match mode.or_else(|| preset.map(Preset::mode)) {
            Some(ImportMode::History) => {}
            Some(ImportMode::New) => return Err(PlanError::NewUnavailable),
            None => return Err(PlanError::ModeMissing),
        }
        let base = preset.map(Preset::mapping).unwrap_or_default();
        let rules = preset.map_or(Rules::Plain, Preset::rules);
        Ok(Self { mapping: mapping.over(&base), rules, currency, dates })
    }

    /// The columns.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The currency of orders that name none.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// How dates are written.
    pub fn dates(&self) -> DateFormat {
        self.dates
    }

    pub(super) fn number_kind(&self, external_number: &str) -> NumberKind {
        match (self.rules, external_number.as_bytes().first()) {
            (Rules::Plain, _) => NumberKind::Sale,
            (Rules::OnlineRetail, Some(b'C')) => NumberKind::Credit,
            (Rules::OnlineRetail, Some(b'A')) => NumberKind::Bookkeeping,
            (Rules::OnlineRetail, _) => NumberKind::SaleOrAdjustment,
        }
    }
}

fn unknown(option: &'static str, word: &str, known: &'static str) -> PlanError {
    PlanError::UnknownWord { option, word: super::rejects::excerpt(word), known }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan(preset: Option<Preset>, mode: Option<ImportMode>) -> Result<OrderPlan, PlanError> {
        let gbp = Currency::new("GBP", 2).unwrap();
        OrderPlan::new(preset, mode, Mapping::default(), gbp, DateFormat::YearFirst)
    }

    fn time(format: DateFormat, text: &str) -> Option<String> {
        format.parse(text).map(|time| time.to_string())
    }

    #[test]
    fn an_import_without_preset_must_say_as_history() {
        let error = plan(None, None).unwrap_err();
        assert_eq!((error.code(), error.remedy().contains("--as history")), ("import_as_missing", true));
        assert_eq!(plan(None, Some(ImportMode::History)).unwrap().number_kind("C1"), NumberKind::Sale);
    }

    #[test]
    fn orders_as_new_are_not_available() {
        for preset in [None, Some(Preset::OnlineRetail)] {
            let error = plan(preset, Some(ImportMode::New)).unwrap_err();
            assert_eq!(error.code(), "import_as_new_unavailable");
            assert_eq!(error.to_string(), "not available yet: use --as history");
        }
    }

    #[test]
    fn the_preset_says_history_and_reads_its_numbers() {
        let plan = plan(Some(Preset::OnlineRetail), None).unwrap();
        assert_eq!(plan.number_kind("C536379"), NumberKind::Credit);
        assert_eq!(plan.number_kind("A563185"), NumberKind::Bookkeeping);
        assert_eq!(plan.number_kind("536365"), NumberKind::SaleOrAdjustment);
        assert_eq!(plan.number_kind("c1"), NumberKind::SaleOrAdjustment);
        assert_eq!(plan.currency().code(), "GBP");
    }

    #[test]
    fn words_of_options_are_found_or_listed() {
        assert_eq!(Preset::named("online-retail"), Ok(Preset::OnlineRetail));
        assert_eq!(ImportMode::named("history"), Ok(ImportMode::History));
        assert_eq!(ImportMode::named("new"), Ok(ImportMode::New));
        assert_eq!(DateFormat::named("year-first"), Ok(DateFormat::YearFirst));
        assert_eq!(DateFormat::named("day-month-year"), Ok(DateFormat::DayMonthYear));
        for error in [Preset::named("x").unwrap_err(), ImportMode::named("x").unwrap_err()] {
            assert_eq!(error.code(), "import_option_unknown");
        }
        assert!(DateFormat::named("us").unwrap_err().to_string().contains("day-month-year"));
    }

    #[test]
    fn dates_with_the_year_first_are_read() {
        for text in ["2010-12-01 08:26:00", "2010-12-01 08:26", "2010/12/1 8:26", "2010-12-01  8:26"] {
            assert_eq!(time(DateFormat::YearFirst, text).unwrap(), "2010-12-01 08:26:00", "{text}");
        }
        assert_eq!(time(DateFormat::YearFirst, "2010-12-01").unwrap(), "2010-12-01 00:00:00");
    }

    #[test]
    fn days_before_months_are_read_only_when_asked_for() {
        assert_eq!(time(DateFormat::DayMonthYear, "1/12/2010 8:26").unwrap(), "2010-12-01 08:26:00");
        assert_eq!(time(DateFormat::YearFirst, "1/12/2010 8:26"), None);
        assert_eq!(time(DateFormat::DayMonthYear, "2010-12-01"), None);
    }

    #[test]
    fn what_is_no_date_between_1900_and_9999_is_refused() {
        for text in [
            "",
            "soon",
            "2010-02-30",
            "2010-13-01",
            "2010-12-01 24:00",
            "2010-12-01 08:60",
            "2010-12-01 8",
            "10-12-01",
            "2010-12-01T08:26",
            "2010-12-01 08:26:00.5",
            "1899-12-31",
            "2010-12-01-01",
            "2010/12-01",
            "+010-12-01",
        ] {
            assert_eq!(time(DateFormat::YearFirst, text), None, "{text}");
        }
        assert!(time(DateFormat::YearFirst, "1900-01-01").is_some());
        assert!(time(DateFormat::YearFirst, "9999-12-31 23:59:59").is_some());
    }
}
