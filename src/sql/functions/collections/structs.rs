//! Arrays and structs made of values, and arrays of structs made of arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::collections::lists::{
    chosen, element_field, element_of, list_of, lists, range,
};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("array", array_types, array),
        Function::new("array_repeat", repeat_types, repeat),
        Function::new("arrays_zip", zip_types, |args| {
            zip(args, &(0..args.arrays.len()).collect::<Vec<_>>())
        }),
        Function::new("named_struct", named_types, named),
        Function::new("struct", struct_types, |args| structs(args, args.arrays.clone())),
    ]
    .map(Function::udf)
    .to_vec()
}

fn array_types(given: &Given<'_>) -> Result<Call> {
    let element = if given.types.is_empty() { DataType::Null } else { chosen(given, given.types)? };
    let takes = vec![element.clone(); given.types.len()];
    Ok(Call { takes, gives: list_of(element) })
}

fn array(args: &Arguments) -> Result<ArrayRef> {
    let width = args.arrays.len();
    let element = element_field(args)?;
    let values = if width == 0 {
        arrow::array::new_empty_array(element.data_type())
    } else {
        let turns: Vec<(usize, usize)> =
            (0..args.rows).flat_map(|row| (0..width).map(move |at| (at, row))).collect();
        let arrays: Vec<&dyn Array> = args.arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, &turns)?
    };
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(width, args.rows));
    Ok(Arc::new(ListArray::try_new(element, offsets, values, None)?))
}

fn repeat_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let element = given.types[0].clone();
    Ok(Call { takes: vec![element.clone(), DataType::Int32], gives: list_of(element) })
}

fn repeat(args: &Arguments) -> Result<ArrayRef> {
    let (value, count) = (args.array(0)?, args.int(1)?);
    let mut places = vec![];
    let mut ends = vec![0_i32];
    let mut valid = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        valid.push(count.is_valid(row));
        let times = if count.is_valid(row) { count.value(row).max(0) } else { 0 };
        let at = u32::try_from(row).map_err(|e| args.fail(e))?;
        places.extend(std::iter::repeat_n(at, usize::try_from(times).unwrap_or(0)));
        ends.push(i32::try_from(places.len()).map_err(|e| args.fail(e))?);
    }
    let values = take(value.as_ref(), &UInt32Array::from(places), None)?;
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(ListArray::try_new(element_field(args)?, offsets, values, nulls)?))
}

/// `arrays_zip` with the names of the fields: a name and an array in turn.
pub(in crate::sql::functions) fn named_zip() -> Arc<ScalarUDF> {
    Function::new("arrays_zip_named", named_zip_types, |args| zip(args, &odd_places(args))).udf()
}

fn odd_places(args: &Arguments) -> Vec<usize> {
    (1..args.arrays.len()).step_by(2).collect()
}

fn zip_types(given: &Given<'_>) -> Result<Call> {
    let elements: Vec<DataType> =
        (0..given.types.len()).map(|at| element_of(given, at)).collect::<Result<_>>()?;
    let fields: Fields = elements
        .iter()
        .enumerate()
        .map(|(at, element)| Field::new(at.to_string(), element.clone(), true))
        .collect();
    let takes = elements.into_iter().map(list_of).collect();
    Ok(Call { takes, gives: list_of(DataType::Struct(fields)) })
}

fn named_zip_types(given: &Given<'_>) -> Result<Call> {
    let (mut takes, mut fields) = (vec![], vec![]);
    for at in (1..given.types.len()).step_by(2) {
        let element = element_of(given, at)?;
        let name = given.constant_text(at - 1)?.map_or_else(|| (at / 2).to_string(), str::to_owned);
        fields.push(Field::new(name, element.clone(), true));
        takes.extend([DataType::Utf8, list_of(element)]);
    }
    Ok(Call { takes, gives: list_of(DataType::Struct(fields.into())) })
}

/// The shorter arrays go on with nulls.
fn zip(args: &Arguments, places: &[usize]) -> Result<ArrayRef> {
    let all: Vec<&ListArray> = places.iter().map(|at| lists(args, *at)).collect::<Result<_>>()?;
    let mut places: Vec<Vec<Option<u32>>> = vec![vec![]; all.len()];
    let mut ends = vec![0_i32];
    let mut valid = Vec::with_capacity(args.rows);
    let mut total = 0_usize;
    for row in 0..args.rows {
        let is_valid = args.all_valid(row);
        let longest = if is_valid {
            all.iter().map(|list| range(list, row).len()).max().unwrap_or(0)
        } else {
            0
        };
        for (places, list) in places.iter_mut().zip(&all) {
            let items = range(list, row).map(|at| u32::try_from(at).ok());
            places.extend(items.chain(std::iter::repeat(None)).take(longest));
        }
        total += longest;
        ends.push(i32::try_from(total).map_err(|e| args.fail(e))?);
        valid.push(is_valid);
    }
    let columns: Vec<ArrayRef> = places
        .into_iter()
        .zip(&all)
        .map(|(places, list)| Ok(take(list.values().as_ref(), &UInt32Array::from(places), None)?))
        .collect::<Result<_>>()?;
    let element = element_field(args)?;
    let DataType::Struct(fields) = element.data_type() else {
        return Err(args.fail("the elements are no structs"));
    };
    let rows = StructArray::try_new_with_length(fields.clone(), columns, None, total)?;
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(ListArray::try_new(element, offsets, Arc::new(rows), nulls)?))
}

/// Names and values in turn; a name is a constant.
fn named_types(given: &Given<'_>) -> Result<Call> {
    if given.types.is_empty() || !given.types.len().is_multiple_of(2) {
        return Err(given.refuse("names and values in turn"));
    }
    let mut fields = vec![];
    for (at, value) in given.types.iter().enumerate().skip(1).step_by(2) {
        let name = given.constant_text(at - 1)?.map_or_else(|| format!("c{at}"), str::to_owned);
        fields.push(Field::new(name, value.clone(), true));
    }
    Ok(Call { takes: given.types.to_vec(), gives: DataType::Struct(fields.into()) })
}

fn named(args: &Arguments) -> Result<ArrayRef> {
    let values = args.arrays.iter().skip(1).step_by(2).map(Arc::clone).collect();
    structs(args, values)
}

/// The fields are called `col1` and so on; names of columns become fields before, in the query.
fn struct_types(given: &Given<'_>) -> Result<Call> {
    if given.types.is_empty() {
        return Err(given.refuse("one value or more"));
    }
    let fields: Fields = given
        .types
        .iter()
        .enumerate()
        .map(|(at, value)| Field::new(format!("col{}", at + 1), value.clone(), true))
        .collect();
    Ok(Call { takes: given.types.to_vec(), gives: DataType::Struct(fields) })
}

fn structs(args: &Arguments, values: Vec<ArrayRef>) -> Result<ArrayRef> {
    let DataType::Struct(fields) = &args.gives else {
        return Err(args.fail("the result is no struct"));
    };
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), values, None, args.rows)?))
}
