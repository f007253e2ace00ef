//! Single elements of arrays: found, added, removed, put in order, joined to a text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Int32Array, Int64Builder, StringBuilder, UInt32Array,
};
use arrow::compute::{SortOptions, take};
use arrow::datatypes::DataType::{self, Boolean, Int32, Int64, Null, Utf8};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, ScalarUDF};

use crate::sql::functions::collections::lists::{
    both, common, comparable, element_of, gather, list_of, lists, place, range, sortable,
};
use crate::sql::functions::collections::maps::{entry_range, key_and_value, map_of, maps};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("size", size_types, |args| {
            // Outside of ANSI mode Spark has kept its oldest answer.
            size(args, (!args.is_ansi()).then_some(-1))
        })
        .or(&["cardinality"]),
        Function::new("array_size", array_size_types, |args| size(args, None)),
        Function::new("array_contains", |given| search_types(given, Boolean), contains),
        Function::new("array_position", |given| search_types(given, Int64), position),
        Function::new("array_remove", |given| value_types(given, false), remove),
        Function::new("array_append", |given| value_types(given, true), |args| add(args, false)),
        Function::new("array_prepend", |given| value_types(given, true), |args| add(args, true)),
        Function::new("array_insert", insert_types, insert),
        Function::new("array_compact", same_list, compact),
        Function::new("array_max", element_types, |args| extreme(args, true)),
        Function::new("array_min", element_types, |args| extreme(args, false)),
        Function::new("array_join", join_types, join),
        Function::new("get", get_types, |args| get(args, false)),
        item_function(),
        Function::new("element_at", at_types, |args| element_at(args, args.is_ansi())),
        Function::new("try_element_at", at_types, |args| element_at(args, false)),
        Function::new("sort_array", sort_types, sort),
        Function::new("array_sort", same_list, sort_nulls_last),
        Function::new("reverse", reverse_types, reverse),
        Function::new("flatten", flatten_types, flatten),
        Function::new("slice", slice_types, slice),
    ]
    .map(Function::udf)
    .to_vec()
}

fn size_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match &given.types[0] {
        list @ (DataType::List(_) | DataType::Map(_, _) | Null) => {
            Ok(Call { takes: vec![list.clone()], gives: Int32 })
        }
        _ => Err(given.refuse("an array or a map")),
    }
}

fn array_size_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let list = list_of(element_of(given, 0)?);
    Ok(Call { takes: vec![list], gives: Int32 })
}

fn size(args: &Arguments, of_null: Option<i32>) -> Result<ArrayRef> {
    use arrow::array::AsArray;
    let array = args.array(0)?;
    let lengths = if let Some(list) = array.as_list_opt::<i32>() {
        list.offsets().clone()
    } else if let Some(map) = array.as_map_opt() {
        map.offsets().clone()
    } else {
        return Ok(Arc::new(Int32Array::from(vec![of_null; args.rows])));
    };
    let sizes = lengths.lengths().enumerate().map(|(row, length)| match array.is_valid(row) {
        true => Some(i32::try_from(length).unwrap_or(i32::MAX)),
        false => of_null,
    });
    Ok(Arc::new(sizes.collect::<Int32Array>()))
}

/// An array and a value of its elements' type, which may not be a bare NULL.
fn value_type(given: &Given<'_>) -> Result<DataType> {
    given.count(2..=2)?;
    common(given, &[element_of(given, 0)?, given.types[1].clone()])
}

fn search_types(given: &Given<'_>, gives: DataType) -> Result<Call> {
    if given.types.contains(&Null) {
        return Err(given.refuse("an array and a value, neither of which is a bare NULL"));
    }
    let element = value_type(given)?;
    Ok(Call { takes: vec![list_of(element.clone()), element], gives })
}

fn value_types(given: &Given<'_>, takes_null: bool) -> Result<Call> {
    if given.types.first() == Some(&Null) && takes_null {
        return Err(given.refuse("an array as argument 1"));
    }
    let element = value_type(given)?;
    let list = list_of(element.clone());
    Ok(Call { takes: vec![list.clone(), element], gives: list })
}

fn contains(args: &Arguments) -> Result<ArrayRef> {
    let (list, value) = (lists(args, 0)?, args.array(1)?);
    let (values, shift) = both(list.values(), value)?;
    let rows = comparable(&values)?;
    let nulls = list.values().logical_nulls();
    let mut out = BooleanBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let wanted = rows.row(shift + row);
        if range(list, row).any(|at| rows.row(at) == wanted) {
            out.append_value(true);
        } else if range(list, row).any(|at| nulls.as_ref().is_some_and(|nulls| nulls.is_null(at))) {
            // The null might have been it.
            out.append_null();
        } else {
            out.append_value(false);
        }
    }
    Ok(Arc::new(out.finish()))
}

fn position(args: &Arguments) -> Result<ArrayRef> {
    let (list, value) = (lists(args, 0)?, args.array(1)?);
    let (values, shift) = both(list.values(), value)?;
    let rows = comparable(&values)?;
    let mut out = Int64Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let wanted = rows.row(shift + row);
        let at = range(list, row).position(|at| rows.row(at) == wanted).map_or(0, |at| at + 1);
        out.append_value(i64::try_from(at).unwrap_or(i64::MAX));
    }
    Ok(Arc::new(out.finish()))
}

fn remove(args: &Arguments) -> Result<ArrayRef> {
    let (list, value) = (lists(args, 0)?, args.array(1)?);
    let (values, shift) = both(list.values(), value)?;
    let rows = comparable(&values)?;
    gather(args, list.values(), |row, picked| {
        if !args.all_valid(row) {
            return Ok(false);
        }
        let unwanted = rows.row(shift + row);
        for at in range(list, row).filter(|at| rows.row(*at) != unwanted) {
            picked.push(place(args, at)?);
        }
        Ok(true)
    })
}

fn add(args: &Arguments, in_front: bool) -> Result<ArrayRef> {
    let (list, value) = (lists(args, 0)?, args.array(1)?);
    let (values, shift) = both(list.values(), value)?;
    gather(args, &values, |row, picked| {
        if in_front {
            picked.push(place(args, shift + row)?);
        }
        for at in range(list, row) {
            picked.push(place(args, at)?);
        }
        if !in_front {
            picked.push(place(args, shift + row)?);
        }
        Ok(list.is_valid(row))
    })
}

fn insert_types(given: &Given<'_>) -> Result<Call> {
    given.count(3..=3)?;
    let element = common(given, &[element_of(given, 0)?, given.types[2].clone()])?;
    let list = list_of(element.clone());
    Ok(Call { takes: vec![list.clone(), Int32, element], gives: list })
}

/// The longest array that a position far out may make.
const MAX_LENGTH: usize = i32::MAX as usize - 15;

/// A position counts from the front, or from the back when it is negative; what is between it and
/// the array becomes null.
fn insert(args: &Arguments) -> Result<ArrayRef> {
    let (list, at, value) = (lists(args, 0)?, args.int(1)?, args.array(2)?);
    let (values, shift) = both(list.values(), value)?;
    gather(args, &values, |row, picked| {
        if list.is_null(row) || at.is_null(row) {
            return Ok(false);
        }
        let at = at.value(row);
        if at == 0 {
            return Err(
                args.fail("the index 0 is invalid; the first element has index 1, the last -1")
            );
        }
        let distance = usize::try_from(at.unsigned_abs()).unwrap_or(MAX_LENGTH);
        if distance > MAX_LENGTH {
            return Err(args.fail(format!("the index {at} would make the array too long")));
        }
        let items: Vec<Option<u32>> =
            range(list, row).map(|at| place(args, at)).collect::<Result<_>>()?;
        let new = place(args, shift + row)?;
        if at > 0 {
            let before = distance - 1;
            picked.extend(items.iter().take(before));
            picked.extend(std::iter::repeat_n(None, before.saturating_sub(items.len())));
            picked.push(new);
            picked.extend(items.iter().skip(before));
        } else {
            let after = distance - 1;
            let (head, tail) = items.split_at(items.len().saturating_sub(after));
            picked.extend(head);
            picked.push(new);
            picked.extend(std::iter::repeat_n(None, after.saturating_sub(items.len())));
            picked.extend(tail);
        }
        Ok(true)
    })
}

fn same_list(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let list = list_of(element_of(given, 0)?);
    Ok(Call { takes: vec![list.clone()], gives: list })
}

fn compact(args: &Arguments) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let nulls = list.values().logical_nulls();
    gather(args, list.values(), |row, picked| {
        for at in range(list, row) {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at)) {
                picked.push(place(args, at)?);
            }
        }
        Ok(list.is_valid(row))
    })
}

fn element_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let element = element_of(given, 0)?;
    Ok(Call { takes: vec![list_of(element.clone())], gives: element })
}

/// The greatest or the least element that is not null; NaN is greater than all.
fn extreme(args: &Arguments, greatest: bool) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let rows = comparable(list.values())?;
    let nulls = list.values().logical_nulls();
    let picked = (0..args.rows).map(|row| {
        if list.is_null(row) {
            return Ok(None);
        }
        let known =
            range(list, row).filter(|at| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*at)));
        let at = if greatest {
            known.max_by(|a, b| rows.row(*a).cmp(&rows.row(*b)))
        } else {
            known.min_by(|a, b| rows.row(*a).cmp(&rows.row(*b)))
        };
        at.map_or(Ok(None), |at| place(args, at))
    });
    let picked = picked.collect::<Result<Vec<_>>>()?;
    Ok(take(list.values().as_ref(), &UInt32Array::from(picked), None)?)
}

fn join_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    if element_of(given, 0)?.is_nested() {
        return Err(given.refuse("an array of texts"));
    }
    let mut takes = vec![list_of(Utf8)];
    takes.resize(count, Utf8);
    Ok(Call { takes, gives: Utf8 })
}

/// Nulls are left out unless a text for them is given.
fn join(args: &Arguments) -> Result<ArrayRef> {
    use arrow::array::AsArray;
    let list = lists(args, 0)?;
    let values = list.values().as_string::<i32>();
    let by = args.text(1)?;
    let for_null = (args.arrays.len() > 2).then(|| args.text(2)).transpose()?;
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let parts: Vec<&str> = range(list, row)
            .filter_map(|at| match for_null {
                _ if values.is_valid(at) => Some(values.value(at)),
                Some(text) => Some(text.value(row)),
                None => None,
            })
            .collect();
        out.append_value(parts.join(by.value(row)));
    }
    Ok(Arc::new(out.finish()))
}

fn get_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let element = element_of(given, 0)?;
    Ok(Call { takes: vec![list_of(element.clone()), Int32], gives: element })
}

/// `array[index]`: as `get`, but an index without an element is an error in ANSI mode. `map[key]`:
/// the value of the key, which has the type of the keys.
fn item_function() -> Function {
    Function::new("array_item", item_types, |args| match args.array(0)?.data_type() {
        DataType::Map(_, _) => value_of(args),
        _ => get(args, args.is_ansi()),
    })
}

fn item_types(given: &Given<'_>) -> Result<Call> {
    if let Some(map @ DataType::Map(_, _)) = given.types.first() {
        given.count(2..=2)?;
        let (key, gives) = key_and_value(given, 0)?;
        return Ok(Call { takes: vec![map.clone(), key], gives });
    }
    get_types(given)
}

/// The expression `array[index]`, or `map[key]`.
pub(in crate::sql) fn item(items: Expr, index: Expr) -> Expr {
    item_function().udf().call(vec![items, index])
}

/// The element at an index that begins at 0.
fn get(args: &Arguments, is_strict: bool) -> Result<ArrayRef> {
    let (list, index) = (lists(args, 0)?, args.int(1)?);
    let picked = (0..args.rows).map(|row| {
        if !args.all_valid(row) {
            return Ok(None);
        }
        let at = usize::try_from(index.value(row)).ok().and_then(|at| range(list, row).nth(at));
        match at {
            None if is_strict => Err(no_element(args, index.value(row), range(list, row).len())),
            None => Ok(None),
            Some(at) => place(args, at),
        }
    });
    let picked = picked.collect::<Result<Vec<_>>>()?;
    Ok(take(list.values().as_ref(), &UInt32Array::from(picked), None)?)
}

fn no_element(args: &Arguments, index: i32, length: usize) -> DataFusionError {
    args.fail(format!(
        "the index {index} is out of bounds, the array has {length} elements; use `get` or `try_element_at` to get NULL instead, or set spark.sql.ansi.enabled to false"
    ))
}

fn at_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    if let DataType::Map(_, _) = &given.types[0] {
        let (key, value) = key_and_value(given, 0)?;
        let key = common(given, &[key, given.types[1].clone()])?;
        let takes = vec![map_of(given, key.clone(), value.clone())?, key];
        return Ok(Call { takes, gives: value });
    }
    get_types(given)
}

/// The element of an array at an index that begins at 1, or at -1 from the end; the value of a map.
fn element_at(args: &Arguments, is_strict: bool) -> Result<ArrayRef> {
    if let DataType::Map(_, _) = args.array(0)?.data_type() {
        return value_of(args);
    }
    let (list, index) = (lists(args, 0)?, args.int(1)?);
    let picked = (0..args.rows).map(|row| {
        if !args.all_valid(row) {
            return Ok(None);
        }
        let (index, all) = (index.value(row), range(list, row));
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        let at = match index {
            0 => {
                return Err(
                    args.fail("the index 0 is invalid; the first element has index 1, the last -1")
                );
            }
            1.. => Some(all.start.saturating_add(distance - 1)).filter(|at| *at < all.end),
            _ => all.end.checked_sub(distance).filter(|at| *at >= all.start),
        };
        match at {
            None if is_strict => Err(no_element(args, index, all.len())),
            None => Ok(None),
            Some(at) => place(args, at),
        }
    });
    let picked = picked.collect::<Result<Vec<_>>>()?;
    Ok(take(list.values().as_ref(), &UInt32Array::from(picked), None)?)
}

fn value_of(args: &Arguments) -> Result<ArrayRef> {
    let (map, wanted) = (maps(args, 0)?, args.array(1)?);
    let (keys, shift) = both(map.keys(), wanted)?;
    let rows = comparable(&keys)?;
    let picked = (0..args.rows).map(|row| {
        if !args.all_valid(row) {
            return Ok(None);
        }
        let wanted = rows.row(shift + row);
        match entry_range(map, row).find(|at| rows.row(*at) == wanted) {
            None => Ok(None),
            Some(at) => place(args, at),
        }
    });
    let picked = picked.collect::<Result<Vec<_>>>()?;
    Ok(take(map.values().as_ref(), &UInt32Array::from(picked), None)?)
}

fn sort_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    let list = list_of(element_of(given, 0)?);
    let mut takes = vec![list.clone()];
    takes.resize(count, Boolean);
    Ok(Call { takes, gives: list })
}

/// Ascending with nulls first, descending with nulls last.
fn sort(args: &Arguments) -> Result<ArrayRef> {
    use arrow::array::AsArray;
    let list = lists(args, 0)?;
    let ascending = args.arrays.get(1).map(|flags| flags.as_boolean());
    let up = sortable(list.values(), SortOptions { descending: false, nulls_first: true })?;
    gather(args, list.values(), |row, picked| {
        let mut order: Vec<usize> = range(list, row).collect();
        if ascending.is_none_or(|flags| flags.value(row)) {
            order.sort_by(|a, b| up.row(*a).cmp(&up.row(*b)));
        } else {
            order.sort_by(|a, b| up.row(*b).cmp(&up.row(*a)));
        }
        for at in order {
            picked.push(place(args, at)?);
        }
        Ok(args.all_valid(row))
    })
}

fn sort_nulls_last(args: &Arguments) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let up = sortable(list.values(), SortOptions { descending: false, nulls_first: false })?;
    gather(args, list.values(), |row, picked| {
        let mut order: Vec<usize> = range(list, row).collect();
        order.sort_by(|a, b| up.row(*a).cmp(&up.row(*b)));
        for at in order {
            picked.push(place(args, at)?);
        }
        Ok(list.is_valid(row))
    })
}

fn reverse_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let takes = match &given.types[0] {
        DataType::List(element) => list_of(element.data_type().clone()),
        other if !other.is_nested() => Utf8,
        _ => return Err(given.refuse("a text or an array")),
    };
    Ok(Call { takes: vec![takes.clone()], gives: takes })
}

fn reverse(args: &Arguments) -> Result<ArrayRef> {
    if args.gives == Utf8 {
        let text = args.text(0)?;
        let mut out = StringBuilder::new();
        for value in text {
            out.append_option(value.map(|value| value.chars().rev().collect::<String>()));
        }
        return Ok(Arc::new(out.finish()));
    }
    let list = lists(args, 0)?;
    gather(args, list.values(), |row, picked| {
        for at in range(list, row).rev() {
            picked.push(place(args, at)?);
        }
        Ok(list.is_valid(row))
    })
}

fn flatten_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match element_of(given, 0)? {
        inner @ DataType::List(_) => Ok(Call { takes: vec![list_of(inner.clone())], gives: inner }),
        Null => Ok(Call { takes: vec![list_of(list_of(Null))], gives: list_of(Null) }),
        _ => Err(given.refuse("an array of arrays")),
    }
}

/// An array with a null in place of an array is null.
fn flatten(args: &Arguments) -> Result<ArrayRef> {
    use arrow::array::AsArray;
    let list = lists(args, 0)?;
    let inner = list.values().as_list::<i32>();
    gather(args, inner.values(), |row, picked| {
        let mut is_whole = list.is_valid(row);
        for at in range(list, row) {
            is_whole &= inner.is_valid(at);
            for item in range(inner, at) {
                picked.push(place(args, item)?);
            }
        }
        Ok(is_whole)
    })
}

fn slice_types(given: &Given<'_>) -> Result<Call> {
    given.count(3..=3)?;
    let list = list_of(element_of(given, 0)?);
    Ok(Call { takes: vec![list.clone(), Int32, Int32], gives: list })
}

fn slice(args: &Arguments) -> Result<ArrayRef> {
    let (list, start, length) = (lists(args, 0)?, args.int(1)?, args.int(2)?);
    gather(args, list.values(), |row, picked| {
        if !args.all_valid(row) {
            return Ok(false);
        }
        let all = range(list, row);
        let length = usize::try_from(length.value(row)).map_err(|_e| {
            args.fail(format!("the length must not be negative, but it is {}", length.value(row)))
        })?;
        let from = match i64::from(start.value(row)) {
            0 => return Err(args.fail("the start 0 is invalid; the first element has index 1")),
            start @ 1.. => usize::try_from(start - 1).ok(),
            start => i64::try_from(all.len()).ok().and_then(|n| usize::try_from(n + start).ok()),
        };
        if let Some(from) = from {
            for at in all.skip(from).take(length) {
                picked.push(place(args, at)?);
            }
        }
        Ok(true)
    })
}
