//! `array_sort(array, (left, right) -> ..)`: arrays in the order that a lambda says.
//!
//! A merge sort from below, in which every comparison that can be made already is made together
//! with those of all other arrays: runs of one element are merged to runs of two, these to runs of
//! four, and each step of all merges of one width is one run of the lambda.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::internal_err;
use datafusion::error::Result;

use crate::sql::functions::collections::lists::{element_field, lists};
use crate::sql::functions::lambdas::ARRAY_SORT_BY;
use crate::sql::functions::lambdas::arrays::{arrays, element};
use crate::sql::functions::lambdas::define::{Definition, Elements, Lambdas, no_aliases};

/// All functions here.
pub(super) fn functions() -> Vec<Definition> {
    vec![Definition {
        name: ARRAY_SORT_BY,
        aliases: no_aliases,
        takes: |given| arrays(given, 1),
        parameters: |values| vec![vec![element(values, 0); 2]],
        gives: |types| {
            types.expect(0, &DataType::Int32)?;
            types.value(0).cloned()
        },
        kernel: sort,
    }]
}

/// Two neighbouring runs that become one.
struct Merge {
    left: Range<usize>,
    right: Range<usize>,
    /// Where the next element goes.
    out: usize,
}

fn sort(call: &Lambdas) -> Result<ArrayRef> {
    let list = lists(&call.values, 0)?;
    let elements = Elements::new(list.offsets(), list.nulls());
    let values = elements.of(list.values())?;
    let mut order: Vec<u32> = (0..elements.len()).map(|at| at as u32).collect();
    let longest = elements.offsets.lengths().max().unwrap_or(0);
    let mut width = 1;
    while width < longest {
        order = merged(call, &values, &elements, &order, width)?;
        width *= 2;
    }
    let values = take(values.as_ref(), &UInt32Array::from(order), None)?;
    let field = element_field(&call.values)?;
    Ok(Arc::new(ListArray::try_new(field, elements.offsets, values, list.nulls().cloned())?))
}

/// The order after all neighbouring runs of `width` elements are merged.
fn merged(
    call: &Lambdas,
    values: &ArrayRef,
    elements: &Elements,
    order: &[u32],
    width: usize,
) -> Result<Vec<u32>> {
    let mut next = order.to_vec();
    let mut merges = merges(elements, width);
    while !merges.is_empty() {
        let side = |at: fn(&Merge) -> usize| -> UInt32Array {
            merges.iter().map(|merge| order[at(merge)]).collect()
        };
        let (lefts, rights) = (side(|merge| merge.left.start), side(|merge| merge.right.start));
        let rows = take(&elements.rows, &lefts, None)?;
        let (lefts, rights) = (take(values, &lefts, None)?, take(values, &rights, None)?);
        let verdicts = call.run(0, &[lefts, rights], rows.as_primitive())?;
        let Some(verdicts) = verdicts.as_primitive_opt::<Int32Type>() else {
            return internal_err!("a lambda gave {} for INT", verdicts.data_type());
        };
        if verdicts.null_count() > 0 {
            return Err(call.values.fail(
                "the lambda gave NULL for two elements; it has to give a number below, equal to or above 0",
            ));
        }
        for (merge, verdict) in merges.iter_mut().zip(verdicts.values()) {
            // Equal elements keep their order.
            let taken = if *verdict <= 0 { &mut merge.left } else { &mut merge.right };
            next[merge.out] = order[taken.start];
            taken.start += 1;
            merge.out += 1;
        }
        merges.retain(|merge| {
            let goes_on = !merge.left.is_empty() && !merge.right.is_empty();
            if !goes_on {
                let rest = order[merge.left.clone()].iter().chain(&order[merge.right.clone()]);
                for (at, element) in (merge.out..).zip(rest) {
                    next[at] = *element;
                }
            }
            goes_on
        });
    }
    Ok(next)
}

fn merges(elements: &Elements, width: usize) -> Vec<Merge> {
    let mut merges = vec![];
    for ends in elements.offsets.windows(2) {
        // The offsets of an array are never negative.
        let end = ends[1] as usize;
        for start in (ends[0] as usize..end).step_by(2 * width) {
            let middle = start + width;
            if middle < end {
                let right = middle..(middle + width).min(end);
                merges.push(Merge { left: start..middle, right, out: start });
            }
        }
    }
    merges
}
