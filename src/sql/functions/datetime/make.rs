//! Dates and timestamps of their parts: `make_date`, `make_timestamp`.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type};
use datafusion::error::Result;

use crate::event_time::calendar::{Date, join_day};
use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, collect, date};
use crate::sql::types;

const PARTS: &[Takes] =
    &[Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Seconds, Takes::Text];

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let stamp = |name, run| TimeFunction::new(name, PARTS, types::timestamp, run).least(6);
    let ntz = |name, run| TimeFunction::new(name, &PARTS[..6], types::timestamp_ntz, run);
    vec![
        TimeFunction::new("make_date", &PARTS[..3], date, make_date),
        stamp("make_timestamp", |call| make_timestamp(call, call.ansi))
            .aliases(&["make_timestamp_ltz"]),
        stamp("try_make_timestamp", |call| make_timestamp(call, false))
            .aliases(&["try_make_timestamp_ltz"]),
        ntz("make_timestamp_ntz", |call| make_timestamp_ntz(call, call.ansi)),
        ntz("try_make_timestamp_ntz", |call| make_timestamp_ntz(call, false)),
    ]
}

fn make_date(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = [
        call.primitive::<Int32Type>(0)?,
        call.primitive::<Int32Type>(1)?,
        call.primitive::<Int32Type>(2)?,
    ];
    collect::<Date32Type>((0..call.rows).map(|row| {
        if parts.iter().any(|part| part.is_null(row)) {
            return Ok(None);
        }
        let [year, month, day] = parts.map(|part| part.value(row));
        let made = date_of(year, month, day).and_then(|days| i32::try_from(days).ok());
        match made {
            Some(days) => Ok(Some(days)),
            None => call.none(|| format!("there is no date {year}-{month}-{day}")),
        }
    }))
}

fn date_of(year: i32, month: i32, day: i32) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    Date::new(i64::from(year), month, day).map(Date::to_days)
}

fn make_timestamp(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let parts = Parts::of(call)?;
    let zones = if call.count() > 6 { Some(call.text(6)?) } else { None };
    Call::timestamps((0..call.rows).map(|row| {
        let zone = match zones {
            Some(zones) if zones.is_null(row) => return Ok(None),
            Some(zones) => TimeZone::parse(zones.value(row))?,
            None => call.zone,
        };
        Ok(parts.local(row, strict)?.map(|local| zone.to_utc(local)))
    }))
}

fn make_timestamp_ntz(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let parts = Parts::of(call)?;
    Call::times_ntz((0..call.rows).map(|row| parts.local(row, strict)))
}

/// The parts of times on the wall.
struct Parts<'a> {
    call: &'a Call<'a>,
    whole: [&'a arrow::array::Int32Array; 5],
    seconds: &'a arrow::array::Decimal128Array,
}

impl<'a> Parts<'a> {
    fn of(call: &'a Call<'a>) -> Result<Self> {
        let part = |i| call.primitive::<Int32Type>(i);
        let whole = [part(0)?, part(1)?, part(2)?, part(3)?, part(4)?];
        Ok(Self { call, whole, seconds: call.primitive::<Decimal128Type>(5)? })
    }

    fn local(&self, row: usize, strict: bool) -> Result<Option<i64>> {
        if self.whole.iter().any(|part| part.is_null(row)) || self.seconds.is_null(row) {
            return Ok(None);
        }
        let [year, month, day, hour, minute] = self.whole.map(|part| part.value(row));
        let micros = self.seconds.value(row);
        let is_time = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            // The end of a minute is the start of the next.
            && (0..=60_000_000).contains(&micros);
        let of_day = i64::from(hour * 60 + minute) * 60_000_000 + micros as i64;
        let made =
            date_of(year, month, day).filter(|_| is_time).and_then(|days| join_day(days, of_day));
        if made.is_some() || !strict {
            return Ok(made);
        }
        let seconds = micros as f64 / 1e6;
        self.call.none(|| {
            format!("there is no time {year}-{month}-{day} {hour}:{minute}:{seconds}; use `try_make_timestamp` for null in its place")
        })
    }
}
