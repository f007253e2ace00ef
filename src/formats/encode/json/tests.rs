//! JSON text as Spark writes it.

use std::sync::Arc;

use arrow::array::builder::{Int32Builder, MapBuilder, TimestampMicrosecondBuilder};
use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int32Array, IntervalMonthDayNanoArray, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::record_batch::RecordBatch;

use crate::event_time::zone::TimeZone;
use crate::formats::encode::encoder::FileEncoding;
use crate::formats::encode::json::encoding::{JsonEncoding, JsonWriteOptions};
use crate::formats::encode::times::{TimeFormats, TimeText};

fn text(columns: Vec<(&str, ArrayRef)>) -> String {
    text_with(JsonWriteOptions::default(), columns)
}

fn text_with(options: JsonWriteOptions, columns: Vec<(&str, ArrayRef)>) -> String {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut encoder = JsonEncoding::new(options).start(&rows.schema()).unwrap();
    encoder.write(&rows).unwrap();
    let mut file = encoder.take();
    file.extend(encoder.finish().unwrap());
    String::from_utf8(file).unwrap()
}

#[test]
fn a_missing_field_is_left_out() {
    let out = text(vec![
        ("a", Arc::new(Int32Array::from(vec![Some(1), None]))),
        ("b", Arc::new(StringArray::from(vec![None, Some("x\"\n")]))),
    ]);
    assert_eq!(out, "{\"a\":1}\n{\"b\":\"x\\\"\\n\"}\n");
}

#[test]
fn timestamps_have_milliseconds_and_more_digits_only_where_something_would_be_lost() {
    let micros = vec![1_704_067_200_000_000, 1_704_067_200_120_000, 1_704_067_200_000_001, -1];
    let instants = TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC");
    let local = TimestampMicrosecondArray::from(micros);
    assert_eq!(
        text(vec![("t", Arc::new(instants)), ("l", Arc::new(local))]),
        "{\"t\":\"2024-01-01T00:00:00.000Z\",\"l\":\"2024-01-01T00:00:00.000\"}\n\
         {\"t\":\"2024-01-01T00:00:00.120Z\",\"l\":\"2024-01-01T00:00:00.120\"}\n\
         {\"t\":\"2024-01-01T00:00:00.000001Z\",\"l\":\"2024-01-01T00:00:00.000001\"}\n\
         {\"t\":\"1969-12-31T23:59:59.999999Z\",\"l\":\"1969-12-31T23:59:59.999999\"}\n"
    );
}

#[test]
fn numbers_that_json_has_no_word_for_are_text() {
    let doubles = Float64Array::from(vec![1.5, f64::NAN, f64::INFINITY]);
    let floats = Float32Array::from(vec![0.1, f32::NEG_INFINITY, 1e10]);
    assert_eq!(
        text(vec![("d", Arc::new(doubles)), ("f", Arc::new(floats))]),
        "{\"d\":1.5,\"f\":0.1}\n{\"d\":\"NaN\",\"f\":\"-Infinity\"}\n\
         {\"d\":\"Infinity\",\"f\":1.0E10}\n"
    );
}

#[test]
fn decimals_are_numbers_binary_is_base64_and_dates_are_iso() {
    let decimals = Decimal128Array::from(vec![120]).with_precision_and_scale(38, 2).unwrap();
    assert_eq!(
        text(vec![
            ("n", Arc::new(decimals)),
            ("b", Arc::new(BinaryArray::from_vec(vec![b"\x00\xff\x10"]))),
            ("d", Arc::new(Date32Array::from(vec![19_723]))),
            ("y", Arc::new(BooleanArray::from(vec![false]))),
        ]),
        "{\"n\":1.20,\"b\":\"AP8Q\",\"d\":\"2024-01-01\",\"y\":false}\n"
    );
}

#[test]
fn nested_values_keep_the_nulls_of_lists_and_maps_but_not_of_structs() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None])]);
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![None]));
    let structs = StructArray::from(vec![
        (Arc::new(Field::new("x", DataType::Int32, true)), inner),
        (Arc::new(Field::new("l", lists.data_type().clone(), true)), Arc::new(lists) as ArrayRef),
    ]);
    let mut maps = MapBuilder::new(None, TimestampMicrosecondBuilder::new(), Int32Builder::new());
    maps.keys().append_value(0);
    maps.values().append_null();
    maps.append(true).unwrap();
    assert_eq!(
        text(vec![("s", Arc::new(structs)), ("m", Arc::new(maps.finish()))]),
        "{\"s\":{\"l\":[1,null]},\"m\":{\"1970-01-01 00:00:00\":null}}\n"
    );
}

#[test]
fn a_time_that_has_no_text_fails_before_anything_is_written() {
    let rows = RecordBatch::try_from_iter([(
        "t",
        Arc::new(TimestampSecondArray::from(vec![0, i64::MAX])) as ArrayRef,
    )])
    .unwrap();
    let mut encoder = JsonEncoding::default().start(&rows.schema()).unwrap();
    assert!(encoder.write(&rows).is_err());
    assert_eq!(encoder.ready(), 0);
}

#[test]
fn options_change_nulls_ends_of_lines_and_times() {
    let formats = TimeFormats {
        zone: TimeZone::parse("Asia/Tokyo").unwrap(),
        date: Some("'q\"'yyyy"),
        ..TimeFormats::default()
    };
    let options = JsonWriteOptions {
        ignores_null_fields: false,
        line_end: "|".to_owned(),
        times: TimeText::try_new(&formats).unwrap(),
    };
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![None, Some(1)]));
    let field = Arc::new(Field::new("x", DataType::Int32, true));
    let times = TimestampMicrosecondArray::from(vec![0, 1_000]).with_timezone("UTC");
    assert_eq!(
        text_with(
            options,
            vec![
                ("a", Arc::new(StringArray::from(vec![None, Some("l\n")]))),
                ("s", Arc::new(StructArray::from(vec![(field, inner)]))),
                ("d", Arc::new(Date32Array::from(vec![Some(19_723), None]))),
                ("t", Arc::new(times)),
            ]
        ),
        "{\"a\":null,\"s\":{\"x\":null},\"d\":\"q\\\"2024\",\"t\":\"1970-01-01T09:00:00.000+09:00\"}|\
         {\"a\":\"l\\n\",\"s\":{\"x\":1},\"d\":null,\"t\":\"1970-01-01T09:00:00.001+09:00\"}|"
    );
}

#[test]
fn a_column_that_json_cannot_hold_is_named() {
    let intervals: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![None]));
    let rows = RecordBatch::try_from_iter_with_nullable([("i", intervals, true)]).unwrap();
    let error = JsonEncoding::default().start(&rows.schema()).unwrap_err();
    assert!(error.to_string().starts_with("column `i` of type"), "{error}");
}
