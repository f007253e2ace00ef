//! Dates by their months and weeks: `add_months`, `months_between`, `last_day`, `next_day`.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type};
use datafusion::error::Result;

use crate::event_time::calendar::{Date, MICROS_PER_SECOND, days_in_month, split_day, weekday};
use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, collect, date};

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    vec![
        TimeFunction::new("add_months", &[Takes::Date, Takes::Int], date, add_months),
        TimeFunction::new("last_day", &[Takes::Date], date, last_day),
        TimeFunction::new("next_day", &[Takes::Date, Takes::Text], date, next_day),
        TimeFunction::new(
            "months_between",
            &[Takes::Timestamp, Takes::Timestamp, Takes::Bool],
            || DataType::Float64,
            months_between,
        )
        .least(2),
    ]
}

fn add_months(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let rows = dates.iter().zip(call.primitive::<Int32Type>(1)?.iter());
    collect::<Date32Type>(rows.map(|pair| {
        let (Some(days), Some(months)) = pair else { return Ok(None) };
        let moved = Date::from_days(i64::from(days)).add_months(i64::from(months));
        match moved.and_then(|date| i32::try_from(date.to_days()).ok()) {
            Some(moved) => Ok(Some(moved)),
            None => call.overflow(),
        }
    }))
}

fn last_day(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    collect::<Date32Type>(dates.iter().map(|days| {
        Ok(days.and_then(|days| {
            let date = Date::from_days(i64::from(days));
            let last = Date { day: days_in_month(date.year, date.month), ..date };
            i32::try_from(last.to_days()).ok()
        }))
    }))
}

/// The day of the week that a name, in two letters, three or all, stands for; Monday is 0.
fn weekday_of(name: &str) -> Option<i64> {
    const NAMES: [&str; 7] =
        ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
    let name = name.trim().to_ascii_uppercase();
    let place = NAMES
        .iter()
        .position(|full| name == *full || (matches!(name.len(), 2 | 3) && full.starts_with(&name)));
    place.and_then(|place| i64::try_from(place).ok())
}

fn next_day(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let rows = dates.iter().zip(call.text(1)?.iter());
    collect::<Date32Type>(rows.map(|pair| {
        let (Some(days), Some(name)) = pair else { return Ok(None) };
        let Some(wanted) = weekday_of(name) else {
            return call.none(|| format!("there is no day of the week `{name}`"));
        };
        let days = i64::from(days);
        let ahead = (wanted - weekday(days) - 1).rem_euclid(7) + 1;
        Ok(i32::try_from(days + ahead).ok())
    }))
}

fn months_between(call: &Call<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (call.local(0)?, call.local(1)?);
    let round = match call.arguments.get(2) {
        Some(flags) => Some(arrow::array::AsArray::as_boolean_opt(flags).ok_or_else(|| {
            datafusion::error::DataFusionError::Execution(
                "argument 3 of `months_between` is no BOOLEAN".to_owned(),
            )
        })?),
        None => None,
    };
    collect::<Float64Type>((0..call.rows).map(|row| {
        let is_missing = round.is_some_and(|flags| flags.is_null(row));
        if ends.is_null(row) || starts.is_null(row) || is_missing {
            return Ok(None);
        }
        let months = difference(ends.value(row), starts.value(row));
        let rounds = round.is_none_or(|flags| flags.value(row));
        Ok(Some(if rounds { (months * 1e8).round() / 1e8 } else { months }))
    }))
}

/// A month has 31 days where it is not whole; from one end of a month to another it is.
fn difference(end: i64, start: i64) -> f64 {
    let place = |local: i64| {
        let (days, of_day) = split_day(local);
        let date = Date::from_days(days);
        let is_last = date.day == days_in_month(date.year, date.month);
        (date.year * 12 + i64::from(date.month), i64::from(date.day), is_last, of_day)
    };
    let (end_month, end_day, end_is_last, end_time) = place(end);
    let (start_month, start_day, start_is_last, start_time) = place(start);
    let months = (end_month - start_month) as f64;
    if end_day == start_day || (end_is_last && start_is_last) {
        return months;
    }
    let seconds = (end_day - start_day) * 86_400 + (end_time - start_time) / MICROS_PER_SECOND;
    months + seconds as f64 / (31 * 86_400) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_week_has_three_names() {
        for name in ["TU", "tue", "Tuesday"] {
            assert_eq!(weekday_of(name), Some(1), "{name}");
        }
        assert_eq!(weekday_of("T"), None);
        assert_eq!(weekday_of("tues"), None);
    }
}
