//! Times as numbers since 1970 and back: `unix_seconds`, `unix_date`, `date_from_unix_date`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int32Array, Int64Array};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::error::Result;

use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, date, int, long};

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let since = |name, run| TimeFunction::new(name, &[Takes::Timestamp], long, run);
    vec![
        since("unix_seconds", |call| count(call, 1_000_000)),
        since("unix_millis", |call| count(call, 1_000)),
        since("unix_micros", |call| count(call, 1)),
        TimeFunction::new("unix_date", &[Takes::Date], int, |call| {
            let days: Int32Array = call.primitive::<Date32Type>(0)?.reinterpret_cast::<Int32Type>();
            Ok(Arc::new(days))
        }),
        TimeFunction::new("date_from_unix_date", &[Takes::Int], date, |call| {
            let dates: Date32Array = call.primitive::<Int32Type>(0)?.reinterpret_cast();
            Ok(Arc::new(dates))
        }),
    ]
}

fn count(call: &Call<'_>, unit: i64) -> Result<ArrayRef> {
    let times = call.primitive::<TimestampMicrosecondType>(0)?;
    let counts: Int64Array = times.unary::<_, Int64Type>(|micros| micros.div_euclid(unit));
    Ok(Arc::new(counts))
}
