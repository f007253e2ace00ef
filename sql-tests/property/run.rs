//! Runs one input as a stream, and at once.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use millstream::operators::scan::CatalogTable;
use millstream::runtime::clock::ManualClock;
use millstream::session::builtin::MemoryTable;
use millstream::{StreamSession, StreamingQuery};
use serde_json::Value;

use crate::collector::Collector;
use crate::outcome::{Fallible, ensure};
use crate::property::input::{COLUMNS, Input, batch, last_row};
use crate::render;
use crate::workspace::Workspace;

/// A query with `{t}` in the place of its table.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) mode: &'static str,
    pub(super) text: &'static str,
}

/// Fails when the stream says something else than the table.
pub(super) async fn check(query: &Query, input: &Input) -> Fallible<()> {
    let mut options = SessionConfig::new();
    if row_by_row(input) {
        // Aggregations make partial state of single rows, without grouping them first.
        let execution = &mut options.options_mut().execution;
        execution.skip_partial_aggregation_probe_rows_threshold = 1;
        execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    }
    let state = SessionStateBuilder::new().with_default_features().with_config(options).build();
    let clock = Arc::new(ManualClock::new(0));
    let session = StreamSession::builder().with_session_state(state).with_clock(clock).build()?;
    session.sql(&format!("CREATE TABLE t ({COLUMNS}) USING memory")).await?;
    let streamed = stream(query, input, &session).await?;
    let frame = session.sql(&query.text.replace("{t}", "t")).await?;
    let expected = sorted(render::all_rows(&frame.collect().await?)?);
    let streamed = sorted(streamed);
    ensure(expected == streamed, || {
        format!(
            "the stream differs from the table\ntable:  {}\nstream: {}",
            expected.join(" "),
            streamed.join(" ")
        )
    })
}

/// Whether each row of an input is a batch of its own: so is it for every other number of epochs.
const fn row_by_row(input: &Input) -> bool {
    input.epochs.len() % 2 == 1
}

/// What the stream came to: in complete mode the last result, in append mode all of them.
async fn stream(
    query: &Query,
    input: &Input,
    session: &StreamSession,
) -> Fallible<Vec<Vec<Value>>> {
    let workspace = Workspace::new()?;
    let collector = Collector::default();
    let mut running: Option<StreamingQuery> = None;
    for epoch in &input.epochs {
        if let Some(partitions) = epoch.restart {
            session.set("spark.sql.shuffle.partitions", &partitions.to_string())?;
            if let Some(query) = running.take() {
                query.stop().await?;
            }
        }
        let size = if row_by_row(input) { 1 } else { epoch.rows.len().max(1) };
        for rows in epoch.rows.chunks(size) {
            add(session, rows).await?;
        }
        let query = match running.take() {
            Some(query) => query,
            None => start(query, session, &collector, &workspace).await?,
        };
        query.process_all_available().await?;
        running = Some(query);
    }
    if query.mode == "append" {
        add(session, &[last_row()]).await?;
    }
    if let Some(query) = running {
        query.process_all_available().await?;
        query.stop().await?;
    }
    let seen = collector.seen();
    Ok(match query.mode {
        "complete" => seen.into_iter().next_back().map(|seen| seen.rows).unwrap_or_default(),
        _ => seen.into_iter().flat_map(|seen| seen.rows).collect(),
    })
}

async fn start(
    query: &Query,
    session: &StreamSession,
    collector: &Collector,
    workspace: &Workspace,
) -> Fallible<StreamingQuery> {
    let collector = collector.clone();
    let frame = session.sql(&query.text.replace("{t}", "STREAM t")).await?;
    let started = frame
        .write_stream()
        .output_mode(query.mode)
        .option("checkpointLocation", workspace.child("checkpoint"))
        .foreach_batch(move |rows, epoch| collector.clone().take(rows, epoch))
        .start();
    Ok(Box::pin(started).await?)
}

async fn add(session: &StreamSession, rows: &[crate::property::input::Row]) -> Fallible<()> {
    let provider = session.context().table_provider(TableReference::bare("t")).await?;
    let table = provider
        .downcast_ref::<CatalogTable>()
        .and_then(|table| table.rows().downcast_ref::<MemoryTable>())
        .ok_or("the table `t` is not in memory")?;
    Ok(table.add(&batch(rows)?)?)
}

fn sorted(rows: Vec<Vec<Value>>) -> Vec<String> {
    let mut lines: Vec<String> =
        rows.into_iter().map(|row| Value::Array(row).to_string()).collect();
    lines.sort();
    lines
}
