//! JSON lines as a whole: what each type takes, what each mode makes of malformed lines.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Error, ErrorKind, Result};
use crate::formats::format::{FileFormat, InputFile, ReadRequest};
use crate::formats::json::{JsonFormat, JsonReadOptions};
use crate::formats::records::ParseMode;

async fn file(text: &[u8]) -> InputFile {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from("in/f.json");
    store.put(&path, text.to_vec().into()).await.unwrap();
    InputFile { store, path, size: text.len() as u64, url: "memory:///in/f.json".to_owned() }
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

async fn batches(
    mode: ParseMode,
    schema: &SchemaRef,
    projection: &[usize],
    text: &[u8],
) -> Result<Vec<RecordBatch>> {
    let format = JsonFormat::new(JsonReadOptions { mode, ..JsonReadOptions::default() });
    format.check_schema(schema)?;
    let request = ReadRequest { projection: projection.to_vec(), ..ReadRequest::all(schema) };
    let stream = format.read(file(text).await, &request);
    stream.try_collect().await.map_err(Error::from)
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

async fn rows(mode: ParseMode, columns: &[(&str, DataType)], text: &str) -> Vec<String> {
    let schema = schema(columns);
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    shown(&batches(mode, &schema, &all, text.as_bytes()).await.unwrap())
}

async fn permissive(columns: &[(&str, DataType)], text: &str) -> Vec<String> {
    rows(ParseMode::Permissive, columns, text).await
}

#[tokio::test]
async fn absent_fields_are_null_and_unknown_ones_ignored() {
    let columns = [("k", DataType::Utf8), ("v", DataType::Int64), ("z", DataType::Date32)];
    let text = r#"{"k":"a"}
{"v":1,"other":[1,2]}
{"z":"2024-01-01","K":"upper"}
{}"#;
    let expected = ["a|null|null", "null|1|null", "null|null|2024-01-01", "null|null|null"];
    assert_eq!(permissive(&columns, text).await, expected);
}

#[tokio::test]
async fn every_type_reads_its_own_values() {
    let columns = [
        ("b", DataType::Boolean),
        ("i8", DataType::Int8),
        ("i16", DataType::Int16),
        ("i32", DataType::Int32),
        ("f", DataType::Float32),
        ("d", DataType::Float64),
        ("n", DataType::Decimal128(10, 2)),
        ("ts", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ("ntz", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("bin", DataType::Binary),
        ("s", DataType::Utf8),
    ];
    let text = r#"{"b":true,"i8":-128,"i16":7,"i32":8,"f":1.5,"d":1e3,"n":12.345,"ts":"2024-01-01T01:00:00.000001+01:00","ntz":"2024-01-01 00:00","bin":"AQI=","s":"\u00fc"}
{"d":"NaN","f":"-Infinity","n":"1.5","ts":60,"s":1.50}
{"d":NaN,"s":{"a": [1, 2]}}
{"s":[true]}
{"s":true}"#;
    let expected = [
        "true|-128|7|8|1.5|1000.0|12.35|2024-01-01T00:00:00.000001Z|2024-01-01T00:00:00|0102|\u{fc}",
        "null|null|null|null|-inf|NaN|1.50|1970-01-01T00:01:00Z|null|null|1.50",
        "null|null|null|null|null|NaN|null|null|null|null|{\"a\": [1, 2]}",
        "null|null|null|null|null|null|null|null|null|null|[true]",
        "null|null|null|null|null|null|null|null|null|null|true",
    ];
    assert_eq!(permissive(&columns, text).await, expected);
}

#[tokio::test]
async fn a_value_of_the_wrong_type_costs_its_own_field_only() {
    let columns =
        [("k", DataType::Utf8), ("v", DataType::Int64), ("_corrupt_record", DataType::Utf8)];
    let text = "{\"k\":\"a\",\"v\":\"1\"}\n{\"k\":\"b\",\"v\":1.5}\nnonsense\n{\"k\":\"c\",\"v\":3}\n{\"k\":\"d\",\"v\":9223372036854775808}";
    let expected = [
        "a|null|{\"k\":\"a\",\"v\":\"1\"}",
        "b|null|{\"k\":\"b\",\"v\":1.5}",
        "null|null|nonsense",
        "c|3|null",
        "d|null|{\"k\":\"d\",\"v\":9223372036854775808}",
    ];
    assert_eq!(permissive(&columns, text).await, expected);
}

#[tokio::test]
async fn dropmalformed_leaves_out_malformed_lines_whatever_columns_are_read() {
    let schema = schema(&[("k", DataType::Utf8), ("v", DataType::Int64)]);
    let text = b"{\"k\":\"a\",\"v\":\"x\"}\n{\"k\":\"b\",\"v\":1}\n{\"k\":";
    let all = batches(ParseMode::DropMalformed, &schema, &[0, 1], text).await.unwrap();
    assert_eq!(shown(&all), ["b|1"]);
    let one = batches(ParseMode::DropMalformed, &schema, &[0], text).await.unwrap();
    assert_eq!(shown(&one), ["b"]);
    let none = batches(ParseMode::DropMalformed, &schema, &[], text).await.unwrap();
    assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}

#[tokio::test]
async fn failfast_names_the_file_the_line_and_the_column() {
    let schema = schema(&[("k", DataType::Utf8), ("v", DataType::Int64)]);
    let text = b"{\"v\":1}\n\n{\"v\":true}\n{";
    let error = batches(ParseMode::FailFast, &schema, &[0, 1], text).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let text = error.to_string();
    for part in ["memory:///in/f.json", "line 3", "`v`", "`true`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn nested_values_read_to_any_depth() {
    let strings = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let st = DataType::Struct(
        vec![Field::new("a", DataType::Int32, true), Field::new("b", strings, true)].into(),
    );
    let map = DataType::Map(
        Arc::new(Field::new(
            "entries",
            DataType::Struct(
                vec![
                    Field::new("key", DataType::Utf8, false),
                    Field::new("value", DataType::Float64, true),
                ]
                .into(),
            ),
            false,
        )),
        false,
    );
    let ints = DataType::List(Arc::new(Field::new_list_field(DataType::Int32, true)));
    let columns = [("k", DataType::Utf8), ("st", st), ("m", map), ("arr", ints)];
    let text = r#"{"k":"r1","st":{"a":1,"b":["u","v"]},"m":{"x":1.5,"y":null},"arr":[1,null]}
{"k":"r2","st":null,"m":null,"arr":null}
{"k":"r3","st":{"a":null,"b":["z"]},"m":{},"arr":[]}
{"k":"r4","st":{"a":"bad","b":["kept"]},"m":{"x":"bad"},"arr":[1,"bad"]}
{"k":"r5","st":7,"m":[],"arr":{}}
{"k":"r6","arr":[6]}"#;
    let expected = [
        "r1|{a: 1, b: [u, v]}|{x: 1.5, y: null}|[1, null]",
        "r2|null|null|null",
        "r3|{a: null, b: [z]}|{}|[]",
        "r4|{a: null, b: [kept]}|null|null",
        "r5|null|null|null",
        "r6|null|null|[6]",
    ];
    assert_eq!(permissive(&columns, text).await, expected);
}

#[tokio::test]
async fn an_array_in_a_line_is_several_rows() {
    let columns = [("v", DataType::Int64), ("_corrupt_record", DataType::Utf8)];
    let text = "[{\"v\":1},{\"v\":2}]\n[]\n[{\"v\":3},4]\n{\"v\":5} {\"v\":6}";
    let expected = ["1|null", "2|null", "null|[{\"v\":3},4]", "5|null"];
    assert_eq!(permissive(&columns, text).await, expected);
}

#[tokio::test]
async fn bytes_that_are_no_utf8_make_a_malformed_line() {
    let schema = schema(&[("k", DataType::Utf8), ("_corrupt_record", DataType::Utf8)]);
    let text = b"{\"k\":\"\xFF\"}\n{\"k\":\"ok\"}";
    let all = batches(ParseMode::Permissive, &schema, &[0, 1], text).await.unwrap();
    assert_eq!(shown(&all), ["null|{\"k\":\"\u{fffd}\"}", "ok|null"]);
}

#[tokio::test]
async fn a_big_file_comes_in_batches_and_loses_nothing() {
    let schema = schema(&[("k", DataType::Utf8), ("v", DataType::Int64)]);
    let text: String =
        (0..100_000).map(|n| format!("{{\"k\":\"key number {n}\",\"v\":{n}}}\r\n")).collect();
    let all = batches(ParseMode::FailFast, &schema, &[1], text.as_bytes()).await.unwrap();
    assert!(all.len() > 10 && all.iter().all(|batch| batch.num_rows() <= 8192));
    let rows = shown(&all);
    assert_eq!(rows.len(), 100_000);
    assert!(rows.iter().enumerate().all(|(n, row)| *row == n.to_string()));
}

#[tokio::test]
async fn an_empty_file_has_no_rows() {
    assert!(permissive(&[("k", DataType::Utf8)], "").await.is_empty());
}

#[tokio::test]
async fn types_that_json_cannot_hold_are_refused() {
    let format = JsonFormat::default();
    let unsigned = schema(&[("n", DataType::UInt64)]);
    assert!(format.check_schema(&unsigned).unwrap_err().to_string().contains("`n`"));
    let corrupt = schema(&[("_corrupt_record", DataType::Int64)]);
    assert_eq!(format.check_schema(&corrupt).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_compressed_file_is_refused_rather_than_read_as_malformed_lines() {
    let mut file = file(b"x").await;
    file.path = Path::from("in/f.json.gz");
    let request = ReadRequest::all(&schema(&[("k", DataType::Utf8)]));
    let stream = JsonFormat::default().read(file, &request);
    assert!(stream.try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn inferred_columns_are_sorted_and_widened() {
    let text = r#"{"z":1,"a":"2024-01-01T00:00:00Z","n":null,"big":99999999999999999999}
{"z":1.5,"a":"x","s":{"y":1,"x":[1,null]},"mixed":1,"e":{}}
{"s":{"y":2.0},"mixed":"one","b":true}"#;
    let schema = JsonFormat::default().infer_schema(&[file(text.as_bytes()).await]).await.unwrap();
    let shown: Vec<_> =
        schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    let expected = [
        "a Utf8",
        "b Boolean",
        "big Decimal128(20, 0)",
        "mixed Utf8",
        "n Utf8",
        "s Struct(\"x\": List(Int64), \"y\": Float64)",
        "z Float64",
    ];
    assert_eq!(shown, expected);
    assert!(JsonFormat::default().infer_schema(&[]).await.is_err());
}
