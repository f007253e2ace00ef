//! From what the partitions of an epoch saw to one row of metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::scalar::ScalarValue;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::formats::encode::encoder::FileEncoding;
use crate::formats::encode::json::encoding::JsonEncoding;

/// The metrics of one epoch, or of one query over a table: values by name, as JSON has them.
pub type ObservedRow = Map<String, Value>;

/// What one partition saw: the state of each accumulator.
pub type Partial = Vec<Vec<ScalarValue>>;

/// Several named metrics that are computed together.
#[derive(Debug)]
pub struct Metrics {
    /// What they are called together.
    pub name: String,
    /// The aggregates that they are made of.
    pub aggregates: Vec<Arc<AggregateFunctionExpr>>,
    /// One row of these has the results of the aggregates.
    pub results: SchemaRef,
    /// The metrics over that row.
    pub values: Vec<(String, Arc<dyn PhysicalExpr>)>,
}

impl Metrics {
    /// Accumulators that have seen nothing.
    ///
    /// # Errors
    /// Those of DataFusion's functions.
    pub fn accumulators(&self) -> Result<Vec<Box<dyn Accumulator>>> {
        let of = |aggregate: &Arc<AggregateFunctionExpr>| aggregate.create_accumulator();
        Ok(self.aggregates.iter().map(of).collect::<datafusion::error::Result<_>>()?)
    }

    /// The metrics of all that the partitions saw.
    ///
    /// # Errors
    /// Those of DataFusion's functions, such as a sum that overflows.
    pub fn row<'a>(&self, partials: impl IntoIterator<Item = &'a Partial>) -> Result<ObservedRow> {
        let mut accumulators = self.accumulators()?;
        for partial in partials {
            for (accumulator, state) in accumulators.iter_mut().zip(partial) {
                let arrays: Vec<ArrayRef> =
                    state.iter().map(ScalarValue::to_array).collect::<Result<_, _>>()?;
                accumulator.merge_batch(&arrays)?;
            }
        }
        let results: Vec<ArrayRef> = accumulators
            .iter_mut()
            .map(|accumulator| accumulator.evaluate()?.to_array())
            .collect::<Result<_, _>>()?;
        let one = RecordBatchOptions::new().with_row_count(Some(1));
        let results = RecordBatch::try_new_with_options(Arc::clone(&self.results), results, &one)?;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (name, value) in &self.values {
            let column = value.evaluate(&results)?.into_array(1)?;
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let row = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        as_json(&row)
    }
}

fn as_json(row: &RecordBatch) -> Result<ObservedRow> {
    let mut encoder = JsonEncoding::default().start(&row.schema())?;
    encoder.write(row)?;
    let mut bytes = encoder.take();
    bytes.extend(encoder.finish()?);
    let mut values: ObservedRow = serde_json::from_slice(&bytes)
        .map_err(|error| Error::internal(format!("metrics are no JSON object: {error}")))?;
    // The rows of the json format leave out what is null.
    for field in row.schema().fields() {
        values.entry(field.name()).or_insert(Value::Null);
    }
    Ok(values)
}

/// Names metrics, and gives those of a query over a table when it has run.
///
/// Of a name alone there is nothing to give. The metrics of a stream are in the progress reports of
/// its query.
#[derive(Clone)]
pub struct Observation {
    name: String,
    seen: Option<Arc<Mutex<Seen>>>,
}

/// What the first run of a query saw, by partition.
#[derive(Default)]
struct Seen {
    metrics: Option<Arc<Metrics>>,
    partials: BTreeMap<usize, Partial>,
}

impl Observation {
    /// An observation of one query over a table.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), seen: Some(Arc::default()) }
    }

    /// What the metrics are called together.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether metrics can be asked of it.
    pub const fn is_kept(&self) -> bool {
        self.seen.is_some()
    }

    /// The metrics of the first run of the query, if it has run.
    ///
    /// # Errors
    /// Those of DataFusion's functions, such as a sum that overflows.
    pub fn get(&self) -> Result<Option<ObservedRow>> {
        let Some(seen) = self.lock() else { return Ok(None) };
        let row = |metrics: &Arc<Metrics>| metrics.row(seen.partials.values());
        seen.metrics.as_ref().map(row).transpose()
    }

    /// Takes what a partition saw, unless it was seen before.
    pub(crate) fn add(&self, metrics: &Arc<Metrics>, partition: usize, partial: Partial) {
        if let Some(mut seen) = self.lock() {
            seen.metrics.get_or_insert_with(|| Arc::clone(metrics));
            seen.partials.entry(partition).or_insert(partial);
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Seen>> {
        self.seen.as_ref().map(|seen| seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<&str> for Observation {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), seen: None }
    }
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation").field("name", &self.name).finish_non_exhaustive()
    }
}
