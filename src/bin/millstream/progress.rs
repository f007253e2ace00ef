//! A line for each epoch of each query, and word of the first query that fails.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use millstream::runtime::clock::{Clock, SystemClock};
use millstream::{StreamingQuery, StreamingQueryManager, StreamingQueryProgress};

use super::bars::Bars;
use super::failure::say;

/// How often the queries are looked at, in milliseconds.
const EVERY: i64 = 50;

/// Watches the queries of a session.
#[derive(Debug)]
pub(crate) struct Monitor {
    queries: StreamingQueryManager,
    /// What was told of each run.
    told: Mutex<BTreeMap<String, Told>>,
    lines: Lines,
    bars: Bars,
}

/// What was told of a run.
#[derive(Debug)]
struct Told {
    /// The next epoch to tell of.
    next: u64,
    /// The time of the newest report that was looked at.
    last: String,
}

/// How epochs are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    None,
    /// A line for each epoch.
    Plain,
    /// A line for each query, which changes.
    Bars,
}

impl Lines {
    /// As the standard error can show them.
    pub(crate) fn for_stderr() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if io::stderr().is_terminal() && !is_dumb { Self::Bars } else { Self::Plain }
    }
}

impl Monitor {
    pub(crate) fn new(queries: StreamingQueryManager, lines: Lines) -> Self {
        Self { queries, told: Mutex::default(), lines, bars: Bars::default() }
    }

    /// Tells of epochs as they end; returns when a query has failed.
    pub(crate) async fn until_failure(&self) {
        loop {
            self.tell();
            if self.queries.all().iter().any(|query| query.exception().is_some()) {
                return;
            }
            SystemClock.sleep_until(SystemClock.now_millis().saturating_add(EVERY)).await;
        }
    }

    /// Tells of epochs as they end, for ever.
    pub(crate) async fn forever(&self) {
        loop {
            self.tell();
            SystemClock.sleep_until(SystemClock.now_millis().saturating_add(EVERY)).await;
        }
    }

    /// Tells of all epochs that ended since the last call.
    pub(crate) fn tell(&self) {
        for query in self.queries.all() {
            match self.lines {
                Lines::None => (),
                Lines::Plain => self.tell_of(&query),
                Lines::Bars => self.bars.show(&query),
            }
        }
    }

    fn tell_of(&self, query: &StreamingQuery) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.get(query.run_id());
        let Some(last) = query.last_progress() else { return };
        if told.is_some_and(|told| told.last == last.timestamp && told.next > last.batch_id) {
            return;
        }
        let next = told.map(|told| told.next);
        let is_news = |report: &StreamingQueryProgress| {
            report.is_epoch() && next.is_none_or(|n| report.batch_id >= n)
        };
        let news: Vec<_> = query.recent_progress().into_iter().filter(is_news).collect();
        if let (Some(next), Some(first)) = (next, news.first())
            && next < first.batch_id
        {
            // Only so many reports are kept, and more epochs ended since the last look.
            say(&format!(
                "{}: batches {next} to {} are not shown",
                label(first),
                first.batch_id - 1
            ));
        }
        for report in &news {
            say(&line(report));
        }
        if let Some(newest) = news.last() {
            let told = Told { next: newest.batch_id + 1, last: newest.timestamp.clone() };
            all.insert(query.run_id().to_owned(), told);
        }
    }
}

/// How many rows a query processes in each second, by its newest report `last`. The epoch without
/// input that follows when the watermark moved says nothing of that; only several reports without
/// rows mean that the query has nothing to do.
pub(crate) fn rate(
    last: &StreamingQueryProgress,
    recent: impl FnOnce() -> Vec<StreamingQueryProgress>,
) -> f64 {
    /// How many reports without rows are passed over, the newest included.
    const PASSED_OVER: usize = 2;
    if last.num_input_rows > 0 {
        return last.processed_rows_per_second;
    }
    let recent = recent();
    let with_rows =
        recent.iter().rev().take(PASSED_OVER + 1).find(|report| report.num_input_rows > 0);
    with_rows.map_or(0.0, |report| report.processed_rows_per_second)
}

fn label(report: &StreamingQueryProgress) -> &str {
    report.name.as_deref().unwrap_or(&report.id)
}

/// One epoch in one line.
fn line(report: &StreamingQueryProgress) -> String {
    let mut text = label(report).to_owned();
    let mut add = |part: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _done = text.write_fmt(part);
    };
    add(format_args!(": batch {}", report.batch_id));
    add(format_args!(", {} input rows", report.num_input_rows));
    add(format_args!(", {:.0} rows/s", report.processed_rows_per_second));
    if let Some(watermark) = report.event_time.get("watermark") {
        add(format_args!(", watermark {watermark}"));
    }
    if !report.state_operators.is_empty() {
        let rows: u64 = report.state_operators.iter().map(|state| state.num_rows_total).sum();
        add(format_args!(", {rows} state rows"));
    }
    let late: u64 =
        report.state_operators.iter().map(|state| state.num_rows_dropped_by_watermark).sum();
    if late > 0 {
        add(format_args!(", {late} dropped as late"));
    }
    add(format_args!(", {} ms", report.batch_duration));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(more: &serde_json::Value) -> StreamingQueryProgress {
        let mut report = json!({
            "id": "q-1", "runId": "r-1", "name": "per_minute",
            "timestamp": "2024-01-01T00:00:00.000Z", "batchId": 3, "batchDuration": 18,
            "numInputRows": 1200, "inputRowsPerSecond": 0.0, "processedRowsPerSecond": 66666.67,
            "durationMs": {}, "eventTime": {}, "stateOperators": [], "sources": [],
            "sink": {"description": "noop", "numOutputRows": 0, "metrics": {}},
        });
        report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(report).unwrap()
    }

    fn operator(rows: u64, dropped: u64) -> serde_json::Value {
        let operator = millstream::query::progress::StateOperatorProgress {
            num_rows_total: rows,
            num_rows_dropped_by_watermark: dropped,
            ..Default::default()
        };
        serde_json::to_value(operator).unwrap()
    }

    #[test]
    fn a_query_without_state_has_a_short_line() {
        let text = line(&report(&json!({})));
        assert_eq!(text, "per_minute: batch 3, 1200 input rows, 66667 rows/s, 18 ms");
    }

    #[test]
    fn the_rate_is_that_of_the_newest_epoch_with_rows_until_the_query_is_idle() {
        let with_rows = || report(&json!({}));
        let empty = || report(&json!({"numInputRows": 0, "processedRowsPerSecond": 0.0}));
        let of = |reports: Vec<StreamingQueryProgress>| {
            rate(&reports[reports.len() - 1].clone(), || reports)
        };
        assert!(of(vec![empty(), with_rows()]) > 0.0);
        assert!(of(vec![with_rows(), empty()]) > 0.0);
        assert!(of(vec![with_rows(), empty(), empty()]) > 0.0);
        assert!(of(vec![with_rows(), empty(), empty(), empty()]) < 1.0);
        assert!(of(vec![empty()]) < 1.0);
    }

    #[test]
    fn watermark_state_and_late_rows_are_told_where_there_are_some() {
        let more = json!({
            "name": null,
            "eventTime": {"watermark": "2024-01-01T00:10:00.000Z"},
            "stateOperators": [operator(40, 1), operator(2, 2)],
        });
        assert_eq!(
            line(&report(&more)),
            "q-1: batch 3, 1200 input rows, 66667 rows/s, watermark 2024-01-01T00:10:00.000Z, \
             42 state rows, 3 dropped as late, 18 ms"
        );
    }
}
