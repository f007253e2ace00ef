//! CSV in text: `from_csv`, `to_csv` and `schema_of_csv`. A text is one record.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder, StructArray};
use arrow::datatypes::{
    DataType,
    DataType::{Date32, Null, Struct, Timestamp, Utf8},
    Date32Type, Fields, TimestampMicrosecondType,
};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::connector::options::Options;
use crate::event_time::zone::TimeZone;
use crate::formats::csv::text;
use crate::formats::datetime_pattern::{Pattern, Use, compile};
use crate::formats::display::{Zone, write_value};
use crate::formats::records::ParseMode;
use crate::sql::functions::datetime::function::session_zone;
use crate::sql::functions::define::{Arguments, Call, Function, Given};
use crate::sql::functions::record_options::{csv, ddl, given_options, run_options};
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

/// How records are written.
#[derive(Debug)]
struct Writing {
    separator: String,
    quote: char,
    escape: char,
    quotes_all: bool,
    null_value: String,
    empty_value: String,
    trims: (bool, bool),
    date: Pattern,
    timestamp: Pattern,
    timestamp_ntz: Pattern,
}

/// The options that are understood.
const OPTIONS: &[&str] = &[
    "sep",
    "delimiter",
    "quote",
    "escape",
    "quoteAll",
    "nullValue",
    "emptyValue",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
];

impl Writing {
    fn read(function: &str, options: &Options) -> Result<Self> {
        let is_known = |name: &str| OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let Some((unknown, _)) = options.iter().find(|(name, _)| !is_known(name)) {
            return datafusion::common::plan_err!(
                "`{function}` has no option `{unknown}`; there are {}",
                OPTIONS.join(", ")
            );
        }
        let text = |name: &str, default: &str| options.get(name).unwrap_or(default).to_owned();
        let letter = |name: &str, default: char| match options.get(name) {
            None => Ok(default),
            Some(given) => match (given.chars().next(), given.chars().nth(1)) {
                (Some(only), None) => Ok(only),
                _ => datafusion::common::plan_err!(
                    "`{function}`: the option `{name}` must be one character, not `{given}`"
                ),
            },
        };
        let flag = |name: &str, default: bool| match options.get(name) {
            None => Ok(default),
            Some(given) if given.eq_ignore_ascii_case("true") => Ok(true),
            Some(given) if given.eq_ignore_ascii_case("false") => Ok(false),
            Some(given) => datafusion::common::plan_err!(
                "`{function}`: the option `{name}` must be true or false, not `{given}`"
            ),
        };
        let pattern = |name: &str, default: &str| compile(&text(name, default), Use::Format);
        let separator = options.get("delimiter").unwrap_or(",");
        Ok(Self {
            separator: text("sep", separator).replace("\\t", "\t"),
            quote: letter("quote", '"')?,
            escape: letter("escape", '\\')?,
            quotes_all: flag("quoteAll", false)?,
            null_value: text("nullValue", ""),
            empty_value: text("emptyValue", "\"\""),
            trims: (
                flag("ignoreLeadingWhiteSpace", true)?,
                flag("ignoreTrailingWhiteSpace", true)?,
            ),
            date: pattern("dateFormat", "yyyy-MM-dd")?,
            timestamp: pattern("timestampFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")?,
            timestamp_ntz: pattern("timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss.SSS")?,
        })
    }

    /// Writes a text that is not null.
    fn cell(&self, out: &mut String, text: &str) {
        let text = if self.trims.0 { text.trim_start() } else { text };
        let text = if self.trims.1 { text.trim_end() } else { text };
        if text.is_empty() {
            out.push_str(&self.empty_value);
            return;
        }
        let needs_quotes = self.quotes_all
            || text.contains(&self.separator)
            || text.contains([self.quote, '\n', '\r']);
        if !needs_quotes {
            out.push_str(text);
            return;
        }
        out.push(self.quote);
        for letter in text.chars() {
            if letter == self.quote {
                out.push(self.escape);
            }
            out.push(letter);
        }
        out.push(self.quote);
    }
}

fn to_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    let Struct(fields) = &given.types[0] else {
        return Err(given.refuse("a struct, and a map of options"));
    };
    if fields.iter().any(|field| field.data_type().is_nested()) {
        return Err(given.refuse("a struct whose fields are not nested"));
    }
    let mut takes = vec![given.types[0].clone()];
    if count == 2 {
        takes.push(given.types[1].clone());
        Writing::read(given.function, &given_options(given, 1)?)?;
    }
    Ok(Call { takes, gives: Utf8 })
}

fn to_csv(args: &Arguments) -> Result<ArrayRef> {
    let records = args.array(0)?;
    let Some(records) = records.as_struct_opt() else { return Err(args.fail("no struct came")) };
    let writing = Writing::read(args.function, &run_options(args, 1)?)?;
    let zone = zone(args);
    let mut out = StringBuilder::new();
    let mut text = String::new();
    for row in 0..args.rows {
        if records.is_null(row) {
            out.append_null();
            continue;
        }
        write_record(args, &mut out, &mut text, (records, row), (&writing, zone))?;
        out.append_value("");
    }
    Ok(Arc::new(out.finish()))
}

fn write_record(
    args: &Arguments,
    out: &mut StringBuilder,
    text: &mut String,
    (records, row): (&StructArray, usize),
    (writing, zone): (&Writing, TimeZone),
) -> Result<()> {
    let mut record = String::new();
    for (at, column) in records.columns().iter().enumerate() {
        if at > 0 {
            record.push_str(&writing.separator);
        }
        if column.is_null(row) || column.data_type() == &Null {
            record.push_str(&writing.null_value);
            continue;
        }
        text.clear();
        value_text(text, column, row, (writing, zone))?;
        writing.cell(&mut record, text);
    }
    out.write_str(&record).map_err(|error| args.fail(error))
}

fn value_text(
    text: &mut String,
    column: &ArrayRef,
    row: usize,
    (writing, zone): (&Writing, TimeZone),
) -> Result<()> {
    match column.data_type() {
        Date32 => {
            writing.date.format_date(text, column.as_primitive::<Date32Type>().value(row));
        }
        Timestamp(_, has_zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            match has_zone {
                Some(_) => writing.timestamp.format_timestamp(text, micros, zone),
                None => writing.timestamp_ntz.format_timestamp_ntz(text, micros),
            }
        }
        DataType::Binary => {
            text.push_str(&String::from_utf8_lossy(column.as_binary::<i32>().value(row)));
        }
        _ => write_value(text, column.as_ref(), row, &Zone::default())?,
    }
    Ok(())
}
