//! Finds the row for which an expression failed, once it has.
//!
//! While a plan runs nobody notes where rows come from, which would cost in each epoch what is
//! asked for once. So the files are read again, one by one, through that part of the plan which
//! looks at each row by itself, until the expression fails again; then the batch is halved until
//! one row is left. An expression that fails later, over groups, has no such row: then the files
//! are named.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect};
use futures::StreamExt;

use crate::connector::one_file::OneFile;
use crate::connector::source::InputPartition;
use crate::error::{Error, ErrorKind};
use crate::operators::scan_exec::StreamScanExec;
use crate::runtime::clock::Stopwatch;

/// How long the row is looked for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many files are named where the row is not known.
const MOST_FILES: usize = 3;

/// Plans that give the rows of their input as they are.
const PASSES: &[&str] = &[
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CollectMetrics",
    "CooperativeExec",
    "EventTimeWatermark",
    "RepartitionExec",
    "SortPreservingMergeExec",
];

/// The error with the row that it is about, or the files that were read, where they are known.
pub async fn locate(plan: &Arc<dyn ExecutionPlan>, task: &Arc<TaskContext>, error: Error) -> Error {
    let Some(failed) = evaluation(&error) else { return error };
    let leaves = leaves(plan);
    let watch = Stopwatch::start();
    let mut files: Vec<String> = vec![];
    let mut all_known = true;
    for leaf in &leaves {
        let Ok(parts) = leaf.parts(task) else { return error };
        all_known = all_known && !parts.is_empty();
        files.extend(parts.iter().map(|part| part.name.clone()));
        for part in parts {
            if let Ok(Some((record, failed))) =
                leaf.first_failure(&part, &failed, task, &watch).await
            {
                return failed.at(format!(" on record {record} of `{}`", part.name));
            }
        }
    }
    if !all_known || files.is_empty() {
        return failed.into();
    }
    let more = files.len().saturating_sub(MOST_FILES);
    let mut named: Vec<String> =
        files.iter().take(MOST_FILES).map(|file| format!("`{file}`")).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let one = if files.len() == 1 { "file" } else { "files" };
    failed.at(format!(" over the rows of the {one} {}", named.join(", ")))
}

/// An expression that failed.
#[derive(Debug, Clone)]
struct Failed {
    expression: String,
    reason: String,
    kind: ErrorKind,
}

impl Failed {
    fn at(self, place: String) -> Error {
        let Self { expression, reason, kind } = self;
        Error::Evaluation { expression, place: Some(place), reason, kind }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let Failed { expression, reason, kind } = failed;
        Self::Evaluation { expression, place: None, reason, kind }
    }
}

/// The expression that failed, if that is what happened, and its row is not known yet.
fn evaluation(error: &Error) -> Option<Failed> {
    match error {
        Error::Evaluation { expression, place: None, reason, kind } => {
            Some(Failed { expression: expression.clone(), reason: reason.clone(), kind: *kind })
        }
        Error::DataFusion { error } => match error.find_root() {
            DataFusionError::External(inner) => evaluation(inner.downcast_ref::<Error>()?),
            _ => None,
        },
        _ => None,
    }
}

/// A plan that reads, and what goes on with each row by itself above it, the nearest first.
#[derive(Debug)]
struct Leaf {
    scan: Arc<dyn ExecutionPlan>,
    above: Vec<Arc<dyn ExecutionPlan>>,
}

/// One file, and how it is found again.
#[derive(Debug)]
struct Part {
    name: String,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Stream(InputPartition),
    Table { partition: usize, index: usize },
}

/// The plans that read, from left to right.
fn leaves(plan: &Arc<dyn ExecutionPlan>) -> Vec<Leaf> {
    fn walk(plan: &Arc<dyn ExecutionPlan>, path: &[Arc<dyn ExecutionPlan>], out: &mut Vec<Leaf>) {
        let children = plan.children();
        if children.is_empty() {
            let above = path.iter().rev();
            let rows = above.clone().take_while(|node| is_by_row(node)).count();
            let above = above.take(rows + 1).cloned();
            // What ends the part is looked at as far as it computes something for each row.
            let above = above.filter(|node| is_by_row(node) || computes_first(node));
            out.push(Leaf { scan: Arc::clone(plan), above: above.collect() });
            return;
        }
        let path = [path, &[Arc::clone(plan)]].concat();
        for child in children {
            walk(child, &path, out);
        }
    }
    let mut out = vec![];
    walk(plan, &[], &mut out);
    out
}

/// Whether each row goes through a plan by itself.
fn is_by_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<UnnestExec>()
        || PASSES.contains(&plan.name())
}

/// Whether a plan computes expressions for each row, before it does something with all of them.
fn computes_first(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<AggregateExec>() || plan.is::<SortExec>()
}

impl Leaf {
    /// The files that are read. None for what has no files.
    fn parts(&self, task: &Arc<TaskContext>) -> DfResult<Vec<Part>> {
        if let Some(scan) = self.scan.downcast_ref::<StreamScanExec>() {
            let parts = scan.named_parts(task)?.into_iter();
            let part = |(name, input)| Part { name, origin: Origin::Stream(input) };
            return Ok(parts.map(part).collect());
        }
        if !self.scan.is::<StreamingTableExec>() {
            return Ok(vec![]);
        }
        let mut parts = vec![];
        for partition in 0..self.scan.output_partitioning().partition_count() {
            for index in 0.. {
                let (one, _rows) = self.table(partition, index, task)?;
                let Some(name) = one.name() else { break };
                let origin = Origin::Table { partition, index };
                parts.push(Part { name: name.to_owned(), origin });
            }
        }
        Ok(parts)
    }

    /// One file of a table.
    fn table(
        &self,
        partition: usize,
        index: usize,
        task: &Arc<TaskContext>,
    ) -> DfResult<(Arc<OneFile>, SendableRecordBatchStream)> {
        let one = Arc::new(OneFile::new(index));
        let config = task.session_config().clone().with_extension(Arc::clone(&one));
        // The plan is bound already; it looks no function up.
        let task = TaskContext::new(
            task.task_id(),
            task.session_id(),
            config,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            task.runtime_env(),
        );
        let rows = self.scan.execute(partition, Arc::new(task))?;
        Ok((one, rows))
    }

    /// The first record of a file for which the expression fails, and how, if there is one.
    async fn first_failure(
        &self,
        part: &Part,
        failed: &Failed,
        task: &Arc<TaskContext>,
        watch: &Stopwatch,
    ) -> DfResult<Option<(usize, Failed)>> {
        let stream = self.scan.downcast_ref::<StreamScanExec>();
        let mut rows = match (&part.origin, stream) {
            (Origin::Stream(input), Some(scan)) => scan.read_all(input, task).await?,
            (Origin::Table { partition, index }, _) => self.table(*partition, *index, task)?.1,
            (Origin::Stream(_), None) => return Ok(None),
        };
        let mut before = 0;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let Some(mut found) = self.fails(&batch, failed, task).await? else {
                before += batch.num_rows();
                if watch.elapsed() > PATIENCE {
                    return Ok(None);
                }
                continue;
            };
            let (mut good, mut bad) = (0, batch.num_rows());
            while bad - good > 1 {
                let middle = good.midpoint(bad);
                match self.fails(&batch.slice(good, middle - good), failed, task).await? {
                    Some(again) => (bad, found) = (middle, again),
                    None => good = middle,
                }
            }
            return Ok(Some((before + bad, found)));
        }
        Ok(None)
    }

    /// How the expression fails for some of these rows, if it does.
    async fn fails(
        &self,
        rows: &RecordBatch,
        failed: &Failed,
        task: &Arc<TaskContext>,
    ) -> DfResult<Option<Failed>> {
        let rows = match self.scan.downcast_ref::<StreamScanExec>() {
            Some(scan) => scan.give(rows.clone())?,
            None => rows.clone(),
        };
        let schema = rows.schema();
        let mut plan: Arc<dyn ExecutionPlan> =
            MemorySourceConfig::try_new_exec(&[vec![rows]], schema, None)?;
        for node in &self.above {
            if !PASSES.contains(&node.name()) {
                plan = replace_children_if_necessary(Arc::clone(node), vec![plan])?;
            }
        }
        match collect(plan, Arc::clone(task)).await {
            Ok(_) => Ok(None),
            Err(error) => match evaluation(&Error::from(error)) {
                Some(found) if found.expression == failed.expression => Ok(Some(found)),
                _ => Ok(None),
            },
        }
    }
}
