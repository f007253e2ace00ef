//! What a test file talks to: a session, a clock that stands still, and a folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::common::TableReference;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use millstream::checkpoint::storage::LocalStorage;
use millstream::operators::scan::CatalogTable;
use millstream::runtime::clock::{Clock, ManualClock, SystemClock};
use millstream::session::StreamingDataFrame;
use millstream::session::builtin::MemoryTable;
use millstream::sql::types::spark_type_name;
use millstream::testing::fault::{Faults, FaultyStorage};
use millstream::{Error, StreamSession, StreamingQuery, StreamingQueryProgress};
use serde_json::Value;
use sqllogictest::{AsyncDB, DBOutput};

use crate::outcome::{Failure, Fallible};
use crate::render;
use crate::slt::column_type::ColumnLetter;
use crate::slt::fault_point::{FaultPoint, POINT};
use crate::slt::program::{Program, field, letter};
use crate::slt::step::Step;
use crate::workspace::Workspace;

/// The time at which the clock stands first: the start of 2024 in UTC, in milliseconds.
const START: i64 = 1_704_067_200_000;

/// Stands for the folder of the case.
const FOLDER: &str = "${TMP}";

/// Why a record failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(String);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}

/// What a test file talks to.
pub(super) struct Database {
    session: StreamSession,
    clock: ManualClock,
    faults: Faults,
    workspace: Workspace,
    point: Option<FaultPoint>,
    programs: BTreeMap<String, Program>,
    /// The newest run of each streaming table, which may have ended.
    queries: BTreeMap<String, StreamingQuery>,
}

impl Database {
    /// A fresh session; `point` is what `${POINT}` stands for.
    pub(super) fn new(point: Option<FaultPoint>) -> Result<Self, Refused> {
        Self::open(point).map_err(Refused::from)
    }

    fn open(point: Option<FaultPoint>) -> Fallible<Self> {
        let clock = ManualClock::new(START);
        let faults = Faults::new();
        let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
        // Plans must not depend on the machine.
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(2))
            .with_default_features()
            .build();
        let session = StreamSession::builder()
            .with_session_state(state)
            .config("spark.sql.shuffle.partitions", "3")
            .with_clock(Arc::new(clock.clone()))
            .with_storage(Arc::new(storage))
            .build()?;
        Ok(Self {
            session,
            clock,
            faults,
            workspace: Workspace::new()?,
            point,
            programs: BTreeMap::new(),
            queries: BTreeMap::new(),
        })
    }

    async fn execute(&mut self, text: &str) -> Fallible<DBOutput<ColumnLetter>> {
        let folder = self.workspace.path().to_string_lossy();
        let mut text = text.replace(FOLDER, &folder);
        if let Some(point) = self.point {
            text = text.replace(POINT, &point.to_string());
        }
        match Step::parse(&text)? {
            Some(step) => self.step(step).await,
            None => self.sql(&text).await,
        }
    }

    async fn sql(&mut self, text: &str) -> Fallible<DBOutput<ColumnLetter>> {
        let program = Program::of(text);
        let frame = self.session.sql(text).await?;
        if let Some((name, program)) = program {
            self.remember(&name);
            self.programs.entry(name).or_insert(program);
        }
        if frame.schema().fields().is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        rows(&frame).await
    }

    /// Keeps the handle of the query that runs under this name.
    fn remember(&mut self, name: &str) {
        // It may have failed already, which is for the next step to tell.
        let all = self.session.streams().all();
        if let Some(query) = all.into_iter().rfind(|query| query.name() == Some(name)) {
            self.queries.insert(name.to_owned(), query);
        }
    }

    async fn step(&mut self, step: Step) -> Fallible<DBOutput<ColumnLetter>> {
        match step {
            Step::AddData { table, values } => self.add_data(&table, &values).await?,
            Step::AddFile { path, text } => {
                let lines = if text.is_empty() { text } else { text + "\n" };
                self.workspace.put_as(&path, lines.as_bytes())?;
            }
            Step::RemoveFolder { path } => {
                std::fs::remove_dir_all(self.workspace.path().join(path))?;
            }
            Step::Process { query } => self.query(&query)?.process_all_available().await?,
            Step::AwaitEpoch { query, epoch } => self.await_epoch(&query, epoch).await?,
            Step::AwaitEnd { query } => {
                self.query(&query)?.await_termination(None).await?;
            }
            Step::Advance { by } => self.clock.advance(by),
            Step::Crash { query, point } => {
                self.query(&query)?;
                point.parse::<FaultPoint>()?.arm(&self.faults);
            }
            Step::Restart { query } => self.restart(&query).await?,
            Step::CheckNew { query } => return self.check_new(&query).await,
            Step::CheckAll { query } => {
                return rows(&self.session.table(&query).await?).await;
            }
            Step::CheckProgress { query, fields } => {
                let newest = epochs(self.query(&query)?).pop();
                return report(newest.as_slice(), &fields);
            }
            Step::CheckEpochs { query, fields } => {
                let all = epochs(self.query(&query)?);
                return report(&self.program(&query)?.new_epochs(all), &fields);
            }
        }
        Ok(DBOutput::StatementComplete(0))
    }

    fn query(&self, name: &str) -> Fallible<&StreamingQuery> {
        self.queries.get(name).ok_or_else(|| format!("no streaming table {name} was made").into())
    }

    fn program(&mut self, name: &str) -> Fallible<&mut Program> {
        let found = self.programs.get_mut(name);
        found.ok_or_else(|| format!("no streaming table {name} was made").into())
    }

    /// Adds rows, cast to the types of the table, as one step of its offset.
    async fn add_data(&self, table: &str, values: &str) -> Fallible<()> {
        let provider = self.session.context().table_provider(TableReference::bare(table)).await?;
        let catalog = provider.downcast_ref::<CatalogTable>();
        let memory = catalog.and_then(|table| table.rows().downcast_ref::<MemoryTable>());
        let memory = memory.ok_or_else(|| format!("{table} is no table USING memory"))?;
        let schema: SchemaRef = memory.schema();
        let (mut names, mut casts) = (Vec::new(), Vec::new());
        for (index, field) in schema.fields().iter().enumerate() {
            let target = spark_type_name(field.data_type());
            names.push(format!("v{index}"));
            casts.push(format!("CAST(v{index} AS {target}) AS `{}`", field.name()));
        }
        let (names, casts) = (names.join(", "), casts.join(", "));
        let text = format!("SELECT {casts} FROM ({values}) AS given({names})");
        let frame = self.session.sql(&text).await?;
        let batches = frame.collect().await?;
        let given = batches.first().map_or_else(|| frame.schema(), RecordBatch::schema);
        Ok(memory.add(&concat_batches(&given, &batches)?)?)
    }

    /// Waits until an epoch was reported and the query waits for what comes next. With the clock
    /// standing still it waits for good.
    async fn await_epoch(&self, name: &str, epoch: u64) -> Fallible<()> {
        let query = self.query(name)?;
        loop {
            if let Some(error) = query.exception() {
                return Err(error.into());
            }
            let last = query.last_progress().and_then(|last| last.last_epoch());
            let done = last.is_some_and(|last| last >= epoch);
            if done && query.status().message.starts_with("Waiting") {
                return Ok(());
            }
            SystemClock.sleep_until(SystemClock.now_millis() + 1).await;
        }
    }

    async fn restart(&mut self, name: &str) -> Fallible<()> {
        self.query(name)?.stop().await?;
        self.faults.disarm();
        self.faults.revive();
        self.session.sql(&format!("DROP TABLE IF EXISTS `{name}`")).await?;
        let text = self.program(name)?.text.clone();
        self.session.sql(&text).await?;
        self.remember(name);
        Ok(())
    }

    async fn check_new(&mut self, name: &str) -> Fallible<DBOutput<ColumnLetter>> {
        let all = rows(&self.session.table(name).await?).await?;
        match all {
            DBOutput::Rows { types, rows } => {
                Ok(DBOutput::Rows { types, rows: self.program(name)?.new_rows(rows) })
            }
            other => Ok(other),
        }
    }
}

#[async_trait]
impl AsyncDB for Database {
    type Error = Refused;
    type ColumnType = ColumnLetter;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<ColumnLetter>, Refused> {
        Box::pin(self.execute(sql)).await.map_err(Refused::from)
    }

    async fn shutdown(&mut self) {
        for query in self.session.streams().active() {
            // A query that cannot be stopped ends with the process.
            let _stopped: Result<(), Error> = query.stop().await;
        }
    }
}

/// The rows of a bounded table.
async fn rows(frame: &StreamingDataFrame) -> Fallible<DBOutput<ColumnLetter>> {
    let batches = frame.collect().await?;
    let schema = frame.schema();
    let types = schema.fields().iter().map(|field| ColumnLetter::of(field.data_type())).collect();
    let rows = render::all_rows(&batches)?;
    let rows = rows.into_iter().map(|row| row.iter().map(text).collect()).collect();
    Ok(DBOutput::Rows { types, rows })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn report(
    epochs: &[StreamingQueryProgress],
    fields: &[String],
) -> Fallible<DBOutput<ColumnLetter>> {
    let row = |epoch| fields.iter().map(|name| field(epoch, name)).collect::<Fallible<_>>();
    let rows = epochs.iter().map(row).collect::<Fallible<_>>()?;
    Ok(DBOutput::Rows { types: fields.iter().map(|name| letter(name)).collect(), rows })
}

/// The reports of the epochs, without those of a query that had nothing to do.
fn epochs(query: &StreamingQuery) -> Vec<StreamingQueryProgress> {
    let mut all = query.recent_progress();
    all.retain(StreamingQueryProgress::is_epoch);
    all
}
