//! Where rows come from.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use serde::{Deserialize, Serialize};

use crate::connector::offset::Offset;
use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::runtime::clock::Clock;

/// How much of what is available an epoch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadLimit {
    /// What the source's own options allow.
    Configured,
    /// Everything, whatever the options say: the trigger `Once`.
    AllAvailable,
}

/// One piece of an epoch's input, which one task reads: JSON that only its source can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputPartition(pub serde_json::Value);

/// A replayable source of a micro-batch query.
///
/// # Contract
/// A run calls in this order: [`recover`](Self::recover) once, then for every epoch
/// [`latest_offset`](Self::latest_offset), [`plan`](Self::plan), [`read`](Self::read) for every
/// partition, and, when the next epoch starts, [`commit`](Self::commit) with the end of this one.
/// The same range must give the same rows whenever it is read, in this run and in later ones,
/// until it was committed.
#[async_trait]
pub trait MicroBatchSource: Debug + Display + Send + Sync + 'static {
    /// The columns of every batch that [`read`](Self::read) gives.
    fn schema(&self) -> SchemaRef;

    /// Makes ready to go on after `last`, the end of the newest epoch in the offset log: what was
    /// handed out beyond it was never promised and may be forgotten. `None` at the first start.
    ///
    /// # Errors
    /// `Corrupt` when what the source keeps in the checkpoint cannot be read.
    async fn recover(&self, last: Option<&Offset>) -> Result<()>;

    /// How far the next epoch may read when it begins after `start`; `None` when there is no data
    /// at all yet. Equal to `start` when there is nothing new.
    ///
    /// What the source needs to find the range again must be durable when this returns.
    ///
    /// # Errors
    /// `Storage` when the place that rows come from cannot be asked.
    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        limit: ReadLimit,
    ) -> Result<Option<Offset>>;

    /// Fixes the end of an `AvailableNow` run at what is there now: from here on
    /// [`latest_offset`](Self::latest_offset) never goes beyond.
    ///
    /// # Errors
    /// As [`latest_offset`](Self::latest_offset).
    async fn freeze_end(&self) -> Result<()>;

    /// Splits the range after `start` up to and including `end` into pieces to read in parallel,
    /// about `parallelism` of them where there is enough.
    ///
    /// # Errors
    /// `Corrupt` when the range is not known, such as after a loss of checkpoint files.
    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>>;

    /// Reads one piece; `projection` picks columns of [`schema`](Self::schema) by index, in order.
    ///
    /// # Errors
    /// `Data` for malformed rows where the options say so; also as an item of the stream.
    async fn read(
        &self,
        partition: &InputPartition,
        projection: Option<&[usize]>,
    ) -> Result<SendableRecordBatchStream>;

    /// The parts of a piece that have names of their own, such as its files: a row that fails is
    /// told with the name of its part.
    fn named_parts(&self, _partition: &InputPartition) -> Vec<(String, InputPartition)> {
        vec![]
    }

    /// What the source tells of the range that was read last, for the progress report.
    fn metrics(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Everything up to and including `end` is done for good and will not be asked for again.
    ///
    /// # Errors
    /// `Storage` when cleaning up failed.
    async fn commit(&self, end: &Offset) -> Result<()>;
}

/// What a source is given when a run starts it.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// The source's own folder in the checkpoint.
    pub folder: Location,
    /// Opens the places that rows come from.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The zone of times that name none.
    pub time_zone: TimeZone,
}

/// Makes sources of one format, such as `json` or `memory`.
#[async_trait]
pub trait SourceFactory: Debug + Send + Sync + 'static {
    /// The options, those that are refused too.
    fn options(&self) -> OptionDocs;

    /// Checks the options and settles the schema of an unbounded table.
    ///
    /// # Errors
    /// `UnknownOption`, `InvalidOption`, `MissingOption`; `Invalid` where a schema has to be given.
    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>>;
}

/// What a source may look at while it is described.
#[derive(Debug, Clone)]
pub struct DefineContext {
    /// Opens the places that rows come from, to infer a schema.
    pub storage: Arc<dyn Storage>,
    /// Whether a schema may be inferred: `spark.sql.streaming.schemaInference`.
    pub infer_schema: bool,
    /// Whether the place that rows come from has to be there already.
    pub must_exist: bool,
    /// Whether a pattern of paths has to match something already.
    pub must_match: bool,
    /// The zone of times that name none.
    pub time_zone: TimeZone,
    /// The columns that the names of folders will have, while there are no files to tell them.
    pub folder_columns: Vec<String>,
}

impl DefineContext {
    /// Nothing is inferred, nothing has to be there, and times are in UTC.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            infer_schema: false,
            must_exist: false,
            must_match: false,
            time_zone: TimeZone::UTC,
            folder_columns: vec![],
        }
    }
}

/// Which rows a static table over the place of a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Those that were there when the table was made.
    Snapshot,
    /// Those that are there when the table is scanned.
    Live,
}

/// An unbounded table that was described but not started: what `load()` makes.
#[async_trait]
pub trait SourceDefinition: Debug + Send + Sync + 'static {
    /// The format, for the source's default name and for messages.
    fn format(&self) -> &str;

    /// The columns of the table.
    fn schema(&self) -> SchemaRef;

    /// Whether the source leaves out rows that fail a simple filter of the query, a column compared
    /// with a constant, so that they are neither counted as input nor seen by a watermark.
    fn takes_filters(&self) -> bool;

    /// The options with which a sink of the same format writes into the place that the source
    /// reads; none where rows cannot be written.
    fn written_with(&self) -> Option<&Options> {
        None
    }

    /// The place that rows come from, such as `file:///in/*.json`, if it can be told: a run on the
    /// checkpoint of another is told when it changed.
    fn place(&self, _storage: &dyn Storage) -> Option<String> {
        None
    }

    /// Whether the source would read the files that a sink puts into this folder: a query that
    /// feeds itself never ends.
    fn reads_from(&self, _folder: &Location, _storage: &dyn Storage) -> bool {
        false
    }

    /// Starts the source for one run of a query.
    ///
    /// # Errors
    /// Those of options that only show when the source runs.
    fn start(&self, context: SourceContext) -> Result<Arc<dyn MicroBatchSource>>;

    /// The same place as a static table.
    ///
    /// # Errors
    /// `Storage` when the place cannot be looked at.
    async fn table(
        &self,
        storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>>;
}

/// The error of a source that cannot read a position or a partition that is not its own.
pub fn foreign(source: &dyn Display, json: &serde_json::Value) -> Error {
    Error::corrupt(source.to_string(), format!("`{json}` is not a position of this source"))
}
