//! `sequence(start, stop[, step])` over whole numbers, dates and timestamps.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Date32Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoArray,
    ListBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, TimeDelta};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::collections::lists::{common, element_field, list_of};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Function::new("sequence", types, sequence).udf()]
}

/// More elements than this in one array are refused: they would not fit anyway.
const MAX_LENGTH: usize = i32::MAX as usize - 15;

fn types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    let element = match common(given, &given.types[..2])? {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Null => DataType::Int32,
        DataType::Int64 => DataType::Int64,
        time @ (DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)) => time,
        _ => return Err(given.refuse("whole numbers, dates or timestamps")),
    };
    let step = match element {
        DataType::Int32 | DataType::Int64 => element.clone(),
        _ => DataType::Interval(IntervalUnit::MonthDayNano),
    };
    let mut takes = vec![element.clone(), element.clone(), step];
    takes.truncate(count);
    Ok(Call { takes, gives: list_of(element) })
}

fn sequence(args: &Arguments) -> Result<ArrayRef> {
    let field = element_field(args)?;
    match field.data_type().clone() {
        DataType::Int32 => {
            let mut out = ListBuilder::new(Int32Builder::new()).with_field(field);
            for row in 0..args.rows {
                let value =
                    |at: usize| i64::from(args.arrays[at].as_primitive::<Int32Type>().value(row));
                if args.all_valid(row) {
                    for number in numbers(args, value)? {
                        // Between a start and an end of the type.
                        out.values().append_value(number as i32);
                    }
                }
                out.append(args.all_valid(row));
            }
            Ok(Arc::new(out.finish()))
        }
        DataType::Int64 => {
            let mut out = ListBuilder::new(Int64Builder::new()).with_field(field);
            for row in 0..args.rows {
                let value = |at: usize| args.arrays[at].as_primitive::<Int64Type>().value(row);
                if args.all_valid(row) {
                    for number in numbers(args, value)? {
                        out.values().append_value(number);
                    }
                }
                out.append(args.all_valid(row));
            }
            Ok(Arc::new(out.finish()))
        }
        DataType::Date32 => {
            let mut out = ListBuilder::new(Date32Builder::new()).with_field(field);
            for row in 0..args.rows {
                if args.all_valid(row) {
                    let day = |at: usize| {
                        i64::from(args.arrays[at].as_primitive::<Date32Type>().value(row)) * DAY
                    };
                    for micros in moments(args, day(0), day(1), step(args, row)?)? {
                        out.values().append_value((micros.div_euclid(DAY)) as i32);
                    }
                }
                out.append(args.all_valid(row));
            }
            Ok(Arc::new(out.finish()))
        }
        timestamp => {
            let values = TimestampMicrosecondBuilder::new().with_data_type(timestamp);
            let mut out = ListBuilder::new(values).with_field(field);
            for row in 0..args.rows {
                if args.all_valid(row) {
                    let micros = |at: usize| {
                        args.arrays[at].as_primitive::<TimestampMicrosecondType>().value(row)
                    };
                    for micros in moments(args, micros(0), micros(1), step(args, row)?)? {
                        out.values().append_value(micros);
                    }
                }
                out.append(args.all_valid(row));
            }
            Ok(Arc::new(out.finish()))
        }
    }
}

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

fn numbers(args: &Arguments, value: impl Fn(usize) -> i64) -> Result<impl Iterator<Item = i64>> {
    let (start, stop) = (value(0), value(1));
    let step = match args.arrays.len() {
        2 => {
            if start <= stop {
                1
            } else {
                -1
            }
        }
        _ => value(2),
    };
    let length = length(args, i128::from(start), i128::from(stop), i128::from(step))?;
    Ok((0..length).map(move |at| {
        // Never beyond `stop`, so it fits.
        (i128::from(start) + i128::from(step) * at as i128) as i64
    }))
}

fn length(args: &Arguments, start: i128, stop: i128, step: i128) -> Result<usize> {
    if start == stop {
        return Ok(1);
    }
    if step == 0 || (step > 0) != (stop > start) {
        return Err(args.fail(format!("one does not come from {start} to {stop} by {step}")));
    }
    usize::try_from((stop - start) / step + 1)
        .ok()
        .filter(|length| *length <= MAX_LENGTH)
        .ok_or_else(|| args.fail(format!("there are too many values from {start} to {stop}")))
}

/// A step in months and microseconds.
#[derive(Debug, Clone, Copy)]
struct Step {
    months: i32,
    micros: i64,
}

fn step(args: &Arguments, row: usize) -> Result<Option<Step>> {
    let Some(steps) = args.arrays.get(2) else { return Ok(None) };
    let steps: &IntervalMonthDayNanoArray = steps.as_primitive::<IntervalMonthDayNanoType>();
    let IntervalMonthDayNano { months, days, nanoseconds } = steps.value(row);
    let micros = i64::from(days)
        .checked_mul(DAY)
        .and_then(|micros| micros.checked_add(nanoseconds / 1_000))
        .ok_or_else(|| args.fail("the step is out of range"))?;
    Ok(Some(Step { months, micros }))
}

/// Each moment is counted from the start, so that the last of a month stays the last.
fn moments(args: &Arguments, start: i64, stop: i64, step: Option<Step>) -> Result<Vec<i64>> {
    let step = step.unwrap_or(Step { months: 0, micros: if start <= stop { DAY } else { -DAY } });
    if step.months == 0 {
        let by = i128::from(step.micros);
        let length = length(args, i128::from(start), i128::from(stop), by)?;
        return Ok((0..length).map(|at| (i128::from(start) + by * at as i128) as i64).collect());
    }
    let forward = step.months > 0;
    if start != stop && forward != (stop > start) {
        return Err(args.fail("one does not come from the start to the end by this step"));
    }
    let mut all = vec![];
    for at in 0..i32::MAX {
        let moment = step
            .months
            .checked_mul(at)
            .and_then(|months| add_months(start, months))
            .and_then(|moment| moment.checked_add(step.micros.checked_mul(i64::from(at))?))
            .ok_or_else(|| args.fail("the sequence leaves the range of timestamps"))?;
        if (forward && moment > stop) || (!forward && moment < stop) {
            break;
        }
        all.push(moment);
    }
    Ok(all)
}

fn add_months(micros: i64, months: i32) -> Option<i64> {
    let moment: NaiveDateTime = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let by = Months::new(months.unsigned_abs());
    let date: NaiveDate = if months < 0 {
        moment.date().checked_sub_months(by)?
    } else {
        moment.date().checked_add_months(by)?
    };
    let time: TimeDelta = moment.time().signed_duration_since(chrono::NaiveTime::MIN);
    Some(
        date.and_time(chrono::NaiveTime::MIN)
            .checked_add_signed(time)?
            .and_utc()
            .timestamp_micros(),
    )
}
