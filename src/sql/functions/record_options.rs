//! What the functions over CSV and JSON in text share: options from a constant map, and types as the
//! text that a schema is read from.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::{OptionReader, Options};
use crate::event_time::zone::TimeZone;
use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::encode::csv::CsvWriteOptions;
use crate::formats::encode::json::JsonWriteOptions;
use crate::formats::json::format::JsonReadOptions;
use crate::formats::records::ParseMode;
use crate::sinks::file::format_options;
use crate::sinks::file::option_docs::of_rows;
use crate::sources::file::format_options::{csv_options, json_options};
use crate::sources::file::option_docs::of_format;
use crate::sql::functions::define::{Arguments, Given};

/// Options of the formats that a text which is one record cannot have.
const OF_FILES: &[&str] = &[
    "charset",
    "encoding",
    "enforceSchema",
    "header",
    "inferSchema",
    "lineSep",
    "multiLine",
    "samplingRatio",
];

/// The options in a constant map of texts, or in what [`as_text`] made of one; `None` for any other
/// value.
pub(in crate::sql) fn options_of(map: &ScalarValue) -> Option<Options> {
    if let Some(Some(text)) = map.try_as_str() {
        let pairs: Vec<(String, String)> = serde_json::from_str(text).ok()?;
        return Some(pairs.into_iter().collect());
    }
    let ScalarValue::Map(map) = map else { return None };
    let entries = map.value(0);
    let keys = entries.column(0).as_string_opt::<i32>()?;
    let values = entries.column(1).as_string_opt::<i32>()?;
    if map.is_null(0) || values.null_count() > 0 {
        return None;
    }
    Some(keys.iter().flatten().zip(values.iter().flatten()).collect())
}

/// Options as a text: a syntax tree has literals of texts and none of maps.
pub(in crate::sql) fn as_text(options: &Options) -> String {
    serde_json::Value::from_iter(options.iter().map(|(name, value)| vec![name, value])).to_string()
}

/// The options that were given as a constant at `index`, while a call is planned.
pub(super) fn given_options(given: &Given<'_>, index: usize) -> Result<Options> {
    if given.types.len() <= index {
        return Ok(Options::default());
    }
    let wrong = || given.refuse(&format!("a constant map of options as argument {}", index + 1));
    match given.constant(index)? {
        None => Ok(Options::default()),
        Some(map) => options_of(map).ok_or_else(wrong),
    }
}

/// The options at `index`, while a call runs.
pub(super) fn run_options(args: &Arguments, index: usize) -> Result<Options> {
    let Some(maps) = args.arrays.get(index).filter(|maps| !maps.is_empty()) else {
        return Ok(Options::default());
    };
    let map = ScalarValue::try_from_array(maps, 0)?;
    options_of(&map).ok_or_else(|| args.fail("the options are no map of texts"))
}

fn read<T>(
    function: &str,
    docs: OptionDocs,
    options: &Options,
    read: impl FnOnce(&mut OptionReader<'_>) -> crate::error::Result<T>,
) -> Result<T> {
    let of_files = |name: &str| OF_FILES.iter().any(|known| known.eq_ignore_ascii_case(name));
    if let Some((name, _)) = options.iter().find(|(name, _)| of_files(name)) {
        return datafusion::common::plan_err!(
            "`{function}` has no use for the option `{name}`, which is about files; leave it out"
        );
    }
    let mut reader = options.reader(format!("function `{function}`"), docs);
    let all = read(&mut reader)?;
    reader.finish()?;
    Ok(all)
}

/// How CSV is read by a function, which leaves no record out.
pub(super) fn csv(function: &str, options: &Options) -> Result<CsvReadOptions> {
    let all = read(function, of_format("csv"), options, csv_options)?;
    refuse_dropping(function, all.mode)?;
    Ok(all)
}

/// How JSON is read by a function, which leaves no record out.
pub(super) fn json(function: &str, options: &Options) -> Result<JsonReadOptions> {
    let all = read(function, of_format("json"), options, json_options)?;
    refuse_dropping(function, all.mode)?;
    Ok(all)
}

/// How CSV is written by a function; times are in `zone` unless an option says otherwise.
pub(super) fn csv_writing(
    function: &str,
    options: &Options,
    zone: TimeZone,
) -> Result<CsvWriteOptions> {
    read(function, of_rows("csv"), options, |reader| format_options::csv_options(reader, zone))
}

/// How JSON is written by a function; times are in `zone` unless an option says otherwise.
pub(super) fn json_writing(
    function: &str,
    options: &Options,
    zone: TimeZone,
) -> Result<JsonWriteOptions> {
    read(function, of_rows("json"), options, |reader| format_options::json_options(reader, zone))
}

fn refuse_dropping(function: &str, mode: ParseMode) -> Result<()> {
    if mode == ParseMode::DropMalformed {
        return datafusion::common::plan_err!(
            "`{function}` gives a value for each row: its modes are PERMISSIVE and FAILFAST"
        );
    }
    Ok(())
}

/// A type as a schema says it.
pub(super) fn ddl(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let name = field.name();
                let is_plain =
                    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
                let name =
                    if is_plain { name.clone() } else { format!("`{}`", name.replace('`', "``")) };
                format!("{name}: {}", ddl(field.data_type()))
            });
            format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::List(element) => format!("ARRAY<{}>", ddl(element.data_type())),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "TIMESTAMP".to_owned(),
        other => crate::sql::types::spark_type_name(other).to_uppercase(),
    }
}
