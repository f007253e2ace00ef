//! JSON in text: read as values, written from values, and asked for single values by a path.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, ListBuilder, StringArray, StringBuilder,
};
use arrow::datatypes::DataType::{self, Int32, Null, Utf8};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::formats::encode::json::lines_of;
use crate::formats::json::text::{self, Path};
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::define::{Arguments, Call, Function, Given, texts};
use crate::sql::types::parse_type;

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("get_json_object", |given| texts(given, 2..=2, Utf8), get_object),
        Function::new("json_array_length", |given| texts(given, 1..=1, Int32), array_length),
        Function::new("json_object_keys", |given| texts(given, 1..=1, list_of(Utf8)), object_keys),
        Function::new("from_json", from_types, from_json),
        Function::new("to_json", to_types, to_json),
    ]
    .map(Function::udf)
    .to_vec()
}

fn get_object(args: &Arguments) -> Result<ArrayRef> {
    let (json, paths) = (args.text(0)?, args.text(1)?);
    let mut out = StringBuilder::new();
    let mut last: Option<(&str, Option<Path>)> = None;
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let text = paths.value(row);
        if last.as_ref().is_none_or(|(known, _)| *known != text) {
            last = Some((text, Path::parse(text)));
        }
        let path = last.as_ref().and_then(|(_, path)| path.as_ref());
        out.append_option(path.and_then(|path| path.get(json.value(row))));
    }
    Ok(Arc::new(out.finish()))
}

fn array_length(args: &Arguments) -> Result<ArrayRef> {
    let mut out = Int32Builder::with_capacity(args.rows);
    for json in args.text(0)? {
        let length = json.and_then(text::array_length);
        out.append_option(length.map(|length| i32::try_from(length).unwrap_or(i32::MAX)));
    }
    Ok(Arc::new(out.finish()))
}

fn object_keys(args: &Arguments) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringBuilder::new());
    for json in args.text(0)? {
        match json.and_then(text::object_keys) {
            Some(keys) => {
                for key in keys {
                    out.values().append_value(key);
                }
                out.append(true);
            }
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// A text, and the type to read it as: a constant DDL such as `a INT, b ARRAY<STRING>`. A third
/// argument has options.
fn from_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    let mut takes = vec![Utf8, Utf8];
    if count == 3 {
        takes.push(given.types[2].clone());
        check_options(given)?;
    }
    let gives = match given.constant_text(1)? {
        None => Null,
        Some(schema) => {
            let data_type = parse_type(schema)?;
            let is_nested = data_type.is_nested();
            if !is_nested || !text::is_readable(&data_type) {
                return Err(given.refuse("a schema that is a struct, an array or a map"));
            }
            data_type
        }
    };
    Ok(Call { takes, gives })
}

/// The mode is the only option that is understood.
fn check_options(given: &Given<'_>) -> Result<()> {
    let Some(options) = given.constant(2)? else { return Ok(()) };
    match mode_of(options) {
        Some(mode) if matches!(mode.as_str(), "PERMISSIVE" | "FAILFAST") => Ok(()),
        _ => Err(given.refuse(
            "a constant map of options as its third argument, of which `mode` (PERMISSIVE or FAILFAST) is understood",
        )),
    }
}

fn mode_of(options: &ScalarValue) -> Option<String> {
    let ScalarValue::Map(map) = options else { return None };
    let entries = map.value(0);
    let (keys, values) = (entries.column(0).as_string_opt::<i32>()?, entries.column(1));
    let values = values.as_string_opt::<i32>()?;
    let is_mode = |at: &usize| keys.value(*at).eq_ignore_ascii_case("mode");
    match (0..keys.len()).find(is_mode) {
        Some(at) if keys.len() == 1 => Some(values.value(at).to_ascii_uppercase()),
        _ => None,
    }
}

fn from_json(args: &Arguments) -> Result<ArrayRef> {
    let parsed = text::parse(args.text(0)?, &args.gives)?;
    let is_strict = match args.arrays.get(2) {
        Some(options) if args.rows > 0 => {
            let options = ScalarValue::try_from_array(options, 0)?;
            mode_of(&options).is_some_and(|mode| mode == "FAILFAST")
        }
        _ => false,
    };
    if let (true, Some(row)) = (is_strict, parsed.malformed) {
        let text = args.text(0)?.value(row);
        return Err(args.fail(format!(
            "`{text}` cannot be read with this schema; use the mode PERMISSIVE for nulls in its place"
        )));
    }
    Ok(parsed.values)
}

fn to_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match &given.types[0] {
        nested @ (DataType::Struct(_) | DataType::List(_) | DataType::Map(_, _) | Null) => {
            Ok(Call { takes: vec![nested.clone()], gives: Utf8 })
        }
        _ => Err(given.refuse("a struct, an array or a map, and no options")),
    }
}

/// Fields that are null are left out.
fn to_json(args: &Arguments) -> Result<ArrayRef> {
    let value = args.array(0)?;
    if value.data_type() == &Null {
        return Ok(Arc::new(StringArray::new_null(args.rows)));
    }
    Ok(Arc::new(lines_of(value)?.into_iter().collect::<StringArray>()))
}
