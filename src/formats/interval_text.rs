//! Intervals as text, as Spark's cast to string spells them.

use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit, IntervalYearMonthType, TimeUnit,
};

use crate::error::Result;
use crate::event_time::calendar::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// Appends the interval in `row` of `array`.
///
/// # Errors
/// `Internal` for an array of another type.
pub fn push_interval(out: &mut String, array: &dyn Array, row: usize) -> Result<()> {
    match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            push_months(out, array.as_primitive::<IntervalYearMonthType>().value(row));
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            push_calendar(out, array.as_primitive::<IntervalMonthDayNanoType>().value(row));
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            push_day_time(out, array.as_primitive::<DurationMicrosecondType>().value(row));
        }
        DataType::Duration(_) => {
            let micros = DataType::Duration(TimeUnit::Microsecond);
            let one = cast(&array.slice(row, 1), &micros)?;
            push_day_time(out, one.as_primitive::<DurationMicrosecondType>().value(0));
        }
        _ => {
            let calendar = DataType::Interval(IntervalUnit::MonthDayNano);
            let one = cast(&array.slice(row, 1), &calendar)?;
            push_calendar(out, one.as_primitive::<IntervalMonthDayNanoType>().value(0));
        }
    }
    Ok(())
}

fn push_months(out: &mut String, months: i32) {
    let sign = if months < 0 { "-" } else { "" };
    let months = months.unsigned_abs();
    // Writing to a string cannot fail.
    let _ = write!(out, "INTERVAL '{sign}{}-{}' YEAR TO MONTH", months / 12, months % 12);
}

fn push_day_time(out: &mut String, micros: i64) {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let days = micros / MICROS_PER_DAY.unsigned_abs();
    let seconds = micros / MICROS_PER_SECOND.unsigned_abs();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "INTERVAL '{sign}{days} {hour:02}:{minute:02}:{second:02}");
    push_fraction(out, micros % MICROS_PER_SECOND.unsigned_abs());
    out.push_str("' DAY TO SECOND");
}

fn push_fraction(out: &mut String, micros: u64) {
    if micros > 0 {
        let digits = format!("{micros:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// The parts that are not zero, each with its unit and its sign.
fn push_calendar(out: &mut String, interval: IntervalMonthDayNano) {
    let start = out.len();
    let mut part = |number: i64, unit: &str| {
        if number != 0 {
            let gap = if out.len() > start { " " } else { "" };
            let _ = write!(out, "{gap}{number} {unit}");
        }
    };
    part(i64::from(interval.months / 12), "years");
    part(i64::from(interval.months % 12), "months");
    part(i64::from(interval.days), "days");
    let micros = interval.nanoseconds / 1_000;
    let seconds = micros / MICROS_PER_SECOND;
    part(seconds / 3600, "hours");
    part(seconds / 60 % 60, "minutes");
    let rest = micros % (60 * MICROS_PER_SECOND);
    if rest != 0 {
        let gap = if out.len() > start { " " } else { "" };
        let sign = if rest < 0 { "-" } else { "" };
        let rest = rest.unsigned_abs();
        let _ = write!(out, "{gap}{sign}{}", rest / MICROS_PER_SECOND.unsigned_abs());
        push_fraction(out, rest % MICROS_PER_SECOND.unsigned_abs());
        out.push_str(" seconds");
    }
    if out.len() == start {
        out.push_str("0 seconds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_spelled_with_their_signs() {
        let text = |push: &dyn Fn(&mut String)| {
            let mut out = String::new();
            push(&mut out);
            out
        };
        let day_time = |micros| text(&|out| push_day_time(out, micros));
        assert_eq!(day_time(93_784_500_000), "INTERVAL '1 02:03:04.5' DAY TO SECOND");
        assert_eq!(day_time(-1), "INTERVAL '-0 00:00:00.000001' DAY TO SECOND");
        assert_eq!(text(&|out| push_months(out, -14)), "INTERVAL '-1-2' YEAR TO MONTH");
        let calendar = |months, days, nanos| {
            text(&|out| push_calendar(out, IntervalMonthDayNano::new(months, days, nanos)))
        };
        let parts = "1 years 2 months 25 days 5 hours 6 minutes 7.5 seconds";
        assert_eq!(calendar(14, 25, 18_367_500_000_000), parts);
        assert_eq!(calendar(0, 0, -500_000_000), "-0.5 seconds");
        assert_eq!(calendar(0, 0, 0), "0 seconds");
    }
}
