//! A field of each struct in an array: `items.sku` is an array, too.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::compute::is_null;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Fields};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ScalarUDF, lit};

use crate::sql::functions::collections::lists::{list_of, lists};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

const NAME: &str = "field_of_each";

fn function() -> Arc<ScalarUDF> {
    Function::new(NAME, types, fields).udf()
}

/// The field of the structs in `array`, which is one of those in `fields`, without regard to case.
pub(in crate::sql) fn field_of_each(array: Expr, fields: &Fields, name: &str) -> Option<Expr> {
    let field = find(fields, name)?;
    Some(function().call(vec![array, lit(ScalarValue::from(field.as_str()))]))
}

/// The structs in an array of this type.
pub(in crate::sql) fn structs_in(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::List(element) => match element.data_type() {
            DataType::Struct(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    }
}

fn find<'a>(fields: &'a Fields, name: &str) -> Option<&'a String> {
    let exact = fields.iter().find(|field| field.name() == name);
    let same = || {
        let mut same =
            fields.iter().filter(|field| field.name().to_lowercase() == name.to_lowercase());
        same.next().filter(|_| same.next().is_none())
    };
    exact.or_else(same).map(|field| field.name())
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let wrong = || given.refuse("an array of structs, and the name of one of their fields");
    let structs = structs_in(&given.types[0]).ok_or_else(wrong)?;
    let gives = match given.constant_text(1)? {
        None => DataType::Null,
        Some(name) => {
            let field = structs.iter().find(|field| field.name() == name).ok_or_else(wrong)?;
            list_of(field.data_type().clone())
        }
    };
    Ok(Call { takes: vec![given.types[0].clone(), DataType::Utf8], gives })
}

fn fields(args: &Arguments) -> Result<ArrayRef> {
    let list = lists(args, 0)?;
    let Some(structs) = list.values().as_struct_opt() else {
        return Err(args.fail("it is no array of structs"));
    };
    let name = match args.text(1)?.iter().next().flatten() {
        Some(name) => name,
        None => return Ok(arrow::array::new_null_array(&args.gives, args.rows)),
    };
    let Some(field) = structs.column_by_name(name) else {
        return Err(args.fail(format!("the structs have no field `{name}`")));
    };
    // The field of a struct that is null is null, whatever lies below.
    let values = nullif(field, &is_null(structs)?)?;
    let DataType::List(element) = list_of(values.data_type().clone()) else {
        return Err(args.fail("it is no array"));
    };
    let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
    Ok(Arc::new(ListArray::try_new(element, offsets, values, nulls)?))
}
