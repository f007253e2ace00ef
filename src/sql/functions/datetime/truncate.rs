//! `date_trunc` and `trunc`: the start of the year, month, hour that a time lies in.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use datafusion::error::Result;

use crate::event_time::calendar::{Date, join_day, split_day, weekday};
use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, collect, date};
use crate::sql::types;

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    vec![
        TimeFunction::new(
            "date_trunc",
            &[Takes::Text, Takes::Timestamp],
            types::timestamp,
            date_trunc,
        ),
        TimeFunction::new("trunc", &[Takes::Date, Takes::Text], date, trunc),
    ]
}

/// What is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// What a part of a day cannot hold, by microseconds.
    Micros(i64),
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name.to_ascii_uppercase().as_str() {
        "MICROSECOND" => Unit::Micros(1),
        "MILLISECOND" => Unit::Micros(1_000),
        "SECOND" => Unit::Micros(1_000_000),
        "MINUTE" => Unit::Micros(60_000_000),
        "HOUR" => Unit::Micros(3_600_000_000),
        "DAY" | "DD" => Unit::Day,
        "WEEK" => Unit::Week,
        "MON" | "MONTH" | "MM" => Unit::Month,
        "QUARTER" => Unit::Quarter,
        "YEAR" | "YYYY" | "YY" => Unit::Year,
        _ => return None,
    })
}

/// The first day of the unit that a day lies in.
fn first_day(unit: Unit, days: i64) -> i64 {
    let date = Date::from_days(days);
    match unit {
        Unit::Micros(_) | Unit::Day => days,
        Unit::Week => days - weekday(days),
        Unit::Month => Date { day: 1, ..date }.to_days(),
        Unit::Quarter => Date { month: (date.quarter() - 1) * 3 + 1, day: 1, ..date }.to_days(),
        Unit::Year => Date { month: 1, day: 1, ..date }.to_days(),
    }
}

fn truncated(unit: Unit, micros: i64, zone: TimeZone) -> Option<i64> {
    if let Unit::Micros(length) = unit {
        // The offset stays, so that an hour that comes twice is not mistaken for the other.
        let offset = zone.to_local(micros).checked_sub(micros)?;
        let local = micros.checked_add(offset)?;
        return local.checked_sub(local.rem_euclid(length))?.checked_sub(offset);
    }
    let (days, _) = split_day(zone.to_local(micros));
    Some(zone.to_utc(join_day(first_day(unit, days), 0)?))
}

fn date_trunc(call: &Call<'_>) -> Result<ArrayRef> {
    let times = call.primitive::<TimestampMicrosecondType>(1)?;
    let rows = call.text(0)?.iter().zip(times.iter());
    Call::timestamps(rows.map(|(name, time)| match (name.and_then(unit), time) {
        (Some(unit), Some(time)) => match truncated(unit, time, call.zone) {
            Some(start) => Ok(Some(start)),
            None => call.overflow(),
        },
        _ => Ok(None),
    }))
}

fn trunc(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let of_date = |unit: &Unit| !matches!(unit, Unit::Micros(_) | Unit::Day);
    let rows = dates.iter().zip(call.text(1)?.iter());
    collect::<Date32Type>(rows.map(|(days, name)| {
        let (Some(days), Some(unit)) = (days, name.and_then(unit).filter(of_date)) else {
            return Ok(None);
        };
        Ok(i32::try_from(first_day(unit, i64::from(days))).ok())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_comes_twice_stays_the_same_hour() {
        let zone = TimeZone::parse("America/New_York").unwrap();
        // 2024-11-03 01:30, the second time.
        let second = 1_730_597_400_000_000 + 5 * 3_600_000_000;
        let hour = truncated(Unit::Micros(3_600_000_000), second, zone).unwrap();
        assert_eq!(second - hour, 1_800_000_000);
        let day = truncated(Unit::Day, second, zone).unwrap();
        assert_eq!(zone.to_local(day) % 86_400_000_000, 0);
    }
}
