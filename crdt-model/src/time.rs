//! Times as events carry them: instant, offset and business date, all written by the author.
//!
//! Nothing here reads a clock or a zone table; both are the node's. The hybrid logical clock is information for people
//! and never decides a merge.
//!
//! Invariants: a business date lies between the years 1900 and 9999, an HLC never goes back and never follows a peer
//! by more than five minutes. Proved by `the_hlc_never_goes_back` and `a_wild_clock_is_not_followed`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta, Utc};
use thiserror::Error;

use crate::codec::{DecodeError, Reader, Writer};

/// How far ahead of the local clock a peer's clock is followed, in milliseconds.
pub const HLC_AHEAD_MS_MAX: u64 = 5 * 60 * 1000;

/// Milliseconds since 1970-01-01 UTC; negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A calendar day of a site's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(NaiveDate);

/// The text is not a day between 1900-01-01 and 9999-12-31.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a date is written YYYY-MM-DD and lies between 1900 and 9999")]
pub struct DateError;

impl BusinessDate {
    /// Checks the range of years.
    pub fn new(date: NaiveDate) -> Result<Self, DateError> {
        if (1900..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(DateError) }
    }

    /// Days since 1970-01-01, for keys and ids.
    pub fn days(self) -> i32 {
        self.0.to_epoch_days()
    }

    /// The day of a day number.
    pub fn from_days(days: i32) -> Result<Self, DateError> {
        NaiveDate::from_epoch_days(days).ok_or(DateError).and_then(Self::new)
    }

    /// Year and month as `2010-12`.
    pub fn month(self) -> String {
        self.0.format("%Y-%m").to_string()
    }

    /// The calendar value.
    pub fn naive(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl FromStr for BusinessDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| DateError).and_then(Self::new)
    }
}

/// When something happened, as its author saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime {
    /// The instant.
    pub at: Timestamp,
    /// Minutes east of UTC at the site.
    pub offset_minutes: i16,
    /// The site's business day.
    pub business_date: BusinessDate,
}

impl EventTime {
    /// Writes it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.signed(self.at.0).signed(i64::from(self.offset_minutes)).signed(i64::from(self.business_date.days()));
    }

    /// Reads it and checks its ranges.
    pub fn decode(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let out_of_range = || DecodeError::OutOfRange { field };
        let at = Timestamp(reader.signed(field)?);
        let offset = i16::try_from(reader.signed(field)?).map_err(|_| out_of_range())?;
        let days = i32::try_from(reader.signed(field)?).map_err(|_| out_of_range())?;
        if offset.unsigned_abs() > 18 * 60 {
            return Err(out_of_range());
        }
        let business_date = BusinessDate::from_days(days).map_err(|_| out_of_range())?;
        Ok(Self { at, offset_minutes: offset, business_date })
    }

    /// The local time with its offset, RFC 3339; an instant outside the calendar is shown as its number.
    pub fn rfc3339(&self) -> String {
        let local = FixedOffset::east_opt(i32::from(self.offset_minutes) * 60)
            .zip(DateTime::<Utc>::from_timestamp_millis(self.at.0))
            .map(|(offset, instant)| instant.with_timezone(&offset));
        local.map_or_else(|| self.at.0.to_string(), |time| time.to_rfc3339())
    }
}

/// A hybrid logical clock value: 48 bits of milliseconds, 16 bits of counter. Information only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The next value for a local commit.
    pub fn tick(self, now: Timestamp) -> Self {
        let clock = (now.0.max(0) as u64).min((1 << 48) - 1) << 16;
        Self(clock.max(self.0.saturating_add(1)))
    }

    /// The value after seeing a peer's; one more than five minutes ahead of `now` is not followed.
    pub fn observe(self, peer: Self, now: Timestamp) -> Self {
        let limit = (now.0.max(0) as u64).saturating_add(HLC_AHEAD_MS_MAX);
        if peer.millis() > limit { self } else { Self(self.0.max(peer.0)) }
    }

    /// Its milliseconds.
    pub fn millis(self) -> u64 {
        self.0 >> 16
    }
}

/// Adds whole days to a business date; stays within the valid years.
pub fn add_days(date: BusinessDate, days: i64) -> Result<BusinessDate, DateError> {
    date.naive().checked_add_signed(TimeDelta::days(days)).ok_or(DateError).and_then(BusinessDate::new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_hlc_never_goes_back() {
        let first = Hlc::default().tick(Timestamp(1_000_000));
        let after_jump_back = first.tick(Timestamp(5));
        assert!(after_jump_back > first);
        assert_eq!(after_jump_back.millis(), 1_000_000);
    }

    #[test]
    fn a_wild_clock_is_not_followed() {
        let mine = Hlc::default().tick(Timestamp(1_000_000));
        let year_9999 = Hlc::default().tick(Timestamp(253_370_764_800_000));
        assert_eq!(mine.observe(year_9999, Timestamp(1_000_000)), mine);
        let near = Hlc::default().tick(Timestamp(1_000_000 + HLC_AHEAD_MS_MAX as i64));
        assert_eq!(mine.observe(near, Timestamp(1_000_000)), near);
    }

    #[test]
    fn a_day_outside_1900_to_9999_is_refused() {
        assert!("1900-01-01".parse::<BusinessDate>().is_ok());
        assert!("1899-12-31".parse::<BusinessDate>().is_err());
        assert!("2010-02-30".parse::<BusinessDate>().is_err());
    }
}
