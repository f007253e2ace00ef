//! Parts of dates and times: `year`, `month`, `hour`, `dayofweek` and the like.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use datafusion::error::Result;

use crate::event_time::calendar::{Date, MICROS_PER_SECOND, iso_week, split_day, weekday};
use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, int, string};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let of_date = |name, run| TimeFunction::new(name, &[Takes::Date], int, run);
    let of_time = |name, run| TimeFunction::new(name, &[Takes::AnyTimestamp], int, run);
    vec![
        of_date("year", |call| date(call, |days| Date::from_days(days).year)),
        of_date("quarter", |call| date(call, |days| i64::from(Date::from_days(days).quarter()))),
        of_date("month", |call| date(call, |days| i64::from(Date::from_days(days).month))),
        of_date("day", |call| date(call, |days| i64::from(Date::from_days(days).day)))
            .aliases(&["dayofmonth"]),
        of_date("dayofyear", |call| date(call, |days| Date::from_days(days).day_of_year())),
        of_date("dayofweek", |call| date(call, |days| (weekday(days) + 1) % 7 + 1)),
        of_date("weekday", |call| date(call, weekday)),
        of_date("weekofyear", |call| date(call, |days| iso_week(days).1)),
        of_time("hour", |call| time(call, |second| second / 3600)),
        of_time("minute", |call| time(call, |second| second / 60 % 60)),
        of_time("second", |call| time(call, |second| second % 60)),
        TimeFunction::new("dayname", &[Takes::Date], string, |call| {
            names(call, |days| WEEKDAYS[weekday(days) as usize])
        }),
        TimeFunction::new("monthname", &[Takes::Date], string, |call| {
            names(call, |days| MONTHS[Date::from_days(days).month as usize - 1])
        }),
    ]
}

fn date(call: &Call<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let parts: Int32Array = dates.unary::<_, Int32Type>(|days| part(i64::from(days)) as i32);
    Ok(Arc::new(parts))
}

fn time(call: &Call<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let second = |local: i64| split_day(local).1 / MICROS_PER_SECOND;
    let parts: Int32Array =
        call.local(0)?.unary::<_, Int32Type>(|local| part(second(local)) as i32);
    Ok(Arc::new(parts))
}

fn names(call: &Call<'_>, name: impl Fn(i64) -> &'static str) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0)?;
    let names: StringArray = dates.iter().map(|days| days.map(|d| name(i64::from(d)))).collect();
    Ok(Arc::new(names))
}
