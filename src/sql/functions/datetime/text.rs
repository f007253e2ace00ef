//! Dates and times as text in a pattern, and back: `date_format`, `to_timestamp`, `to_date`,
//! `unix_timestamp`, `from_unixtime`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use datafusion::error::Result;

use crate::event_time::text;
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::{Pattern, Use, compile};
use crate::sql::functions::datetime::function::{
    Call, Takes, TimeFunction, collect, date, long, string,
};
use crate::sql::types;

const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";
const MOMENT: &[Takes] = &[Takes::TextOrTime, Takes::Text];

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let stamp = |name, run| TimeFunction::new(name, MOMENT, types::timestamp, run).least(1);
    let ntz = |name, run| TimeFunction::new(name, MOMENT, types::timestamp_ntz, run).least(1);
    let day = |name, run| TimeFunction::new(name, MOMENT, date, run).least(1);
    let unix = |name| TimeFunction::new(name, MOMENT, long, unix_timestamp).least(1);
    vec![
        TimeFunction::new("date_format", &[Takes::Timestamp, Takes::Text], string, date_format),
        TimeFunction::new("from_unixtime", &[Takes::Long, Takes::Text], string, from_unixtime)
            .least(1),
        stamp("to_timestamp", |call| to_timestamp(call, call.ansi)).aliases(&["to_timestamp_ltz"]),
        stamp("try_to_timestamp", |call| to_timestamp(call, false)),
        ntz("to_timestamp_ntz", |call| to_timestamp_ntz(call, call.ansi)),
        ntz("try_to_timestamp_ntz", |call| to_timestamp_ntz(call, false)),
        day("to_date", |call| to_date(call, call.ansi)),
        day("try_to_date", |call| to_date(call, false)),
        unix("unix_timestamp"),
        unix("to_unix_timestamp"),
    ]
}

/// The patterns of a column, of which there are few: the last one is kept.
struct Patterns<'a> {
    texts: Option<&'a StringArray>,
    purpose: Use,
    last: Option<(&'a str, Arc<Pattern>)>,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'a>, purpose: Use) -> Result<Self> {
        let texts = if call.count() > 1 { Some(call.text(1)?) } else { None };
        Ok(Self { texts, purpose, last: None })
    }

    /// The pattern of a row, or else `default`.
    fn get(&mut self, row: usize, default: &'a str) -> Result<Option<Arc<Pattern>>> {
        let text = match self.texts {
            Some(texts) if texts.is_null(row) => return Ok(None),
            Some(texts) => texts.value(row),
            None => default,
        };
        if let Some((last, pattern)) = &self.last
            && *last == text
        {
            return Ok(Some(Arc::clone(pattern)));
        }
        let pattern = Arc::new(compile(text, self.purpose)?);
        self.last = Some((text, Arc::clone(&pattern)));
        Ok(Some(pattern))
    }
}

fn date_format(call: &Call<'_>) -> Result<ArrayRef> {
    let times = call.primitive::<TimestampMicrosecondType>(0)?;
    let mut patterns = Patterns::new(call, Use::Format)?;
    format(times.iter(), &mut patterns, call.zone)
}

fn from_unixtime(call: &Call<'_>) -> Result<ArrayRef> {
    let seconds = call.primitive::<Int64Type>(0)?;
    let mut patterns = Patterns::new(call, Use::Format)?;
    let micros = seconds.iter().map(|seconds| seconds.map(|s| s.saturating_mul(1_000_000)));
    format(micros, &mut patterns, call.zone)
}

fn format(
    times: impl ExactSizeIterator<Item = Option<i64>>,
    patterns: &mut Patterns<'_>,
    zone: TimeZone,
) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(times.len(), times.len() * 20);
    let mut text = String::new();
    for (row, time) in times.enumerate() {
        match (time, patterns.get(row, DEFAULT)?) {
            (Some(time), Some(pattern)) => {
                text.clear();
                pattern.format_timestamp(&mut text, time, zone);
                out.append_value(&text);
            }
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Reads the text of each row, by its pattern or in the form of a cast.
fn read<'a>(
    call: &'a Call<'a>,
    strict: bool,
    by_pattern: impl Fn(&Pattern, &str) -> Option<i64> + 'a,
    as_cast: impl Fn(&str) -> Option<i64> + 'a,
) -> Result<impl Iterator<Item = Result<Option<i64>>> + 'a> {
    let texts = call.text(0)?;
    let mut patterns = Patterns::new(call, Use::Parse)?;
    let has_pattern = call.count() > 1;
    Ok((0..call.rows).map(move |row| {
        if texts.is_null(row) {
            return Ok(None);
        }
        let text = texts.value(row);
        let found = if has_pattern {
            match patterns.get(row, DEFAULT)? {
                Some(pattern) => by_pattern(&pattern, text),
                None => return Ok(None),
            }
        } else {
            as_cast(text)
        };
        if found.is_some() || !strict {
            return Ok(found);
        }
        call.none(|| match patterns.texts {
            Some(patterns) => format!(
                "cannot read `{text}` by the pattern `{}`; use `try_to_timestamp` for null in its place",
                patterns.value(row)
            ),
            None => format!("cannot read `{text}`; use `try_to_timestamp` for null in its place"),
        })
    }))
}

fn is_text(call: &Call<'_>) -> bool {
    call.arguments.first().is_some_and(|first| *first.data_type() == DataType::Utf8)
}

/// The points in time of an argument that is a timestamp already.
fn moments<'a>(call: &'a Call<'a>) -> Result<impl Iterator<Item = Result<Option<i64>>> + 'a> {
    let times = call.primitive::<TimestampMicrosecondType>(0)?;
    let is_local = matches!(times.data_type(), DataType::Timestamp(_, None));
    let zone = if is_local { call.zone } else { TimeZone::UTC };
    Ok(times.iter().map(move |time| Ok(time.map(|time| zone.to_utc(time)))))
}

fn to_timestamp(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    if !is_text(call) {
        return Call::timestamps(moments(call)?);
    }
    let zone = call.zone;
    Call::timestamps(read(
        call,
        strict,
        move |pattern, text| pattern.parse_timestamp(text, zone),
        move |text| text::parse_timestamp(text, zone),
    )?)
}

fn to_timestamp_ntz(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    if !is_text(call) {
        let local = call.local(0)?;
        return Ok(Arc::new(local));
    }
    Call::times_ntz(read(call, strict, Pattern::parse_timestamp_ntz, text::parse_timestamp_ntz)?)
}

fn to_date(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let as_day = |days: i64| i32::try_from(days).ok();
    if !is_text(call) {
        let local = call.local(0)?;
        let days = local.iter().map(|local| {
            Ok(local.and_then(|local| as_day(crate::event_time::calendar::split_day(local).0)))
        });
        return collect::<Date32Type>(days);
    }
    let found = read(
        call,
        strict,
        |pattern, text| pattern.parse_date(text).map(i64::from),
        |text| text::parse_date(text).map(i64::from),
    )?;
    collect::<Date32Type>(found.map(|days| Ok(days?.and_then(as_day))))
}

fn unix_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let seconds = |micros: Result<Option<i64>>| Ok(micros?.map(|m| m.div_euclid(1_000_000)));
    if let DataType::Timestamp(_, None) = call.arguments[0].data_type() {
        // The clock on the wall is taken for one in UTC.
        let local = call.primitive::<TimestampMicrosecondType>(0)?;
        return collect::<Int64Type>(local.iter().map(|micros| seconds(Ok(micros))));
    }
    if !is_text(call) {
        return collect::<Int64Type>(moments(call)?.map(seconds));
    }
    let zone = call.zone;
    let default = compile(DEFAULT, Use::Parse)?;
    let found = read(
        call,
        call.ansi,
        move |pattern, text| pattern.parse_timestamp(text, zone),
        move |text| default.parse_timestamp(text, zone),
    )?;
    collect::<Int64Type>(found.map(seconds))
}
