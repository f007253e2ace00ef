//! Puts the stored row of each touched key before its new one.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Result;
use crate::operators::aggregate::save::StateAddress;
use crate::operators::exec;
use crate::state::store::StateStore;

/// Gives for each batch first the stored rows of its keys, then the batch itself. The order
/// matters to aggregates such as `first` and `last`.
#[derive(Debug, Clone)]
pub struct StateRestoreExec {
    address: Arc<StateAddress>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl StateRestoreExec {
    /// Reads the state at `address` for the keys of `input`, each of which must come once.
    pub fn new(address: Arc<StateAddress>, input: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = exec::properties(input.schema(), partitions);
        Self { address, input, properties }
    }
}

impl DisplayAs for StateRestoreExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateRestoreExec: {}", self.address.operator)
    }
}

impl ExecutionPlan for StateRestoreExec {
    fn name(&self) -> &'static str {
        "StateRestoreExec"
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
        let child = exec::only_child("StateRestoreExec", children)?;
        Ok(Arc::new(Self::new(Arc::clone(&self.address), child)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let schema = input.schema();
        let address = Arc::clone(&self.address);
        let output = Arc::clone(&schema);
        let rows = stream::once(async move {
            let store = address.open(partition, &context).await?;
            let keys = address.keys();
            Ok::<_, DataFusionError>(
                input.map(move |batch| restore(&batch?, keys, store.as_ref(), &output)),
            )
        })
        .try_flatten()
        .map_ok(|batches| stream::iter(batches.into_iter().map(DfResult::Ok)))
        .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

fn restore(
    batch: &RecordBatch,
    keys: usize,
    store: &dyn StateStore,
    schema: &SchemaRef,
) -> DfResult<Vec<RecordBatch>> {
    let keys = &batch.columns()[..keys];
    let found = store.get_many(keys)?;
    if found.positions.is_empty() {
        return Ok(vec![batch.clone()]);
    }
    let mut columns: Vec<ArrayRef> = keys
        .iter()
        .map(|key| Ok(compute::take(key, &found.positions, None)?))
        .collect::<Result<_>>()?;
    columns.extend(found.values);
    Ok(vec![RecordBatch::try_new(Arc::clone(schema), columns)?, batch.clone()])
}
