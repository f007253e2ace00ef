//! One epoch, from its fixed offsets to its entry in the commit log.
//!
//! | crash after            | what a restart does                                              |
//! |------------------------|------------------------------------------------------------------|
//! | `offsets/N`            | runs epoch N with the same offsets                               |
//! | rows or state written  | the same; what was written is never seen                         |
//! | the sink's commit      | the same, but the sink says that it is done: only state is made  |
//! | `commits/N`            | goes on with epoch N + 1                                         |

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use futures::future::try_join_all;

use crate::checkpoint::claim::Claim;
use crate::checkpoint::commit_log::CommitEntry;
use crate::checkpoint::id::StateVersion;
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::checkpoint::table_log::purge_unread;
use crate::connector::sink::{CommitMessage, SinkBatch, SinkState, SinkWriter, StreamSink};
use crate::connector::source::{InputPartition, MicroBatchSource};
use crate::error::{Error, Result};
use crate::event_time::watermark::Watermark;
use crate::metrics::phase;
use crate::operators::context::{EpochContext, EpochResources, bind};
use crate::operators::drain::{drain, written_state};
use crate::operators::locate::locate;
use crate::operators::observe::metrics::ObservedRow;
use crate::operators::report::EpochReport;
use crate::physical::watermark_propagation::propagate;
use crate::query::next_epoch::Offsets;
use crate::query::planning::QueryPlan;
use crate::query::static_tables::Versions;
use crate::query::watermark_tracker::WatermarkTracker;
use crate::runtime::clock::{Durations, Stopwatch};
use crate::runtime::task;
use crate::state::registry::StateRegistry;

/// What the epochs of one run have in common.
#[derive(Debug)]
pub struct Run {
    /// The id of the query.
    pub query_id: String,
    /// The plan.
    pub plan: QueryPlan,
    /// The sources, by name.
    pub sources: Arc<BTreeMap<String, Arc<dyn MicroBatchSource>>>,
    /// The sink.
    pub sink: Arc<dyn StreamSink>,
    /// What all epochs tell the sink; the epoch itself is filled in for each.
    pub batch: SinkBatch,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The claim of the run on it.
    pub claim: Claim,
    /// The state stores.
    pub state: Arc<StateRegistry>,
}

/// An epoch whose input is fixed.
#[derive(Debug, Clone)]
pub struct FixedEpoch {
    /// The epoch.
    pub epoch: u64,
    /// What the offset log says of it.
    pub entry: OffsetEntry,
    /// Where its input begins.
    pub start: Offsets,
    /// Which version of each static table it reads.
    pub tables: Versions,
    /// The watermark of the epoch before.
    pub late: Watermark,
}

/// What became of an epoch.
#[derive(Debug)]
pub struct EpochOutcome {
    /// What the operators did.
    pub report: Arc<EpochReport>,
    /// Rows written.
    pub output_rows: u64,
    /// The metrics that the query observes, by name.
    pub observed: BTreeMap<String, ObservedRow>,
}

impl Run {
    /// Runs an epoch whose offsets are in the log, up to its entry in the commit log.
    ///
    /// # Errors
    /// `Fenced` when another run took over. After any error the state is what it was before the
    /// epoch and the sink shows nothing of it, unless the error came after the sink's commit; the
    /// epoch has to be run again.
    pub async fn execute(
        &self,
        fixed: &FixedEpoch,
        tracker: &mut WatermarkTracker,
        durations: &Durations,
    ) -> Result<EpochOutcome> {
        let report = Arc::new(EpochReport::default());
        let result = Box::pin(self.attempt(fixed, tracker, durations, &report)).await;
        if result.is_err() {
            report.abort_state();
        }
        let (output_rows, observed) = result?;
        Ok(EpochOutcome { report, output_rows, observed })
    }

    async fn attempt(
        &self,
        fixed: &FixedEpoch,
        tracker: &mut WatermarkTracker,
        durations: &Durations,
        report: &Arc<EpochReport>,
    ) -> Result<(u64, BTreeMap<String, ObservedRow>)> {
        let watch = Stopwatch::start();
        let inputs = self.inputs(fixed).await?;
        durations.add(phase::GET_BATCH, watch.elapsed());

        let watch = Stopwatch::start();
        let context = Arc::new(self.context(fixed, inputs));
        let task = self.bind(Arc::clone(&context), Arc::clone(report));
        let plan = reset_plan_states(Arc::clone(&self.plan.physical))?;
        durations.add(phase::QUERY_PLANNING, watch.elapsed());

        let watch = Stopwatch::start();
        let opened = self.open_sink(fixed.epoch).await?;
        let written = self.run_plan(&plan, &task, report, &opened).await?;
        let messages = written.messages;
        // All that can fail comes before the sink commits.
        let state_files = written_state(&self.plan.operators, report);
        let observed = report.observed(&self.plan.observed);
        let (state_files, observed) = match (state_files, observed) {
            (Ok(files), Ok(observed)) => (files, observed),
            (Err(error), _) | (_, Err(error)) => {
                return self.give_up(&opened, messages, error).await;
            }
        };
        if opened.state == SinkState::Open {
            if let Err(error) = self.claim.check().await {
                return self.give_up(&opened, messages, error).await;
            }
            self.sink.commit(&opened.batch, messages).await?;
        }
        durations.add(phase::ADD_BATCH, watch.elapsed());

        let watch = Stopwatch::start();
        let mut next = tracker.clone();
        next.advance(&report.event_times());
        self.claim.check().await?;
        let entry = CommitEntry { next_watermark: next.global(), state: state_files };
        match self.checkpoint.commits().add(fixed.epoch, &entry).await {
            // The run before this one got as far as this entry after this run had read the log.
            // Both ran the same epoch, so both entries say the same.
            Err(Error::AlreadyExists { .. }) => self.claim.check().await?,
            other => other?,
        }
        *tracker = next;
        durations.add(phase::COMMIT_OFFSETS, watch.elapsed());
        Ok((written.rows, observed))
    }

    /// Removes, in the background, what recovery does not need once `epoch` is the oldest that can
    /// be gone back to. What cannot be removed now is removed later.
    pub fn purge_before(&self, epoch: u64) {
        let (checkpoint, state) = (self.checkpoint.clone(), Arc::clone(&self.state));
        let tables: Vec<_> = self.plan.tables.keys().map(|name| checkpoint.table(name)).collect();
        task::spawn(async move {
            let purge = async {
                checkpoint.offsets().purge_before(epoch).await?;
                checkpoint.commits().purge_before(epoch).await?;
                for table in &tables {
                    purge_unread(table, epoch).await?;
                }
                state.purge().await
            };
            if let Err(error) = purge.await {
                tracing::warn!("old files could not be removed: {error}");
            }
        })
        .detach();
    }

    async fn inputs(&self, fixed: &FixedEpoch) -> Result<BTreeMap<String, Vec<InputPartition>>> {
        let parallelism = self.plan.state.config().target_partitions();
        let mut inputs = BTreeMap::new();
        for (name, source) in self.sources.iter() {
            let start = fixed.start.get(name).and_then(Option::as_ref);
            let end = fixed.entry.sources.get(name).and_then(Option::as_ref);
            let parts = match end {
                Some(end) if start != Some(end) => source.plan(start, end, parallelism).await?,
                _ => vec![],
            };
            inputs.insert(name.clone(), parts);
        }
        Ok(inputs)
    }

    fn context(
        &self,
        fixed: &FixedEpoch,
        inputs: BTreeMap<String, Vec<InputPartition>>,
    ) -> EpochContext {
        let version = StateVersion(fixed.epoch);
        EpochContext {
            epoch: fixed.epoch,
            run: self.claim.run(),
            timestamp: fixed.entry.timestamp,
            inputs,
            tables: fixed.tables.clone(),
            operators: propagate(&self.plan.operators, version, fixed.late, fixed.entry.watermark),
        }
    }

    fn bind(&self, context: Arc<EpochContext>, report: Arc<EpochReport>) -> Arc<TaskContext> {
        let epoch = context.epoch;
        let resources = EpochResources {
            sources: Arc::clone(&self.sources),
            state: Arc::clone(&self.state),
            report,
        };
        let config = bind(self.plan.state.config().clone(), context, Arc::new(resources));
        // The plan is bound already; it looks no function up.
        Arc::new(TaskContext::new(
            Some(format!("{}-{epoch}", self.query_id)),
            self.plan.state.session_id().to_owned(),
            config,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::clone(self.plan.state.runtime_env()),
        ))
    }

    async fn open_sink(&self, epoch: u64) -> Result<OpenedSink> {
        let mut batch = self.batch.clone();
        batch.epoch = epoch;
        let state = self.sink.begin(&batch).await?;
        Ok(OpenedSink { batch, state })
    }

    async fn run_plan(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        task: &Arc<TaskContext>,
        report: &EpochReport,
        opened: &OpenedSink,
    ) -> Result<Written> {
        let written = self.write(plan, task, opened).await;
        // A task that failed knows better why than the plan that only saw its rows end.
        let drained = drain(plan, task, report).await;
        match (written, drained) {
            (Ok(written), Ok(())) => Ok(written),
            (Ok(written), Err(error)) => {
                let error = locate(plan, task, error).await;
                self.give_up(opened, written.messages, error).await
            }
            (Err(_), Err(error)) | (Err(error), Ok(())) => {
                let error = locate(plan, task, error).await;
                self.give_up(opened, vec![], error).await
            }
        }
    }

    async fn write(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        task: &Arc<TaskContext>,
        opened: &OpenedSink,
    ) -> Result<Written> {
        let partitions = plan.output_partitioning().partition_count();
        let mut parts = Vec::with_capacity(partitions);
        for partition in 0..partitions {
            let rows = plan.execute(partition, Arc::clone(task))?;
            let writer = match opened.state {
                SinkState::AlreadyDone => None,
                SinkState::Open => Some(self.sink.writer(&opened.batch, partition).await?),
            };
            parts.push((rows, writer));
        }
        let mut written = Written::default();
        if let [_] = parts.as_slice() {
            for (rows, writer) in parts {
                written.add(write_partition(rows, writer).await?);
            }
            return Ok(written);
        }
        let tasks =
            parts.into_iter().map(|(rows, writer)| task::spawn(write_partition(rows, writer)));
        for part in try_join_all(tasks).await? {
            written.add(part?);
        }
        Ok(written)
    }

    /// Gives the epoch up in the sink, and fails with `error`, which matters more than whether the
    /// sink could clean up.
    async fn give_up<T>(
        &self,
        opened: &OpenedSink,
        messages: Vec<CommitMessage>,
        error: Error,
    ) -> Result<T> {
        if opened.state == SinkState::Open
            && let Err(left) = self.sink.abort(&opened.batch, messages).await
        {
            tracing::warn!(epoch = opened.batch.epoch, "the sink could not clean up: {left}");
        }
        Err(error)
    }
}

/// A sink that was asked whether it wants an epoch.
#[derive(Debug)]
struct OpenedSink {
    batch: SinkBatch,
    state: SinkState,
}

/// What the writers of an epoch wrote.
#[derive(Debug, Default)]
struct Written {
    messages: Vec<CommitMessage>,
    rows: u64,
}

impl Written {
    fn add(&mut self, (message, rows): (Option<CommitMessage>, u64)) {
        self.messages.extend(message);
        self.rows += rows;
    }
}

async fn write_partition(
    mut rows: SendableRecordBatchStream,
    mut writer: Option<Box<dyn SinkWriter>>,
) -> Result<(Option<CommitMessage>, u64)> {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if let Some(writer) = &mut writer
            && batch.num_rows() > 0
        {
            count += batch.num_rows() as u64;
            writer.write(batch).await?;
        }
    }
    match writer {
        Some(writer) => Ok((Some(writer.finish().await?), count)),
        None => Ok((None, count)),
    }
}
