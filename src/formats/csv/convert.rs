//! Cells of one column to an array of its type. A cell that does not fit becomes null and is
//! reported.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};

use crate::error::{Error, Result};
use crate::formats::csv::dialect::NonFinite;
use crate::formats::csv::tokens::Cell;
use crate::formats::number;
use crate::formats::times::TimeReader;

/// How cells are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'o> {
    pub(super) times: TimeReader<'o>,
    pub(super) non_finite: &'o NonFinite,
}

/// An array, and the rows whose cells did not fit, in order.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    pub(super) misfits: Vec<usize>,
}

/// Whether cells of this type can be read from CSV.
pub(super) const fn is_supported(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(_, _)
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Utf8
            | DataType::Binary
    )
}

/// Converts the cells of one column.
///
/// # Errors
/// `Unsupported` for a type that [`is_supported`] does not know.
pub(super) fn convert(cells: &[Cell<'_>], to: &DataType, how: Reading<'_>) -> Result<Converted> {
    let times = how.times;
    Ok(match to {
        DataType::Utf8 => {
            let mut array = StringBuilder::with_capacity(cells.len(), cells.len() * 16);
            cells.iter().for_each(|cell| array.append_option(cell.as_deref()));
            fitting(Arc::new(array.finish()))
        }
        DataType::Binary => {
            let mut array = BinaryBuilder::with_capacity(cells.len(), cells.len() * 16);
            cells.iter().for_each(|cell| array.append_option(cell.as_deref().map(str::as_bytes)));
            fitting(Arc::new(array.finish()))
        }
        DataType::Boolean => booleans(cells),
        DataType::Int8 => primitive::<Int8Type>(cells, to, |text| text.parse().ok()),
        DataType::Int16 => primitive::<Int16Type>(cells, to, |text| text.parse().ok()),
        DataType::Int32 => primitive::<Int32Type>(cells, to, |text| text.parse().ok()),
        DataType::Int64 => primitive::<Int64Type>(cells, to, |text| text.parse().ok()),
        DataType::Float32 => primitive::<Float32Type>(cells, to, |text| {
            non_finite(text, how.non_finite).map_or_else(
                || number::java_float(text),
                // Only the infinities and NaN come here, which are the same in both widths.
                |double| Some(double as f32),
            )
        }),
        DataType::Float64 => primitive::<Float64Type>(cells, to, |text| {
            non_finite(text, how.non_finite).or_else(|| number::java_double(text))
        }),
        DataType::Decimal128(precision, scale) => primitive::<Decimal128Type>(cells, to, |text| {
            number::grouped_decimal(text, *precision, *scale)
        }),
        DataType::Date32 => primitive::<Date32Type>(cells, to, |text| times.date(text)),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            primitive::<TimestampMicrosecondType>(cells, to, |text| times.timestamp(text))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            primitive::<TimestampMicrosecondType>(cells, to, |text| times.timestamp_ntz(text))
        }
        other => return Err(Error::unsupported(format!("CSV cannot be read as {other}"))),
    })
}

const fn fitting(array: ArrayRef) -> Converted {
    Converted { array, misfits: vec![] }
}

fn primitive<T: ArrowPrimitiveType>(
    cells: &[Cell<'_>],
    to: &DataType,
    read: impl Fn(&str) -> Option<T::Native>,
) -> Converted {
    let mut array = PrimitiveBuilder::<T>::with_capacity(cells.len()).with_data_type(to.clone());
    let mut misfits = vec![];
    for (row, cell) in cells.iter().enumerate() {
        let value = cell.as_deref().and_then(&read);
        if value.is_none() && cell.is_some() {
            misfits.push(row);
        }
        array.append_option(value);
    }
    Converted { array: Arc::new(array.finish()), misfits }
}

fn booleans(cells: &[Cell<'_>]) -> Converted {
    let mut array = BooleanBuilder::with_capacity(cells.len());
    let mut misfits = vec![];
    for (row, cell) in cells.iter().enumerate() {
        let value = cell.as_deref().and_then(boolean);
        if value.is_none() && cell.is_some() {
            misfits.push(row);
        }
        array.append_option(value);
    }
    Converted { array: Arc::new(array.finish()), misfits }
}

/// `true` or `false` in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// What a word of the options stands for.
pub(super) fn non_finite(text: &str, words: &NonFinite) -> Option<f64> {
    if text == words.nan {
        Some(f64::NAN)
    } else if text == words.positive {
        Some(f64::INFINITY)
    } else if text == words.negative {
        Some(f64::NEG_INFINITY)
    } else {
        None
    }
}
