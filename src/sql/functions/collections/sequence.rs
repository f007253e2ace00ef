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
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::event_time::zone::TimeZone;
use crate::sql::functions::collections::lists::{common, element_field, list_of};
use crate::sql::functions::datetime::function::session_zone;
use crate::sql::functions::datetime::shift::{add_days, add_months};
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
                    for micros in moments(args, (day(0), day(1)), step(args, row)?, TimeZone::UTC)?
                    {
                        out.values().append_value((micros.div_euclid(DAY)) as i32);
                    }
                }
                out.append(args.all_valid(row));
            }
            Ok(Arc::new(out.finish()))
        }
        timestamp => {
            let zone = match timestamp {
                DataType::Timestamp(_, None) => TimeZone::UTC,
                _ => session_zone(args.config.execution.time_zone.as_deref()),
            };
            let values = TimestampMicrosecondBuilder::new().with_data_type(timestamp);
            let mut out = ListBuilder::new(values).with_field(field);
            for row in 0..args.rows {
                if args.all_valid(row) {
                    let micros = |at: usize| {
                        args.arrays[at].as_primitive::<TimestampMicrosecondType>().value(row)
                    };
                    for micros in moments(args, (micros(0), micros(1)), step(args, row)?, zone)? {
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

/// A step on the calendar: months, days, and microseconds.
#[derive(Debug, Clone, Copy)]
struct Step {
    months: i64,
    days: i64,
    micros: i64,
}

impl Step {
    /// Whether it goes to later times.
    const fn goes_on(self) -> bool {
        self.months > 0 || (self.months == 0 && self.days.saturating_mul(DAY) > -self.micros)
    }

    /// The moment that is `at` steps from the start, so that the last of a month stays the last.
    fn from(self, start: i64, at: i64, zone: TimeZone) -> Option<i64> {
        let moment = add_months(start, self.months.checked_mul(at)?, zone)?;
        let moment = add_days(moment, self.days.checked_mul(at)?, zone)?;
        moment.checked_add(self.micros.checked_mul(at)?)
    }
}

fn step(args: &Arguments, row: usize) -> Result<Option<Step>> {
    let Some(steps) = args.arrays.get(2) else { return Ok(None) };
    let steps: &IntervalMonthDayNanoArray = steps.as_primitive::<IntervalMonthDayNanoType>();
    let IntervalMonthDayNano { months, days, nanoseconds } = steps.value(row);
    // Whole days are days of the calendar, however they were written.
    let micros = nanoseconds / 1_000;
    let days = i64::from(days) + micros / DAY;
    Ok(Some(Step { months: i64::from(months), days, micros: micros % DAY }))
}

/// The moments from `start` to `stop`, on the calendar of a zone.
fn moments(
    args: &Arguments,
    (start, stop): (i64, i64),
    step: Option<Step>,
    zone: TimeZone,
) -> Result<Vec<i64>> {
    let step = step.unwrap_or_else(|| {
        let days = if start <= stop { 1 } else { -1 };
        Step { months: 0, days, micros: 0 }
    });
    if step.months == 0 && (step.days == 0 || zone == TimeZone::UTC) {
        let by = i128::from(step.days) * i128::from(DAY) + i128::from(step.micros);
        let length = length(args, i128::from(start), i128::from(stop), by)?;
        return Ok((0..length).map(|at| (i128::from(start) + by * at as i128) as i64).collect());
    }
    let forward = step.goes_on();
    if start != stop && forward != (stop > start) {
        return Err(args.fail("one does not come from the start to the end by this step"));
    }
    let mut all = vec![];
    for at in 0..=MAX_LENGTH as i64 {
        let moment = step
            .from(start, at, zone)
            .ok_or_else(|| args.fail("the sequence leaves the range of timestamps"))?;
        if (forward && moment > stop) || (!forward && moment < stop) {
            return Ok(all);
        }
        all.push(moment);
    }
    Err(args.fail("there are too many values from the start to the end"))
}
