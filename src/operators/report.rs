//! What the operators of an epoch did: counts, event times, the state they wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::checkpoint::commit_log::StateCommit;
use crate::checkpoint::id::{OperatorId, PartitionId};
use crate::error::Result;
use crate::event_time::watermark::EventTimeStats;
use crate::operators::observe::metrics::{Metrics, ObservedRow, Partial};
use crate::runtime::task::Task;
use crate::state::store::{StateMetrics, StateStore};

/// Tells the watermark nodes of a plan apart, in plan order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatermarkId(pub usize);

/// Where the operators of one epoch say what they did. Shared by all its tasks.
#[derive(Debug, Default)]
pub struct EpochReport(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    input_rows: BTreeMap<String, u64>,
    event_times: BTreeMap<WatermarkId, EventTimeStats>,
    operators: BTreeMap<OperatorId, OperatorReport>,
    observed: BTreeMap<String, Vec<Partial>>,
    state_tasks: Vec<Task<Result<()>>>,
    started: BTreeSet<(OperatorId, usize)>,
    stores: Vec<Arc<dyn StateStore>>,
}

/// What one stateful operator did in an epoch.
#[derive(Debug, Clone, Default)]
pub struct OperatorReport {
    /// Groups that were dropped because they were late.
    pub rows_dropped: u64,
    /// What each partition wrote and holds.
    pub partitions: BTreeMap<PartitionId, PartitionReport>,
}

/// What one partition of a stateful operator did in an epoch.
#[derive(Debug, Clone)]
pub struct PartitionReport {
    /// The next version of the state.
    pub commit: StateCommit,
    /// What it holds and what changed.
    pub metrics: StateMetrics,
    /// How long putting took.
    pub updates: Duration,
    /// How long evicting took.
    pub removals: Duration,
    /// How long writing took.
    pub commit_time: Duration,
}

impl EpochReport {
    /// Counts rows that were read from a source.
    pub fn add_input_rows(&self, source: &str, rows: u64) {
        let mut inner = self.lock();
        match inner.input_rows.get_mut(source) {
            Some(count) => *count += rows,
            None => {
                inner.input_rows.insert(source.to_owned(), rows);
            }
        }
    }

    /// Takes in the event times that one partition of a watermark node saw.
    pub fn add_event_times(&self, node: WatermarkId, stats: &EventTimeStats) {
        self.lock().event_times.entry(node).or_default().merge(stats);
    }

    /// Takes in what one partition saw for the metrics with this name.
    pub fn add_observed(&self, metrics: &str, partial: Partial) {
        self.lock().observed.entry(metrics.to_owned()).or_default().push(partial);
    }

    /// The metrics of what the partitions saw.
    ///
    /// # Errors
    /// Those of [`Metrics::row`].
    pub fn observed(&self, metrics: &[Arc<Metrics>]) -> Result<BTreeMap<String, ObservedRow>> {
        let partials = std::mem::take(&mut self.lock().observed);
        let row = |metrics: &Arc<Metrics>| {
            let row = metrics.row(partials.get(&metrics.name).into_iter().flatten())?;
            Ok((metrics.name.clone(), row))
        };
        metrics.iter().map(row).collect()
    }

    /// Counts late groups that an operator dropped.
    pub fn add_dropped(&self, operator: &OperatorId, rows: u64) {
        self.lock().operators.entry(operator.clone()).or_default().rows_dropped += rows;
    }

    /// Says that a partition of an operator has written its next version.
    pub fn set_state(&self, operator: &OperatorId, report: PartitionReport) {
        let partition = report.commit.partition;
        let mut inner = self.lock();
        let operator = inner.operators.entry(operator.clone()).or_default();
        operator.partitions.insert(partition, report);
    }

    /// Hands over the task that writes the state of a partition, to be waited for whatever the rest
    /// of the plan wants.
    pub fn add_state_task(&self, operator: &OperatorId, partition: usize, task: Task<Result<()>>) {
        let mut inner = self.lock();
        inner.started.insert((operator.clone(), partition));
        inner.state_tasks.push(task);
    }

    /// Whether the task of a partition was handed over.
    pub fn has_started(&self, operator: &OperatorId, partition: usize) -> bool {
        self.lock().started.contains(&(operator.clone(), partition))
    }

    /// Takes the tasks that write state.
    pub fn take_state_tasks(&self) -> Vec<Task<Result<()>>> {
        std::mem::take(&mut self.lock().state_tasks)
    }

    /// Says that a store was opened in this epoch.
    pub fn add_store(&self, store: Arc<dyn StateStore>) {
        self.lock().stores.push(store);
    }

    /// Sends the state back to what it was before the epoch.
    pub fn abort_state(&self) {
        let stores = {
            let mut inner = self.lock();
            inner.state_tasks.clear();
            std::mem::take(&mut inner.stores)
        };
        for store in stores {
            store.abort();
        }
    }

    /// Rows read, by source.
    pub fn input_rows(&self) -> BTreeMap<String, u64> {
        self.lock().input_rows.clone()
    }

    /// Event times seen, by watermark node.
    pub fn event_times(&self) -> BTreeMap<WatermarkId, EventTimeStats> {
        self.lock().event_times.clone()
    }

    /// What the stateful operators did.
    pub fn operators(&self) -> BTreeMap<OperatorId, OperatorReport> {
        self.lock().operators.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
