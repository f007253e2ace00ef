//! Where rows go.

use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::execution::context::SessionContext;
use serde::{Deserialize, Serialize};

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::storage::Storage;
use crate::error::Result;
use crate::runtime::clock::Clock;

/// What one partition of an epoch wrote: JSON that only its sink can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitMessage(pub serde_json::Value);

/// The epoch of the query that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkBatch {
    /// The id of the query, the same over restarts.
    pub query_id: String,
    /// The epoch; what Spark calls batch id.
    pub epoch: u64,
    /// The number of the run that writes, so that files of two runs never collide.
    pub run: u64,
    /// The output mode of the query.
    pub mode: OutputMode,
    /// The columns of the rows.
    pub schema: SchemaRef,
}

/// The answer to [`StreamSink::begin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkState {
    /// The epoch is in the sink already: nothing must be written again.
    AlreadyDone,
    /// The epoch is to be written.
    Open,
}

/// An idempotent sink.
///
/// # Contract
/// For each epoch a run calls [`begin`](Self::begin); when the epoch is open, one
/// [`writer`](Self::writer) for each partition of the result, possibly at once, then either
/// [`commit`](Self::commit) with the messages of all writers in partition order, or
/// [`abort`](Self::abort). An epoch may come again after a crash, with the same rows, from a run
/// with a higher number; its rows must be visible once. Nothing of an epoch may be visible before
/// its commit.
#[async_trait]
pub trait StreamSink: Debug + Display + Send + Sync + 'static {
    /// Whether the sink can take what a query of this output mode writes.
    fn supports(&self, mode: OutputMode) -> bool;

    /// Whether a restarted query may go on with this sink. A sink whose rows live in memory only
    /// lost those of earlier epochs.
    fn can_recover(&self, mode: OutputMode) -> bool;

    /// Whether [`commit`](Self::commit) knows how many rows it wrote, for the progress report.
    fn counts_rows(&self) -> bool;

    /// Opens an epoch, or says that it is done already.
    ///
    /// # Errors
    /// `Storage` when the sink cannot be asked.
    async fn begin(&self, batch: &SinkBatch) -> Result<SinkState>;

    /// Opens the writer of one partition of an open epoch.
    ///
    /// # Errors
    /// `Storage` when nothing can be written.
    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>>;

    /// Makes the epoch visible, durably. Doing it again has no effect.
    ///
    /// # Errors
    /// `Storage`, or `User` when a function of the user failed: the epoch will come again.
    async fn commit(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()>;

    /// Gives the epoch up: what its writers wrote is never to be seen.
    ///
    /// # Errors
    /// `Storage` when cleaning up failed; nothing must be visible all the same.
    async fn abort(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()>;
}

/// Writes the rows of one partition of one epoch. Dropping it unfinished gives the rows up.
#[async_trait]
pub trait SinkWriter: Debug + Send {
    /// Takes rows.
    ///
    /// # Errors
    /// `Storage` when they cannot be written.
    async fn write(&mut self, rows: RecordBatch) -> Result<()>;

    /// Ends the partition: the rows are durable, though not visible, when this returns.
    ///
    /// # Errors
    /// `Storage` when they cannot be written.
    async fn finish(self: Box<Self>) -> Result<CommitMessage>;
}

/// What a sink is given when a run starts it.
#[derive(Debug, Clone)]
pub struct SinkContext {
    /// The name of the query, where it has one, or of the table that it is to be read as.
    pub query_name: Option<String>,
    /// The columns of the rows to come.
    pub schema: SchemaRef,
    /// The columns by whose values rows are kept apart, as the user named them.
    pub partition_by: Vec<String>,
    /// Opens the places that rows go to.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where tables are registered and data frames are made.
    pub session: SinkSession,
}

/// A session that prints as its id.
#[derive(Clone)]
pub struct SinkSession(pub SessionContext);

impl Debug for SinkSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SinkSession({})", self.0.session_id())
    }
}

/// Makes sinks of one format, such as `parquet` or `console`.
#[async_trait]
pub trait SinkFactory: Debug + Send + Sync + 'static {
    /// The options, those that are refused too.
    fn options(&self) -> OptionDocs;

    /// Whether the sink can keep rows apart by the values of columns:
    /// [`SinkContext::partition_by`].
    fn can_partition(&self) -> bool;

    /// Whether the sink keeps rows where they outlive the process, so that a query without a
    /// checkpoint location must be refused.
    fn needs_checkpoint(&self) -> bool;

    /// Checks the options and opens the sink for one run of a query.
    ///
    /// # Errors
    /// `UnknownOption`, `InvalidOption`, `MissingOption`; `Unsupported` for a schema that the
    /// format cannot hold.
    async fn open(&self, options: &Options, context: SinkContext) -> Result<Arc<dyn StreamSink>>;
}
