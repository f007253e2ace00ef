//! Functions over maps. A key is never null and is there once only, whoever makes the map.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, ListArray, MapArray, StructArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType::{self, Boolean, Null, Utf8};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ScalarUDF};

use crate::sql::functions::collections::lists::{
    both, chosen, common, comparable, element_field, element_of, list_of, lists, range,
};
use crate::sql::functions::define::{Arguments, Call, Function, Given};
use crate::sql::types::map_type;

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        of_pairs(),
        Function::new("map_keys", |given| part_types(given, 0), |args| part(args, 0)),
        Function::new("map_values", |given| part_types(given, 1), |args| part(args, 1)),
        Function::new("map_entries", entries_types, entries),
        Function::new("map_concat", concat_types, map_concat),
        Function::new("map_from_arrays", arrays_types, from_arrays),
        Function::new("map_from_entries", from_entries_types, from_entries),
        Function::new("map_contains_key", contains_types, contains_key),
    ]
    .map(Function::udf)
    .to_vec()
}

fn of_pairs() -> Function {
    Function::new("map", pair_types, from_pairs)
}

/// A map of keys and values in turn.
pub(in crate::sql) fn map(pairs: Vec<Expr>) -> Expr {
    of_pairs().udf().call(pairs)
}

/// The type of a map, as planning wants it.
pub(in crate::sql) fn map_of(
    given: &Given<'_>,
    key: DataType,
    value: DataType,
) -> Result<DataType> {
    map_type(key, value).map_err(|_e| given.refuse("a key that is no map"))
}

/// The types of keys and values of the argument at `index`.
pub(in crate::sql) fn key_and_value(
    given: &Given<'_>,
    index: usize,
) -> Result<(DataType, DataType)> {
    match given.types.get(index) {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                Ok((pair[0].data_type().clone(), pair[1].data_type().clone()))
            }
            _ => Err(given.refuse("a map")),
        },
        Some(Null) => Ok((Null, Null)),
        _ => Err(given.refuse(&format!("a map as argument {}", index + 1))),
    }
}

/// The maps of one argument.
pub(in crate::sql) fn maps(args: &Arguments, index: usize) -> Result<&MapArray> {
    let array = args.array(index)?;
    array.as_map_opt().ok_or_else(|| args.fail(format!("argument {} is no map", index + 1)))
}

/// Where the entries of one row stand among those of all.
pub(in crate::sql) fn entry_range(map: &MapArray, row: usize) -> std::ops::Range<usize> {
    let offsets = map.value_offsets();
    // The offsets of an array are never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}

/// A map array of these entries, whose rows end where `ends` says, after a look at their keys.
pub(in crate::sql) fn build(
    args: &Arguments,
    (keys, values): (ArrayRef, ArrayRef),
    ends: Vec<i32>,
    valid: Vec<bool>,
) -> Result<ArrayRef> {
    if keys.logical_null_count() > 0 {
        return Err(args.fail("a map cannot have NULL as a key; leave such entries out"));
    }
    let rows = comparable(&keys)?;
    let mut seen = HashSet::new();
    for ends in ends.windows(2) {
        seen.clear();
        // The ends were made here, in order and not negative.
        for at in ends[0] as usize..ends[1] as usize {
            if !seen.insert(rows.row(at)) {
                let key = datafusion::common::ScalarValue::try_from_array(&keys, at)?;
                return Err(args.fail(format!(
                    "the key {key} is in one map twice; take one of the values before the map is made"
                )));
            }
        }
    }
    let DataType::Map(field, _) = &args.gives else {
        return Err(args.fail("the result is no map"));
    };
    let DataType::Struct(pair) = field.data_type() else {
        return Err(args.fail("the result is no map"));
    };
    let entries = StructArray::try_new(pair.clone(), vec![keys, values], None)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, false)?))
}

/// The ends of rows with these numbers of entries.
pub(in crate::sql) fn ends_of(
    args: &Arguments,
    lengths: impl Iterator<Item = usize>,
) -> Result<Vec<i32>> {
    let mut ends = vec![0_i32];
    let mut end = 0_usize;
    for length in lengths {
        end += length;
        ends.push(i32::try_from(end).map_err(|e| args.fail(e))?);
    }
    Ok(ends)
}

fn pair_types(given: &Given<'_>) -> Result<Call> {
    if !given.types.len().is_multiple_of(2) {
        return Err(given.refuse("keys and values in turn"));
    }
    let side = |first: usize| -> Result<DataType> {
        let types: Vec<_> = given.types.iter().skip(first).step_by(2).cloned().collect();
        if types.is_empty() { Ok(Null) } else { chosen(given, &types) }
    };
    let (key, value) = (side(0)?, side(1)?);
    let takes = (0..given.types.len())
        .map(|at| if at.is_multiple_of(2) { key.clone() } else { value.clone() })
        .collect();
    Ok(Call { takes, gives: map_of(given, key, value)? })
}

fn from_pairs(args: &Arguments) -> Result<ArrayRef> {
    let pairs = args.arrays.len() / 2;
    let turns: Vec<(usize, usize)> =
        (0..args.rows).flat_map(|row| (0..pairs).map(move |pair| (pair, row))).collect();
    let side = |first: usize| -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> =
            args.arrays.iter().skip(first).step_by(2).map(AsRef::as_ref).collect();
        if arrays.is_empty() {
            return Ok(arrow::array::new_null_array(&Null, 0));
        }
        Ok(interleave(&arrays, &turns)?)
    };
    let ends = ends_of(args, std::iter::repeat_n(pairs, args.rows))?;
    build(args, (side(0)?, side(1)?), ends, vec![true; args.rows])
}

fn part_types(given: &Given<'_>, part: usize) -> Result<Call> {
    given.count(1..=1)?;
    let (key, value) = key_and_value(given, 0)?;
    let takes = vec![map_of(given, key.clone(), value.clone())?];
    Ok(Call { takes, gives: list_of(if part == 0 { key } else { value }) })
}

fn part(args: &Arguments, part: usize) -> Result<ArrayRef> {
    let map = maps(args, 0)?;
    let values = if part == 0 { map.keys() } else { map.values() };
    let list = ListArray::try_new(
        element_field(args)?,
        map.offsets().clone(),
        Arc::clone(values),
        map.nulls().cloned(),
    )?;
    Ok(Arc::new(list))
}

fn entry_type(key: DataType, value: DataType) -> DataType {
    use arrow::datatypes::{Field, Fields};
    DataType::Struct(Fields::from(vec![
        Field::new("key", key, false),
        Field::new("value", value, true),
    ]))
}

fn entries_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let (key, value) = key_and_value(given, 0)?;
    let takes = vec![map_of(given, key.clone(), value.clone())?];
    Ok(Call { takes, gives: list_of(entry_type(key, value)) })
}

fn entries(args: &Arguments) -> Result<ArrayRef> {
    let map = maps(args, 0)?;
    let element = element_field(args)?;
    let DataType::Struct(pair) = element.data_type() else {
        return Err(args.fail("the entries are no structs"));
    };
    let columns = vec![Arc::clone(map.keys()), Arc::clone(map.values())];
    let rows: ArrayRef = Arc::new(StructArray::try_new(pair.clone(), columns, None)?);
    Ok(Arc::new(ListArray::try_new(element, map.offsets().clone(), rows, map.nulls().cloned())?))
}

fn concat_types(given: &Given<'_>) -> Result<Call> {
    let sides: Vec<_> =
        (0..given.types.len()).map(|at| key_and_value(given, at)).collect::<Result<_>>()?;
    let (keys, values): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
    if keys.is_empty() {
        return Ok(Call { takes: vec![], gives: map_of(given, Utf8, Utf8)? });
    }
    let map = map_of(given, common(given, &keys)?, common(given, &values)?)?;
    Ok(Call { takes: vec![map.clone(); keys.len()], gives: map })
}

fn map_concat(args: &Arguments) -> Result<ArrayRef> {
    let all: Vec<&MapArray> =
        (0..args.arrays.len()).map(|at| maps(args, at)).collect::<Result<_>>()?;
    let mut places = vec![];
    let mut lengths = Vec::with_capacity(args.rows);
    let mut valid = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let before = places.len();
        let is_valid = args.all_valid(row);
        if is_valid {
            for (map, array) in all.iter().enumerate() {
                places.extend(entry_range(array, row).map(|at| (map, at)));
            }
        }
        lengths.push(places.len() - before);
        valid.push(is_valid);
    }
    let side = |of: fn(&MapArray) -> &ArrayRef, empty: &DataType| -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = all.iter().map(|map| of(map).as_ref()).collect();
        if arrays.is_empty() {
            return Ok(arrow::array::new_empty_array(empty));
        }
        Ok(interleave(&arrays, &places)?)
    };
    let entries = (side(MapArray::keys, &Utf8)?, side(MapArray::values, &Utf8)?);
    build(args, entries, ends_of(args, lengths.into_iter())?, valid)
}

fn arrays_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let (key, value) = (element_of(given, 0)?, element_of(given, 1)?);
    let takes = vec![list_of(key.clone()), list_of(value.clone())];
    Ok(Call { takes, gives: map_of(given, key, value)? })
}

fn from_arrays(args: &Arguments) -> Result<ArrayRef> {
    let (keys, values) = (lists(args, 0)?, lists(args, 1)?);
    let (mut key_places, mut value_places) = (vec![], vec![]);
    let mut lengths = Vec::with_capacity(args.rows);
    let mut valid = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let is_valid = args.all_valid(row);
        valid.push(is_valid);
        let (these, those) = (range(keys, row), range(values, row));
        if !is_valid {
            lengths.push(0);
            continue;
        }
        if these.len() != those.len() {
            return Err(args.fail(format!(
                "there are {} keys, but {} values",
                these.len(),
                those.len()
            )));
        }
        lengths.push(these.len());
        key_places.extend(these.map(|at| at as u32));
        value_places.extend(those.map(|at| at as u32));
    }
    let pick = |list: &ListArray, places: Vec<u32>| -> Result<ArrayRef> {
        Ok(take(list.values().as_ref(), &UInt32Array::from(places), None)?)
    };
    let entries = (pick(keys, key_places)?, pick(values, value_places)?);
    build(args, entries, ends_of(args, lengths.into_iter())?, valid)
}

fn from_entries_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match element_of(given, 0)? {
        DataType::Struct(pair) if pair.len() == 2 => {
            let map = map_of(given, pair[0].data_type().clone(), pair[1].data_type().clone())?;
            Ok(Call { takes: vec![list_of(DataType::Struct(pair))], gives: map })
        }
        _ => Err(given.refuse("an array of structs of two fields")),
    }
}

/// An array with a null in place of an entry is null.
fn from_entries(args: &Arguments) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let entries = list.values().as_struct();
    let mut places = vec![];
    let mut lengths = Vec::with_capacity(args.rows);
    let mut valid = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let range = range(list, row);
        let is_valid = list.is_valid(row) && range.clone().all(|at| entries.is_valid(at));
        valid.push(is_valid);
        lengths.push(if is_valid { range.len() } else { 0 });
        if is_valid {
            places.extend(range.map(|at| at as u32));
        }
    }
    let places = UInt32Array::from(places);
    let side = |at: usize| take(entries.column(at).as_ref(), &places, None);
    build(args, (side(0)?, side(1)?), ends_of(args, lengths.into_iter())?, valid)
}

fn contains_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    if given.types.contains(&Null) {
        return Err(given.refuse("a map and a key, neither of which is a bare NULL"));
    }
    let (key, value) = key_and_value(given, 0)?;
    let key = common(given, &[key, given.types[1].clone()])?;
    Ok(Call { takes: vec![map_of(given, key.clone(), value)?, key], gives: Boolean })
}

fn contains_key(args: &Arguments) -> Result<ArrayRef> {
    let (map, wanted) = (maps(args, 0)?, args.array(1)?);
    let (values, shift) = both(map.keys(), wanted)?;
    let rows = comparable(&values)?;
    let mut out = BooleanBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        out.append_option(args.all_valid(row).then(|| {
            let wanted = rows.row(shift + row);
            entry_range(map, row).any(|at| rows.row(at) == wanted)
        }));
    }
    Ok(Arc::new(out.finish()))
}
