//! A line for each epoch of each query, and word of the first query that fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use millstream::runtime::clock::{Clock, SystemClock};
use millstream::{StreamingQuery, StreamingQueryManager, StreamingQueryProgress};

use super::bars::{Bars, lag, millis};
use super::failure::{Failure, say};

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
    /// Where reports go as lines of JSON, too.
    file: Option<Mutex<File>>,
}

/// What was told of a run.
#[derive(Debug)]
struct Told {
    /// The next epoch to tell of.
    next: u64,
    /// The time of the newest report that was looked at.
    last: Option<String>,
}

/// How epochs are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    None,
    /// A line for each epoch.
    Plain,
    /// A line for each query, which changes.
    Bars,
    /// Spark's report of each epoch as one line of JSON.
    Json,
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
        Self { queries, told: Mutex::default(), lines, bars: Bars::default(), file: None }
    }

    /// The same, which also adds reports to a file.
    ///
    /// # Errors
    /// `Io` for a file that cannot be written.
    pub(crate) fn with_file(self, path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| {
            Failure::io(format!("cannot write the progress to `{}`", path.display()), error)
        })?;
        Ok(Self { file: Some(Mutex::new(file)), ..self })
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
            if self.lines == Lines::Bars {
                self.bars.show(&query);
            }
            if self.file.is_some() || matches!(self.lines, Lines::Plain | Lines::Json) {
                self.tell_of(&query);
            }
        }
    }

    fn tell_of(&self, query: &StreamingQuery) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(query.run_id()) {
            if self.lines == Lines::Plain {
                say(&started(query));
            }
            all.insert(query.run_id().to_owned(), Told { next: query.first_epoch(), last: None });
        }
        let told = all.get(query.run_id());
        let Some(last) = query.last_progress() else { return };
        if told.is_some_and(|told| {
            told.last.as_ref() == Some(&last.timestamp) && told.next > last.batch_id
        }) {
            return;
        }
        let next = told.map(|told| told.next);
        let is_news = |report: &StreamingQueryProgress| {
            report.is_epoch() && next.is_none_or(|n| report.batch_id >= n)
        };
        let news: Vec<_> = query.recent_progress().into_iter().filter(is_news).collect();
        if let (Some(next), Some(first)) = (next, news.first())
            && next < first.batch_id
            && self.lines == Lines::Plain
        {
            // Only so many reports are kept, and more epochs ended since the last look.
            say(&format!(
                "{}: batches {next} to {} are not shown",
                label(first),
                first.batch_id - 1
            ));
        }
        for report in &news {
            self.tell_epoch(report);
        }
        if let Some(newest) = news.last() {
            let told = Told { next: newest.batch_id + 1, last: Some(newest.timestamp.clone()) };
            all.insert(query.run_id().to_owned(), told);
        }
    }
}

impl Monitor {
    fn tell_epoch(&self, report: &StreamingQueryProgress) {
        if self.lines == Lines::Plain {
            say(&line(report));
        }
        // A report is made of texts and numbers, which always have a form in JSON.
        let Ok(json) = serde_json::to_string(report) else { return };
        if self.lines == Lines::Json {
            say(&json);
        }
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = writeln!(file, "{json}") {
                say(&format!("the progress cannot be written: {error}"));
            }
        }
    }
}

/// That a query has started, where its checkpoint is, and where it goes on.
fn started(query: &StreamingQuery) -> String {
    let label = query.name().unwrap_or_else(|| query.id());
    let from = match query.first_epoch() {
        0 => "begins with batch 0".to_owned(),
        epoch => format!("goes on with batch {epoch}"),
    };
    match query.checkpoint_location() {
        Some(location) => format!("{label}: started, {from}, checkpoint {location}"),
        None => format!("{label}: started, {from}, without a checkpoint to go on from"),
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
    let mut text = format!("{} {}", report.timestamp, label(report));
    let mut add = |part: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _done = text.write_fmt(part);
    };
    add(format_args!(": batch {}", report.batch_id));
    add(format_args!(", {} input rows", report.num_input_rows));
    add(format_args!(", {:.0} rows/s", report.processed_rows_per_second));
    if let Some(watermark) = report.event_time.get("watermark") {
        add(format_args!(", watermark {watermark}"));
        if let Some(lag) = millis(&report.timestamp).and_then(|began| lag(report, began)) {
            add(format_args!(", lag {lag}"));
        }
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
        assert_eq!(
            text,
            "2024-01-01T00:00:00.000Z per_minute: batch 3, 1200 input rows, 66667 rows/s, 18 ms"
        );
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
            "timestamp": "2024-01-01T00:12:00.000Z",
            "eventTime": {"watermark": "2024-01-01T00:10:00.000Z"},
            "stateOperators": [operator(40, 1), operator(2, 2)],
        });
        assert_eq!(
            line(&report(&more)),
            "2024-01-01T00:12:00.000Z q-1: batch 3, 1200 input rows, 66667 rows/s, \
             watermark 2024-01-01T00:10:00.000Z, lag 2 min, 42 state rows, 3 dropped as late, 18 ms"
        );
    }
}
