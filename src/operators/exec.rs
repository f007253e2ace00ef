//! What the execution plans of all operators share: they read one input and go through its rows.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};

use crate::error::{Error, Result};

/// An operator that goes through the rows of one input, partition by partition.
///
/// It is complete when it is made and holds no handle: what an epoch needs comes with the task.
pub trait RowOperator: fmt::Debug + Send + Sync + 'static {
    /// The name in plans.
    const NAME: &'static str;

    /// What EXPLAIN says of it, besides its name.
    fn describe(&self) -> String;

    /// The columns it gives.
    ///
    /// # Errors
    /// `Internal` for an input that it cannot read.
    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef>;

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
pub struct RowExec<O> {
    operator: Arc<O>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl<O: RowOperator> RowExec<O> {
    /// A plan that lets `operator` go through the rows of `input`.
    ///
    /// # Errors
    /// `Internal` for an input that the operator cannot read.
    pub fn plan(operator: O, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        Self::over(Arc::new(operator), input)
    }

    fn over(operator: Arc<O>, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = operator.schema(&input.schema())?;
        let properties = properties(schema, input.output_partitioning().partition_count());
        Ok(Arc::new(Self { operator, input, properties }))
    }

    /// The operator.
    pub fn operator(&self) -> &O {
        &self.operator
    }
}

impl<O: RowOperator> DisplayAs for RowExec<O> {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", O::NAME, self.operator.describe())
    }
}

impl<O: RowOperator> ExecutionPlan for RowExec<O> {
    fn name(&self) -> &'static str {
        O::NAME
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
        Ok(Self::over(Arc::clone(&self.operator), only_child(O::NAME, children)?)?)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let partition = Partition { index: partition, task: context, schema: self.schema() };
        self.operator.execute(partition, input)
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
