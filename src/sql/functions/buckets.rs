//! `width_bucket`: the number of the part of a range that a value is in.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType::{self, Duration, Float64, Int64, Interval};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, IntervalUnit, IntervalYearMonthType};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// The function.
pub(super) fn function() -> Arc<ScalarUDF> {
    Function::new("width_bucket", types, width_bucket).udf()
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(4..=4)?;
    let values = &given.types[..3];
    let wanted = "a value and two bounds, all numbers or all intervals, and a number of buckets";
    if values.iter().chain([&given.types[3]]).any(DataType::is_nested) {
        return Err(given.refuse(wanted));
    }
    let first = values.iter().find(|of| is_interval(of));
    if first.is_some_and(|first| values.iter().any(|of| of != first && !of.is_null())) {
        return Err(given.refuse(wanted));
    }
    let of = first.cloned().unwrap_or(Float64);
    Ok(Call { takes: vec![of.clone(), of.clone(), of, Int64], gives: Int64 })
}

const fn is_interval(of: &DataType) -> bool {
    matches!(of, Duration(_) | Interval(IntervalUnit::YearMonth))
}

fn width_bucket(args: &Arguments) -> Result<ArrayRef> {
    let [value, min, max] = [0, 1, 2].map(|index| args.array(index).and_then(doubles));
    let (value, min, max) = (value?, min?, max?);
    let buckets = args.array(3)?.as_primitive::<Int64Type>();
    let bucket = |row: usize| {
        if !args.all_valid(row) {
            return None;
        }
        bucket(value.value(row), (min.value(row), max.value(row)), buckets.value(row))
    };
    Ok(Arc::new((0..args.rows).map(bucket).collect::<Int64Array>()))
}

/// Numbers, or the lengths of intervals.
fn doubles(values: &ArrayRef) -> Result<Float64Array> {
    let numbers = match values.data_type() {
        Duration(_) => cast(values, &Int64)?,
        Interval(_) => {
            let months = values.as_primitive::<IntervalYearMonthType>();
            Arc::new(months.reinterpret_cast::<Int32Type>())
        }
        _ => Arc::clone(values),
    };
    Ok(cast(&numbers, &Float64)?.as_primitive::<Float64Type>().clone())
}

/// 0 is before the first bound, and one more than there are buckets is behind the second one, which
/// may be the lower of the two.
fn bucket(value: f64, (min, max): (f64, f64), buckets: i64) -> Option<i64> {
    let is_range = min.is_finite() && max.is_finite() && min != max;
    if !is_range || value.is_nan() || buckets <= 0 {
        return None;
    }
    let behind = buckets.checked_add(1)?;
    // How far the value is from the first bound, in the direction of the second one.
    let (distance, length) =
        if min < max { (value - min, max - min) } else { (min - value, min - max) };
    if distance < 0.0 {
        return Some(0);
    }
    if distance >= length {
        return Some(behind);
    }
    #[expect(clippy::cast_precision_loss, reason = "Spark counts in doubles")]
    let place = buckets as f64 * distance / length;
    Some(place as i64 + 1)
}
