//! What a query reports of each epoch, in the words of Spark's `StreamingQueryProgress`.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::connector::offset::Offset;
use crate::metrics::phase;
use crate::operators::observe::metrics::ObservedRow;

/// What a query reports of one epoch. As JSON it has the fields of Spark's progress report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamingQueryProgress {
    /// The id of the query, kept over restarts.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// The name of the query.
    pub name: Option<String>,
    /// When the trigger fired: ISO-8601 in UTC.
    pub timestamp: String,
    /// The epoch.
    pub batch_id: u64,
    /// How long it took, in milliseconds.
    pub batch_duration: u64,
    /// Rows read from all sources.
    pub num_input_rows: u64,
    /// Rows read for each second since the trigger before.
    pub input_rows_per_second: f64,
    /// Rows read for each second that the epoch took.
    pub processed_rows_per_second: f64,
    /// How long each phase took, in milliseconds.
    pub duration_ms: BTreeMap<String, u64>,
    /// The watermark that the epoch ran with and the event times that it saw: ISO-8601 in UTC.
    /// Empty without a watermark.
    pub event_time: BTreeMap<String, String>,
    /// The stateful operators, the one nearest to the sink first.
    pub state_operators: Vec<StateOperatorProgress>,
    /// The sources.
    pub sources: Vec<SourceProgress>,
    /// The sink.
    pub sink: SinkProgress,
    /// The metrics that the query observes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub observed_metrics: BTreeMap<String, ObservedRow>,
    /// How long each phase took, in microseconds: Spark's milliseconds are too coarse for epochs
    /// that take less than one.
    #[serde(default)]
    pub duration_us: BTreeMap<String, u64>,
}

impl StreamingQueryProgress {
    /// Whether an epoch ran; else the report says that there was nothing to do, and its
    /// `batch_id` is that of the next epoch.
    pub fn is_epoch(&self) -> bool {
        self.duration_ms.contains_key(phase::ADD_BATCH)
    }

    /// The newest epoch that ran when this was reported, if one had.
    pub fn last_epoch(&self) -> Option<u64> {
        if self.is_epoch() { Some(self.batch_id) } else { self.batch_id.checked_sub(1) }
    }

    /// The report as one line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }
}

/// What a stateful operator did in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateOperatorProgress {
    /// The kind of operator.
    pub operator_name: String,
    /// Rows in the state after the epoch.
    pub num_rows_total: u64,
    /// Rows put in the epoch.
    pub num_rows_updated: u64,
    /// How long that took, in milliseconds, summed over partitions.
    pub all_updates_time_ms: u64,
    /// Rows removed in the epoch.
    pub num_rows_removed: u64,
    /// How long that took, in milliseconds, summed over partitions.
    pub all_removals_time_ms: u64,
    /// How long writing took, in milliseconds, summed over partitions.
    pub commit_time_ms: u64,
    /// Bytes of memory.
    pub memory_used_bytes: u64,
    /// Groups dropped because they were late.
    pub num_rows_dropped_by_watermark: u64,
    /// Partitions of the state.
    pub num_shuffle_partitions: u64,
    /// State stores.
    pub num_state_store_instances: u64,
    /// More, by name.
    pub custom_metrics: BTreeMap<String, u64>,
}

impl StateOperatorProgress {
    /// What the operator holds, without anything done.
    #[must_use]
    pub(crate) fn at_rest(self) -> Self {
        Self {
            operator_name: self.operator_name,
            num_rows_total: self.num_rows_total,
            memory_used_bytes: self.memory_used_bytes,
            num_shuffle_partitions: self.num_shuffle_partitions,
            num_state_store_instances: self.num_state_store_instances,
            ..Self::default()
        }
    }
}

/// What was read from a source in an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceProgress {
    /// The source.
    pub description: String,
    /// Where the epoch began.
    pub start_offset: Option<Offset>,
    /// Where it ended.
    pub end_offset: Option<Offset>,
    /// How far the source could be read; `null` where it does not tell.
    pub latest_offset: Option<Offset>,
    /// Rows read.
    pub num_input_rows: u64,
    /// Rows read for each second since the trigger before.
    pub input_rows_per_second: f64,
    /// Rows read for each second that the epoch took.
    pub processed_rows_per_second: f64,
    /// More, by name.
    pub metrics: BTreeMap<String, String>,
}

/// What was written in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkProgress {
    /// The sink.
    pub description: String,
    /// Rows written; -1 where the sink does not count.
    pub num_output_rows: i64,
    /// More, by name.
    pub metrics: BTreeMap<String, String>,
}

/// The last reports of a query, the oldest first.
#[derive(Debug, Default)]
pub struct RecentProgress {
    reports: VecDeque<StreamingQueryProgress>,
    keep: usize,
}

impl RecentProgress {
    /// Keeps the last `keep` reports.
    pub fn new(keep: usize) -> Self {
        Self { reports: VecDeque::new(), keep: keep.max(1) }
    }

    /// Adds a report and drops the oldest when there are too many.
    pub fn push(&mut self, report: StreamingQueryProgress) {
        if self.reports.len() == self.keep {
            self.reports.pop_front();
        }
        self.reports.push_back(report);
    }

    /// The newest report.
    pub fn last(&self) -> Option<&StreamingQueryProgress> {
        self.reports.back()
    }

    /// All reports that are kept, the oldest first.
    pub fn all(&self) -> Vec<StreamingQueryProgress> {
        self.reports.iter().cloned().collect()
    }
}

/// Rows for each second; 0 where no time has passed.
pub fn per_second(rows: u64, millis: f64) -> f64 {
    if millis > 0.0 { rows as f64 * 1000.0 / millis } else { 0.0 }
}
