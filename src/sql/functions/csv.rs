//! CSV in text: `from_csv`, `to_csv` and `schema_of_csv`. A text is one record.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType::{Null, Struct, Utf8},
    Fields,
};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::event_time::zone::TimeZone;
use crate::formats::csv::text;
use crate::formats::encode::csv::records_of;
use crate::formats::records::ParseMode;
use crate::sql::functions::datetime::function::session_zone;
use crate::sql::functions::define::{Arguments, Call, Function, Given};
use crate::sql::functions::record_options::{csv, csv_writing, ddl, given_options, run_options};
use crate::sql::types::parse_type;

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("from_csv", from_types, from_csv),
        Function::new("to_csv", to_types, to_csv),
        Function::new("schema_of_csv", schema_types, schema_of),
    ]
    .map(Function::udf)
    .to_vec()
}

/// A struct from the text of a schema, which may leave `STRUCT<..>` out.
fn fields_of(schema: &str) -> Result<Option<Fields>> {
    match parse_type(schema)? {
        Struct(fields) => Ok(Some(fields)),
        _ => Ok(None),
    }
}

fn from_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    let mut takes = vec![Utf8, Utf8];
    if count == 3 {
        takes.push(given.types[2].clone());
        csv(given.function, &given_options(given, 2)?)?;
    }
    let gives = match given.constant_text(1)? {
        None => Null,
        Some(schema) => match fields_of(schema)? {
            Some(fields) if fields.iter().all(|field| text::is_readable(field.data_type())) => {
                Struct(fields)
            }
            _ => return Err(given.refuse("a schema of columns that are not nested")),
        },
    };
    Ok(Call { takes, gives })
}

fn zone(args: &Arguments) -> TimeZone {
    session_zone(args.config.execution.time_zone.as_deref())
}

fn from_csv(args: &Arguments) -> Result<ArrayRef> {
    let Struct(fields) = &args.gives else { return Err(args.fail("the schema is no struct")) };
    let options = csv(args.function, &run_options(args, 2)?)?;
    let texts = args.text(0)?;
    let parsed = text::parse(texts, fields, &options, zone(args))?;
    if let (ParseMode::FailFast, Some(row)) = (options.mode, parsed.malformed.first()) {
        return Err(args.fail(format!(
            "`{}` is no record of this schema; use the mode PERMISSIVE for nulls in its place",
            texts.value(*row)
        )));
    }
    Ok(Arc::new(parsed.values))
}

fn schema_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    let mut takes = vec![Utf8];
    if count == 2 {
        takes.push(given.types[1].clone());
        csv(given.function, &given_options(given, 1)?)?;
    }
    given.constant_text(0)?;
    Ok(Call { takes, gives: Utf8 })
}

fn schema_of(args: &Arguments) -> Result<ArrayRef> {
    let mut options = csv(args.function, &run_options(args, 1)?)?;
    options.infer.types = true;
    let schemas = args.text(0)?.iter().map(|record| match record {
        Some(record) => {
            let schema = text::infer(record, &options)?;
            Ok(Some(ddl(&Struct(schema.fields().clone()))))
        }
        None => Ok(None),
    });
    Ok(Arc::new(schemas.collect::<Result<StringArray>>()?))
}

fn to_types(given: &Given<'_>) -> Result<Call> {
    if given.count(1..=2)? == 2 {
        csv_writing(given.function, &given_options(given, 1)?, TimeZone::UTC)?;
    }
    match &given.types[0] {
        Struct(_) => Ok(Call { takes: given.types.to_vec(), gives: Utf8 }),
        _ => Err(given.refuse("a struct, and a map of options")),
    }
}

fn to_csv(args: &Arguments) -> Result<ArrayRef> {
    let records = args.array(0)?;
    let Some(records) = records.as_struct_opt() else { return Err(args.fail("no struct came")) };
    let options = csv_writing(args.function, &run_options(args, 1)?, zone(args))?;
    Ok(Arc::new(records_of(records, &options)?.into_iter().collect::<StringArray>()))
}
