//! CSV as a whole: what a line is cut into, what each type takes, what each mode makes of
//! malformed records.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::csv::dialect::{CsvReadOptions, Dialect, UnescapedQuotes};
use crate::formats::csv::format::CsvFormat;
use crate::formats::csv::text;
use crate::formats::csv::tokens::{Refused, Tokenizer};
use crate::formats::encode::csv::{CsvEncoding, CsvWriteOptions};
use crate::formats::encode::encoder::FileEncoding;
use crate::formats::format::{FileFormat, InputFile, ReadRequest};
use crate::formats::records::ParseMode;

fn cells(dialect: &Dialect, line: &str) -> Result<Vec<Option<String>>, Refused> {
    let mut cells = vec![];
    let end = Tokenizer::new(dialect, None).record(line, &mut cells)?;
    assert_eq!(end, line.len(), "{line}");
    Ok(cells.into_iter().map(|cell| cell.map(std::borrow::Cow::into_owned)).collect())
}

/// Lines of random letters, as Spark 4.3 cuts them: `N` is its null, `E` its empty value. Those in
/// which it loses letters, mostly of quotes that are never closed, are left out.
#[test]
fn lines_are_cut_as_spark_cuts_them() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("spark_lines.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let option = |name: &str| case["options"][name].as_str();
        let letter = |name: &str, default| match option(name) {
            Some(text) => text.chars().next(),
            None => default,
        };
        let quote = letter("quote", Some('"'));
        let escape = letter("escape", Some('\\'));
        let dialect = Dialect {
            quote,
            escape,
            escape_of_escape: letter(
                "charToEscapeQuoteEscaping",
                escape.filter(|escape| Some(*escape) != quote),
            ),
            comment: letter("comment", None),
            trims_start: option("ignoreLeadingWhiteSpace").is_some(),
            trims_end: option("ignoreTrailingWhiteSpace").is_some(),
            unescaped_quotes: match option("unescapedQuoteHandling") {
                Some("STOP_AT_CLOSING_QUOTE") => UnescapedQuotes::StopAtClosingQuote,
                Some("SKIP_VALUE") => UnescapedQuotes::SkipValue,
                Some("RAISE_ERROR") => UnescapedQuotes::RaiseError,
                _ => UnescapedQuotes::StopAtDelimiter,
            },
            null_value: "N".to_owned(),
            empty_value: "E".to_owned(),
            ..Dialect::default()
        };
        let expected = case["cells"].as_array().map(|cells| {
            cells.iter().map(|cell| cell.as_str().map(str::to_owned)).collect::<Vec<_>>()
        });
        let line = case["line"].as_str().unwrap();
        assert_eq!(cells(&dialect, line).ok(), expected, "{case}");
    }
}

#[test]
fn nothing_is_lost_of_a_cell_whose_quote_is_never_closed() {
    let read = |line| cells(&Dialect::default(), line).unwrap();
    assert_eq!(read("\"a,b\\"), [Some("a,b\\".to_owned())]);
    assert_eq!(read("1,\""), [Some("1".to_owned()), Some("\"".to_owned())]);
    assert_eq!(read("\"a\"\\b,2"), [Some("\"a\"\\b".to_owned()), Some("2".to_owned())]);
}

#[test]
fn records_have_limits() {
    let dialect = Dialect { max_columns: 2, max_chars: Some(3), ..Dialect::default() };
    assert!(cells(&dialect, "abc,\u{e4}\u{f6}\u{fc}").is_ok());
    assert_eq!(cells(&dialect, "1,2,3"), Err(Refused::TooManyColumns(2)));
    assert_eq!(cells(&dialect, "1,abcd"), Err(Refused::TooLong(3)));
}

/// One quoted line of these cells.
fn written(cells: &[Option<String>], dialect: &Dialect) -> String {
    let cell = |cell: &Option<String>| match cell {
        None => String::new(),
        Some(text) => {
            let mut out = String::from('"');
            for letter in text.chars() {
                if letter == '"' || Some(letter) == dialect.escape {
                    out.extend(dialect.escape);
                }
                out.push(letter);
            }
            out + "\""
        }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(&dialect.separator)
}

proptest! {
    #[test]
    fn what_is_quoted_and_escaped_is_read_as_it_was(
        given in prop::collection::vec(prop::option::of("[a\"\\\\,; \n\u{e4}]{1,6}"), 2..5),
        doubles_quotes: bool,
        separator in "[,;\t]|\\|\\|",
    ) {
        let escape = if doubles_quotes { '"' } else { '\\' };
        let dialect = Dialect {
            separator,
            escape: Some(escape),
            escape_of_escape: Some(escape).filter(|escape| *escape != '"'),
            ..Dialect::default()
        };
        prop_assert_eq!(cells(&dialect, &written(&given, &dialect)).unwrap(), given);
    }

    #[test]
    fn what_the_sink_writes_is_read_as_it_was(
        rows in prop::collection::vec(
            (prop::option::of("[a\"\\\\,#; \r\n\u{e4}]{1,6}"), "[a\"\\\\,#; \r\n]{1,4}"),
            1..6,
        ),
        doubles_quotes: bool,
    ) {
        let mut written = CsvWriteOptions { trims_start: false, trims_end: false, ..Default::default() };
        let mut read = CsvReadOptions { multi_line: true, ..CsvReadOptions::default() };
        // A line end that is never one of the values.
        written.line_end = "\u{1}".to_owned();
        read.layout.separator = Some("\u{1}".to_owned());
        if doubles_quotes {
            (written.escape, written.escape_of_escape) = ('"', None);
            (read.dialect.escape, read.dialect.escape_of_escape) = (Some('"'), None);
        }
        let (first, second): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let second: Vec<Option<String>> = second.into_iter().map(Some).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("a", Arc::new(StringArray::from(first))),
            ("b", Arc::new(StringArray::from(second))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap();
        let mut encoder = CsvEncoding::new(written).start(&batch.schema()).unwrap();
        encoder.write(&batch).unwrap();
        let mut bytes = encoder.take();
        bytes.extend(encoder.finish().unwrap());
        let format = CsvFormat::new(read);
        let request = ReadRequest::all(&batch.schema());
        let rows = futures::executor::block_on(async {
            let stream = format.read(file(&bytes).await, &request);
            stream.try_collect::<Vec<_>>().await.unwrap()
        });
        prop_assert_eq!(&rows[0], &batch, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_is_cut_without_a_panic(
        line in "[a\", \\\\\n\u{e4}#|]{0,12}",
        trims: bool,
        handling in prop::sample::select(vec![
            UnescapedQuotes::StopAtDelimiter,
            UnescapedQuotes::StopAtClosingQuote,
            UnescapedQuotes::SkipValue,
            UnescapedQuotes::RaiseError,
        ]),
    ) {
        let dialect = Dialect {
            trims_start: trims,
            trims_end: trims,
            unescaped_quotes: handling,
            ..Dialect::default()
        };
        let mut cells = vec![];
        for line_end in [None, Some('\n')] {
            let read = Tokenizer::new(&dialect, line_end).record(&line, &mut cells);
            prop_assert!(read.is_ok() || handling == UnescapedQuotes::RaiseError);
        }
    }
}

async fn file(text: &[u8]) -> InputFile {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from("in/f.csv");
    store.put(&path, text.to_vec().into()).await.unwrap();
    InputFile { store, path, size: text.len() as u64, url: "memory:///in/f.csv".to_owned() }
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn shown(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::new().with_null("null");
    let mut rows = vec![];
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}

async fn read(
    options: &CsvReadOptions,
    columns: &[(&str, DataType)],
    text: &str,
) -> Result<Vec<String>> {
    let schema = schema(columns);
    let format = CsvFormat::new(options.clone());
    format.check_schema(&schema)?;
    let stream = format.read(file(text.as_bytes()).await, &ReadRequest::all(&schema));
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(Error::from)?;
    Ok(shown(&batches))
}

const ROWS: &str = "1,a\n2\n3,c,x\n4,\n\n,\nz,q\n\"5\",\"\"\n 6 , b \n";

fn with_corrupt() -> Vec<(&'static str, DataType)> {
    vec![("a", DataType::Int32), ("b", DataType::Utf8), ("_corrupt_record", DataType::Utf8)]
}

#[tokio::test]
async fn a_permissive_reader_keeps_what_it_can_and_shows_the_record() {
    let rows = read(&CsvReadOptions::default(), &with_corrupt(), ROWS).await.unwrap();
    assert_eq!(
        rows,
        [
            "1|a|null",
            "2|null|2",
            "3|c|3,c,x",
            "4|null|null",
            "null|null|null",
            "null|q|z,q",
            "5|null|null",
            "null| b | 6 , b "
        ]
    );
}

#[tokio::test]
async fn malformed_records_are_dropped_or_fail_and_are_counted() {
    let columns = &with_corrupt()[..2];
    let drops = CsvReadOptions { mode: ParseMode::DropMalformed, ..CsvReadOptions::default() };
    assert_eq!(
        read(&drops, columns, ROWS).await.unwrap(),
        ["1|a", "4|null", "null|null", "5|null"]
    );
    let fails = CsvReadOptions { mode: ParseMode::FailFast, ..CsvReadOptions::default() };
    let error = read(&fails, columns, ROWS).await.unwrap_err().to_string();
    assert!(error.contains("line 2 has 1 columns where 2 are expected: `2`"), "{error}");

    // Whether a record counts must not hang on the columns that are asked for.
    let schema = schema(columns);
    let request = ReadRequest { projection: vec![1], ..ReadRequest::all(&schema) };
    let stream = CsvFormat::new(drops).read(file(ROWS.as_bytes()).await, &request);
    let rows = shown(&stream.try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(rows, ["a", "null", "null", "null"]);
    assert_eq!(request.counts.by_name()[..2], [("malformedRecords", 4), ("droppedRecords", 4)]);
}

#[tokio::test]
async fn every_type_reads_its_own_values() {
    let micros =
        |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    for (kind, text, expected) in [
        (DataType::Int8, "1\n+1\n128\n1.0\n 1", "1 1 null null null"),
        (DataType::Int64, "9223372036854775807\n9223372036854775808", "9223372036854775807 null"),
        (DataType::Float64, "1.5\n 1e3 \nInf\n-Inf\nNaN\ninf", "1.5 1000.0 inf -inf NaN null"),
        (DataType::Float32, "0.1\nInf", "0.1 inf"),
        (DataType::Decimal128(6, 2), "1.555\n\"1,000.5\"\n10000\nx", "1.56 1000.50 null null"),
        (DataType::Boolean, "true\nFALSE\n1", "true false null"),
        (
            DataType::Date32,
            "2024-1-2\n2024\n2024-01-02 x\nepoch",
            "2024-01-02 2024-01-01 2024-01-02 null",
        ),
        (micros(Some("UTC")), "2024-01-02T03:04:05+01:00\nx", "2024-01-02T02:04:05Z null"),
        (micros(None), "2024-01-02 03:04:05\n2024-01-02T03:04:05Z", "2024-01-02T03:04:05 null"),
        (DataType::Binary, "a\n\u{e4}", "61 c3a4"),
    ] {
        let rows = read(&CsvReadOptions::default(), &[("v", kind.clone())], text).await.unwrap();
        assert_eq!(rows.join(" "), expected, "{kind}");
    }
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int32, true)));
    let error = read(&CsvReadOptions::default(), &[("v", list)], "").await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn a_header_is_passed_over_or_checked() {
    let columns = &with_corrupt()[..2];
    let text = "#c\n\nA,B\n#d\n1,2\n";
    let mut options = CsvReadOptions { header: true, ..CsvReadOptions::default() };
    options.dialect.comment = Some('#');
    assert_eq!(read(&options, columns, text).await.unwrap(), ["1|2"]);
    assert_eq!(read(&options, columns, "x,y\n1,2\n").await.unwrap(), ["1|2"]);
    options.enforce_schema = false;
    assert_eq!(read(&options, columns, text).await.unwrap(), ["1|2"]);
    for wrong in ["x,y\n1,2\n", "a\n1,2\n", "b,a\n1,2\n"] {
        let error = read(&options, columns, wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    }
}

#[tokio::test]
async fn records_may_span_lines_of_any_kind() {
    let options = CsvReadOptions { multi_line: true, ..CsvReadOptions::default() };
    for (text, expected) in [
        ("1,\"a\r\nb\"\r\n2,c\r\n\r\n3,d", vec!["1|a\nb|null", "2|c|null", "3|d|null"]),
        ("1,\"a\rb\"\r2,c\r\r3,d\r", vec!["1|a\nb|null", "2|c|null", "3|d|null"]),
        (
            "1,\"a\nb\"\n2,c\n\n3\n4,x,y\nz,q",
            vec!["1|a\nb|null", "2|c|null", "3|null|3", "4|x|4,x,y", "null|q|z,q"],
        ),
        ("\n\n1,2\n  \n3,4\n", vec!["1|2|null", "null|null|  ", "3|4|null"]),
        ("1,\"2\n3,4\n", vec!["1|2\n3,4\n|null"]),
    ] {
        assert_eq!(read(&options, &with_corrupt(), text).await.unwrap(), expected, "{text:?}");
    }
    let mut options = options;
    options.layout.separator = Some(";".to_owned());
    let rows = read(&options, &with_corrupt(), "1,a;2,\"b;c\";3,d").await.unwrap();
    assert_eq!(rows, ["1|a|null", "2|b;c|null", "3|d|null"]);
}

#[tokio::test]
async fn what_a_dialect_refuses_fails_in_every_mode() {
    let mut options = CsvReadOptions::default();
    options.dialect.max_columns = 2;
    options.dialect.unescaped_quotes = UnescapedQuotes::RaiseError;
    for text in ["1,2,3\n", "1,\"a\"b\"\n"] {
        let error = read(&options, &with_corrupt(), text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}

async fn inferred(options: &CsvReadOptions, text: &str) -> String {
    let format = CsvFormat::new(options.clone());
    let schema = format.infer_schema(&[file(text.as_bytes()).await]).await.unwrap();
    let shown = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
    shown.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn types_are_inferred_as_spark_infers_them() {
    let mut options = CsvReadOptions::default();
    options.infer.types = true;
    for (text, expected) in [
        ("1\n2", "Int32"),
        ("1\n9999999999", "Int64"),
        ("1\n99999999999999999999", "Decimal128(20, 0)"),
        ("1.5\n99999999999999999999", "Float64"),
        ("true\nfalse", "Boolean"),
        ("true\n1", "Utf8"),
        ("2024-01-02\n2024-01-03", "Date32"),
        ("2024-01-02\n2024-01-03 10:00:00", "Timestamp(\u{b5}s, \"UTC\")"),
        ("2024-01", "Timestamp(\u{b5}s, \"UTC\")"),
        ("2024-01-02\n1", "Utf8"),
        ("\"\"\n1", "Int32"),
        ("NaN\n1", "Float64"),
        (" 1", "Float64"),
        ("0x1", "Utf8"),
        ("99999999999999999999999999999999999999999", "Float64"),
    ] {
        assert_eq!(inferred(&options, text).await, format!("_c0 {expected}"), "{text:?}");
    }
    options.infer.prefers_date = false;
    assert!(inferred(&options, "2024-01-02").await.starts_with("_c0 Timestamp"));
    options.header = true;
    assert_eq!(
        inferred(&options, "a,A,,b\n1,2,3,x\n").await,
        "a0 Int32, A1 Int32, _c2 Int32, b Utf8"
    );
    assert_eq!(inferred(&CsvReadOptions::default(), "1,2").await, "_c0 Utf8, _c1 Utf8");
    let empty = CsvFormat::new(options).infer_schema(&[file(b"").await]).await;
    assert_eq!(empty.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_column_of_text_is_read_one_record_in_each_value() {
    let texts = StringArray::from(vec![Some("1,a"), None, Some("x,b"), Some(""), Some("1,2,3")]);
    let fields: Fields = schema(&with_corrupt()).fields().clone();
    let parsed = text::parse(&texts, &fields, &CsvReadOptions::default(), TimeZone::UTC).unwrap();
    assert_eq!(parsed.malformed, [2, 3, 4]);
    assert!(parsed.values.is_null(1));
    let batch = RecordBatch::from(parsed.values.slice(2, 3));
    assert_eq!(shown(&[batch]), ["null|b|x,b", "null|null|", "1|2|1,2,3"]);
    let mut options = CsvReadOptions::default();
    options.infer.types = true;
    let schema = text::infer("1,abc", &options).unwrap();
    assert_eq!(schema.field(0).data_type(), &DataType::Int32);
    assert_eq!(schema.field(1).name(), "_c1");
}
