//! When floating-point numbers are the same key: -0.0 is 0.0, and all NaN are one.
//!
//! Bytes of arrow's row format tell -0.0 from 0.0. Whoever compares keys as bytes, in groups, joins
//! or sets, brings them into this form before, however deep in arrays, structs and maps they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::array::{Float32Array, Float64Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;

/// Whether values of this type are or have floating-point numbers.
pub fn has_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(field) | DataType::Map(field, _) => has_floats(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        _ => false,
    }
}

/// The values with one form of each floating-point number.
///
/// # Errors
/// None but those of Arrow, for arrays that are not well formed.
pub fn normalized(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !has_floats(values.data_type()) {
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
            let entries = of_fields(map.entries())?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *is_sorted)?)
        }
        _ => Arc::clone(values),
    })
}

fn of_fields(row: &StructArray) -> Result<StructArray, ArrowError> {
    let columns = row.columns().iter().map(normalized).collect::<Result<_, _>>()?;
    StructArray::try_new(row.fields().clone(), columns, row.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use arrow::buffer::OffsetBuffer;
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
}
