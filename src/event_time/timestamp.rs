//! A point in event time.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

/// A point in event time: microseconds since 1970-01-01T00:00:00 UTC, as in a TIMESTAMP column.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventTime(i64);

impl EventTime {
    /// The point that lies so many microseconds after the start of 1970 in UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start of 1970 in UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the start of 1970 in UTC, rounded towards the past.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// ISO-8601 in UTC with milliseconds, as Spark's progress reports have it.
pub fn iso_millis(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).map_or_else(
        || format!("{millis}ms"),
        |time| time.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_round_towards_the_past() {
        assert_eq!(EventTime::from_micros(-1).as_millis(), -1);
        assert_eq!(iso_millis(-1), "1969-12-31T23:59:59.999Z");
    }
}
