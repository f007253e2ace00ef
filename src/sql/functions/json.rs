//! JSON in text: read as values, written from values, and asked for single values by a path.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, ListBuilder, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::DataType::{self, Int32, Null, Utf8};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::event_time::zone::TimeZone;
use crate::formats::encode::json::lines_of;
use crate::formats::json::text::{self, Path};
use crate::formats::records::ParseMode;
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::datetime::function::session_zone;
use crate::sql::functions::define::{Arguments, Call, Function, Given, texts};
use crate::sql::functions::record_options::{ddl, given_options, json, json_writing, run_options};
use crate::sql::types::parse_type;

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("get_json_object", |given| texts(given, 2..=2, Utf8), get_object),
        Function::new("json_array_length", |given| texts(given, 1..=1, Int32), array_length),
        Function::new("json_object_keys", |given| texts(given, 1..=1, list_of(Utf8)), object_keys),
        Function::new("from_json", from_types, from_json),
        Function::new("schema_of_json", schema_types, schema_of),
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
        json(given.function, &given_options(given, 2)?)?;
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

fn from_json(args: &Arguments) -> Result<ArrayRef> {
    let options = json(args.function, &run_options(args, 2)?)?;
    let texts = args.text(0)?;
    let zone = session_zone(args.config.execution.time_zone.as_deref());
    let parsed = text::parse_with(texts, &args.gives, &options, zone)?;
    if let (ParseMode::FailFast, Some(row)) = (options.mode, parsed.malformed.first()) {
        let text = texts.value(*row);
        return Err(args.fail(format!(
            "`{text}` cannot be read with this schema; use the mode PERMISSIVE for nulls in its place"
        )));
    }
    let Some(structs) = parsed.values.as_struct_opt() else { return Ok(parsed.values) };
    let corrupt = structs.fields().iter().position(|field| *field.name() == options.corrupt_column);
    let Some(corrupt) = corrupt.filter(|at| structs.column(*at).data_type() == &Utf8) else {
        return Ok(parsed.values);
    };
    let mut shown: Vec<Option<&str>> = vec![None; texts.len()];
    for row in parsed.malformed {
        shown[row] = Some(texts.value(row));
    }
    let (fields, mut columns, nulls) = structs.clone().into_parts();
    columns[corrupt] = Arc::new(StringArray::from(shown));
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, texts.len())?))
}

fn schema_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    let mut takes = vec![Utf8];
    if count == 2 {
        takes.push(given.types[1].clone());
        json(given.function, &given_options(given, 1)?)?;
    }
    given.constant_text(0)?;
    Ok(Call { takes, gives: Utf8 })
}

fn schema_of(args: &Arguments) -> Result<ArrayRef> {
    let options = json(args.function, &run_options(args, 1)?)?;
    let schemas = args.text(0)?.iter().map(|given| match given {
        Some(given) => text::infer(given, &options)
            .map(|data_type| Some(ddl(&data_type)))
            .ok_or_else(|| args.fail(format!("`{given}` is no JSON"))),
        None => Ok(None),
    });
    Ok(Arc::new(schemas.collect::<Result<StringArray>>()?))
}

fn to_types(given: &Given<'_>) -> Result<Call> {
    if given.count(1..=2)? == 2 {
        json_writing(given.function, &given_options(given, 1)?, TimeZone::UTC)?;
    }
    match &given.types[0] {
        DataType::Struct(_) | DataType::List(_) | DataType::Map(_, _) | Null => {
            Ok(Call { takes: given.types.to_vec(), gives: Utf8 })
        }
        _ => Err(given.refuse("a struct, an array or a map, and a map of options")),
    }
}

fn to_json(args: &Arguments) -> Result<ArrayRef> {
    let value = args.array(0)?;
    if value.data_type() == &Null {
        return Ok(Arc::new(StringArray::new_null(args.rows)));
    }
    let zone = session_zone(args.config.execution.time_zone.as_deref());
    let options = json_writing(args.function, &run_options(args, 1)?, zone)?;
    Ok(Arc::new(lines_of(value, &options)?.into_iter().collect::<StringArray>()))
}
