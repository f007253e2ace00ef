//! The time of the epoch as a column.
//!
//! `current_timestamp` and its relatives must give the logged time of an epoch, also when the epoch
//! is run again. DataFusion would fold them to the time of planning, and a function sees no task;
//! so a node just below the one that uses them adds the time as a column.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::operators::context::EpochContext;
use crate::operators::exec;
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::report::WatermarkId;

use std::time::Duration;

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
        let schema = Arc::clone(self.schema.inner());
        Ok(Arc::new(EpochValuesExec::new(schema, input)))
    }
}

#[derive(Debug, Clone)]
struct EpochValuesExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl EpochValuesExec {
    fn new(schema: SchemaRef, input: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        Self { input, properties: exec::properties(schema, partitions) }
    }
}

impl DisplayAs for EpochValuesExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochValuesExec")
    }
}

impl ExecutionPlan for EpochValuesExec {
    fn name(&self) -> &'static str {
        "EpochValuesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let child = exec::only_child("EpochValuesExec", children)?;
        Ok(Arc::new(Self::new(self.schema(), child)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let micros = EpochContext::of(&context)?.timestamp.saturating_mul(1000);
        let schema = self.schema();
        let output = Arc::clone(&schema);
        let input = self.input.execute(partition, context)?;
        let rows = input.and_then(move |batch| {
            let times = TimestampMicrosecondArray::from_value(micros, batch.num_rows());
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(times.with_timezone("UTC")));
            let batch = RecordBatch::try_new(Arc::clone(&output), columns);
            futures::future::ready(batch.map_err(Into::into))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
