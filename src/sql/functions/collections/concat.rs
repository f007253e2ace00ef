//! `concat` and `||`: of texts, of binaries, and of arrays. A null makes the whole null.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, StringBuilder};
use arrow::compute::concat as joined;
use arrow::datatypes::DataType::{Binary, List, Utf8};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::collections::lists::{
    common, element_of, gather, list_of, lists, place, range,
};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Function::new("concat", types, concat).udf()]
}

fn types(given: &Given<'_>) -> Result<Call> {
    let count = given.types.len();
    if given.types.iter().any(|data_type| matches!(data_type, List(_))) {
        if !given.types.iter().all(|data_type| matches!(data_type, List(_))) {
            return Err(given.refuse("either arrays or texts"));
        }
        let elements: Vec<_> = (0..count).map(|at| element_of(given, at)).collect::<Result<_>>()?;
        let list = list_of(common(given, &elements)?);
        return Ok(Call { takes: vec![list.clone(); count], gives: list });
    }
    if given.types.iter().any(arrow::datatypes::DataType::is_nested) {
        return Err(given.refuse("texts, binaries or arrays"));
    }
    let all_binary = count > 0 && given.types.iter().all(|data_type| *data_type == Binary);
    let one = if all_binary { Binary } else { Utf8 };
    Ok(Call { takes: vec![one.clone(); count], gives: one })
}

fn concat(args: &Arguments) -> Result<ArrayRef> {
    match &args.gives {
        List(_) => concat_lists(args),
        Binary => concat_binaries(args),
        _ => concat_texts(args),
    }
}

fn concat_texts(args: &Arguments) -> Result<ArrayRef> {
    let texts = (0..args.arrays.len()).map(|at| args.text(at)).collect::<Result<Vec<_>>>()?;
    let bytes = texts.iter().map(|text| text.value_data().len()).sum();
    let mut out = StringBuilder::with_capacity(args.rows, bytes);
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        for text in &texts {
            out.write_str(text.value(row)).map_err(|error| args.fail(error))?;
        }
        out.append_value("");
    }
    Ok(Arc::new(out.finish()))
}

fn concat_binaries(args: &Arguments) -> Result<ArrayRef> {
    let all = (0..args.arrays.len()).map(|at| args.binary(at)).collect::<Result<Vec<_>>>()?;
    let mut out = BinaryBuilder::new();
    let mut bytes = Vec::new();
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        bytes.clear();
        for binary in &all {
            bytes.extend_from_slice(binary.value(row));
        }
        out.append_value(&bytes);
    }
    Ok(Arc::new(out.finish()))
}

fn concat_lists(args: &Arguments) -> Result<ArrayRef> {
    let all = (0..args.arrays.len()).map(|at| lists(args, at)).collect::<Result<Vec<_>>>()?;
    let values: Vec<&dyn Array> = all.iter().map(|list| list.values().as_ref()).collect();
    let values = joined(&values)?;
    gather(args, &values, |row, picked| {
        let mut start = 0;
        for list in &all {
            if args.all_valid(row) {
                for at in range(list, row) {
                    picked.push(place(args, start + at)?);
                }
            }
            start += list.values().len();
        }
        Ok(args.all_valid(row))
    })
}
