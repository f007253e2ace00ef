//! What the functions over arrays share: their types, comparable elements, and arrays made of
//! elements that are there already.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::SortOptions;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;

use crate::equality;
use crate::sql::functions::common_type::type_of_choice;
use crate::sql::functions::define::{Arguments, Given};

/// The type of an array of `element`.
pub(in crate::sql) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", element, true)))
}

/// The element type of the argument at `index`, which has to be an array; NULL is one of nothing.
pub(in crate::sql::functions) fn element_of(given: &Given<'_>, index: usize) -> Result<DataType> {
    match given.types.get(index) {
        Some(DataType::List(element)) => Ok(element.data_type().clone()),
        Some(DataType::Null) => Ok(DataType::Null),
        _ => Err(given.refuse(&format!("an array as argument {}", index + 1))),
    }
}

/// The type that values of all these types can have.
pub(in crate::sql::functions) fn common(given: &Given<'_>, types: &[DataType]) -> Result<DataType> {
    type_union_resolution(types).ok_or_else(|| given.refuse("values of one type"))
}

/// As [`common`], for values that are put side by side.
pub(in crate::sql::functions) fn chosen(given: &Given<'_>, types: &[DataType]) -> Result<DataType> {
    common(given, types).or_else(|error| type_of_choice(types).ok_or(error))
}

/// The arrays of one argument.
pub(in crate::sql::functions) fn lists(args: &Arguments, index: usize) -> Result<&ListArray> {
    let array = args.array(index)?;
    array.as_list_opt().ok_or_else(|| args.fail(format!("argument {} is no array", index + 1)))
}

/// Where the elements of one row stand among the values of all.
pub(in crate::sql::functions) fn range(list: &ListArray, row: usize) -> Range<usize> {
    let offsets = list.value_offsets();
    // The offsets of an array are never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}

/// Elements as bytes that compare as the elements do: -0.0 is 0.0, and all NaN are one.
pub(in crate::sql::functions) fn comparable(values: &ArrayRef) -> Result<Rows> {
    sortable(values, SortOptions { descending: false, nulls_first: true })
}

/// As [`comparable`], in an order of one's own.
pub(in crate::sql::functions) fn sortable(values: &ArrayRef, options: SortOptions) -> Result<Rows> {
    let values = normalized(values)?;
    let field = SortField::new_with_options(values.data_type().clone(), options);
    Ok(RowConverter::new(vec![field])?.convert_columns(&[values])?)
}

/// Values of which equal ones have equal bytes; [`equality`] says which are equal.
pub(in crate::sql::functions) fn normalized(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(equality::normalized(values)?)
}

/// The values of two arrays, one after the other, and where the second begins.
pub(in crate::sql::functions) fn both(
    left: &ArrayRef,
    right: &ArrayRef,
) -> Result<(ArrayRef, usize)> {
    Ok((concat(&[left.as_ref(), right.as_ref()])?, left.len()))
}

/// Makes arrays by picking from `values`: `pick` adds the places of a row's elements, with `None`
/// for null, or gives false where the row is null.
pub(in crate::sql::functions) fn gather(
    args: &Arguments,
    values: &ArrayRef,
    mut pick: impl FnMut(usize, &mut Vec<Option<u32>>) -> Result<bool>,
) -> Result<ArrayRef> {
    let mut picked = Vec::with_capacity(values.len());
    let mut ends = Vec::with_capacity(args.rows + 1);
    let mut valid = Vec::with_capacity(args.rows);
    ends.push(0_i32);
    for row in 0..args.rows {
        let before = picked.len();
        let is_valid = pick(row, &mut picked)?;
        if !is_valid {
            picked.truncate(before);
        }
        valid.push(is_valid);
        ends.push(i32::try_from(picked.len()).map_err(|e| args.fail(e))?);
    }
    let element = element_field(args)?;
    let taken = take(values.as_ref(), &UInt32Array::from(picked), None)?;
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(ListArray::try_new(element, offsets, taken, nulls)?))
}

/// The field of the elements that a call gives.
pub(in crate::sql::functions) fn element_field(args: &Arguments) -> Result<FieldRef> {
    match &args.gives {
        DataType::List(element) => Ok(Arc::clone(element)),
        other => Err(args.fail(format!("the result is {other}, not an array"))),
    }
}

/// A place among the values, as the index that arrow takes.
pub(in crate::sql::functions) fn place(args: &Arguments, at: usize) -> Result<Option<u32>> {
    u32::try_from(at).map(Some).map_err(|e| args.fail(e))
}
