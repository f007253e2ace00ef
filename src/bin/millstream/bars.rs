//! A line for each query on a terminal, that shows how it is at the moment.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use chrono::DateTime;
use indicatif::{ProgressBar, ProgressStyle};
use millstream::runtime::clock::{Clock, SystemClock};
use millstream::{StreamingQuery, StreamingQueryProgress};

use super::progress::rate;
use super::screen;

/// The lines of the queries, by run.
#[derive(Debug, Default)]
pub(crate) struct Bars(Mutex<BTreeMap<String, ProgressBar>>);

impl Bars {
    /// Shows how a query is now.
    pub(crate) fn show(&self, query: &StreamingQuery) {
        let mut bars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(query.run_id().to_owned()).or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            // A line that is cut off says less than one without its ornament.
            bar.set_style(
                ProgressStyle::with_template("{spinner} {wide_msg}")
                    .unwrap_or_else(|_error| ProgressStyle::default_spinner()),
            );
            screen::bars().add(bar)
        });
        if bar.is_finished() {
            return;
        }
        let label = query.name().unwrap_or_else(|| query.id());
        let last = query.last_progress();
        let doing = match (query.is_active(), query.exception()) {
            (true, _) => query.status().message,
            (false, None) => "ended".to_owned(),
            (false, Some(_)) => "failed".to_owned(),
        };
        let last = last.map(|last| {
            let rate = rate(&last, || query.recent_progress());
            (last, rate)
        });
        let text = text(label, &doing, last.as_ref(), SystemClock.now_millis());
        if query.is_active() {
            bar.set_message(text);
            bar.tick();
        } else {
            bar.abandon_with_message(text);
        }
    }
}

/// How a query is, in one line, by its newest report and its rate.
fn text(
    label: &str,
    doing: &str,
    last: Option<&(StreamingQueryProgress, f64)>,
    now_millis: i64,
) -> String {
    let mut text = label.to_owned();
    if let Some((last, rate)) = last {
        // Writing to a string cannot fail.
        let mut add = |part: std::fmt::Arguments<'_>| {
            let _done = text.write_fmt(part);
        };
        if let Some(epoch) = last.last_epoch() {
            add(format_args!(": batch {epoch}"));
        }
        add(format_args!(", {rate:.0} rows/s"));
        if let Some(lag) = lag(last, now_millis)
            && let Some(watermark) = last.event_time.get("watermark")
        {
            add(format_args!(", watermark {watermark}, lag {lag}"));
        }
        if !last.state_operators.is_empty() {
            let rows: u64 = last.state_operators.iter().map(|state| state.num_rows_total).sum();
            add(format_args!(", {rows} state rows"));
        }
    }
    text + " | " + doing
}

/// How far the watermark of a report is behind a time.
pub(crate) fn lag(report: &StreamingQueryProgress, time_millis: i64) -> Option<String> {
    // The watermark stands at 1970 until there are rows.
    let watermark = millis(report.event_time.get("watermark")?).filter(|millis| *millis > 0)?;
    Some(span(time_millis - watermark))
}

/// A time as reports have it, in milliseconds since 1970.
pub(crate) fn millis(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// A span in the greatest unit of which there are two.
fn span(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
    let (value, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7200 => (seconds / 60, "min"),
        7200..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{sign}{value} {unit}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rate_watermark_lag_and_state_are_shown() {
        let operator = millstream::query::progress::StateOperatorProgress {
            num_rows_total: 42,
            ..Default::default()
        };
        let last: StreamingQueryProgress = serde_json::from_value(json!({
            "id": "q-1", "runId": "r-1", "name": "per_minute",
            "timestamp": "2024-01-01T00:00:00.000Z", "batchId": 3, "batchDuration": 18,
            "numInputRows": 1200, "inputRowsPerSecond": 0.0, "processedRowsPerSecond": 66666.67,
            "durationMs": {"addBatch": 9}, "eventTime": {"watermark": "2024-01-01T00:10:00.000Z"},
            "stateOperators": [operator], "sources": [],
            "sink": {"description": "noop", "numOutputRows": 0, "metrics": {}},
        }))
        .unwrap();
        let now = 1_704_067_800_000 + 3_500;
        assert_eq!(
            text("per_minute", "Processing new data", Some(&(last, 66_666.67)), now),
            "per_minute: batch 3, 66667 rows/s, watermark 2024-01-01T00:10:00.000Z, lag 3 s, \
             42 state rows | Processing new data"
        );
        assert_eq!(text("q", "Initializing sources", None, now), "q | Initializing sources");
    }

    #[test]
    fn a_lag_has_the_unit_that_fits() {
        assert_eq!([span(119_999), span(120_000), span(7_200_000)], ["119 s", "2 min", "2 h"]);
        assert_eq!([span(172_800_000), span(-1_500)], ["2 d", "-2 s"]);
    }
}
