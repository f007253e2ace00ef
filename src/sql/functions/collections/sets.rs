//! Arrays as sets: what two have in common, and what is in one once only. Nulls are equal.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBuilder};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::collections::lists::{
    both, common, comparable, element_of, gather, list_of, lists, place, range,
};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("array_distinct", one_list, distinct),
        Function::new("array_union", two_lists, |args| combine(args, Keep::Either)),
        Function::new("array_intersect", two_lists, |args| combine(args, Keep::Both)),
        Function::new("array_except", two_lists, |args| combine(args, Keep::LeftOnly)),
        Function::new("arrays_overlap", overlap_types, overlap),
    ]
    .map(Function::udf)
    .to_vec()
}

fn one_list(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let list = list_of(element_of(given, 0)?);
    Ok(Call { takes: vec![list.clone()], gives: list })
}

fn two_lists(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let list = list_of(common(given, &[element_of(given, 0)?, element_of(given, 1)?])?);
    Ok(Call { takes: vec![list.clone(), list.clone()], gives: list })
}

fn overlap_types(given: &Given<'_>) -> Result<Call> {
    let takes = two_lists(given)?.takes;
    Ok(Call { takes, gives: arrow::datatypes::DataType::Boolean })
}

fn distinct(args: &Arguments) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let rows = comparable(list.values())?;
    let mut seen = HashSet::new();
    gather(args, list.values(), |row, picked| {
        seen.clear();
        for at in range(list, row) {
            if seen.insert(rows.row(at)) {
                picked.push(place(args, at)?);
            }
        }
        Ok(list.is_valid(row))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Either,
    Both,
    LeftOnly,
}

fn combine(args: &Arguments, keep: Keep) -> Result<ArrayRef> {
    let (left, right) = (lists(args, 0)?, lists(args, 1)?);
    let (values, shift) = both(left.values(), right.values())?;
    let rows = comparable(&values)?;
    let (mut seen, mut other) = (HashSet::new(), HashSet::new());
    gather(args, &values, |row, picked| {
        if !args.all_valid(row) {
            return Ok(false);
        }
        let right = range(right, row).map(|at| at + shift);
        seen.clear();
        other.clear();
        other.extend(right.clone().map(|at| rows.row(at)));
        for at in range(left, row) {
            let value = rows.row(at);
            let is_kept = match keep {
                Keep::Either => true,
                Keep::Both => other.contains(&value),
                Keep::LeftOnly => !other.contains(&value),
            };
            if is_kept && seen.insert(value) {
                picked.push(place(args, at)?);
            }
        }
        if keep == Keep::Either {
            for at in right {
                if seen.insert(rows.row(at)) {
                    picked.push(place(args, at)?);
                }
            }
        }
        Ok(true)
    })
}

/// Whether an element that is not null is in both; a null in one of two that have elements leaves
/// it open.
fn overlap(args: &Arguments) -> Result<ArrayRef> {
    let (left, right) = (lists(args, 0)?, lists(args, 1)?);
    let (values, shift) = both(left.values(), right.values())?;
    let rows = comparable(&values)?;
    let nulls = values.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let has_nulls = nulls.is_some();
    let is_null = |at: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(at));
    let mut known = HashSet::new();
    let mut out = BooleanBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        known.clear();
        let right = range(right, row);
        let right = right.start + shift..right.end + shift;
        let left = range(left, row);
        let open = has_nulls
            && !left.is_empty()
            && !right.is_empty()
            && left.clone().chain(right.clone()).any(is_null);
        known.extend(right.filter(|at| !(open && is_null(*at))).map(|at| rows.row(at)));
        let mut left = left.filter(|at| !(open && is_null(*at)));
        if left.any(|at| known.contains(&rows.row(at))) {
            out.append_value(true);
        } else if open {
            out.append_null();
        } else {
            out.append_value(false);
        }
    }
    Ok(Arc::new(out.finish()))
}
