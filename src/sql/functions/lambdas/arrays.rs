//! `transform`, `filter`, `exists`, `forall` and `zip_with`: lambdas over the elements of arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, ListArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, filter as keep, prep_null_mask_filter, take};
use arrow::datatypes::DataType::{self, Boolean, Int32, Null};
use datafusion::error::Result;

use crate::sql::functions::collections::lists::{element_field, list_of, lists, range};
use crate::sql::functions::define::Given;
use crate::sql::functions::lambdas::define::{Definition, Elements, Lambdas, Typed, no_aliases};

/// All functions here.
pub(super) fn functions() -> Vec<Definition> {
    let one = Definition {
        name: "transform",
        aliases: no_aliases,
        takes: |given| arrays(given, 1),
        parameters: |values| vec![vec![element(values, 0), Int32]],
        gives: |types| types.lambda(0).map(|lambda| list_of(lambda.clone())),
        kernel: transform,
    };
    let filter = Definition { name: "filter", gives: same_list, kernel: filter, ..one };
    let exists = Definition {
        name: "exists",
        parameters: |values| vec![vec![element(values, 0)]],
        gives: verdict,
        kernel: |call| any(call, true),
        ..one
    };
    let forall = Definition { name: "forall", kernel: |call| any(call, false), ..exists };
    let zip_with = Definition {
        name: "zip_with",
        takes: |given| arrays(given, 2),
        parameters: |values| vec![vec![element(values, 0), element(values, 1)]],
        kernel: zip_with,
        ..one
    };
    vec![one, filter, exists, forall, zip_with]
}

/// Arrays, none of which is a bare NULL.
pub(super) fn arrays(given: &Given<'_>, count: usize) -> Result<Vec<DataType>> {
    let is_array = |data_type: &DataType| matches!(data_type, DataType::List(_));
    if given.types.len() != count || !given.types.iter().all(is_array) {
        let what = if count == 1 { "an array" } else { "two arrays" };
        return Err(given.refuse(&format!("{what} and a lambda")));
    }
    Ok(given.types.to_vec())
}

/// The type of the elements of a value; nothing is known of what is no array.
pub(super) fn element(values: &[DataType], index: usize) -> DataType {
    match values.get(index) {
        Some(DataType::List(element)) => element.data_type().clone(),
        _ => Null,
    }
}

fn same_list(types: &Typed<'_>) -> Result<DataType> {
    types.expect(0, &Boolean)?;
    types.value(0).cloned()
}

fn verdict(types: &Typed<'_>) -> Result<DataType> {
    types.expect(0, &Boolean)?;
    Ok(Boolean)
}

/// What a lambda over each element, and its index, gives.
fn each(call: &Lambdas, list: &ListArray, elements: &Elements) -> Result<ArrayRef> {
    let values = elements.of(list.values())?;
    call.run(0, &[values, Arc::new(elements.indices())], &elements.rows)
}

fn transform(call: &Lambdas) -> Result<ArrayRef> {
    let list = lists(&call.values, 0)?;
    let elements = Elements::new(list.offsets(), list.nulls());
    let values = each(call, list, &elements)?;
    let field = element_field(&call.values)?;
    Ok(Arc::new(ListArray::try_new(field, elements.offsets, values, list.nulls().cloned())?))
}

/// What a lambda gives, which is BOOLEAN or nothing but NULL.
fn verdicts(given: &ArrayRef) -> Result<BooleanArray> {
    Ok(cast(given, &Boolean)?.as_boolean().clone())
}

/// The elements for which a lambda gives true.
pub(super) fn mask(given: &ArrayRef) -> Result<BooleanArray> {
    let mask = verdicts(given)?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(&mask) } else { mask })
}

/// Where rows end after the elements that `mask` leaves out are gone.
pub(super) fn shortened(offsets: &OffsetBuffer<i32>, mask: &BooleanArray) -> OffsetBuffer<i32> {
    // The offsets of an array are never negative.
    let lengths = offsets.windows(2).map(|ends| {
        let (start, end) = (ends[0] as usize, ends[1] as usize);
        mask.values().slice(start, end - start).count_set_bits()
    });
    OffsetBuffer::from_lengths(lengths)
}

fn filter(call: &Lambdas) -> Result<ArrayRef> {
    let list = lists(&call.values, 0)?;
    let elements = Elements::new(list.offsets(), list.nulls());
    let mask = mask(&each(call, list, &elements)?)?;
    let values = keep(elements.of(list.values())?.as_ref(), &mask)?;
    let field = element_field(&call.values)?;
    let offsets = shortened(&elements.offsets, &mask);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, list.nulls().cloned())?))
}

/// Whether the lambda gives `decisive` for an element, which settles the row; a null leaves it open.
fn any(call: &Lambdas, decisive: bool) -> Result<ArrayRef> {
    let list = lists(&call.values, 0)?;
    let elements = Elements::new(list.offsets(), list.nulls());
    let values = elements.of(list.values())?;
    let all = call.run(0, &[Arc::clone(&values)], &elements.rows).and_then(|all| verdicts(&all));
    let verdict = |at: usize| -> Result<Option<bool>> {
        match &all {
            Ok(all) => Ok(all.is_valid(at).then(|| all.value(at))),
            // The lambda fails for some element, which may stand behind one that settles its row.
            Err(_failed) => {
                let one = call.run(0, &[values.slice(at, 1)], &elements.rows.slice(at, 1))?;
                let one = verdicts(&one)?;
                Ok(one.is_valid(0).then(|| one.value(0)))
            }
        }
    };
    let mut out = BooleanBuilder::with_capacity(call.values.rows);
    for (row, ends) in elements.offsets.windows(2).enumerate() {
        let (mut settled, mut open) = (false, list.is_null(row));
        for at in ends[0] as usize..ends[1] as usize {
            match verdict(at)? {
                None => open = true,
                Some(found) if found == decisive => {
                    settled = true;
                    break;
                }
                Some(_) => (),
            }
        }
        out.append_option(match (settled, open) {
            (true, _) => Some(decisive),
            (false, true) => None,
            (false, false) => Some(!decisive),
        });
    }
    Ok(Arc::new(out.finish()))
}

/// The shorter of two arrays is filled up with nulls.
fn zip_with(call: &Lambdas) -> Result<ArrayRef> {
    let (left, right) = (lists(&call.values, 0)?, lists(&call.values, 1)?);
    let (mut lefts, mut rights, mut rows) = (vec![], vec![], vec![]);
    let mut lengths = Vec::with_capacity(call.values.rows);
    for row in 0..call.values.rows {
        if !call.values.all_valid(row) {
            lengths.push(0);
            continue;
        }
        let (here, there) = (range(left, row), range(right, row));
        let length = here.len().max(there.len());
        let side = |range: std::ops::Range<usize>| {
            let given = range.map(|at| Some(at as u32));
            given.chain(std::iter::repeat(None)).take(length)
        };
        lefts.extend(side(here));
        rights.extend(side(there));
        rows.extend(std::iter::repeat_n(row as u32, length));
        lengths.push(length);
    }
    let picked = |list: &ListArray, places: Vec<Option<u32>>| {
        take(list.values().as_ref(), &UInt32Array::from(places), None)
    };
    let parameters = [picked(left, lefts)?, picked(right, rights)?];
    let values = call.run(0, &parameters, &UInt32Array::from(rows))?;
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    let field = element_field(&call.values)?;
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, nulls)?))
}
