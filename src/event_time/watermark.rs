//! How far event time has come.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event_time::timestamp::{EventTime, iso_millis};

/// A lower bound on the event times still to come, in milliseconds since 1970 in UTC.
///
/// A query begins with zero. As in Spark that is no "unknown": what lies before 1970 is late from the
/// first epoch on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Watermark(i64);

impl Watermark {
    /// The watermark that every query begins with: the start of 1970 in UTC.
    pub const NONE: Self = Self(0);

    /// The watermark so many milliseconds after the start of 1970 in UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start of 1970 in UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Microseconds since the start of 1970 in UTC, to compare with a TIMESTAMP column.
    pub const fn as_micros(self) -> i64 {
        self.0.saturating_mul(1000)
    }

    /// Whether `time` lies behind: such a row is late, such a group is final.
    ///
    /// Equal counts as behind; the end of a window is exclusive.
    pub const fn has_passed(self, time: EventTime) -> bool {
        time.as_micros() <= self.as_micros()
    }
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&iso_millis(self.0))
    }
}

/// What one watermark node saw in one epoch. Times are milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EventTimeStats {
    /// The latest event time.
    pub max: i64,
    /// The earliest event time.
    pub min: i64,
    /// The sum of all event times, to make the average of.
    pub sum: f64,
    /// How many rows there were. A row without event time counts with time 0.
    pub count: u64,
}

impl Default for EventTimeStats {
    fn default() -> Self {
        Self { max: i64::MIN, min: i64::MAX, sum: 0.0, count: 0 }
    }
}

impl EventTimeStats {
    /// Takes in one row.
    pub fn observe(&mut self, millis: i64) {
        self.merge(&Self { max: millis, min: millis, sum: millis as f64, count: 1 });
    }

    /// Takes in what another partition saw.
    pub fn merge(&mut self, other: &Self) {
        self.max = self.max.max(other.max);
        self.min = self.min.min(other.min);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// The watermark that follows: the latest event time less `delay`; `None` without rows.
    pub fn watermark(&self, delay: Duration) -> Option<Watermark> {
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        (self.count > 0).then(|| Watermark(self.max.saturating_sub(delay)))
    }

    /// The average event time; `None` without rows.
    pub fn average(&self) -> Option<i64> {
        (self.count > 0).then(|| (self.sum / self.count as f64) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_equal_to_the_watermark_has_passed() {
        let watermark = Watermark::from_millis(5_500);
        assert!(watermark.has_passed(EventTime::from_micros(5_500_000)));
        assert!(!watermark.has_passed(EventTime::from_micros(5_500_500)));
    }

    #[test]
    fn the_first_watermark_has_passed_what_lies_before_1970() {
        assert!(Watermark::NONE.has_passed(EventTime::from_micros(-1)));
        assert!(!Watermark::NONE.has_passed(EventTime::from_micros(1)));
    }
}
