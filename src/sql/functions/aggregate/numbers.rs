//! Numbers, dates and timestamps as doubles, and back: how the estimates keep them.

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, TimeUnit};
use datafusion::common::internal_err;
use datafusion::error::Result;

/// Whether values of this type can be kept as doubles.
pub(super) fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || matches!(data_type, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _))
}

/// Values as doubles.
pub(super) fn as_doubles(values: &ArrayRef) -> Result<Float64Array> {
    let whole = match values.data_type() {
        DataType::Date32 => cast(values, &DataType::Int32)?,
        DataType::Timestamp(_, _) => cast(values, &DataType::Int64)?,
        DataType::Decimal128(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            let doubles: Float64Array =
                values.as_primitive::<Decimal128Type>().unary(|digits| digits as f64 / unit);
            return Ok(doubles);
        }
        _ => Arc::clone(values),
    };
    Ok(cast(&whole, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

/// Doubles as values of `data_type`; a fraction is cut off where there is no place for it.
pub(super) fn from_doubles(doubles: Float64Array, data_type: &DataType) -> Result<ArrayRef> {
    Ok(match data_type {
        DataType::Float64 => Arc::new(doubles),
        DataType::Date32 => {
            let days: Date32Array = doubles.unary(|days| days as i32);
            Arc::new(days)
        }
        DataType::Timestamp(_, zone) => {
            let micros: TimestampMicrosecondArray = doubles.unary(|micros| micros as i64);
            Arc::new(micros.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            let digits: Decimal128Array = doubles.unary(|value| (value * unit).round() as i128);
            Arc::new(digits.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Int64 => {
            let whole: arrow::array::Int64Array = doubles.unary(|value| value as i64);
            Arc::new(whole)
        }
        number if number.is_numeric() => {
            let cut: Float64Array =
                if number.is_integer() { doubles.unary(f64::trunc) } else { doubles };
            cast(&(Arc::new(cut) as ArrayRef), number)?
        }
        other => return internal_err!("{other} is no number"),
    })
}
