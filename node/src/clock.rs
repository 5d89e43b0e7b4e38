//! The node's clock: the only place that reads real time, and the site's zone.
//!
//! Invariant: every event time is an instant with the site's offset and business date at that instant. Proved by
//! `a_moment_has_the_offset_and_day_of_its_zone`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use crdt_model::time::{BusinessDate, EventTime, Timestamp};

/// Reads the machine's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A reading that only moves forward: for how long something took.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// An instant as a site in `zone` sees it.
pub fn moment(at: Timestamp, zone: Tz) -> EventTime {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    event_time(utc.with_timezone(&zone))
}

/// A local time text of a file as an instant in `zone`; of two meanings the earlier, of none the next that exists.
pub fn local_moment(local: NaiveDateTime, zone: Tz) -> EventTime {
    let found = zone.from_local_datetime(&local).earliest();
    let shifted = || zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
    let mut time = event_time(found.or_else(shifted).unwrap_or_else(|| zone.from_utc_datetime(&local)));
    if let Ok(day) = BusinessDate::new(local.date()) {
        time.business_date = day;
    }
    time
}

fn event_time(local: DateTime<Tz>) -> EventTime {
    let offset_minutes = (local.offset().fix().local_minus_utc() / 60) as i16;
    let epoch = || BusinessDate::from_days(0).expect("invariant: 1970-01-01 is a valid business date");
    let business_date = BusinessDate::new(local.date_naive()).unwrap_or_else(|_| epoch());
    EventTime { at: Timestamp(local.timestamp_millis()), offset_minutes, business_date }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_moment_has_the_offset_and_day_of_its_zone() {
        let at = Timestamp(1_291_190_400_000 - 1);
        let shanghai = moment(at, chrono_tz::Asia::Shanghai);
        assert_eq!((shanghai.offset_minutes, shanghai.business_date.to_string()), (480, "2010-12-01".into()));
        let london = moment(at, chrono_tz::Europe::London);
        assert_eq!((london.offset_minutes, london.business_date.to_string()), (0, "2010-12-01".into()));
    }

    #[test]
    fn a_local_time_that_summer_time_skips_keeps_its_day() {
        let skipped = "2011-03-27T01:30:00".parse().unwrap();
        let time = local_moment(skipped, chrono_tz::Europe::London);
        assert_eq!((time.offset_minutes, time.business_date.to_string()), (60, "2011-03-27".into()));
    }
}
