//! `map_filter`, `transform_keys`, `transform_values` and `map_zip_with`: lambdas over maps.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MapArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{filter as keep, take};
use arrow::datatypes::DataType::{self, Boolean, Null};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;

use crate::sql::functions::collections::lists::{both, comparable};
use crate::sql::functions::collections::maps::{build, entry_range, maps};
use crate::sql::functions::define::Given;
use crate::sql::functions::lambdas::arrays::{mask, shortened};
use crate::sql::functions::lambdas::define::{Definition, Elements, Lambdas, Typed, no_aliases};
use crate::sql::types::map_type;

/// All functions here.
pub(super) fn functions() -> Vec<Definition> {
    let filter = Definition {
        name: "map_filter",
        aliases: no_aliases,
        takes: one_map,
        parameters: |values| {
            let (key, value) = pair(values.first());
            vec![vec![key, value]]
        },
        gives: |types| {
            types.expect(0, &Boolean)?;
            types.value(0).cloned()
        },
        kernel: filter,
    };
    let keys = Definition {
        name: "transform_keys",
        gives: |types| map_of(types, types.lambda(0)?.clone(), pair(types.values.first()).1),
        kernel: transform_keys,
        ..filter
    };
    let values = Definition {
        name: "transform_values",
        gives: |types| map_of(types, pair(types.values.first()).0, types.lambda(0)?.clone()),
        kernel: transform_values,
        ..filter
    };
    let zip_with = Definition {
        name: "map_zip_with",
        takes: two_maps,
        parameters: |values| {
            let ((key, left), (_, right)) = (pair(values.first()), pair(values.get(1)));
            vec![vec![key, left, right]]
        },
        gives: |types| map_of(types, pair(types.values.first()).0, types.lambda(0)?.clone()),
        kernel: zip_with,
        ..filter
    };
    vec![filter, keys, values, zip_with]
}

/// The types of the keys and the values of a map.
fn pair(map: Option<&DataType>) -> (DataType, DataType) {
    match map {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                (pair[0].data_type().clone(), pair[1].data_type().clone())
            }
            _ => (Null, Null),
        },
        _ => (Null, Null),
    }
}

fn map_of(types: &Typed<'_>, key: DataType, value: DataType) -> Result<DataType> {
    map_type(key, value)
        .map_err(|error| datafusion::common::plan_datafusion_err!("`{}`: {error}", types.function))
}

fn one_map(given: &Given<'_>) -> Result<Vec<DataType>> {
    match given.types {
        [map @ DataType::Map(_, _)] => Ok(vec![map.clone()]),
        _ => Err(given.refuse("a map and a lambda of its keys and values")),
    }
}

/// Two maps whose keys have one type.
fn two_maps(given: &Given<'_>) -> Result<Vec<DataType>> {
    let [left @ DataType::Map(_, _), right @ DataType::Map(_, _)] = given.types else {
        return Err(given.refuse("two maps and a lambda of a key and both values"));
    };
    let ((left_key, left), (right_key, right)) = (pair(Some(left)), pair(Some(right)));
    let is_text = |key: &DataType| *key == DataType::Utf8;
    let key = type_union_resolution(&[left_key.clone(), right_key.clone()])
        .filter(|_key| is_text(&left_key) == is_text(&right_key) || left_key == Null)
        .ok_or_else(|| given.refuse("two maps with keys of one type"))?;
    let of = |value| map_type(key.clone(), value).map_err(|_e| given.refuse("two maps"));
    Ok(vec![of(left)?, of(right)?])
}

/// The entries of a call's map, and what the lambda gives for them.
fn each(call: &Lambdas) -> Result<(&MapArray, Elements, [ArrayRef; 3])> {
    let map = maps(&call.values, 0)?;
    let elements = Elements::new(map.offsets(), map.nulls());
    let (keys, values) = (elements.of(map.keys())?, elements.of(map.values())?);
    let given = call.run(0, &[Arc::clone(&keys), Arc::clone(&values)], &elements.rows)?;
    Ok((map, elements, [keys, values, given]))
}

/// Maps of entries that have sound keys.
fn rebuilt(
    call: &Lambdas,
    [keys, values]: [ArrayRef; 2],
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Map(field, _) = &call.values.gives else {
        return Err(call.values.fail("the result is no map"));
    };
    let DataType::Struct(pair) = field.data_type() else {
        return Err(call.values.fail("the result is no map"));
    };
    let entries = StructArray::try_new(pair.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, false)?))
}

fn filter(call: &Lambdas) -> Result<ArrayRef> {
    let (map, elements, [keys, values, verdicts]) = each(call)?;
    let mask = mask(&verdicts)?;
    let entries = [keep(keys.as_ref(), &mask)?, keep(values.as_ref(), &mask)?];
    rebuilt(call, entries, shortened(&elements.offsets, &mask), map.nulls().cloned())
}

fn transform_keys(call: &Lambdas) -> Result<ArrayRef> {
    let (map, elements, [_keys, values, keys]) = each(call)?;
    let valid = (0..map.len()).map(|row| map.is_valid(row)).collect();
    build(&call.values, (keys, values), elements.offsets.to_vec(), valid)
}

fn transform_values(call: &Lambdas) -> Result<ArrayRef> {
    let (map, elements, [keys, _values, values]) = each(call)?;
    rebuilt(call, [keys, values], elements.offsets, map.nulls().cloned())
}

/// The keys of the first map and then those that the second has alone, each with both values.
fn zip_with(call: &Lambdas) -> Result<ArrayRef> {
    let (left, right) = (maps(&call.values, 0)?, maps(&call.values, 1)?);
    let (keys, shift) = both(left.keys(), right.keys())?;
    let known = comparable(&keys)?;
    let (mut places, mut lefts, mut rights, mut rows) = (vec![], vec![], vec![], vec![]);
    let mut lengths = Vec::with_capacity(call.values.rows);
    let mut found = HashMap::new();
    for row in 0..call.values.rows {
        let before = rows.len();
        if call.values.all_valid(row) {
            found.clear();
            found.extend(entry_range(right, row).map(|at| (known.row(shift + at), at as u32)));
            for at in entry_range(left, row) {
                places.push(at as u32);
                lefts.push(Some(at as u32));
                rights.push(found.remove(&known.row(at)));
            }
            for at in entry_range(right, row) {
                if found.contains_key(&known.row(shift + at)) {
                    places.push((shift + at) as u32);
                    lefts.push(None);
                    rights.push(Some(at as u32));
                }
            }
            rows.resize(places.len(), row as u32);
        }
        lengths.push(rows.len() - before);
    }
    let keys = take(keys.as_ref(), &UInt32Array::from(places), None)?;
    let lefts = take(left.values().as_ref(), &UInt32Array::from(lefts), None)?;
    let rights = take(right.values().as_ref(), &UInt32Array::from(rights), None)?;
    let values = call.run(0, &[Arc::clone(&keys), lefts, rights], &UInt32Array::from(rows))?;
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    rebuilt(call, [keys, values], OffsetBuffer::from_lengths(lengths), nulls)
}
