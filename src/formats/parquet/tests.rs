//! Parquet files read as declared: casts, missing columns, names, what is refused.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Int32Array, LargeStringArray, ListArray, RecordBatch,
    StringViewArray, StructArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{
    DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;

use crate::error::{Error, ErrorKind, Result};
use crate::formats::format::{FileFormat, InputFile, ReadRequest};
use crate::formats::guard::damage::each_byte_changed;
use crate::formats::parquet::ParquetFormat;

async fn file(columns: Vec<(&str, ArrayRef)>) -> InputFile {
    stored(bytes(columns)).await
}

fn bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = vec![];
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

async fn stored(bytes: Vec<u8>) -> InputFile {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from("in/f.parquet");
    let size = bytes.len() as u64;
    store.put(&path, bytes.into()).await.unwrap();
    InputFile { store, path, size, url: "memory:///in/f.parquet".to_owned() }
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

const fn micros(zone: Option<Arc<str>>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone)
}

async fn read(file: InputFile, schema: &SchemaRef, columns: &[usize]) -> Result<Vec<RecordBatch>> {
    let request = ReadRequest { projection: columns.to_vec(), ..ReadRequest::all(schema) };
    let stream = ParquetFormat::default().read(file, &request);
    assert_eq!(stream.schema().fields().len(), columns.len());
    stream.try_collect().await.map_err(Error::from)
}

#[tokio::test]
async fn columns_are_found_by_name_and_cast_without_loss() {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y"].into_iter().collect();
    let file = file(vec![
        ("View", Arc::new(StringViewArray::from(vec![Some("a"), None])) as ArrayRef),
        ("extra", Arc::new(Int32Array::from(vec![9, 9]))),
        ("large", Arc::new(LargeStringArray::from(vec!["l", "m"]))),
        ("dict", Arc::new(dictionary)),
        ("n", Arc::new(Int32Array::from(vec![Some(1), None]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![1, 2]).with_timezone("UTC"))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![1_999, 2_000]))),
    ])
    .await;
    let schema = schema(&[
        ("n", DataType::Int64),
        ("missing", DataType::Utf8),
        ("view", DataType::Utf8),
        ("large", DataType::Utf8),
        ("dict", DataType::Utf8),
        ("MS", micros(Some("UTC".into()))),
        ("ns", micros(Some("UTC".into()))),
    ]);
    let rows = read(file, &schema, &[0, 1, 2, 3, 4, 5, 6]).await.unwrap();
    assert_eq!(rows[0].schema(), schema);
    let shown = pretty_format_batches(&rows).unwrap().to_string();
    let first = "| 1 |         | a    | l     | x    | 1970-01-01T00:00:00.001Z | 1970-01-01T00:00:00.000001Z |";
    let second = "|   |         |      | m     | y    | 1970-01-01T00:00:00.002Z | 1970-01-01T00:00:00.000002Z |";
    assert!(shown.contains(first) && shown.contains(second), "{shown}");
}

#[tokio::test]
async fn a_projection_keeps_its_own_order_and_may_be_empty() {
    let file = file(vec![
        ("a", Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef),
        ("b", Arc::new(Int32Array::from(vec![3, 4]))),
    ])
    .await;
    let schema = schema(&[("a", DataType::Int32), ("x", DataType::Int32), ("b", DataType::Int32)]);
    let rows = read(file.clone(), &schema, &[2, 1, 0]).await.unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int32Type>().values(), &[3, 4]);
    assert_eq!(rows[0].column(1).null_count(), 2);
    assert_eq!(rows[0].column(2).as_primitive::<Int32Type>().values(), &[1, 2]);
    let none = read(file, &schema, &[]).await.unwrap();
    assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}

#[tokio::test]
async fn a_cast_with_loss_names_the_file_and_the_column() {
    let numbers = file(vec![("n", Arc::new(UInt64Array::from(vec![1])) as ArrayRef)]).await;
    let error = read(numbers, &schema(&[("n", DataType::Int64)]), &[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let text = error.to_string();
    assert!(text.contains("in/f.parquet") && text.contains("`n`"), "{text}");
    let zoned = TimestampMillisecondArray::from(vec![1]).with_timezone("UTC");
    let zoned = file(vec![("t", Arc::new(zoned) as ArrayRef)]).await;
    assert!(read(zoned, &schema(&[("t", micros(None))]), &[0]).await.is_err());
}

#[tokio::test]
async fn names_that_differ_in_case_only_are_ambiguous() {
    let file = file(vec![
        ("a", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        ("A", Arc::new(Int32Array::from(vec![2]))),
    ])
    .await;
    let error = read(file, &schema(&[("a", DataType::Int32)]), &[0]).await.unwrap_err();
    assert!(error.to_string().contains("ambiguous"), "{error}");
}

#[tokio::test]
async fn nested_fields_are_matched_by_name() {
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("X", DataType::Int32, true)),
        Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef,
    )]);
    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let file =
        file(vec![("s", Arc::new(inner) as ArrayRef), ("l", Arc::new(list) as ArrayRef)]).await;
    let wanted = DataType::Struct(
        vec![Field::new("y", DataType::Utf8, true), Field::new("x", DataType::Int64, true)].into(),
    );
    let longs = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    let schema = schema(&[("s", wanted), ("l", longs)]);
    let rows = read(file, &schema, &[0, 1]).await.unwrap();
    let s = rows[0].column(0).as_struct();
    assert_eq!(s.column(0).null_count(), 2);
    assert_eq!(s.column(1).as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(rows[0].column(1).as_list::<i32>().value(0).len(), 2);
}

#[tokio::test]
async fn an_inferred_schema_has_sql_types_only() {
    let file = file(vec![
        ("view", Arc::new(StringViewArray::from(vec!["a"])) as ArrayRef),
        ("u", Arc::new(UInt64Array::from(vec![1]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("+02:00"))),
        ("wall", Arc::new(TimestampMillisecondArray::from(vec![1]))),
    ])
    .await;
    let inferred = ParquetFormat::default().infer_schema(&[file]).await.unwrap();
    let expected = schema(&[
        ("view", DataType::Utf8),
        ("u", DataType::Decimal128(20, 0)),
        ("ms", micros(Some("UTC".into()))),
        ("wall", micros(None)),
    ]);
    assert_eq!(inferred, expected);
    ParquetFormat::default().check_schema(&inferred).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_parquet_is_an_error_that_names_it() {
    let schema = schema(&[("a", DataType::Int32)]);
    for bytes in [vec![], b"not parquet at all".to_vec()] {
        let error = read(stored(bytes).await, &schema, &[0]).await.unwrap_err();
        assert!(error.to_string().contains("in/f.parquet"), "{error}");
    }
    let mut gone = stored(vec![1; 100]).await;
    gone.path = Path::from("in/other.parquet");
    let error = read(gone, &schema, &[0]).await.unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

#[tokio::test]
async fn old_timestamps_of_96_bits_are_points_in_time() {
    use parquet::data_type::{Int96, Int96Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let root = Arc::new(parse_message_type("message m { optional int96 t; }").unwrap());
    let mut bytes = vec![];
    let mut writer = SerializedFileWriter::new(&mut bytes, root, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    // Noon of the Julian day on which year 9999 ends, far beyond 64 bits of nanoseconds.
    let mut value = Int96::new();
    value.set_data(0, 0, 5_373_484);
    column.typed::<Int96Type>().write_batch(&[value], Some(&[1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let file = stored(bytes).await;
    let inferred =
        ParquetFormat::default().infer_schema(std::slice::from_ref(&file)).await.unwrap();
    assert_eq!(inferred, schema(&[("t", micros(Some("UTC".into())))]));
    let rows = read(file, &inferred, &[0]).await.unwrap();
    let value = rows[0].column(0).as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!(value, 253_402_214_400_000_000);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_of_the_data_whatever_its_reader_makes_of_it() {
    let lists = vec![Some(vec![Some(1), None]), None, Some(vec![])];
    let bytes = bytes(vec![
        ("k", Arc::new(StringViewArray::from(vec![Some("a"), None, Some("b")])) as ArrayRef),
        ("v", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("l", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
    ]);
    let list = DataType::new_list(DataType::Int32, true);
    let all = [("k", DataType::Utf8), ("v", DataType::Int64), ("l", list)];
    let format = ParquetFormat::default();
    for (columns, ways) in [(&all[..], 2), (&[("x", DataType::Int64)], 1)] {
        let request = ReadRequest::all(&schema(columns));
        assert!(each_byte_changed(&format, &bytes, &request, ways).await > 0);
    }
}
