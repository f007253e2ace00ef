//! The query that is cut short: final windows of JSON files that are joined with a table, into a
//! sink that keeps what it got.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::dataframe::DataFrame;
use millstream::checkpoint::storage::LocalStorage;
use millstream::config::Trigger;
use millstream::connector::storage::Storage;
use millstream::runtime::clock::ManualClock;
use millstream::session::StreamingDataFrame;
use millstream::sinks::foreach_batch::UserError;
use millstream::{Error, StreamSession, StreamingQuery};
use serde_json::Value;

use crate::outcome::Fallible;
use crate::render;
use crate::workspace::Workspace;

/// The input: a file for each epoch. The last row of each makes windows before it final.
const FILES: &[&str] = &[
    "{\"ts\": \"2024-01-01T00:00:01Z\", \"k\": \"a\", \"v\": 1}\n{\"ts\": \"2024-01-01T00:00:12Z\", \"k\": \"b\", \"v\": 2}\n",
    "{\"ts\": \"2024-01-01T00:00:13Z\", \"k\": \"b\", \"v\": 3}\n{\"ts\": \"2024-01-01T00:00:31Z\", \"k\": \"a\", \"v\": 4}\n",
    "{\"ts\": \"2024-01-01T00:00:32Z\", \"k\": \"a\", \"v\": 5}\n{\"ts\": \"2024-01-01T00:01:00Z\", \"k\": \"c\", \"v\": 6}\n",
];

/// What may come before, in more epochs than there are files.
const EARLY_FILE: &str = "{\"ts\": \"2024-01-01T00:00:01Z\", \"k\": \"a\", \"v\": 1}\n";

/// The input that comes after a crash. Without it a restart would leave groups that became final
/// with the last epoch before the crash to the next data, as it should.
const LAST_FILE: &str = "{\"ts\": \"2024-01-01T00:02:00Z\", \"k\": \"d\", \"v\": 7}\n";

/// The table that the rows are joined with, which knows every key of the input.
const TABLE_FILE: &str = "{\"k\": \"a\"}\n{\"k\": \"b\"}\n{\"k\": \"c\"}\n{\"k\": \"d\"}\n";

/// What comes to the table with each file of the input, and joins nothing.
const MORE_OF_THE_TABLE: &str = "{\"k\": \"nobody\"}\n";

/// Where the rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink {
    /// Into a folder of parquet files.
    Files,
    /// Into folders of csv files, one for each value of `k`.
    Folders,
    /// To a function that keeps the rows of an epoch under its number.
    Table,
}

impl Sink {
    pub(super) const ALL: [Self; 3] = [Self::Files, Self::Folders, Self::Table];

    /// A name for cases.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Files => "file_sink",
            Self::Folders => "partitioned_csv",
            Self::Table => "foreach_batch",
        }
    }
}

/// A table outside of the process, as it were: an epoch that comes again replaces its rows.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyedTable(Arc<Mutex<BTreeMap<u64, Vec<String>>>>);

impl KeyedTable {
    async fn put(self, rows: DataFrame, epoch: u64) -> Result<(), UserError> {
        let rows = lines(&render::all_rows(&rows.collect().await?)?);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.insert(epoch, rows.clone()) {
            Some(before) if before != rows => {
                Err(format!("epoch {epoch} came again with other rows: {before:?}, then {rows:?}")
                    .into())
            }
            _ => Ok(()),
        }
    }

    fn rows(&self) -> Vec<String> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<String> = table.values().flatten().cloned().collect();
        rows.sort();
        rows
    }
}

/// A query over files, with its folder and its sink.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) workspace: Workspace,
    sink: Sink,
    table: KeyedTable,
    early_files: AtomicUsize,
}

impl Subject {
    /// A query that has all its files.
    pub(super) fn new(sink: Sink) -> Fallible<Self> {
        let subject = Self::without_files(sink)?;
        for _ in FILES {
            subject.add_file()?;
        }
        Ok(subject)
    }

    /// A query whose files are still to come.
    pub(super) fn without_files(sink: Sink) -> Fallible<Self> {
        let workspace = Workspace::new()?;
        workspace.folder("in")?;
        workspace.put("d", "json", TABLE_FILE.as_bytes())?;
        Ok(Self { workspace, sink, table: KeyedTable::default(), early_files: AtomicUsize::new(0) })
    }

    /// Adds the next file; whether there was one.
    pub(super) fn add_file(&self) -> Fallible<bool> {
        let there = fs::read_dir(self.workspace.child("in"))?.count();
        match FILES.get(there - self.early_files.load(Ordering::Relaxed)) {
            None => Ok(false),
            Some(text) => {
                self.workspace.put("d", "json", MORE_OF_THE_TABLE.as_bytes())?;
                self.workspace.put("in", "json", text.as_bytes()).map(|_path| true)
            }
        }
    }

    /// Adds a file with one row of the first window. Files of [`FILES`] come after all of these.
    pub(super) fn add_early_file(&self) -> Fallible<()> {
        self.workspace.put("in", "json", EARLY_FILE.as_bytes())?;
        self.early_files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Adds the file that comes after a crash.
    pub(super) fn add_last_file(&self) -> Fallible<()> {
        self.workspace.put("in", "json", LAST_FILE.as_bytes())?;
        Ok(())
    }

    /// The rows of a run that nothing disturbs.
    pub(super) async fn undisturbed(sink: Sink) -> Fallible<Vec<String>> {
        let subject = Self::new(sink)?;
        subject.run(Arc::new(LocalStorage::new())).await?;
        subject.add_last_file()?;
        subject.run(Arc::new(LocalStorage::new())).await?;
        subject.rows().await
    }

    /// Starts the query in a session of its own, as a new process would.
    pub(super) async fn start(
        &self,
        storage: Arc<dyn Storage>,
        trigger: Trigger,
    ) -> Result<StreamingQuery, Error> {
        let session = StreamSession::builder()
            .config("spark.sql.shuffle.partitions", "2")
            .with_clock(Arc::new(ManualClock::new(0)))
            .with_storage(storage)
            .build()?;
        let query = self.frame(&session).await?.write_stream().trigger(trigger).query_name("q");
        let query = query.option("checkpointLocation", self.workspace.child("checkpoint"));
        let query = match self.sink {
            Sink::Files => query.format("parquet").option("path", self.workspace.child("out")),
            Sink::Folders => {
                let out = self.workspace.child("out");
                query.format("csv").option("path", out).partition_by(["k"])
            }
            Sink::Table => {
                let table = self.table.clone();
                query.foreach_batch(move |rows, epoch| table.clone().put(rows, epoch))
            }
        };
        Box::pin(query.start()).await
    }

    async fn frame(&self, session: &StreamSession) -> Result<StreamingDataFrame, Error> {
        let rows = session
            .read_stream()
            .format("json")
            .schema("ts TIMESTAMP, k STRING, v BIGINT")
            .option("path", self.workspace.child("in"))
            .option("maxFilesPerTrigger", 1)
            .load()
            .await?;
        rows.with_watermark("ts", "5 seconds")?.create_or_replace_temp_view("w")?;
        let path = self.workspace.child("d");
        let table = format!("CREATE TABLE d (k STRING) USING json OPTIONS (path '{path}')");
        session.sql(&table).await?;
        session
            .sql(
                "SELECT window.start AS ws, w.k, count(*) AS n, sum(v) AS t FROM w \
                 JOIN d ON w.k = d.k GROUP BY window(ts, '10 seconds'), w.k",
            )
            .await
    }

    /// Runs the query over all that is there, to its end.
    pub(super) async fn run(&self, storage: Arc<dyn Storage>) -> Result<StreamingQuery, Error> {
        let query = self.start(storage, Trigger::AvailableNow).await?;
        query.await_termination(None).await?;
        Ok(query)
    }

    /// The rows that a reader of the sink sees.
    pub(super) async fn rows(&self) -> Fallible<Vec<String>> {
        match self.sink {
            Sink::Table => Ok(self.table.rows()),
            _ if !Path::new(&self.workspace.child("out")).exists() => Ok(vec![]),
            Sink::Files | Sink::Folders => {
                let session = StreamSession::new()?;
                let is_csv = self.sink == Sink::Folders;
                let written = session
                    .read()
                    .format(if is_csv { "csv" } else { "parquet" })
                    .schema("ws TIMESTAMP, n BIGINT, t BIGINT, k STRING")
                    .load_path(&self.workspace.child("out"))
                    .await?;
                let written = written.select_expr(&["ws", "k", "n", "t"]).await?;
                Ok(lines(&render::all_rows(&written.collect().await?)?))
            }
        }
    }

    /// The newest epochs in the offset log and in the commit log.
    pub(super) fn logs(&self) -> Fallible<(Option<u64>, Option<u64>)> {
        Ok((self.newest("offsets")?, self.newest("commits")?))
    }

    fn newest(&self, log: &str) -> Fallible<Option<u64>> {
        let folder = self.workspace.path().join("checkpoint").join(log);
        if !folder.exists() {
            return Ok(None);
        }
        let mut newest = None;
        for entry in fs::read_dir(folder)? {
            newest = newest.max(entry?.file_name().to_string_lossy().parse().ok());
        }
        Ok(newest)
    }
}

/// Rows as sorted lines.
fn lines(rows: &[Vec<Value>]) -> Vec<String> {
    let mut lines: Vec<String> =
        rows.iter().map(|row| Value::Array(row.clone()).to_string()).collect();
    lines.sort();
    lines
}
