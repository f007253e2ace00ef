//! Makes the report of an epoch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event_time::timestamp::iso_millis;
use crate::metrics::phase;
use crate::operators::region::StatefulPlan;
use crate::operators::report::OperatorReport;
use crate::operators::scan::StreamTable;
use crate::query::epoch_run::{EpochOutcome, FixedEpoch, Run};
use crate::query::handle::{Shared, duration_maps};
use crate::query::next_epoch::Offsets;
use crate::query::progress::{
    SinkProgress, SourceProgress, StateOperatorProgress, StreamingQueryProgress, per_second,
};
use crate::query::watermark_tracker::WatermarkTracker;

/// All that goes into a report.
pub(crate) struct Report<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) run: &'a Run,
    pub(crate) tracker: &'a WatermarkTracker,
    pub(crate) fixed: &'a FixedEpoch,
    pub(crate) outcome: &'a EpochOutcome,
    pub(crate) timestamp: String,
    /// How long ago the trigger before fired.
    pub(crate) since_last_millis: Option<i64>,
    pub(crate) durations: Vec<(&'static str, Duration)>,
}

/// Makes the report of an epoch.
pub(crate) fn report(args: &Report<'_>) -> StreamingQueryProgress {
    let took = args.durations.iter().find(|(name, _)| *name == phase::TRIGGER_EXECUTION);
    let took_millis = took.map_or(0.0, |(_, took)| took.as_secs_f64() * 1000.0);
    let since_millis = args.since_last_millis.map_or(0.0, |since| since as f64);
    let rows = args.outcome.report.input_rows();
    let total: u64 = rows.values().sum();
    let (duration_ms, duration_us) = duration_maps(&args.durations);
    let sink = &args.run.sink;
    let counted = i64::try_from(args.outcome.output_rows).unwrap_or(i64::MAX);
    StreamingQueryProgress {
        id: args.shared.id.clone(),
        run_id: args.shared.run_id.clone(),
        name: args.shared.name.clone(),
        timestamp: args.timestamp.clone(),
        batch_id: args.fixed.epoch,
        batch_duration: duration_ms.get(phase::TRIGGER_EXECUTION).copied().unwrap_or(0),
        num_input_rows: total,
        input_rows_per_second: per_second(total, since_millis),
        processed_rows_per_second: per_second(total, took_millis),
        duration_ms,
        duration_us,
        event_time: event_time(args),
        state_operators: state_operators(args),
        sources: sources(args, &rows, since_millis, took_millis),
        sink: SinkProgress {
            description: sink.to_string(),
            num_output_rows: if sink.counts_rows() { counted } else { -1 },
            metrics: BTreeMap::new(),
        },
        observed_metrics: args.outcome.observed.clone(),
    }
}

/// All that goes into the report of a trigger that found nothing to do.
pub(crate) struct Idle<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) run: &'a Run,
    pub(crate) tracker: &'a WatermarkTracker,
    /// The next epoch.
    pub(crate) epoch: u64,
    /// How far the epochs have read.
    pub(crate) done: &'a Offsets,
    pub(crate) timestamp: String,
    pub(crate) durations: Vec<(&'static str, Duration)>,
}

/// Makes the report of a trigger that found nothing to do. The state is what it was.
pub(crate) fn idle(args: &Idle<'_>) -> StreamingQueryProgress {
    let (duration_ms, duration_us) = duration_maps(&args.durations);
    let last = args.shared.last_progress();
    let state = last.map(|last| last.state_operators).unwrap_or_default();
    let mut event_time = BTreeMap::new();
    if args.tracker.is_declared() {
        event_time.insert("watermark".to_owned(), args.tracker.global().to_string());
    }
    let source = |(name, _): &(String, Arc<StreamTable>)| {
        let offset = args.done.get(name).cloned().flatten();
        Some(SourceProgress {
            description: args.run.sources.get(name)?.to_string(),
            start_offset: offset.clone(),
            end_offset: offset,
            latest_offset: None,
            num_input_rows: 0,
            input_rows_per_second: 0.0,
            processed_rows_per_second: 0.0,
            metrics: BTreeMap::new(),
        })
    };
    StreamingQueryProgress {
        id: args.shared.id.clone(),
        run_id: args.shared.run_id.clone(),
        name: args.shared.name.clone(),
        timestamp: args.timestamp.clone(),
        batch_id: args.epoch,
        batch_duration: duration_ms.get(phase::TRIGGER_EXECUTION).copied().unwrap_or(0),
        num_input_rows: 0,
        input_rows_per_second: 0.0,
        processed_rows_per_second: 0.0,
        duration_ms,
        duration_us,
        event_time,
        state_operators: state.into_iter().map(StateOperatorProgress::at_rest).collect(),
        sources: args.run.plan.sources.iter().filter_map(source).collect(),
        sink: SinkProgress {
            description: args.run.sink.to_string(),
            num_output_rows: if args.run.sink.counts_rows() { 0 } else { -1 },
            metrics: BTreeMap::new(),
        },
        observed_metrics: BTreeMap::new(),
    }
}

fn event_time(args: &Report<'_>) -> BTreeMap<String, String> {
    let mut times = BTreeMap::new();
    if !args.tracker.is_declared() {
        return times;
    }
    times.insert("watermark".to_owned(), args.fixed.entry.watermark.to_string());
    let seen = args.outcome.report.event_times();
    if let Some(stats) = args.tracker.first_stats(&seen) {
        times.insert("max".to_owned(), iso_millis(stats.max));
        times.insert("min".to_owned(), iso_millis(stats.min));
        times.extend(stats.average().map(|average| ("avg".to_owned(), iso_millis(average))));
    }
    times
}

fn state_operators(args: &Report<'_>) -> Vec<StateOperatorProgress> {
    let reports = args.outcome.report.operators();
    let of = |operator: &StatefulPlan| {
        operator_progress(operator, &reports.get(&operator.id).cloned().unwrap_or_default())
    };
    args.run.plan.operators.iter().map(of).collect()
}

fn operator_progress(operator: &StatefulPlan, report: &OperatorReport) -> StateOperatorProgress {
    let mut progress = StateOperatorProgress {
        operator_name: operator.kind.to_owned(),
        num_rows_dropped_by_watermark: report.rows_dropped,
        num_shuffle_partitions: operator.partitions as u64,
        num_state_store_instances: report.partitions.len() as u64,
        ..StateOperatorProgress::default()
    };
    let millis = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    for partition in report.partitions.values() {
        progress.num_rows_total += partition.metrics.rows_total;
        progress.num_rows_updated += partition.metrics.rows_updated;
        progress.num_rows_removed += partition.metrics.rows_removed;
        progress.memory_used_bytes += partition.metrics.memory_bytes;
        progress.all_updates_time_ms += millis(partition.updates);
        progress.all_removals_time_ms += millis(partition.removals);
        progress.commit_time_ms += millis(partition.commit_time);
    }
    progress
}

fn sources(
    args: &Report<'_>,
    rows: &BTreeMap<String, u64>,
    since_millis: f64,
    took_millis: f64,
) -> Vec<SourceProgress> {
    let of = |name: &String| {
        let source = args.run.sources.get(name)?;
        let rows = rows.get(name).copied().unwrap_or(0);
        Some(SourceProgress {
            description: source.to_string(),
            start_offset: args.fixed.start.get(name).cloned().flatten(),
            end_offset: args.fixed.entry.sources.get(name).cloned().flatten(),
            latest_offset: None,
            num_input_rows: rows,
            input_rows_per_second: per_second(rows, since_millis),
            processed_rows_per_second: per_second(rows, took_millis),
            metrics: source.metrics(),
        })
    };
    args.run.plan.sources.iter().filter_map(|(name, _)| of(name)).collect()
}
