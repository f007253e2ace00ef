//! Files of both forms, whole and damaged.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringViewArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use futures::TryStreamExt;

use crate::error::Error;
use crate::formats::arrow::ArrowFormat;
use crate::formats::format::{FileFormat, ReadRequest};
use crate::formats::guard::damage::{each_byte_changed, file};

fn rows() -> RecordBatch {
    let k = Arc::new(StringViewArray::from(vec![Some("a"), None])) as ArrayRef;
    let v = Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    RecordBatch::try_from_iter([("K", k), ("v", v)]).unwrap()
}

fn written(as_file: bool, batch: &RecordBatch, options: IpcWriteOptions) -> Vec<u8> {
    let schema = batch.schema();
    if as_file {
        let mut writer = FileWriter::try_new_with_options(vec![], &schema, options).unwrap();
        writer.write(batch).unwrap();
        writer.into_inner().unwrap()
    } else {
        let mut writer = StreamWriter::try_new_with_options(vec![], &schema, options).unwrap();
        writer.write(batch).unwrap();
        writer.into_inner().unwrap()
    }
}

fn wide() -> ReadRequest {
    let fields = [("v", DataType::Int64), ("none", DataType::Utf8), ("k", DataType::Utf8)];
    let fields = fields.map(|(name, kind)| Field::new(name, kind, true));
    ReadRequest::all(&Arc::new(Schema::new(fields.to_vec())))
}

#[tokio::test]
async fn both_forms_are_read_by_name_and_cast_without_loss() {
    for as_file in [true, false] {
        let file = file(written(as_file, &rows(), IpcWriteOptions::default())).await;
        let inferred = ArrowFormat.infer_schema(std::slice::from_ref(&file)).await.unwrap();
        assert_eq!(inferred.field(0).data_type(), &DataType::Utf8);
        let rows: Vec<_> = ArrowFormat.read(file, &wide()).try_collect().await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
        assert_eq!(rows[0].column(1).null_count(), 2);
        assert_eq!(rows[0].column(2).as_string::<i32>().value(0), "a");
    }
}

#[tokio::test]
async fn rows_are_counted_where_none_of_their_columns_is_wanted() {
    for as_file in [true, false] {
        let file = file(written(as_file, &rows(), IpcWriteOptions::default())).await;
        let request = ReadRequest { projection: vec![], ..wide() };
        let rows: Vec<_> = ArrowFormat.read(file, &request).try_collect().await.unwrap();
        assert_eq!((rows[0].num_columns(), rows[0].num_rows()), (0, 2));
    }
}

#[tokio::test]
async fn what_is_no_arrow_file_is_an_error() {
    for bytes in [b"ARROW1 but no more".to_vec(), b"nothing of the kind".to_vec(), vec![], {
        let mut cut = written(true, &rows(), IpcWriteOptions::default());
        cut.truncate(cut.len() / 2);
        cut
    }] {
        let read = ArrowFormat.read(file(bytes).await, &wide()).try_collect::<Vec<_>>().await;
        let error = Error::from(read.unwrap_err());
        assert!(matches!(error, Error::Data { .. }), "{error}");
    }
}

/// Columns that are stored in several ways.
fn varied() -> RecordBatch {
    let lists = vec![Some(vec![Some(1), None]), None, Some(vec![])];
    RecordBatch::try_from_iter([
        (
            "k",
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("a long text, out of line")]))
                as ArrayRef,
        ),
        ("v", Arc::new(Int32Array::from(vec![Some(1), Some(2), None]))),
        ("l", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("d", Arc::new(DictionaryArray::<Int32Type>::from_iter(["x", "y", "x"]))),
    ])
    .unwrap()
}

#[tokio::test]
async fn a_damaged_file_is_an_error_of_the_data_whatever_its_reader_makes_of_it() {
    let packed = || {
        let options = IpcWriteOptions::default();
        options.try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap()
    };
    let all = {
        let list = DataType::new_list(DataType::Int32, true);
        let fields =
            [("k", DataType::Utf8), ("v", DataType::Int64), ("l", list), ("d", DataType::Utf8)];
        let fields = fields.map(|(name, kind)| Field::new(name, kind, true));
        ReadRequest::all(&Arc::new(Schema::new(fields.to_vec())))
    };
    let missing =
        ReadRequest::all(&Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)])));
    for (as_file, options, request) in [
        (true, IpcWriteOptions::default(), &all),
        (true, packed(), &all),
        (true, IpcWriteOptions::default(), &missing),
        (false, IpcWriteOptions::default(), &all),
    ] {
        let bytes = written(as_file, &varied(), options);
        assert!(each_byte_changed(&ArrowFormat, &bytes, request, 3).await > 0);
    }
}
