//! When values are the same key: -0.0 is 0.0, all NaN are one, and maps are equal whatever the order
//! of their entries.
//!
//! Bytes of arrow's row format tell them apart. Whoever compares keys as bytes, in groups, joins or
//! sets, brings them into this form before, however deep in arrays, structs and maps they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::array::{Float32Array, Float64Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::ArrowNativeType;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

/// Whether equal values of this type may differ in their bytes.
pub fn has_forms(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 | DataType::Map(_, _) => true,
        DataType::List(field) => has_forms(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_forms(field.data_type())),
        _ => false,
    }
}

/// The values with one form of each floating-point number and of each map.
///
/// # Errors
/// None but those of Arrow, for arrays that are not well formed.
pub fn normalized(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !has_forms(values.data_type()) {
        return Ok(Arc::clone(values));
    }
    Ok(match values.data_type() {
        DataType::Float64 => {
            let plain: Float64Array = values
                .as_primitive::<Float64Type>()
                .unary(|value| if value.is_nan() { f64::NAN } else { value + 0.0 });
            Arc::new(plain)
        }
        DataType::Float32 => {
            let plain: Float32Array = values
                .as_primitive::<Float32Type>()
                .unary(|value| if value.is_nan() { f32::NAN } else { value + 0.0 });
            Arc::new(plain)
        }
        DataType::List(field) => {
            let list = values.as_list::<i32>();
            let inner = normalized(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, inner, nulls)?)
        }
        DataType::Struct(_) => Arc::new(of_fields(values.as_struct())?),
        DataType::Map(field, is_sorted) => {
            let map = values.as_map();
            let (offsets, entries) = by_key(map.offsets(), of_fields(map.entries())?)?;
            let nulls = map.nulls().cloned();
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *is_sorted)?)
        }
        _ => Arc::clone(values),
    })
}

/// The entries of each map in the order of their keys.
fn by_key(
    offsets: &OffsetBuffer<i32>,
    entries: StructArray,
) -> Result<(OffsetBuffer<i32>, StructArray), ArrowError> {
    let keys = entries.column(0);
    let fields = vec![SortField::new(keys.data_type().clone())];
    let keys = RowConverter::new(fields)?.convert_columns(std::slice::from_ref(keys))?;
    let mut order = Vec::with_capacity(entries.len());
    for (start, end) in offsets.iter().zip(offsets.iter().skip(1)) {
        let first = order.len();
        order.extend(start.as_usize() as u64..end.as_usize() as u64);
        order[first..].sort_by(|a, b| keys.row(a.as_usize()).cmp(&keys.row(b.as_usize())));
    }
    if order.iter().enumerate().all(|(at, entry)| at == entry.as_usize()) {
        return Ok((offsets.clone(), entries));
    }
    let order = UInt64Array::from(order);
    let take = |column: &ArrayRef| arrow::compute::take(column, &order, None);
    let columns = entries.columns().iter().map(take).collect::<Result<_, _>>()?;
    let entries = StructArray::try_new(entries.fields().clone(), columns, None)?;
    Ok((OffsetBuffer::from_lengths(offsets.lengths()), entries))
}

fn of_fields(row: &StructArray) -> Result<StructArray, ArrowError> {
    let columns = row.columns().iter().map(normalized).collect::<Result<_, _>>()?;
    StructArray::try_new(row.fields().clone(), columns, row.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Builder, MapBuilder, StringBuilder};
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn zeros_are_one_however_deep_they_are() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(0.0)]));
        let field = Arc::new(Field::new("x", DataType::Float64, true));
        let structs: ArrayRef = Arc::new(StructArray::from(vec![(field, numbers)]));
        let item = Arc::new(Field::new("item", structs.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([1, 1, 1]);
        let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, structs, None));
        let plain = normalized(&lists).unwrap();
        let list = plain.as_list::<i32>();
        let numbers = list.values().as_struct().column(0).as_primitive::<Float64Type>();
        assert!(numbers.value(0).is_sign_positive() && numbers.is_null(1));
        assert_eq!(list.value(0).as_ref(), list.value(2).as_ref());
        assert_eq!(plain.data_type(), lists.data_type());
    }
    #[test]
    fn maps_are_one_whatever_the_order_of_their_entries() {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        for entries in [vec![("b", 2), ("a", 1)], vec![], vec![("a", 1), ("b", 2)]] {
            for (key, value) in &entries {
                maps.keys().append_value(key);
                maps.values().append_value(*value);
            }
            maps.append(!entries.is_empty()).unwrap();
        }
        let maps: ArrayRef = Arc::new(maps.finish());
        let plain = normalized(&maps).unwrap();
        assert_eq!(plain.data_type(), maps.data_type());
        let map = plain.as_map();
        assert!(map.is_null(1));
        assert_eq!(map.value(0), map.value(2));
        assert_eq!(map.value(0).column(0).as_string::<i32>().value(0), "a");
        // A part of an array begins anywhere among its entries.
        let part = normalized(&maps.slice(2, 1)).unwrap();
        assert_eq!(part.as_map().value(0), map.value(2));
    }
}
