//! Values of one column to an array of its type.
//!
//! A value that does not fit becomes null and is reported. What becomes null is the innermost
//! field of a struct that holds the value: an array or a map with one bad element is null as a
//! whole, a struct with one bad field keeps the others.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, ListArray, MapArray,
    PrimitiveBuilder, StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, FieldRef, Fields, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::error::{Error, Result};
use crate::formats::json::cells::Cells;
use crate::formats::json::scan::{Cursor, Rules, Value};
use crate::formats::number;
use crate::formats::times::TimeReader;

/// How values are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'o> {
    pub(super) rules: Rules,
    pub(super) times: TimeReader<'o>,
}

/// An array, and which of its values did not fit.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    /// In the order of the rows, at most one for each.
    pub(super) misfits: Vec<Misfit>,
}

/// A value that did not fit the type of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) row: usize,
    /// Whether the value is null for it, and not only a field inside.
    whole: bool,
}

impl Misfit {
    const fn whole(row: usize) -> Self {
        Self { row, whole: true }
    }
}

/// Whether values of this type can be read from JSON.
pub(super) fn is_supported(data_type: &DataType) -> bool {
    match data_type {
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
        | DataType::Binary => true,
        DataType::Struct(fields) => fields.iter().all(|field| is_supported(field.data_type())),
        DataType::List(element) => is_supported(element.data_type()),
        DataType::Map(entries, false) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                pair[0].data_type() == &DataType::Utf8 && is_supported(pair[1].data_type())
            }
            _ => false,
        },
        _ => false,
    }
}

/// Converts the values of one column.
///
/// # Errors
/// `Unsupported` for a type that [`is_supported`] does not know.
pub(super) fn convert(values: &[Value<'_>], to: &DataType, how: Reading<'_>) -> Result<Converted> {
    let times = how.times;
    Ok(match to {
        DataType::Boolean => booleans(values),
        DataType::Int8 => primitive::<Int8Type>(values, to, integer),
        DataType::Int16 => primitive::<Int16Type>(values, to, integer),
        DataType::Int32 => primitive::<Int32Type>(values, to, integer),
        DataType::Int64 => primitive::<Int64Type>(values, to, integer),
        DataType::Float32 => primitive::<Float32Type>(values, to, |value| match value {
            Value::Number(raw) => raw.parse().ok(),
            // Only the infinities and NaN come here, which are the same in both widths.
            other => non_finite(other).map(|double| double as f32),
        }),
        DataType::Float64 => primitive::<Float64Type>(values, to, |value| match value {
            Value::Number(raw) => raw.parse().ok(),
            other => non_finite(other),
        }),
        DataType::Decimal128(precision, scale) => {
            primitive::<Decimal128Type>(values, to, |value| match value {
                Value::Number(raw) => number::decimal(raw, *precision, *scale),
                Value::Text(text) => number::grouped_decimal(&text.get(), *precision, *scale),
                _ => None,
            })
        }
        DataType::Date32 => primitive::<Date32Type>(values, to, |value| match value {
            Value::Text(text) => times.date(&text.get()),
            _ => None,
        }),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let in_utc = zone.is_some();
            primitive::<TimestampMicrosecondType>(values, to, |value| match value {
                Value::Text(text) if in_utc => times.timestamp(&text.get()),
                Value::Text(text) => times.timestamp_ntz(&text.get()),
                // A number is seconds since 1970.
                Value::Number(raw) if in_utc => {
                    number::integer::<i64>(raw).and_then(|seconds| seconds.checked_mul(1_000_000))
                }
                _ => None,
            })
        }
        DataType::Utf8 => strings(values),
        DataType::Binary => binaries(values),
        DataType::Struct(fields) => structs(values, fields, how)?,
        DataType::List(element) => lists(values, element, how)?,
        DataType::Map(entries, false) => maps(values, entries, how)?,
        other => return Err(Error::unsupported(format!("JSON cannot be read as {other}"))),
    })
}

fn integer<T: TryFrom<i64>>(value: Value<'_>) -> Option<T> {
    match value {
        Value::Number(raw) => number::integer(raw),
        _ => None,
    }
}

fn non_finite(value: Value<'_>) -> Option<f64> {
    match value {
        Value::NonFinite(word) => number::non_finite(word),
        Value::Text(text) => number::non_finite(&text.get()),
        _ => None,
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &[Value<'_>],
    to: &DataType,
    read: impl Fn(Value<'_>) -> Option<T::Native>,
) -> Converted {
    let mut array = PrimitiveBuilder::<T>::with_capacity(values.len()).with_data_type(to.clone());
    let mut misfits = vec![];
    for (row, value) in values.iter().enumerate() {
        let native = if *value == Value::Null { None } else { read(*value) };
        if native.is_none() && *value != Value::Null {
            misfits.push(Misfit::whole(row));
        }
        array.append_option(native);
    }
    Converted { array: Arc::new(array.finish()), misfits }
}

fn booleans(values: &[Value<'_>]) -> Converted {
    let mut array = BooleanBuilder::with_capacity(values.len());
    let mut misfits = vec![];
    for (row, value) in values.iter().enumerate() {
        match value {
            Value::Bool(flag) => array.append_value(*flag),
            Value::Null => array.append_null(),
            _ => {
                array.append_null();
                misfits.push(Misfit::whole(row));
            }
        }
    }
    Converted { array: Arc::new(array.finish()), misfits }
}

fn strings(values: &[Value<'_>]) -> Converted {
    let mut array = StringBuilder::with_capacity(values.len(), values.len() * 16);
    for value in values {
        array.append_option(value.as_text());
    }
    Converted { array: Arc::new(array.finish()), misfits: vec![] }
}

fn binaries(values: &[Value<'_>]) -> Converted {
    let mut array = BinaryBuilder::with_capacity(values.len(), values.len() * 16);
    let mut misfits = vec![];
    for (row, value) in values.iter().enumerate() {
        let bytes = match value {
            Value::Text(text) => BASE64_STANDARD.decode(text.get().as_bytes()).ok(),
            _ => None,
        };
        if bytes.is_none() && *value != Value::Null {
            misfits.push(Misfit::whole(row));
        }
        array.append_option(bytes);
    }
    Converted { array: Arc::new(array.finish()), misfits }
}

fn structs(values: &[Value<'_>], fields: &Fields, how: Reading<'_>) -> Result<Converted> {
    let mut cells = Cells::new(fields, values.len(), how.rules);
    let mut valid = Vec::with_capacity(values.len());
    let mut misfits = vec![];
    for (row, value) in values.iter().enumerate() {
        let is_object = matches!(value, Value::Object(raw) if cells.object(raw).is_ok());
        if !is_object {
            cells.nulls();
            if *value != Value::Null {
                misfits.push(Misfit::whole(row));
            }
        }
        valid.push(is_object);
    }
    let mut arrays = Vec::with_capacity(fields.len());
    for (column, field) in cells.columns().iter().zip(fields) {
        let inner = convert(column, field.data_type(), how)?;
        arrays.push(inner.array);
        misfits.extend(inner.misfits.iter().map(|inner| Misfit { row: inner.row, whole: false }));
    }
    let array =
        StructArray::try_new_with_length(fields.clone(), arrays, nulls(valid), values.len())?;
    Ok(Converted { array: Arc::new(array), misfits: ordered(misfits) })
}

fn lists(values: &[Value<'_>], element: &FieldRef, how: Reading<'_>) -> Result<Converted> {
    let mut items = vec![];
    let nested = Nested::gather(values, |value| {
        let Value::Array(raw) = value else { return None };
        Cursor::new(raw, how.rules).array(&mut |item| items.push(item)).ok()?;
        Some(items.len())
    });
    let inner = convert(&items, element.data_type(), how)?;
    let (misfits, failed) = nested.misfits(&inner.misfits);
    if !failed.is_empty() {
        return without(values, &failed, misfits, |values| lists(values, element, how));
    }
    let offsets = nested.offsets()?;
    let array = ListArray::try_new(Arc::clone(element), offsets, inner.array, nulls(nested.valid))?;
    Ok(Converted { array: Arc::new(array), misfits })
}

fn maps(values: &[Value<'_>], entries: &FieldRef, how: Reading<'_>) -> Result<Converted> {
    let DataType::Struct(pair) = entries.data_type() else {
        return Err(Error::internal(format!("`{entries}` is no field of map entries")));
    };
    let (mut keys, mut items) = (vec![], vec![]);
    let nested = Nested::gather(values, |value| {
        let Value::Object(raw) = value else { return None };
        let mut cursor = Cursor::new(raw, how.rules);
        let each = &mut |key, item| {
            keys.push(Value::Text(key));
            items.push(item);
        };
        cursor.object(each).ok()?;
        Some(items.len())
    });
    let inner = convert(&items, pair[1].data_type(), how)?;
    let (misfits, failed) = nested.misfits(&inner.misfits);
    if !failed.is_empty() {
        return without(values, &failed, misfits, |values| maps(values, entries, how));
    }
    let offsets = nested.offsets()?;
    let columns = vec![strings(&keys).array, inner.array];
    let rows = StructArray::try_new(pair.clone(), columns, None)?;
    let array = MapArray::try_new(Arc::clone(entries), offsets, rows, nulls(nested.valid), false)?;
    Ok(Converted { array: Arc::new(array), misfits })
}

/// Where the items of each list or map end, among the items of all.
#[derive(Debug)]
struct Nested {
    ends: Vec<usize>,
    valid: Vec<bool>,
    misfits: Vec<Misfit>,
}

impl Nested {
    /// `items_after` takes the items of one value and gives how many there are in all, or `None`
    /// when the value has another form.
    fn gather<'a>(
        values: &[Value<'a>],
        mut items_after: impl FnMut(Value<'a>) -> Option<usize>,
    ) -> Self {
        let mut ends = Vec::with_capacity(values.len());
        let mut valid = Vec::with_capacity(values.len());
        let mut misfits = vec![];
        for (row, value) in values.iter().enumerate() {
            let end = items_after(*value);
            if end.is_none() && *value != Value::Null {
                misfits.push(Misfit::whole(row));
            }
            valid.push(end.is_some());
            ends.push(end.or_else(|| ends.last().copied()).unwrap_or(0));
        }
        Self { ends, valid, misfits }
    }

    /// The misfits by row, given those of the items, and the rows that items make null.
    fn misfits(&self, items: &[Misfit]) -> (Vec<Misfit>, Vec<usize>) {
        let mut all = self.misfits.clone();
        let mut failed = vec![];
        for item in items {
            let row = self.ends.partition_point(|end| *end <= item.row);
            all.push(Misfit { row, whole: item.whole });
            if item.whole && failed.last() != Some(&row) {
                failed.push(row);
            }
        }
        (ordered(all), failed)
    }

    fn offsets(&self) -> Result<OffsetBuffer<i32>> {
        let ends = self.ends.iter().map(|end| i32::try_from(*end));
        let offsets: Vec<i32> = std::iter::once(Ok(0))
            .chain(ends)
            .collect::<Result<_, _>>()
            .map_err(|e| Error::internal(format!("a batch has too many nested values: {e}")))?;
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }
}

/// Converts once more with null in place of the values that failed, and reports `misfits`.
fn without<'a>(
    values: &[Value<'a>],
    failed: &[usize],
    misfits: Vec<Misfit>,
    again: impl Fn(&[Value<'a>]) -> Result<Converted>,
) -> Result<Converted> {
    let mut values = values.to_vec();
    for row in failed {
        values[*row] = Value::Null;
    }
    Ok(Converted { array: again(&values)?.array, misfits })
}

/// At most one misfit for each row, in order; the worse one where there are two.
fn ordered(mut misfits: Vec<Misfit>) -> Vec<Misfit> {
    misfits.sort_by_key(|misfit| (misfit.row, !misfit.whole));
    misfits.dedup_by_key(|misfit| misfit.row);
    misfits
}

fn nulls(valid: Vec<bool>) -> Option<NullBuffer> {
    Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0)
}
