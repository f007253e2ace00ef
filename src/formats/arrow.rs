//! The format `arrow`: files of Arrow IPC, in the form of a file or of a stream.
//!
//! A column takes the declared type where nothing is lost, as with parquet.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::format::{FileFormat, InputFile, ReadRequest, boxed, project};
use crate::formats::parquet::fit::{Origin, fit};
use crate::formats::parquet::types::spark_type;

/// What a file of the file form begins with.
const MAGIC: &[u8] = b"ARROW1";

/// The format `arrow`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArrowFormat;

#[async_trait]
impl FileFormat for ArrowFormat {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        let foreign = schema
            .fields()
            .iter()
            .find(|field| spark_type(field.data_type()).as_ref() != Some(field.data_type()));
        match foreign {
            None => Ok(()),
            Some(field) => Err(Error::unsupported(format!(
                "column `{}` of type {} cannot be read from Arrow files; declare one of the SQL types",
                field.name(),
                field.data_type()
            ))),
        }
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let Some(file) = files.first() else {
            return Err(Error::invalid(
                "cannot infer a schema, since there are no Arrow files yet; give a schema",
            ));
        };
        let bytes = whole(file).await?;
        let batches = Batches::open(bytes, None).map_err(|error| broken(file, &error))?;
        let schema = batches.schema();
        let fields = schema.fields().iter().map(|field| {
            let (name, data_type) = (field.name(), field.data_type());
            let data_type = spark_type(data_type).ok_or_else(|| {
                file.data(format!("column `{name}` is {data_type}, which no SQL type can hold; give a schema without it"))
            })?;
            Ok(Field::new(name, data_type, true))
        });
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let output = project(&request.schema, &request.projection);
        let wanted = Arc::clone(&output);
        let rows = stream::once(async move {
            let bytes = whole(&file).await?;
            let rows = Rows::open(bytes, wanted, file)?;
            Ok::<_, Error>(stream::iter(rows))
        });
        boxed(output, rows.try_flatten().map_err(DataFusionError::from).boxed())
    }
}

async fn whole(file: &InputFile) -> Result<Bytes> {
    if file.size == 0 {
        return Err(file.data("the file is empty, and an Arrow file never is"));
    }
    file.bytes(0..file.size).await
}

fn broken(file: &InputFile, error: &ArrowError) -> Error {
    file.data(format!("it is no Arrow file: {error}"))
}

/// The batches of a file of either form.
enum Batches {
    File(FileReader<Cursor<Bytes>>),
    Stream(StreamReader<Cursor<Bytes>>),
}

impl Batches {
    fn open(bytes: Bytes, projection: Option<Vec<usize>>) -> Result<Self, ArrowError> {
        let is_file = bytes.starts_with(MAGIC);
        let bytes = Cursor::new(bytes);
        Ok(if is_file {
            Self::File(FileReader::try_new(bytes, projection)?)
        } else {
            Self::Stream(StreamReader::try_new(bytes, projection)?)
        })
    }

    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}

/// The rows of a file with the columns that were declared.
struct Rows {
    batches: Batches,
    origins: Vec<Origin>,
    output: SchemaRef,
    file: InputFile,
}

impl Rows {
    fn open(bytes: Bytes, output: SchemaRef, file: InputFile) -> Result<Self> {
        let wrong = |error: ArrowError| broken(&file, &error);
        let schema = Batches::open(bytes.clone(), None).map_err(wrong)?.schema();
        let origins = output.fields().iter().map(|field| Origin::find(schema.fields(), field));
        let mut origins =
            origins.collect::<Result<Vec<_>, String>>().map_err(|why| file.data(why))?;
        let mut wanted: Vec<usize> = origins.iter().filter_map(|origin| origin.column).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for origin in &mut origins {
            origin.column = origin.column.and_then(|at| wanted.binary_search(&at).ok());
        }
        let batches = Batches::open(bytes, Some(wanted)).map_err(wrong)?;
        Ok(Self { batches, origins, output, file })
    }

    fn fitted(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.origins.iter().map(|origin| match origin.column {
            Some(at) => fit(batch.column(at), origin.field.data_type())
                .map_err(|why| self.file.data(format!("column `{}`: {why}", origin.field.name()))),
            None => Ok(new_null_array(origin.field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?)
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.batches.next()? {
            Ok(batch) => self.fitted(&batch),
            Err(error) => Err(broken(&self.file, &error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int32Array, StringViewArray};
    use arrow::datatypes::{DataType, Int64Type};
    use arrow::ipc::writer::{FileWriter, StreamWriter};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

    use super::*;

    async fn file(bytes: Vec<u8>) -> InputFile {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (path, size) = (Path::from("f.arrow"), bytes.len() as u64);
        store.put(&path, bytes.into()).await.unwrap();
        InputFile { store, path, size, url: "memory:///f.arrow".to_owned() }
    }

    fn written(as_file: bool) -> Vec<u8> {
        let k = Arc::new(StringViewArray::from(vec![Some("a"), None])) as ArrayRef;
        let v = Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("K", k), ("v", v)]).unwrap();
        if as_file {
            let mut writer = FileWriter::try_new(vec![], &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            writer.into_inner().unwrap()
        } else {
            let mut writer = StreamWriter::try_new(vec![], &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
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
            let file = file(written(as_file)).await;
            let inferred = ArrowFormat.infer_schema(std::slice::from_ref(&file)).await.unwrap();
            assert_eq!(inferred.field(0).data_type(), &DataType::Utf8);
            let rows: Vec<_> = ArrowFormat.read(file, &wide()).try_collect().await.unwrap();
            assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
            assert_eq!(rows[0].column(1).null_count(), 2);
            assert_eq!(rows[0].column(2).as_string::<i32>().value(0), "a");
        }
    }

    #[tokio::test]
    async fn what_is_no_arrow_file_is_an_error() {
        for bytes in [b"ARROW1 but no more".to_vec(), b"nothing of the kind".to_vec(), vec![], {
            let mut cut = written(true);
            cut.truncate(cut.len() / 2);
            cut
        }] {
            let read = ArrowFormat.read(file(bytes).await, &wide()).try_collect::<Vec<_>>().await;
            let error = Error::from(read.unwrap_err());
            assert!(matches!(error, Error::Data { .. }), "{error}");
        }
    }
}
