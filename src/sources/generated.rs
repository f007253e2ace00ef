//! What the sources have in common that make their rows themselves, `rate` and `rate-micro-batch`:
//! a row is a number and a point in time, and it is made when it is read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::connector::source::InputPartition;
use crate::error::{Error, Result};

/// How many rows a batch has.
const BATCH_ROWS: i64 = 8192;

/// The columns: `timestamp` and `value`.
pub(super) fn schema() -> SchemaRef {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("timestamp", timestamp, true),
        Field::new("value", DataType::Int64, true),
    ]))
}

/// The numbers from `from` to the one before `to`, and the time of each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Numbers {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The time of the first, milliseconds since 1970 in UTC.
    pub(super) start_millis: i64,
    /// How far the times of two neighbours lie apart, in milliseconds.
    pub(super) step_millis: f64,
}

impl Numbers {
    /// The time of a number, in microseconds.
    fn micros(&self, number: i64) -> i64 {
        let after = ((number - self.from) as f64 * self.step_millis).round();
        self.start_millis.saturating_add(after as i64).saturating_mul(1_000)
    }

    /// Deals the numbers out to partitions, in turns as Spark does.
    pub(super) fn split(self, partitions: usize) -> Result<Vec<InputPartition>> {
        let every = i64::try_from(partitions.max(1)).unwrap_or(i64::MAX);
        let every = every.min(self.to.saturating_sub(self.from));
        let parts = (0..every).map(|index| {
            let json = serde_json::to_value(NumbersPartition { numbers: self, index, every });
            json.map(InputPartition).map_err(|error| Error::internal(error.to_string()))
        });
        parts.collect()
    }
}

/// Every so-manieth of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct NumbersPartition {
    numbers: Numbers,
    index: i64,
    every: i64,
}

impl NumbersPartition {
    /// The rows, of which batches are made one after the other.
    pub(super) fn rows(self, projection: Option<&[usize]>) -> Result<SendableRecordBatchStream> {
        let columns: Vec<usize> = projection.map_or_else(|| vec![0, 1], <[usize]>::to_vec);
        let schema = Arc::new(schema().project(&columns)?);
        let Self { numbers, index, every } = self;
        let first = numbers.from.saturating_add(index);
        let count = divided_up(numbers.to.saturating_sub(first).max(0), every.max(1));
        let of_batch = Arc::clone(&schema);
        let batches = (0..divided_up(count, BATCH_ROWS)).map(move |batch| {
            let from = batch * BATCH_ROWS;
            let rows = from..count.min(from + BATCH_ROWS);
            let values: Vec<i64> = rows.map(|row| first + row * every).collect();
            make(&numbers, values, &columns, &of_batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches))))
    }
}

/// How many pieces of a size there are in so many rows.
const fn divided_up(rows: i64, size: i64) -> i64 {
    rows / size + (rows % size != 0) as i64
}

fn make(
    numbers: &Numbers,
    values: Vec<i64>,
    columns: &[usize],
    schema: &SchemaRef,
) -> DfResult<RecordBatch> {
    let times: TimestampMicrosecondArray =
        values.iter().map(|value| Some(numbers.micros(*value))).collect();
    let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
    let values: ArrayRef = Arc::new(Int64Array::from(values));
    let picked =
        columns.iter().map(|at| if *at == 0 { Arc::clone(&times) } else { Arc::clone(&values) });
    Ok(RecordBatch::try_new(Arc::clone(schema), picked.collect())?)
}
