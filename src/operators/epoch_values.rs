//! The time of the epoch as a column.
//!
//! `current_timestamp` and its relatives must give the logged time of an epoch, also when the epoch
//! is run again. DataFusion would fold them to the time of planning, and a function sees no task;
//! so a node just below the one that uses them adds the time as a column.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::operators::context::EpochContext;
use crate::operators::exec::{self, Partition, RowExec, RowOperator};
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::report::WatermarkId;

/// The name of the column: the time of the epoch as TIMESTAMP.
pub const BATCH_TIME: &str = "__batch_time";

/// Puts the time of the epoch behind the columns of `input`.
///
/// # Errors
/// Those of DataFusion's schemas.
pub fn with_batch_time(input: LogicalPlan) -> Result<LogicalPlan> {
    Ok(StreamingNode::plan(Arc::new(EpochValuesOperator::try_new(input)?)))
}

fn time_field() -> Field {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Field::new(BATCH_TIME, time, false)
}

#[derive(Debug, Clone)]
struct EpochValuesOperator {
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl EpochValuesOperator {
    fn try_new(input: LogicalPlan) -> DfResult<Self> {
        let mut fields: Vec<_> = input
            .schema()
            .iter()
            .map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)))
            .collect();
        fields.push((None, Arc::new(time_field())));
        let metadata = input.schema().metadata().clone();
        let schema = Arc::new(DFSchema::new_with_metadata(fields, metadata)?);
        Ok(Self { input, schema })
    }
}

impl StreamingOperator for EpochValuesOperator {
    fn name(&self) -> &'static str {
        "EpochValues"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn with(
        &self,
        _exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>> {
        let [input] = <[_; 1]>::try_from(inputs)
            .map_err(|_inputs| Error::internal("EpochValues has one input"))?;
        Ok(Arc::new(Self::try_new(input)?))
    }

    fn describe(&self) -> String {
        "batch time".to_owned()
    }

    fn pinned_columns(&self) -> HashSet<String> {
        HashSet::from([BATCH_TIME.to_owned()])
    }

    fn needed_columns(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let own = self.input.schema().fields().len();
        Some(vec![output.iter().copied().filter(|index| *index < own).collect()])
    }

    fn event_time(&self, inputs: &[Vec<bool>]) -> Vec<bool> {
        inputs.iter().flatten().copied().chain([false]).collect()
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        None
    }

    fn lower(
        &self,
        _planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = exec::only_child("EpochValues", inputs.to_vec())?;
        Ok(RowExec::plan(AppendBatchTime, input)?)
    }
}

/// Puts the time of the epoch behind the columns of every row.
#[derive(Debug)]
struct AppendBatchTime;

impl RowOperator for AppendBatchTime {
    fn name(&self) -> &'static str {
        "EpochValuesExec"
    }

    fn describe(&self) -> String {
        BATCH_TIME.to_owned()
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        let fields = input.fields().iter().cloned().chain([Arc::new(time_field())]);
        Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let micros = EpochContext::of(&partition.task)?.timestamp.saturating_mul(1000);
        let schema = Arc::clone(&partition.schema);
        let rows = input.and_then(move |batch| {
            let times = TimestampMicrosecondArray::from_value(micros, batch.num_rows());
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(times.with_timezone("UTC")));
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
            futures::future::ready(batch.map_err(Into::into))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(partition.schema, rows)))
    }
}
