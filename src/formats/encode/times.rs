//! Dates and times as files of text spell them: `2024-01-02T03:04:05.000Z`, or by patterns of the
//! user's.

use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use crate::error::Result;
use crate::event_time::calendar::{Date, MICROS_PER_SECOND, split_day};
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::{Pattern, Use, compile};

/// What a user may say of dates and times.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeFormats<'a> {
    /// The zone in which points in time are spelled.
    pub zone: TimeZone,
    /// The pattern of dates.
    pub date: Option<&'a str>,
    /// The pattern of points in time.
    pub timestamp: Option<&'a str>,
    /// The pattern of timestamps without zone.
    pub timestamp_ntz: Option<&'a str>,
}

/// How dates and times are spelled.
#[derive(Debug, Clone, Default)]
pub struct TimeText {
    zone: TimeZone,
    date: Option<Pattern>,
    timestamp: Option<Pattern>,
    timestamp_ntz: Option<Pattern>,
}

impl TimeText {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// `Invalid` for a pattern that cannot be written.
    pub fn try_new(formats: &TimeFormats<'_>) -> Result<Self> {
        let pattern = |text: Option<&str>| text.map(|text| compile(text, Use::Format)).transpose();
        Ok(Self {
            zone: formats.zone,
            date: pattern(formats.date)?,
            timestamp: pattern(formats.timestamp)?,
            timestamp_ntz: pattern(formats.timestamp_ntz)?,
        })
    }

    /// Whether values of this type are spelled here.
    pub(super) const fn spells(data_type: &DataType) -> bool {
        matches!(data_type, DataType::Date32 | DataType::Timestamp(_, _))
    }

    /// Appends a date or a timestamp that is not null; `None` for one that has no text.
    pub(super) fn push(&self, out: &mut String, array: &dyn Array, row: usize) -> Option<()> {
        match array.data_type() {
            DataType::Date32 => self.push_date(out, array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(_, Some(_)) => self.push_instant(out, micros(array, row)?),
            _ => self.push_local(out, micros(array, row)?),
        }
        Some(())
    }

    fn push_date(&self, out: &mut String, days: i32) {
        match &self.date {
            Some(pattern) => pattern.format_date(out, days),
            None => push_day(out, i64::from(days)),
        }
    }

    fn push_instant(&self, out: &mut String, utc_micros: i64) {
        if let Some(pattern) = &self.timestamp {
            return pattern.format_timestamp(out, utc_micros, self.zone);
        }
        push_time(out, self.zone.to_local(utc_micros));
        push_offset(out, self.zone.offset_seconds(utc_micros));
    }

    fn push_local(&self, out: &mut String, micros: i64) {
        match &self.timestamp_ntz {
            Some(pattern) => pattern.format_timestamp_ntz(out, micros),
            None => push_time(out, micros),
        }
    }
}

/// A timestamp of any unit in microseconds; `None` for one that has none.
fn micros(array: &dyn Array, row: usize) -> Option<i64> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            array.as_primitive::<TimestampSecondType>().value(row).checked_mul(MICROS_PER_SECOND)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Some(array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000))
        }
        _ => Some(array.as_primitive::<TimestampMicrosecondType>().value(row)),
    }
}

fn push_day(out: &mut String, days: i64) {
    let Date { year, month, day } = Date::from_days(days);
    // Writing to a string cannot fail.
    let _ = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{year:+05}-{month:02}-{day:02}"),
    };
}

/// A date and time of day, with microseconds only where milliseconds would lose something.
fn push_time(out: &mut String, local_micros: i64) {
    let (days, of_day) = split_day(local_micros);
    push_day(out, days);
    let (seconds, micros) = (of_day / MICROS_PER_SECOND, of_day % MICROS_PER_SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "T{hour:02}:{minute:02}:{second:02}");
    let _ = match micros % 1_000 {
        0 => write!(out, ".{:03}", micros / 1_000),
        _ => write!(out, ".{micros:06}"),
    };
}

/// The distance from UTC: `Z`, `+09:00`, `+09:18:59`.
fn push_offset(out: &mut String, seconds: i32) {
    if seconds == 0 {
        return out.push('Z');
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let _ = write!(out, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
}

/// The texts of the values of a column, made before any of them is written, so that one that has no
/// text is an error and not a broken file.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// The texts of a column of dates or timestamps; `None` when a value has none.
    pub(super) fn of_times(times: &TimeText, array: &dyn Array) -> Option<Self> {
        let mut all = Self { text: String::new(), ends: Vec::with_capacity(array.len()) };
        for row in 0..array.len() {
            if array.is_valid(row) {
                times.push(&mut all.text, array, row)?;
            }
            all.ends.push(all.text.len());
        }
        Some(all)
    }

    /// The text of a value; empty for null.
    pub(super) fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(row).copied().unwrap_or_default();
        self.text.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, TimestampMicrosecondArray, TimestampSecondArray};

    use super::*;

    fn texts(formats: &TimeFormats<'_>, array: &dyn Array) -> Vec<String> {
        let texts = Texts::of_times(&TimeText::try_new(formats).unwrap(), array).unwrap();
        (0..array.len()).map(|row| texts.get(row).to_owned()).collect()
    }

    #[test]
    fn without_patterns_they_are_spelled_as_spark_does() {
        let zone = TimeZone::parse("Asia/Tokyo").unwrap();
        let times = vec![Some(1_704_164_645_120_000), None, Some(-63_549_402_061_000_000), Some(1)];
        let local = TimestampMicrosecondArray::from(times);
        let instants = local.clone().with_timezone("UTC");
        let tokyo = TimeFormats { zone, ..TimeFormats::default() };
        assert_eq!(
            texts(&tokyo, &instants),
            [
                "2024-01-02T12:04:05.120+09:00",
                "",
                "-0044-03-14T21:37:58.000+09:18:59",
                "1970-01-01T09:00:00.000001+09:00"
            ]
        );
        assert_eq!(texts(&tokyo, &local)[0], "2024-01-02T03:04:05.120");
        assert_eq!(texts(&TimeFormats::default(), &instants)[0], "2024-01-02T03:04:05.120Z");
        let dates = Date32Array::from(vec![-683_000, 3_672_500]);
        assert_eq!(texts(&tokyo, &dates), ["0100-01-04", "+12024-12-18"]);
    }

    #[test]
    fn patterns_are_used_where_they_are_given() {
        let formats = TimeFormats {
            zone: TimeZone::parse("Asia/Tokyo").unwrap(),
            date: Some("dd/MM/yyyy"),
            timestamp: Some("yyyy/MM/dd HH:mm"),
            timestamp_ntz: Some("HH:mm:ss.SSS"),
        };
        let local = TimestampMicrosecondArray::from(vec![1_704_164_645_120_000]);
        assert_eq!(texts(&formats, &Date32Array::from(vec![19_724])), ["02/01/2024"]);
        assert_eq!(texts(&formats, &local), ["03:04:05.120"]);
        assert_eq!(texts(&formats, &local.with_timezone("UTC")), ["2024/01/02 12:04"]);
        let wrong = TimeFormats { date: Some("nnn"), ..TimeFormats::default() };
        assert!(TimeText::try_new(&wrong).is_err());
    }

    #[test]
    fn a_time_beyond_all_microseconds_has_no_text() {
        let far = TimestampSecondArray::from(vec![i64::MAX]);
        assert!(Texts::of_times(&TimeText::default(), &far).is_none());
    }
}
