//! Intervals: how they are made, added, and moved along the calendar.
//!
//! | Spark | here |
//! |---|---|
//! | INTERVAL YEAR TO MONTH | months |
//! | INTERVAL DAY TO SECOND | a duration in microseconds |
//! | the older INTERVAL of both | months, days and nanoseconds |
//!
//! What an operator over times and intervals means is one of the functions here, by the types of
//! its sides; `operators.rs` chooses.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type,
    Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    TimestampMicrosecondType,
};
use datafusion::common::exec_err;
use datafusion::error::Result;

use crate::event_time::calendar::{Date, MICROS_PER_DAY};
use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{
    Call, Takes, TimeFunction, calendar, collect, date, day_time, year_month,
};
use crate::sql::functions::datetime::shift::{add_days, add_months};
use crate::sql::types;

/// A literal of whole days, in microseconds.
pub(in crate::sql) const DAYS_LITERAL: &str = "interval_of_days";
/// A literal of days and time, in microseconds.
pub(in crate::sql) const TIME_LITERAL: &str = "interval_of_micros";
/// A literal of months.
pub(in crate::sql) const MONTHS_LITERAL: &str = "interval_of_months";

const WHOLE: &[Takes] = &[Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Int, Takes::Int];

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    const PARTS: &[Takes] =
        &[WHOLE[0], WHOLE[1], WHOLE[2], WHOLE[3], WHOLE[4], WHOLE[5], Takes::Seconds];
    const DAY_PARTS: &[Takes] = &[WHOLE[0], WHOLE[1], WHOLE[2], Takes::Seconds];
    let duration = |name, takes, run| TimeFunction::new(name, takes, day_time, run);
    let months = |name, takes, run| TimeFunction::new(name, takes, year_month, run);
    let moved = |name, takes, run| TimeFunction::new(name, takes, types::timestamp, run).same(0);
    let of_date = |name, takes, run| TimeFunction::new(name, takes, date, run);
    vec![
        TimeFunction::new("make_interval", PARTS, calendar, make_interval).least(0),
        duration("make_dt_interval", DAY_PARTS, make_dt_interval).least(0),
        months("make_ym_interval", &WHOLE[..2], make_ym_interval).least(0),
        duration(DAYS_LITERAL, &[Takes::Long], of_micros),
        duration(TIME_LITERAL, &[Takes::Long], of_micros),
        months(MONTHS_LITERAL, &[Takes::Int], of_months),
        moved("time_plus_months", &[Takes::AnyTimestamp, Takes::Months], plus_months),
        moved("time_plus_duration", &[Takes::AnyTimestamp, Takes::DayTime], plus_duration),
        moved("time_plus_interval", &[Takes::AnyTimestamp, Takes::Calendar], plus_interval),
        of_date("date_plus_months", &[Takes::Date, Takes::Months], date_plus_months),
        of_date("date_plus_days", &[Takes::Date, Takes::DayTime], date_plus_days),
        of_date("date_plus_interval", &[Takes::Date, Takes::Calendar], date_plus_interval),
        duration("time_minus_time", &[Takes::AnyTimestamp, Takes::AnyTimestamp], time_minus_time),
        duration("date_minus_date", &[Takes::Date, Takes::Date], date_minus_date),
        months("months_plus_months", &[Takes::Months, Takes::Months], months_plus_months),
        duration("duration_plus", &[Takes::DayTime, Takes::DayTime], duration_plus),
        months("months_negated", &[Takes::Months], |call| scale_months(call, Scale::By(-1))),
        duration("duration_negated", &[Takes::DayTime], |call| scale_duration(call, Scale::By(-1))),
        TimeFunction::new("interval_negated", &[Takes::Calendar], calendar, interval_negated),
        months("months_times", &[Takes::Months, Takes::Long], |c| scale_months(c, Scale::Times)),
        months("months_times_double", &[Takes::Months, Takes::Double], |call| {
            scale_months(call, Scale::TimesDouble)
        }),
        months("months_divided", &[Takes::Months, Takes::Double], |call| {
            scale_months(call, Scale::Divided)
        }),
        duration("duration_times", &[Takes::DayTime, Takes::Long], |call| {
            scale_duration(call, Scale::Times)
        }),
        duration("duration_times_double", &[Takes::DayTime, Takes::Double], |call| {
            scale_duration(call, Scale::TimesDouble)
        }),
        duration("duration_divided", &[Takes::DayTime, Takes::Double], |call| {
            scale_duration(call, Scale::Divided)
        }),
    ]
}

fn or_overflow<T>(call: &Call<'_>, value: Option<T>) -> Result<Option<T>> {
    if value.is_none() { call.overflow() } else { Ok(value) }
}

fn of_micros(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(Arc::new(call.primitive::<Int64Type>(0)?.reinterpret_cast::<DurationMicrosecondType>()))
}

fn of_months(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(Arc::new(call.primitive::<Int32Type>(0)?.reinterpret_cast::<IntervalYearMonthType>()))
}

/// The whole numbers of a row; those that are not given are 0, and one null makes all null.
fn whole(call: &Call<'_>, row: usize) -> Result<Option<[i64; 7]>> {
    let mut parts = [0; 7];
    for (i, argument) in call.arguments.iter().enumerate() {
        if argument.is_null(row) {
            return Ok(None);
        }
        parts[i] = if *argument.data_type() == DataType::Int32 {
            i64::from(argument.as_primitive::<Int32Type>().value(row))
        } else {
            let micros = call.primitive::<Decimal128Type>(i)?.value(row);
            i64::try_from(micros).map_or_else(|_e| call.overflow(), Ok)?
        };
    }
    Ok(Some(parts))
}

fn make_interval(call: &Call<'_>) -> Result<ArrayRef> {
    collect::<IntervalMonthDayNanoType>((0..call.rows).map(|row| {
        let Some([years, months, weeks, days, hours, minutes, micros]) = whole(call, row)? else {
            return Ok(None);
        };
        let made = || {
            let micros = (hours * 60 + minutes).checked_mul(60_000_000)?.checked_add(micros)?;
            Some(IntervalMonthDayNano {
                months: i32::try_from(years * 12 + months).ok()?,
                days: i32::try_from(weeks * 7 + days).ok()?,
                nanoseconds: micros.checked_mul(1_000)?,
            })
        };
        or_overflow(call, made())
    }))
}

fn make_dt_interval(call: &Call<'_>) -> Result<ArrayRef> {
    collect::<DurationMicrosecondType>((0..call.rows).map(|row| {
        let Some([days, hours, minutes, micros, ..]) = whole(call, row)? else { return Ok(None) };
        let time = ((days * 24 + hours) * 60 + minutes).checked_mul(60_000_000);
        or_overflow(call, time.and_then(|time| time.checked_add(micros)))
    }))
}

fn make_ym_interval(call: &Call<'_>) -> Result<ArrayRef> {
    collect::<IntervalYearMonthType>((0..call.rows).map(|row| {
        let Some([years, months, ..]) = whole(call, row)? else { return Ok(None) };
        or_overflow(call, i32::try_from(years * 12 + months).ok())
    }))
}

/// Moves times, with the zone whose calendar counts.
fn moved<T: arrow::datatypes::ArrowPrimitiveType>(
    call: &Call<'_>,
    step: impl Fn(i64, T::Native, TimeZone) -> Option<i64>,
) -> Result<ArrayRef> {
    let zone = call.zone_of(0);
    let times = call.primitive::<TimestampMicrosecondType>(0)?;
    let rows = times.iter().zip(call.primitive::<T>(1)?.iter());
    let results = rows.map(|(time, by)| match time.zip(by) {
        Some((time, by)) => or_overflow(call, step(time, by, zone)),
        None => Ok(None),
    });
    match times.data_type() {
        DataType::Timestamp(_, None) => Call::times_ntz(results),
        _ => Call::timestamps(results),
    }
}

fn plus_months(call: &Call<'_>) -> Result<ArrayRef> {
    moved::<IntervalYearMonthType>(call, |time, months, zone| {
        add_months(time, i64::from(months), zone)
    })
}

/// Whole days move along the calendar, the rest along the clock.
fn plus_duration(call: &Call<'_>) -> Result<ArrayRef> {
    moved::<DurationMicrosecondType>(call, |time, micros, zone| {
        add_days(time, micros / MICROS_PER_DAY, zone)?.checked_add(micros % MICROS_PER_DAY)
    })
}

fn plus_interval(call: &Call<'_>) -> Result<ArrayRef> {
    moved::<IntervalMonthDayNanoType>(call, |time, by, zone| {
        let time = add_months(time, i64::from(by.months), zone)?;
        let time = add_days(time, i64::from(by.days), zone)?;
        time.checked_add(by.nanoseconds / 1_000)
    })
}

fn date_moved<T: arrow::datatypes::ArrowPrimitiveType>(
    call: &Call<'_>,
    step: impl Fn(Date, T::Native) -> Result<Option<i64>>,
) -> Result<ArrayRef> {
    let rows = call.primitive::<Date32Type>(0)?.iter().zip(call.primitive::<T>(1)?.iter());
    collect::<Date32Type>(rows.map(|(days, by)| match days.zip(by) {
        Some((days, by)) => {
            let moved = step(Date::from_days(i64::from(days)), by)?;
            or_overflow(call, moved.and_then(|days| i32::try_from(days).ok()))
        }
        None => Ok(None),
    }))
}

fn date_plus_months(call: &Call<'_>) -> Result<ArrayRef> {
    date_moved::<IntervalYearMonthType>(call, |date, months| {
        Ok(date.add_months(i64::from(months)).map(Date::to_days))
    })
}

fn date_plus_days(call: &Call<'_>) -> Result<ArrayRef> {
    date_moved::<DurationMicrosecondType>(call, |date, micros| {
        Ok(date.to_days().checked_add(micros / MICROS_PER_DAY))
    })
}

fn date_plus_interval(call: &Call<'_>) -> Result<ArrayRef> {
    date_moved::<IntervalMonthDayNanoType>(call, |date, by| {
        if by.nanoseconds != 0 {
            return exec_err!(
                "an interval with a time of day cannot be added to a DATE; cast the date to TIMESTAMP"
            );
        }
        let moved = date.add_months(i64::from(by.months));
        Ok(moved.map(|date| date.to_days() + i64::from(by.days)))
    })
}

fn time_minus_time(call: &Call<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (call.local(0)?, call.local(1)?);
    collect::<DurationMicrosecondType>(ends.iter().zip(starts.iter()).map(|pair| match pair {
        (Some(end), Some(start)) => or_overflow(call, end.checked_sub(start)),
        _ => Ok(None),
    }))
}

fn date_minus_date(call: &Call<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (call.primitive::<Date32Type>(0)?, call.primitive::<Date32Type>(1)?);
    collect::<DurationMicrosecondType>(ends.iter().zip(starts.iter()).map(|pair| match pair {
        (Some(end), Some(start)) => {
            let days = i64::from(end) - i64::from(start);
            or_overflow(call, days.checked_mul(MICROS_PER_DAY))
        }
        _ => Ok(None),
    }))
}

fn months_plus_months(call: &Call<'_>) -> Result<ArrayRef> {
    let sides =
        (call.primitive::<IntervalYearMonthType>(0)?, call.primitive::<IntervalYearMonthType>(1)?);
    collect::<IntervalYearMonthType>(sides.0.iter().zip(sides.1.iter()).map(|pair| match pair {
        (Some(a), Some(b)) => or_overflow(call, a.checked_add(b)),
        _ => Ok(None),
    }))
}

fn duration_plus(call: &Call<'_>) -> Result<ArrayRef> {
    let sides = (
        call.primitive::<DurationMicrosecondType>(0)?,
        call.primitive::<DurationMicrosecondType>(1)?,
    );
    collect::<DurationMicrosecondType>(sides.0.iter().zip(sides.1.iter()).map(|pair| match pair {
        (Some(a), Some(b)) => or_overflow(call, a.checked_add(b)),
        _ => Ok(None),
    }))
}

fn interval_negated(call: &Call<'_>) -> Result<ArrayRef> {
    let intervals = call.primitive::<IntervalMonthDayNanoType>(0)?;
    collect::<IntervalMonthDayNanoType>(intervals.iter().map(|interval| {
        let Some(interval) = interval else { return Ok(None) };
        let negated = || {
            Some(IntervalMonthDayNano {
                months: interval.months.checked_neg()?,
                days: interval.days.checked_neg()?,
                nanoseconds: interval.nanoseconds.checked_neg()?,
            })
        };
        or_overflow(call, negated())
    }))
}

/// What an interval is multiplied with or divided by.
#[derive(Debug, Clone, Copy)]
enum Scale {
    By(i64),
    Times,
    TimesDouble,
    Divided,
}

impl Scale {
    /// The scaled number, rounded half away from zero; `None` for a null.
    fn apply(self, call: &Call<'_>, number: i64, row: usize) -> Result<Option<i64>> {
        let double = || -> Result<Option<f64>> {
            let by = call.primitive::<Float64Type>(1)?;
            Ok((!by.is_null(row)).then(|| by.value(row)))
        };
        let rounded = |value: f64| {
            let rounded = value.round();
            // The bound is exact in a double, the greatest number is not.
            (rounded.abs() < 9_223_372_036_854_775_808.0).then_some(rounded as i64)
        };
        match self {
            Self::By(factor) => or_overflow(call, number.checked_mul(factor)),
            Self::Times => {
                let by = call.primitive::<Int64Type>(1)?;
                if by.is_null(row) {
                    return Ok(None);
                }
                or_overflow(call, number.checked_mul(by.value(row)))
            }
            Self::TimesDouble => match double()? {
                Some(by) => or_overflow(call, rounded(number as f64 * by)),
                None => Ok(None),
            },
            Self::Divided => match double()? {
                Some(0.0) if call.ansi => exec_err!(
                    "an interval cannot be divided by zero; use `try_divide` for null in its place"
                ),
                Some(0.0) => Ok(None),
                Some(by) => or_overflow(call, rounded(number as f64 / by)),
                None => Ok(None),
            },
        }
    }
}

fn scale_months(call: &Call<'_>, scale: Scale) -> Result<ArrayRef> {
    let months = call.primitive::<IntervalYearMonthType>(0)?;
    collect::<IntervalYearMonthType>(months.iter().enumerate().map(|(row, months)| {
        let Some(months) = months else { return Ok(None) };
        match scale.apply(call, i64::from(months), row)? {
            Some(scaled) => or_overflow(call, i32::try_from(scaled).ok()),
            None => Ok(None),
        }
    }))
}

fn scale_duration(call: &Call<'_>, scale: Scale) -> Result<ArrayRef> {
    let micros = call.primitive::<DurationMicrosecondType>(0)?;
    collect::<DurationMicrosecondType>(
        micros
            .iter()
            .enumerate()
            .map(|(row, micros)| micros.map_or(Ok(None), |micros| scale.apply(call, micros, row))),
    )
}

/// Whether values of a type are intervals.
pub(in crate::sql) const fn is_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Duration(_)
            | DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::MonthDayNano)
    )
}
