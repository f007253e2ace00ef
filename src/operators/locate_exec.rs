//! The root of a plan over tables whose expressions can fail: an error learns of which row it is.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use crate::error::Error;
use crate::operators::exec::only_child;
use crate::operators::locate::locate;

/// Lets all rows pass; an error goes on with the row that it is about.
#[derive(Debug)]
pub struct LocateExec(Arc<dyn ExecutionPlan>);

impl LocateExec {
    /// The plan, with errors that name their rows where it reads tables that can tell.
    pub fn over(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let reads_files = plan.exists(|node| Ok(node.is::<StreamingTableExec>()));
        if reads_files.unwrap_or(false) { Arc::new(Self(plan)) } else { plan }
    }

    /// The plan as it is shown.
    pub fn inner(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        match plan.downcast_ref::<Self>() {
            Some(located) => Arc::clone(&located.0),
            None => plan,
        }
    }
}

impl DisplayAs for LocateExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocateExec")
    }
}

impl ExecutionPlan for LocateExec {
    fn name(&self) -> &'static str {
        "LocateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
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
        Ok(Arc::new(Self(only_child("LocateExec", children)?)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let rows = self.0.execute(partition, Arc::clone(&context))?;
        let schema = rows.schema();
        let plan = Arc::clone(&self.0);
        let rows = rows.then(move |batch| {
            let (plan, context) = (Arc::clone(&plan), Arc::clone(&context));
            async move {
                match batch {
                    Ok(batch) => Ok(batch),
                    Err(error) => {
                        let error = Box::pin(locate(&plan, &context, Error::from(error))).await;
                        Err(DataFusionError::from(error))
                    }
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
