//! Functions that choose between values, and those that tell about the session or the query.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_not_null, is_null};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;

use crate::sql::functions::collections::lists::{chosen, comparable};
use crate::sql::functions::define::{Arguments, Call, Function, Given};
use crate::sql::types::spark_type_name;

use DataType::{Boolean, Float64, Null, Utf8};

/// What is counted for `count_if`: true, and NULL in place of false.
pub(in crate::sql) const TRUE_OR_NULL: &str = "true_or_null";

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("nvl2", nvl2_types, nvl2),
        Function::new("zeroifnull", number_type, zero_if_null),
        Function::new("nullifzero", number_type, null_if_zero),
        Function::new("isnull", any_type, |args| Ok(Arc::new(is_null(args.array(0)?)?))),
        Function::new("isnotnull", any_type, |args| Ok(Arc::new(is_not_null(args.array(0)?)?))),
        Function::new("isnan", double_test, is_nan),
        Function::new(TRUE_OR_NULL, condition_type, true_or_null),
        Function::new("equal_null", two_of_a_type, equal_null),
        Function::new("typeof", any_text, |args| {
            let name = spark_type_name(args.array(0)?.data_type());
            Ok(Arc::new(StringArray::from(vec![name; args.rows])))
        }),
        Function::new("version", no_argument, |args| constant(args, env!("CARGO_PKG_VERSION"))),
        // The catalog of a session has Spark's name for it, as its database has.
        Function::new("current_catalog", no_argument, |args| constant(args, "spark_catalog")),
        Function::new("current_database", no_argument, |args| constant(args, "default"))
            .or(&["current_schema"]),
        Function::new("raise_error", raise_types, raise_error).volatile(),
        Function::new("assert_true", assert_types, assert_true).volatile(),
    ]
    .map(Function::udf)
    .to_vec()
}

fn nvl2_types(given: &Given<'_>) -> Result<Call> {
    given.count(3..=3)?;
    let value = chosen(given, &given.types[1..])?;
    Ok(Call { takes: vec![given.types[0].clone(), value.clone(), value.clone()], gives: value })
}

fn union(given: &Given<'_>, types: &[DataType]) -> Result<DataType> {
    type_union_resolution(types).ok_or_else(|| given.refuse("values of one type"))
}

fn nvl2(args: &Arguments) -> Result<ArrayRef> {
    let is_there = is_not_null(args.array(0)?)?;
    Ok(zip(&is_there, args.array(1)?, args.array(2)?)?)
}

fn number_type(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let number = match &given.types[0] {
        Null => DataType::Int32,
        number if number.is_numeric() => number.clone(),
        _ => return Err(given.refuse("a number")),
    };
    Ok(Call { takes: vec![number.clone()], gives: number })
}

fn condition_type(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match &given.types[0] {
        Boolean | Null => Ok(Call { takes: vec![Boolean], gives: Boolean }),
        _ => Err(given.refuse("a condition")),
    }
}

fn true_or_null(args: &Arguments) -> Result<ArrayRef> {
    let given = args.array(0)?;
    Ok(arrow::compute::nullif(given, &arrow::compute::not(given.as_boolean())?)?)
}

fn zero(args: &Arguments) -> Result<ArrayRef> {
    let zero = datafusion::common::ScalarValue::new_zero(&args.gives)?;
    zero.to_array_of_size(args.rows)
}

fn zero_if_null(args: &Arguments) -> Result<ArrayRef> {
    Ok(zip(&is_not_null(args.array(0)?)?, args.array(0)?, &zero(args)?)?)
}

fn null_if_zero(args: &Arguments) -> Result<ArrayRef> {
    let is_zero = arrow::compute::kernels::cmp::eq(args.array(0)?, &zero(args)?)?;
    Ok(arrow::compute::nullif(args.array(0)?, &is_zero)?)
}

fn any_type(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(Call { takes: given.types.to_vec(), gives: Boolean })
}

fn any_text(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(Call { takes: given.types.to_vec(), gives: Utf8 })
}

fn double_test(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(Call { takes: vec![Float64], gives: Boolean })
}

/// What is null is not NaN.
fn is_nan(args: &Arguments) -> Result<ArrayRef> {
    let numbers = args.array(0)?.as_primitive::<Float64Type>();
    let flags: Vec<bool> =
        (0..args.rows).map(|row| numbers.is_valid(row) && numbers.value(row).is_nan()).collect();
    Ok(Arc::new(BooleanArray::from(flags)))
}

fn two_of_a_type(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let value = union(given, given.types)?;
    Ok(Call { takes: vec![value.clone(), value], gives: Boolean })
}

fn equal_null(args: &Arguments) -> Result<ArrayRef> {
    let (left, right) = (comparable(args.array(0)?)?, comparable(args.array(1)?)?);
    let flags: Vec<bool> = (0..args.rows).map(|row| left.row(row) == right.row(row)).collect();
    Ok(Arc::new(BooleanArray::from(flags)))
}

fn no_argument(given: &Given<'_>) -> Result<Call> {
    given.count(0..=0)?;
    Ok(Call { takes: vec![], gives: Utf8 })
}

fn constant(args: &Arguments, text: &str) -> Result<ArrayRef> {
    Ok(Arc::new(StringArray::from(vec![text; args.rows])))
}

fn raise_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(Call { takes: vec![Utf8], gives: Null })
}

fn raise_error(args: &Arguments) -> Result<ArrayRef> {
    if args.rows == 0 {
        return Ok(new_null_array(&Null, 0));
    }
    let text = args.text(0)?;
    Err(args.fail(if text.is_valid(0) { text.value(0) } else { "NULL" }))
}

fn assert_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    let mut takes = vec![Boolean];
    takes.resize(count, Utf8);
    Ok(Call { takes, gives: Null })
}

fn assert_true(args: &Arguments) -> Result<ArrayRef> {
    let flags = args.array(0)?.as_boolean();
    for row in 0..args.rows {
        if flags.is_null(row) || !flags.value(row) {
            let message = match args.arrays.get(1) {
                Some(texts) if texts.is_valid(row) => {
                    texts.as_string::<i32>().value(row).to_owned()
                }
                _ => "the condition is not true".to_owned(),
            };
            return Err(args.fail(message));
        }
    }
    Ok(new_null_array(&Null, args.rows))
}
