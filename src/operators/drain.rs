//! Runs every stateful operator of a plan to its end, whatever the operators above asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::checkpoint::commit_log::StateCommit;
use crate::checkpoint::id::{OperatorId, PartitionId};
use crate::error::{Error, Result};
use crate::operators::exec::RowExec;
use crate::operators::region::StatefulPlan;
use crate::operators::report::EpochReport;

/// Waits for the tasks that write state, and starts those that nobody above has started.
///
/// The streams of the plan must have been dropped, so that no task waits for a consumer.
///
/// # Errors
/// The first error of a task.
pub async fn drain(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    report: &EpochReport,
) -> Result<()> {
    let mut started = Vec::new();
    start_idle(plan, context, report, &mut started)?;
    drop(started);
    let mut failed = None;
    for task in report.take_state_tasks() {
        let ended = task.await.and_then(std::convert::identity);
        failed = failed.or_else(|| ended.err());
    }
    failed.map_or(Ok(()), Err)
}

fn start_idle(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    report: &EpochReport,
    started: &mut Vec<datafusion::execution::SendableRecordBatchStream>,
) -> Result<()> {
    for child in plan.children() {
        start_idle(child, context, report, started)?;
    }
    let Some(operator) = writes_state(plan) else { return Ok(()) };
    for partition in 0..plan.output_partitioning().partition_count() {
        if !report.has_started(operator, partition) {
            started.push(plan.execute(partition, Arc::clone(context))?);
        }
    }
    Ok(())
}

/// The operator whose state a plan writes, if it does.
fn writes_state(plan: &Arc<dyn ExecutionPlan>) -> Option<&OperatorId> {
    RowExec::operator_of(plan)?.writes_state()
}

/// The state after the epoch, if every partition of every operator has written its version.
///
/// # Errors
/// `Internal` for a partition that has not.
pub fn written_state(
    operators: &[StatefulPlan],
    report: &EpochReport,
) -> Result<BTreeMap<OperatorId, Vec<StateCommit>>> {
    let reports = report.operators();
    let mut state = BTreeMap::new();
    for operator in operators {
        let partitions = reports.get(&operator.id).map(|report| &report.partitions);
        let mut commits = Vec::with_capacity(operator.partitions);
        for partition in (0..operator.partitions).filter_map(|p| u32::try_from(p).ok()) {
            let written = partitions.and_then(|all| all.get(&PartitionId(partition)));
            let written = written.ok_or_else(|| {
                Error::internal(format!(
                    "partition {partition} of `{}` did not write its state",
                    operator.id
                ))
            })?;
            commits.push(written.commit.clone());
        }
        state.insert(operator.id.clone(), commits);
    }
    Ok(state)
}
