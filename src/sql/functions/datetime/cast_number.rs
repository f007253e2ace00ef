//! Casts between points in time and numbers, which count seconds since 1970 in UTC.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::common::exec_err;
use datafusion::error::Result;

use crate::sql::functions::datetime::function::{Call, collect};
use crate::sql::types;

/// The type of seconds with their microseconds, exactly.
const EXACT: DataType = DataType::Decimal128(38, 6);

/// Numbers as points in time. What is no number is an error, or null where not `strict`.
pub(super) fn to_time(numbers: &ArrayRef, strict: bool) -> Result<ArrayRef> {
    match numbers.data_type() {
        whole if whole.is_integer() => {
            let seconds = cast(numbers, &DataType::Int64)?;
            let seconds = seconds.as_primitive::<Int64Type>();
            Call::timestamps(
                seconds.iter().map(|seconds| Ok(seconds.map(|s| s.saturating_mul(1_000_000)))),
            )
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let seconds = cast(numbers, &DataType::Float64)?;
            let micros = |seconds: f64| {
                if seconds.is_finite() {
                    // A cast of Rust's saturates, as Java's does.
                    return Ok(Some((seconds * 1e6) as i64));
                }
                if strict {
                    return exec_err!(
                        "`{seconds}` cannot be cast to TIMESTAMP; use try_cast for null in its place"
                    );
                }
                Ok(None)
            };
            let seconds = seconds.as_primitive::<Float64Type>();
            Call::timestamps(seconds.iter().map(|seconds| seconds.map_or(Ok(None), micros)))
        }
        _ => {
            let exact = cast(numbers, &EXACT)?;
            let exact = exact.as_primitive::<Decimal128Type>();
            Call::timestamps(exact.iter().map(|micros| match micros.map(i64::try_from) {
                Some(Err(_)) => exec_err!("a number is too large for a TIMESTAMP"),
                Some(Ok(micros)) => Ok(Some(micros)),
                None => Ok(None),
            }))
        }
    }
}

/// Points in time as numbers. What does not fit is an error, or null where not `strict`.
pub(super) fn from_time(times: &ArrayRef, to: &DataType, strict: bool) -> Result<ArrayRef> {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    match to {
        DataType::Float32 | DataType::Float64 => {
            let seconds = times.iter().map(|micros| Ok(micros.map(|m| m as f64 / 1e6)));
            Ok(cast(&collect::<Float64Type>(seconds)?, to)?)
        }
        whole if whole.is_integer() => {
            let seconds: Int64Array = times.unary::<_, Int64Type>(|m| m.div_euclid(1_000_000));
            narrowed(&(Arc::new(seconds) as ArrayRef), to, strict)
        }
        _ => {
            let exact: Decimal128Array = times.unary::<_, Decimal128Type>(i128::from);
            narrowed(&(Arc::new(exact.with_data_type(EXACT)) as ArrayRef), to, strict)
        }
    }
}

fn narrowed(numbers: &ArrayRef, to: &DataType, strict: bool) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let narrow = cast_with_options(numbers, to, &options)?;
    if strict && narrow.null_count() > numbers.null_count() {
        return exec_err!(
            "a TIMESTAMP is out of range for {}; use try_cast for null in its place",
            types::spark_type_name(to).to_uppercase()
        );
    }
    Ok(narrow)
}
