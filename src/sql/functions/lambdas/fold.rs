//! `aggregate(array, zero, merge[, finish])`, also called `reduce`: the elements of an array, merged
//! one after the other.
//!
//! The first elements of all rows are merged in one go, then the second ones, and so on. Rows are
//! taken in the order of their lengths, the longest first, so that those that still have an element
//! always stand in front, and the work is that of the elements that there are.

use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use crate::sql::functions::collections::lists::{lists, range};
use crate::sql::functions::define::Given;
use crate::sql::functions::lambdas::arrays::element;
use crate::sql::functions::lambdas::define::{Definition, Lambdas, Typed};

static ALIASES: LazyLock<Vec<String>> = LazyLock::new(|| vec!["reduce".to_owned()]);

/// All functions here.
pub(super) fn functions() -> Vec<Definition> {
    vec![Definition {
        name: "aggregate",
        aliases: || ALIASES.as_slice(),
        takes,
        parameters: |values| {
            let zero = values.get(1).cloned().unwrap_or(DataType::Null);
            vec![vec![zero.clone(), element(values, 0)], vec![zero]]
        },
        gives,
        kernel: aggregate,
    }]
}

fn takes(given: &Given<'_>) -> Result<Vec<DataType>> {
    match given.types {
        [DataType::List(_), _zero] => Ok(given.types.to_vec()),
        _ => Err(given.refuse("an array, the value to begin with, and a lambda or two")),
    }
}

fn gives(types: &Typed<'_>) -> Result<DataType> {
    types.expect(0, types.value(1)?)?;
    match types.lambdas {
        [_merge, finish] => Ok(finish.clone()),
        _ => types.value(1).cloned(),
    }
}

fn aggregate(call: &Lambdas) -> Result<ArrayRef> {
    let list = lists(&call.values, 0)?;
    let zero = call.values.array(1)?;
    let mut order: Vec<u32> =
        (0..list.len()).filter(|row| list.is_valid(*row)).map(|row| row as u32).collect();
    let length = |row: u32| range(list, row as usize).len();
    order.sort_by_key(|row| std::cmp::Reverse(length(*row)));
    let longest = order.first().map_or(0, |row| length(*row));
    let rows = UInt32Array::from(order);
    let mut held = take(zero.as_ref(), &rows, None)?;
    // What is settled already, the shortest rows first.
    let mut settled: Vec<ArrayRef> = vec![];
    for step in 0..longest {
        let going = rows.values().partition_point(|row| length(*row) > step);
        if going < held.len() {
            settled.push(held.slice(going, held.len() - going));
            held = held.slice(0, going);
        }
        let places = rows.values().iter().take(going);
        let places = places.map(|row| (range(list, *row as usize).start + step) as u32);
        let places: UInt32Array = places.collect();
        let values = take(list.values().as_ref(), &places, None)?;
        let merged = call.run(0, &[held, values], &rows.slice(0, going))?;
        held = if merged.data_type() == zero.data_type() {
            merged
        } else {
            cast(&merged, zero.data_type())?
        };
    }
    settled.push(held);
    settled.reverse();
    let parts: Vec<&dyn Array> = settled.iter().map(AsRef::as_ref).collect();
    let mut result = concat(&parts)?;
    if call.lambdas.len() > 1 {
        result = call.run(1, &[result], &rows)?;
    }
    // Back to the order of the rows; those without an array are null.
    let mut places: Vec<Option<u32>> = vec![None; list.len()];
    for (place, row) in rows.values().iter().enumerate() {
        places[*row as usize] = Some(place as u32);
    }
    let result = take(result.as_ref(), &UInt32Array::from(places), None)?;
    if result.data_type() == &call.values.gives {
        return Ok(result);
    }
    Ok(cast(&result, &call.values.gives)?)
}
