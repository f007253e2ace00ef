//! Parquet, with timestamps in microseconds as everywhere else.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::new_null_array;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::DataFusionError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder, with_schema};

/// A row group ends at this size, so that a reader can split a large file and the writer of one
/// does not hold all of it.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// Fast.
    #[default]
    Snappy,
    /// Small.
    Zstd,
}

impl FromStr for ParquetCompression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Error::invalid(format!(
                "there is no compression `{text}` for parquet; use `snappy`, `zstd` or `none`"
            ))),
        }
    }
}

/// Parquet with a compression.
#[derive(Debug, Clone, Copy, Default)]
pub struct ParquetEncoding {
    compression: ParquetCompression,
}

impl ParquetEncoding {
    /// Parquet with this compression.
    pub const fn new(compression: ParquetCompression) -> Self {
        Self { compression }
    }

    fn properties(self) -> WriterProperties {
        let compression = match self.compression {
            ParquetCompression::None => Compression::UNCOMPRESSED,
            ParquetCompression::Snappy => Compression::SNAPPY,
            ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
        };
        WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build()
    }

    fn probe(self, data_type: &DataType) -> Result<(), ParquetError> {
        let schema = Schema::new(vec![Field::new("probe", data_type.clone(), true)]);
        let rows = RecordBatch::try_new(Arc::new(schema), vec![new_null_array(data_type, 1)])?;
        let mut writer = ArrowWriter::try_new(vec![], rows.schema(), Some(self.properties()))?;
        writer.write(&rows)?;
        writer.close()?;
        Ok(())
    }
}

impl FileEncoding for ParquetEncoding {
    fn extension(&self) -> &str {
        match self.compression {
            ParquetCompression::None => ".parquet",
            ParquetCompression::Snappy => ".snappy.parquet",
            ParquetCompression::Zstd => ".zstd.parquet",
        }
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        if schema.fields().is_empty() {
            return Err(Error::unsupported(
                "rows without columns cannot be written as parquet; select a column",
            ));
        }
        // The writer finds out about some types only when it sees a value, so one is written.
        for field in in_micros(schema).fields() {
            let (name, data_type) = (field.name(), field.data_type());
            self.probe(data_type).map_err(|error| {
                Error::unsupported(format!(
                    "column `{name}` of type {data_type} cannot be written as parquet, cast it to \
                     another type: {error}"
                ))
            })?;
        }
        Ok(())
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        let stored = in_micros(schema);
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&stored), Some(self.properties()))
            .map_err(|error| Error::unsupported(format!("parquet cannot hold this: {error}")))?;
        Ok(Box::new(ParquetEncoder { writer, given: Arc::clone(schema), stored }))
    }
}

#[derive(Debug)]
struct ParquetEncoder {
    writer: ArrowWriter<Vec<u8>>,
    given: SchemaRef,
    stored: SchemaRef,
}

impl RowEncoder for ParquetEncoder {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = with_schema(rows, &self.given)?;
        let rows = if self.given == self.stored { rows } else { convert(&rows, &self.stored)? };
        self.writer.write(&rows).map_err(parquet_error)
    }

    fn ready(&self) -> usize {
        self.writer.inner().len()
    }

    fn held(&self) -> usize {
        self.ready() + self.writer.memory_size()
    }

    fn take(&mut self) -> Vec<u8> {
        // The writer counts its bytes in a layer above, so its buffer may be emptied.
        std::mem::take(self.writer.inner_mut())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.into_inner().map_err(parquet_error)
    }
}

fn parquet_error(error: ParquetError) -> Error {
    DataFusionError::ParquetError(Box::new(error)).into()
}

fn convert(rows: &RecordBatch, to: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(rows.num_columns());
    for (column, field) in rows.columns().iter().zip(to.fields()) {
        columns.push(cast(column, field.data_type())?);
    }
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(to), columns, &count)?)
}

fn in_micros(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().map(field_in_micros).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn field_in_micros(field: &FieldRef) -> FieldRef {
    let data_type = type_in_micros(field.data_type());
    Arc::new(Field::clone(field).with_data_type(data_type))
}

fn type_in_micros(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::List(item) => DataType::List(field_in_micros(item)),
        DataType::LargeList(item) => DataType::LargeList(field_in_micros(item)),
        DataType::Map(entries, sorted) => DataType::Map(field_in_micros(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field_in_micros).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, Int64Array, IntervalMonthDayNanoArray, StructArray, TimestampMillisecondArray,
    };
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn read(file: Vec<u8>) -> RecordBatch {
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
        let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    fn numbers(values: std::ops::Range<i64>) -> RecordBatch {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("v", values)]).unwrap()
    }

    #[test]
    fn bytes_taken_on_the_way_and_at_the_end_make_one_file() {
        for compression in ["none", "snappy", "zstd"] {
            let encoding = ParquetEncoding::new(compression.parse().unwrap());
            let mut encoder = encoding.start(&numbers(0..1).schema()).unwrap();
            let mut file = vec![];
            // More rows than a row group takes, so that some bytes are ready before the end.
            for start in [0, 600_000] {
                encoder.write(&numbers(start..start + 600_000)).unwrap();
                let ready = encoder.ready();
                let taken = encoder.take();
                assert_eq!(taken.len(), ready);
                file.extend(taken);
            }
            assert!(!file.is_empty(), "{compression}");
            file.extend(encoder.finish().unwrap());
            assert_eq!(read(file), numbers(0..1_200_000), "{compression}");
        }
    }

    #[test]
    fn timestamps_are_stored_in_microseconds_at_any_depth() {
        let millis: ArrayRef =
            Arc::new(TimestampMillisecondArray::from(vec![Some(5), None]).with_timezone("UTC"));
        let field = Field::new("at", millis.data_type().clone(), true);
        let nested: ArrayRef =
            Arc::new(StructArray::from(vec![(Arc::new(field), Arc::clone(&millis))]));
        let rows = RecordBatch::try_from_iter([("at", millis), ("s", nested)]).unwrap();
        let mut encoder = ParquetEncoding::default().start(&rows.schema()).unwrap();
        encoder.write(&rows).unwrap();
        let back = read(encoder.finish().unwrap());
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(back.column(0).data_type(), &micros);
        assert_eq!(back, convert(&rows, &in_micros(&rows.schema())).unwrap());
    }

    #[test]
    fn a_column_that_parquet_cannot_hold_is_named() {
        let intervals: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![None]));
        let rows = RecordBatch::try_from_iter([
            ("v", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
            ("i", intervals),
        ]);
        let error = ParquetEncoding::default().check(&rows.unwrap().schema()).unwrap_err();
        assert!(error.to_string().starts_with("column `i` of type"), "{error}");
    }

    #[test]
    fn an_unknown_compression_is_refused() {
        assert!("lzo".parse::<ParquetCompression>().is_err());
        assert_eq!("UNCOMPRESSED".parse::<ParquetCompression>().unwrap(), ParquetCompression::None);
    }
}
