//! Runs a scenario through the public interface.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::datasource::MemTable;
use millstream::config::Trigger;
use millstream::runtime::clock::ManualClock;
use millstream::session::StreamingDataFrame;
use millstream::{Error, StreamSession, StreamingQuery, StreamingQueryProgress};
use serde_json::Value;

use crate::collector::{Collector, Seen};
use crate::outcome::{Fallible, ensure};
use crate::spark::scenario::{self, Definition, Phase, Scenario, Step};
use crate::workspace::Workspace;

/// The first of January 2024 in UTC, in milliseconds. No recorded result depends on it.
const NOW: i64 = 1_704_067_200_000;

/// What a scenario did.
#[derive(Debug)]
pub(super) struct Ran {
    /// The batches that the sink was handed.
    pub(super) seen: Vec<Seen>,
    /// The reports of the batches that were committed.
    pub(super) progress: Vec<StreamingQueryProgress>,
    /// How it ended, if not well.
    pub(super) error: Option<Ended>,
}

/// An error that ended a scenario.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) phase: Phase,
    pub(super) error: Error,
}

/// Runs a scenario. What the query itself fails with is part of the result.
pub(super) async fn run(scenario: &Scenario, partitions: usize) -> Fallible<Ran> {
    let workspace = Workspace::new()?;
    let session = session(scenario, partitions)?;
    make_streams(scenario, &session, &workspace).await?;
    make_tables(scenario, &session, &workspace).await?;
    let mut engine = Engine {
        scenario,
        workspace,
        collector: Collector::default(),
        query: None,
        progress: vec![],
    };
    let ended = match analyze(scenario, &session).await {
        Ok(frame) => engine.steps(&frame).await?,
        Err(error) => Some(Ended { phase: Phase::Analysis, error }),
    };
    engine.stop().await?;
    Ok(Ran { seen: engine.collector.seen(), progress: engine.progress, error: ended })
}

/// A session whose clock stands still, so that a query looks for files only when it is told to:
/// then the files of one step appear at once.
fn session(scenario: &Scenario, partitions: usize) -> Fallible<StreamSession> {
    let session = StreamSession::builder()
        .config("spark.sql.shuffle.partitions", partitions.to_string())
        .config("spark.sql.streaming.numRecentProgressUpdates", "100000")
        .with_clock(Arc::new(ManualClock::new(NOW)))
        .build()?;
    for (name, value) in &scenario.config {
        session.set(name, value).map_err(|error| format!("the setting {name}: {error}"))?;
    }
    Ok(session)
}

async fn make_streams(
    scenario: &Scenario,
    session: &StreamSession,
    workspace: &Workspace,
) -> Fallible<()> {
    for (name, stream) in &scenario.streams {
        let folder = workspace.folder(&format!("streams/{name}"))?;
        let stream = session
            .read_stream()
            .format("json")
            .schema(stream.schema.as_str())
            .option("path", folder.to_string_lossy().into_owned())
            .option("maxFilesPerTrigger", stream.max_files_per_trigger)
            // As the recordings were made.
            .option("mode", "FAILFAST")
            .load()
            .await
            .map_err(|error| format!("the stream {name}: {error}"))?;
        stream.create_or_replace_temp_view(name)?;
    }
    Ok(())
}

async fn make_tables(
    scenario: &Scenario,
    session: &StreamSession,
    workspace: &Workspace,
) -> Fallible<()> {
    for (name, table) in &scenario.tables {
        let folder = format!("tables/{name}");
        workspace.put(&folder, "json", &json_lines(&table.rows))?;
        let rows = session
            .read()
            .format("json")
            .schema(table.schema.as_str())
            .option("path", workspace.child(&folder))
            .load()
            .await
            .map_err(|error| format!("the table {name}: {error}"))?;
        let schema: Arc<Schema> = rows.schema();
        let rows = MemTable::try_new(schema, vec![rows.collect().await?])?;
        session.context().register_table(name.as_str(), Arc::new(rows))?;
    }
    Ok(())
}

/// One line for each row; a string stands for a raw line.
fn json_lines(rows: &[Value]) -> Vec<u8> {
    let mut lines = String::new();
    for row in rows {
        match row {
            Value::String(raw) => lines.push_str(raw),
            row => lines.push_str(&row.to_string()),
        }
        lines.push('\n');
    }
    lines.into_bytes()
}

async fn analyze(
    scenario: &Scenario,
    session: &StreamSession,
) -> Result<StreamingDataFrame, Error> {
    for view in &scenario.views {
        let frame = match &view.definition {
            Definition::Sql { sql } => session.sql(sql).await?,
            Definition::Watermark { from, watermark } => {
                let from = session.table(from).await?;
                from.with_watermark(&watermark.column, &watermark.delay)?
            }
            Definition::Dedup { .. } | Definition::DedupWithinWatermark { .. } => {
                return Err(Error::unsupported("the test cannot drop duplicates yet"));
            }
        };
        frame.create_or_replace_temp_view(&view.name)?;
    }
    session.sql(&scenario.query).await
}

struct Engine<'a> {
    scenario: &'a Scenario,
    workspace: Workspace,
    collector: Collector,
    query: Option<StreamingQuery>,
    progress: Vec<StreamingQueryProgress>,
}

impl Engine<'_> {
    /// Does the steps in order, up to the first that fails.
    async fn steps(&mut self, frame: &StreamingDataFrame) -> Fallible<Option<Ended>> {
        for step in &self.scenario.steps {
            match step {
                Step::Add(files) => {
                    for (stream, rows) in files {
                        let folder = format!("streams/{stream}");
                        self.workspace.put(&folder, "json", &json_lines(rows))?;
                    }
                }
                Step::Run(_) => {
                    if let Err(ended) = Box::pin(self.run(frame)).await {
                        return Ok(Some(ended));
                    }
                }
                Step::Restart(_) => self.stop().await?,
                Step::FailSink(_) => self.collector.fail_next(),
            }
        }
        Ok(None)
    }

    async fn run(&mut self, frame: &StreamingDataFrame) -> Result<(), Ended> {
        let query = match &self.query {
            Some(query) => query.clone(),
            None => {
                let started = self.start(frame).await;
                let query = started.map_err(|error| Ended { phase: Phase::Start, error })?;
                self.query.insert(query).clone()
            }
        };
        let failures = self.collector.failures();
        let ran = match self.scenario.trigger {
            scenario::Trigger::Default => query.process_all_available().await,
            scenario::Trigger::AvailableNow | scenario::Trigger::Once => {
                query.await_termination(None).await.map(|_ended| ())
            }
        };
        if !query.is_active() {
            self.forget();
        }
        match ran {
            // The sink failed because it was told to; the next run starts the query again.
            Err(_) if self.collector.failures() > failures => Ok(()),
            Err(error) => Err(Ended { phase: Phase::Runtime, error }),
            Ok(()) => Ok(()),
        }
    }

    async fn start(&self, frame: &StreamingDataFrame) -> Result<StreamingQuery, Error> {
        let collector = self.collector.clone();
        let trigger = match self.scenario.trigger {
            scenario::Trigger::Default => Trigger::default(),
            scenario::Trigger::AvailableNow => Trigger::AvailableNow,
            scenario::Trigger::Once => Trigger::Once,
        };
        frame
            .clone()
            .write_stream()
            .output_mode(&self.scenario.output_mode)
            .trigger(trigger)
            .option("checkpointLocation", self.workspace.child("checkpoint"))
            .foreach_batch(move |rows, batch_id| collector.clone().take(rows, batch_id))
            .start()
            .await
    }

    async fn stop(&mut self) -> Fallible<()> {
        if let Some(query) = &self.query {
            query.stop().await?;
            ensure(!query.is_active(), || "a query that was stopped is still active".to_owned())?;
        }
        self.forget();
        Ok(())
    }

    /// Keeps the reports of a query that has ended.
    fn forget(&mut self) {
        if let Some(query) = self.query.take() {
            let epochs = query.recent_progress().into_iter().filter(|report| report.is_epoch());
            self.progress.extend(epochs);
        }
    }
}
