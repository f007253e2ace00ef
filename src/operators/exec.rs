//! What the execution plans of all operators share: they read one input and go through its rows.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::TryStreamExt;

use crate::checkpoint::id::OperatorId;
use crate::error::{Error, Result};
use crate::operators::observe::metrics::Metrics;

/// An operator that goes through the rows of one input, partition by partition.
///
/// It is complete when it is made and holds no handle: what an epoch needs comes with the task.
pub trait RowOperator: fmt::Debug + Send + Sync + 'static {
    /// The name in plans.
    fn name(&self) -> &'static str;

    /// What EXPLAIN says of it, besides its name.
    fn describe(&self) -> String;

    /// The columns it gives.
    ///
    /// # Errors
    /// `Internal` for an input that it cannot read.
    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef>;

    /// The operator whose state it writes in each of its partitions, if it does: the epoch then
    /// waits for all of them, whatever the operators above ask for.
    fn writes_state(&self) -> Option<&OperatorId> {
        None
    }

    /// The metrics that it computes of its rows, if it does.
    fn observes(&self) -> Option<&Arc<Metrics>> {
        None
    }

    /// Goes through the rows of one partition and gives rows with the columns `schema`.
    ///
    /// # Errors
    /// `Internal` outside of an epoch.
    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream>;
}

/// The partition that an operator goes through.
#[derive(Debug)]
pub struct Partition {
    /// Its number.
    pub index: usize,
    /// The task, which knows the epoch.
    pub task: Arc<TaskContext>,
    /// The columns to give.
    pub schema: SchemaRef,
}

/// The execution plan of a [`RowOperator`]. It promises nothing about order, so that no aggregate
/// above thinks its input sorted and emits early.
#[derive(Debug)]
pub struct RowExec {
    operator: Arc<dyn RowOperator>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RowExec {
    /// A plan that lets `operator` go through the rows of `input`.
    ///
    /// # Errors
    /// `Internal` for an input that the operator cannot read.
    pub fn plan(
        operator: impl RowOperator,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Self::over(Arc::new(operator), input)
    }

    fn over(
        operator: Arc<dyn RowOperator>,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = operator.schema(&input.schema())?;
        let properties = properties(schema, input.output_partitioning().partition_count());
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Arc::new(Self { operator, input, properties, metrics }))
    }

    /// The operator of a plan, if it is one of these.
    pub fn operator_of(plan: &Arc<dyn ExecutionPlan>) -> Option<&dyn RowOperator> {
        plan.downcast_ref::<Self>().map(|exec| exec.operator.as_ref())
    }
}

impl DisplayAs for RowExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operator.name(), self.operator.describe())
    }
}

impl ExecutionPlan for RowExec {
    fn name(&self) -> &'static str {
        self.operator.name()
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
        let input = only_child(self.operator.name(), children)?;
        Ok(Self::over(Arc::clone(&self.operator), input)?)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let schema = self.schema();
        let partition = Partition { index: partition, task: context, schema: Arc::clone(&schema) };
        let rows = self.operator.execute(partition, input)?;
        let counted = rows.inspect_ok(move |batch| baseline.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, counted)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Properties of a plan that promises nothing about order. An epoch is finite, so the plan is
/// bounded even though the table is not.
pub fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// The only child in `children`.
///
/// # Errors
/// `Internal` when there is not exactly one.
pub fn only_child(
    name: &str,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    <[_; 1]>::try_from(children).map(|[child]| child).map_err(|children| {
        DataFusionError::from(Error::internal(format!("{name} got {} children", children.len())))
    })
}
