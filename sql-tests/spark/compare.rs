//! Compares what a scenario did with what Spark did.

use millstream::{ErrorKind, StreamingQueryProgress};
use serde_json::Value;

use crate::collector::Seen;
use crate::outcome::{Fallible, ensure};
use crate::spark::engine::{Ended, Ran};
use crate::spark::scenario::{Batch, Compare, OperatorState, Phase, Refusal, Scenario};
use crate::values::{same_row, same_rows};

/// The operators that must keep as many rows as Spark's: aggregations and deduplications. How many
/// rows a join keeps is its own affair.
const COUNTED: &[&str] =
    &["stateStoreSave", "sessionWindowStateStoreSaveExec", "dedupe", "dedupeWithinWatermark"];

/// Fails with the first difference.
pub(super) fn compare(scenario: &Scenario, ran: &Ran) -> Fallible<()> {
    match (&scenario.expected.error, &ran.error) {
        (None, Some(ended)) => {
            return Err(format!("it failed at {:?}: {}", ended.phase, ended.error).into());
        }
        (Some(refusal), None) => {
            let message = refusal.message.as_deref().unwrap_or_default();
            return Err(format!(
                "it was not refused; Spark did at {:?}\nSpark said: {message}\nit gave {}",
                refusal.phase,
                shown(&ran.seen)
            )
            .into());
        }
        (Some(refusal), Some(ended)) => {
            compare_refusals(refusal, ended)?;
            if ended.phase < refusal.phase {
                // A query that was refused earlier than Spark refuses it has no batches.
                return Ok(());
            }
        }
        (None, None) => (),
    }
    compare_batches(scenario, ran)
}

fn compare_refusals(refusal: &Refusal, ended: &Ended) -> Fallible<()> {
    ensure(ended.phase <= refusal.phase, || {
        format!("it was refused at {:?}, Spark did at {:?}", ended.phase, refusal.phase)
    })?;
    let kind = ended.error.kind();
    let is_refusal = matches!(kind, ErrorKind::Invalid | ErrorKind::Unsupported)
        || (kind == ErrorKind::Data && ended.phase == Phase::Runtime);
    ensure(is_refusal, || {
        let message = refusal.message.as_deref().unwrap_or_default();
        format!(
            "it failed with an error of the kind {kind:?}: {}\nSpark said: {message}",
            ended.error
        )
    })
}

fn compare_batches(scenario: &Scenario, ran: &Ran) -> Fallible<()> {
    let expected = &scenario.expected.batches;
    for (batch, seen) in expected.iter().zip(&ran.seen) {
        compare_batch(scenario, batch, seen, &ran.progress)
            .map_err(|failure| format!("batch {}: {failure}", batch.batch_id))?;
    }
    ensure(expected.len() == ran.seen.len(), || {
        let ids = |ids: &mut dyn Iterator<Item = u64>| {
            ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
        };
        format!(
            "the sink got {} batches, not {}\nexpected: {}\ngot:      {}\n{}",
            ran.seen.len(),
            expected.len(),
            ids(&mut expected.iter().map(|batch| batch.batch_id)),
            ids(&mut ran.seen.iter().map(|seen| seen.batch_id)),
            shown(&ran.seen)
        )
    })
}

fn compare_batch(
    scenario: &Scenario,
    batch: &Batch,
    seen: &Seen,
    progress: &[StreamingQueryProgress],
) -> Fallible<()> {
    let expected = &scenario.expected;
    differ("its number", &batch.batch_id, &seen.batch_id)?;
    differ("whether the sink failed", &batch.failed, &seen.failed)?;
    differ("the columns", &expected.columns, &seen.columns)?;
    differ("the types", &expected.types, &seen.types)?;
    compare_rows(scenario, batch, seen)?;
    if batch.failed {
        // An epoch that failed has no report.
        return Ok(());
    }
    let report = progress
        .iter()
        .find(|report| report.batch_id == batch.batch_id)
        .ok_or("there is no progress report")?;
    if let Some(input_rows) = batch.input_rows {
        differ("the number of input rows", &input_rows, &report.num_input_rows)?;
    }
    let watermark = report.event_time.get("watermark").cloned();
    differ("the watermark", &batch.watermark, &watermark)?;
    compare_states(&batch.state, report)
}

fn compare_states(expected: &[OperatorState], report: &StreamingQueryProgress) -> Fallible<()> {
    let names: Vec<&str> = expected.iter().map(|state| state.operator.as_str()).collect();
    let own: Vec<&str> =
        report.state_operators.iter().map(|operator| operator.operator_name.as_str()).collect();
    ensure(names.len() == own.len(), || {
        format!("the stateful operators differ\nexpected: {names:?}\ngot:      {own:?}")
    })?;
    for (index, (state, operator)) in expected.iter().zip(&report.state_operators).enumerate() {
        let name = &state.operator;
        differ(
            &format!("the rows that operator {index}, {name}, dropped by watermark"),
            &state.rows_dropped_by_watermark,
            &operator.num_rows_dropped_by_watermark,
        )?;
        if COUNTED.contains(&name.as_str()) {
            differ(
                &format!("the rows in the state of operator {index}, {name}"),
                &state.rows_total,
                &operator.num_rows_total,
            )?;
        }
    }
    Ok(())
}

fn compare_rows(scenario: &Scenario, batch: &Batch, seen: &Seen) -> Fallible<()> {
    let tolerance = scenario.float_tolerance.unwrap_or(0.0);
    let is_same = if scenario.compare == Some(Compare::RowCount) {
        batch.rows.len() == seen.rows.len()
    } else if scenario.ordered {
        batch.rows.len() == seen.rows.len()
            && batch.rows.iter().zip(&seen.rows).all(|(a, b)| same_row(a, b, tolerance))
    } else {
        same_rows(&batch.rows, &seen.rows, tolerance)
    };
    ensure(is_same, || {
        format!(
            "the rows differ\nexpected: {}\ngot:      {}",
            lines(&batch.rows),
            lines(&seen.rows)
        )
    })
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Fallible<()> {
    ensure(expected == got, || format!("{what} differ: expected {expected:?}, got {got:?}"))
}

fn lines(rows: &[Vec<Value>]) -> String {
    let mut rows: Vec<String> =
        rows.iter().map(|row| Value::Array(row.clone()).to_string()).collect();
    rows.sort();
    rows.join(" ")
}

fn shown(seen: &[Seen]) -> String {
    let batch = |seen: &Seen| format!("batch {}: {}", seen.batch_id, lines(&seen.rows));
    seen.iter().map(batch).collect::<Vec<_>>().join("\n")
}
