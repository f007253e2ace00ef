//! Dates and times moved by days and other units, and how far two are apart.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;

use crate::event_time::calendar::{Date, MICROS_PER_DAY, join_day, split_day};
use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{
    Call, Takes, TimeFunction, collect, date, int, long,
};
use crate::sql::types;

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let days = &[Takes::Date, Takes::Int];
    let add = |name, run| {
        const TAKES: &[Takes] = &[Takes::Text, Takes::Long, Takes::AnyTimestamp];
        TimeFunction::new(name, TAKES, types::timestamp, run).same(2)
    };
    let difference = |name, run| {
        const TAKES: &[Takes] = &[Takes::Text, Takes::AnyTimestamp, Takes::AnyTimestamp];
        TimeFunction::new(name, TAKES, long, run)
    };
    vec![
        TimeFunction::new("date_add", days, date, |call| move_days(call, 1)),
        TimeFunction::new("date_sub", days, date, |call| move_days(call, -1)),
        TimeFunction::new("datediff", &[Takes::Date, Takes::Date], int, days_between)
            .aliases(&["date_diff"]),
        add("timestampadd", timestamp_add),
        difference("timestampdiff", timestamp_diff),
    ]
}

fn move_days(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let rows = dates.iter().zip(call.primitive::<Int32Type>(1)?.iter());
    collect::<Date32Type>(rows.map(|(date, days)| {
        let (Some(date), Some(days)) = (date, days) else { return Ok(None) };
        match i32::try_from(i64::from(date) + sign * i64::from(days)) {
            Ok(moved) => Ok(Some(moved)),
            Err(_) => call.overflow(),
        }
    }))
}

fn days_between(call: &Call<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (call.primitive::<Date32Type>(0)?, call.primitive::<Date32Type>(1)?);
    collect::<Int32Type>(ends.iter().zip(starts.iter()).map(|pair| match pair {
        (Some(end), Some(start)) => match end.checked_sub(start) {
            Some(days) => Ok(Some(days)),
            None => call.overflow(),
        },
        _ => Ok(None),
    }))
}

/// A unit of time.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// One that is equally long everywhere, in microseconds.
    Micros(i64),
    /// One of so many days.
    Days(i64),
    /// One of so many months.
    Months(i64),
}

/// The names of the units, as they are written before a parenthesis opens.
const UNITS: &[(&str, Unit)] = &[
    ("MICROSECOND", Unit::Micros(1)),
    ("MILLISECOND", Unit::Micros(1_000)),
    ("SECOND", Unit::Micros(1_000_000)),
    ("MINUTE", Unit::Micros(60_000_000)),
    ("HOUR", Unit::Micros(3_600_000_000)),
    ("DAY", Unit::Days(1)),
    ("DAYOFYEAR", Unit::Days(1)),
    ("WEEK", Unit::Days(7)),
    ("MONTH", Unit::Months(1)),
    ("QUARTER", Unit::Months(3)),
    ("YEAR", Unit::Months(12)),
];

fn unit(call: &Call<'_>, name: &str) -> Result<Unit> {
    match UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name)) {
        Some((_, unit)) => Ok(*unit),
        None => {
            let known: Vec<_> = UNITS.iter().map(|(unit, _)| *unit).collect();
            exec_err!("`{}` knows no unit `{name}`; use {}", call.name, known.join(", "))
        }
    }
}

/// A time moved by so many days on the calendar of a zone.
pub(in crate::sql::functions) fn add_days(micros: i64, days: i64, zone: TimeZone) -> Option<i64> {
    let (day, of_day) = split_day(zone.to_local(micros));
    Some(zone.to_utc(join_day(day.checked_add(days)?, of_day)?))
}

/// A time moved by so many months on the calendar of a zone.
pub(in crate::sql::functions) fn add_months(
    micros: i64,
    months: i64,
    zone: TimeZone,
) -> Option<i64> {
    let (day, of_day) = split_day(zone.to_local(micros));
    let date = Date::from_days(day).add_months(months)?;
    // A year that no timestamp can hold would overflow further on.
    if date.year.abs() > 400_000 {
        return None;
    }
    Some(zone.to_utc(join_day(date.to_days(), of_day)?))
}

fn timestamp_add(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone_of(2);
    let times = call.primitive::<TimestampMicrosecondType>(2)?;
    let counts = call.primitive::<Int64Type>(1)?;
    let rows = call.text(0)?.iter().zip(counts.iter()).zip(times.iter());
    let moved = rows.map(|((name, count), time)| {
        let (Some(name), Some(count), Some(time)) = (name, count, time) else { return Ok(None) };
        let moved = match unit(call, name)? {
            Unit::Micros(length) => count.checked_mul(length).and_then(|by| time.checked_add(by)),
            Unit::Days(days) => count.checked_mul(days).and_then(|by| add_days(time, by, zone)),
            Unit::Months(months) => {
                count.checked_mul(months).and_then(|by| add_months(time, by, zone))
            }
        };
        if moved.is_none() { call.overflow() } else { Ok(moved) }
    });
    if matches!(call.arguments[2].data_type(), arrow::datatypes::DataType::Timestamp(_, None)) {
        return Call::times_ntz(moved);
    }
    Call::timestamps(moved)
}

fn timestamp_diff(call: &Call<'_>) -> Result<ArrayRef> {
    // A day and an hour are as long as the clock on the wall says.
    let (starts, ends) = (call.local(1)?, call.local(2)?);
    let names = call.text(0)?;
    collect::<Int64Type>((0..call.rows).map(|row| {
        use arrow::array::Array;
        if names.is_null(row) || starts.is_null(row) || ends.is_null(row) {
            return Ok(None);
        }
        let (start, end) = (starts.value(row), ends.value(row));
        let micros = i128::from(end) - i128::from(start);
        let count = match unit(call, names.value(row))? {
            Unit::Micros(length) => micros / i128::from(length),
            Unit::Days(days) => micros / i128::from(MICROS_PER_DAY * days),
            Unit::Months(months) => i128::from(whole_months(start, end) / months),
        };
        i64::try_from(count).map_or_else(|_e| call.overflow(), |count| Ok(Some(count)))
    }))
}

/// How many whole months lie between two times on the wall.
fn whole_months(start: i64, end: i64) -> i64 {
    let place = |local: i64| {
        let (days, of_day) = split_day(local);
        let date = Date::from_days(days);
        (date.year * 12 + i64::from(date.month), (date.day, of_day))
    };
    let ((start_month, start_rest), (end_month, end_rest)) = (place(start), place(end));
    let months = end_month - start_month;
    if months > 0 && end_rest < start_rest {
        months - 1
    } else if months < 0 && end_rest > start_rest {
        months + 1
    } else {
        months
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_count_when_they_are_whole() {
        let at = |year, month, day| Date { year, month, day }.to_days() * MICROS_PER_DAY;
        assert_eq!(whole_months(at(2024, 1, 31), at(2024, 2, 29)), 0);
        assert_eq!(whole_months(at(2024, 1, 29), at(2024, 2, 29)), 1);
        assert_eq!(whole_months(at(2024, 2, 29), at(2024, 1, 31)), 0);
        assert_eq!(whole_months(at(2020, 2, 29), at(2024, 2, 28)) / 12, 3);
    }

    #[test]
    fn a_day_on_the_calendar_may_have_another_length() {
        let zone = TimeZone::parse("America/New_York").unwrap();
        let noon = 1_710_003_600_000_000; // 2024-03-09 12:00 in New York
        assert_eq!(add_days(noon, 1, zone), Some(noon + 23 * 3_600_000_000));
        assert_eq!(add_months(i64::MAX, 1, TimeZone::UTC), None);
    }
}
