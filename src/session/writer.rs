//! The writer: from a data frame and a sink to a running query.

use std::future::Future;
use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use tempfile::TempDir;

use crate::column_names::shown_schema;
use crate::config::Trigger;
#[cfg(test)]
use crate::connector::option_doc::OptionDoc;
use crate::connector::options::{OptionValue, Options, nearest};
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{SinkContext, SinkSession, StreamSink};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::query::handle::StreamingQuery;
use crate::query::start::{SinkSpec, StartArgs, check, start};
use crate::session::builtin;
use crate::session::session::StreamSession;
use crate::sinks::foreach::{ForeachFn, ForeachSink, ForeachWriter};
use crate::sinks::foreach_batch::{ForeachBatchFn, ForeachBatchSink, UserError};

/// The format of a sink that nobody named.
pub(crate) const DEFAULT_FORMAT: &str = "parquet";

/// Where a query keeps what survives a crash.
const CHECKPOINT_LOCATION: &str = "checkpointLocation";

/// The name of the query, as an option.
const QUERY_NAME: &str = "queryName";

/// The options that each query has, whatever its sink.
#[cfg(test)]
pub(crate) const QUERY_OPTIONS: &[OptionDoc] = &[
    OptionDoc::honoured(
        CHECKPOINT_LOCATION,
        "",
        "<folder>",
        "the folder in which the query keeps its progress and its state over a restart",
    ),
    OptionDoc::honoured(QUERY_NAME, "", "clicks", "the name of the query"),
];

/// Writes an unbounded table as a streaming query; begun by
/// [`StreamingDataFrame::write_stream`](crate::session::StreamingDataFrame::write_stream).
/// Setters never fail, [`start`](Self::start) does.
#[must_use = "a query runs only when it is started"]
pub struct DataStreamWriter {
    pub(super) session: StreamSession,
    pub(super) plan: LogicalPlan,
    /// The format that was asked for.
    pub(super) format: Option<String>,
    mode: String,
    trigger: Trigger,
    name: Option<String>,
    pub(super) options: Options,
    pub(super) partition_by: Vec<String>,
    user_code: Option<UserCode>,
    /// The table of a sink that keeps its rows in memory, when it is not named as the query is.
    pub(super) table: Option<String>,
}

/// What stands in place of a sink.
#[derive(Clone)]
enum UserCode {
    Batch(ForeachBatchFn),
    Rows(ForeachFn),
}

impl UserCode {
    const fn name(&self) -> &'static str {
        match self {
            Self::Batch(_) => "foreach_batch",
            Self::Rows(_) => "foreach",
        }
    }
}

impl std::fmt::Debug for DataStreamWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataStreamWriter")
            .field("format", &self.format)
            .field("mode", &self.mode)
            .field("trigger", &self.trigger)
            .field("name", &self.name)
            .field("options", &self.options)
            .field("partition_by", &self.partition_by)
            .finish_non_exhaustive()
    }
}

impl DataStreamWriter {
    pub(crate) fn new(session: StreamSession, plan: LogicalPlan) -> Self {
        Self {
            session,
            plan,
            format: None,
            mode: "append".to_owned(),
            trigger: Trigger::default(),
            name: None,
            options: Options::default(),
            partition_by: vec![],
            user_code: None,
            table: None,
        }
    }

    /// The format of the sink: `parquet`, `json`, `csv`, `text`, `arrow`, `console`, `memory`,
    /// `noop`. The default is `parquet`.
    pub fn format(mut self, format: &str) -> Self {
        self.format = Some(format.to_owned());
        self
    }

    /// Keeps rows apart by the values of these columns, each in a folder `column=value`; for sinks
    /// that write files.
    pub fn partition_by<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// What is written in each epoch: an [`OutputMode`], or its name.
    /// The default is append.
    pub fn output_mode(mut self, mode: impl Into<String>) -> Self {
        self.mode = mode.into();
        self
    }

    /// When an epoch starts. By default as soon as there is data and the last one has ended.
    pub const fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// The name of the query.
    pub fn query_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// An option of the sink, or `checkpointLocation`; names are compared without regard to case.
    pub fn option(mut self, name: &str, value: impl Into<OptionValue>) -> Self {
        self.options.set(name, value.into());
        self
    }

    /// Several options.
    pub fn options<K: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in options {
            self.options.set(name, value);
        }
        self
    }

    /// Hands the rows of each epoch to a function, with the number of the epoch, in place of a
    /// sink. An epoch may come again after a crash, with the same rows and the same number.
    pub fn foreach_batch<F, R>(mut self, function: F) -> Self
    where
        F: Fn(DataFrame, u64) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), UserError>> + Send + 'static,
    {
        let function: ForeachBatchFn = Arc::new(move |rows, epoch| Box::pin(function(rows, epoch)));
        self.user_code = Some(UserCode::Batch(function));
        self
    }

    /// Hands rows to writers of one's own, in place of a sink: `make` makes one for each partition
    /// of each epoch. A row comes once at least, and again when its epoch is run again.
    pub fn foreach<F, W>(mut self, make: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: ForeachWriter,
    {
        let make: ForeachFn = Arc::new(move || Box::new(make()));
        self.user_code = Some(UserCode::Rows(make));
        self
    }

    /// Starts the query.
    ///
    /// # Errors
    /// `Unsupported` for a query that cannot be a stream in this output mode, with the way out;
    /// those of the options; `Incompatible` for a query that does not fit its checkpoint.
    pub async fn start(self) -> Result<StreamingQuery> {
        let session = self.session.clone();
        let (args, context) = self.prepare()?;
        let query = Box::pin(start(args, context)).await.map_err(name_own_options)?;
        session.streams().add(query.clone());
        Ok(query)
    }

    /// Finds what [`start`](Self::start) would refuse, and starts nothing.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) async fn check(self) -> Result<()> {
        let (args, context) = self.prepare()?;
        Box::pin(check(&args, context)).await.map_err(name_own_options)
    }

    fn prepare(mut self) -> Result<(StartArgs, SinkContext)> {
        let mode = self.mode.parse()?;
        self.take_name()?;
        if let Some(name) = &self.name {
            self.session.streams().check_name(name)?;
        }
        let checkpoint = self.options.remove(CHECKPOINT_LOCATION);
        let sink = self.sink()?;
        self.check_partitioning(&sink)?;
        let (checkpoint, temporary) = self.checkpoint(checkpoint, &sink)?;
        let context = self.sink_context();
        let args = StartArgs {
            state: self.session.state(),
            plan: self.plan,
            mode,
            trigger: self.trigger,
            settings: self.session.settings(),
            name: self.name,
            checkpoint,
            temporary,
            sink,
            storage: Arc::clone(self.session.storage()),
            clock: Arc::clone(self.session.clock()),
            listeners: self.session.streams().listeners().clone(),
        };
        Ok((args, context))
    }

    /// Starts the query with files in this folder: the option `path`, then [`start`](Self::start).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_path(self, path: &str) -> Result<StreamingQuery> {
        self.option("path", path).start().await
    }

    /// What the sink is given, apart from the options.
    pub(super) fn sink_context(&self) -> SinkContext {
        SinkContext {
            query_name: self.table.clone().or_else(|| self.name.clone()),
            schema: shown_schema(self.plan.schema().as_arrow()),
            partition_by: self.partition_by.clone(),
            storage: Arc::clone(self.session.storage()),
            clock: Arc::clone(self.session.clock()),
            session: SinkSession(self.session.context().clone()),
        }
    }

    /// The options that are the sink's.
    pub(super) fn sink_options(&self) -> Options {
        let mut options = self.options.clone();
        options.remove(CHECKPOINT_LOCATION);
        options.remove(QUERY_NAME);
        options
    }

    /// Takes the name out of the options, if it is there.
    fn take_name(&mut self) -> Result<()> {
        match (self.options.remove(QUERY_NAME), &self.name) {
            (Some(other), Some(name)) if other != *name => Err(Error::InvalidOption {
                owner: "the query".to_owned(),
                option: QUERY_NAME.to_owned(),
                value: other,
                reason: format!("its name is `{name}`"),
            }),
            (Some(name), None) => {
                self.name = Some(name);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sink(&self) -> Result<SinkSpec> {
        let Some(code) = &self.user_code else {
            let format = self.format.clone().unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
            let factory = self.session.registry().sink(&format)?;
            return Ok(SinkSpec::Format { format, factory, options: self.options.clone() });
        };
        self.options.reader(code.name(), &[]).finish().map_err(name_own_options)?;
        let sink: Arc<dyn StreamSink> = match code {
            UserCode::Rows(make) => Arc::new(ForeachSink::new(Arc::clone(make))),
            UserCode::Batch(function) => {
                let session = SinkSession(self.session.context().clone());
                Arc::new(ForeachBatchSink::from_fn(session, Arc::clone(function)))
            }
        };
        Ok(SinkSpec::Open(sink))
    }

    /// Refuses a partitioning that the sink would not follow.
    fn check_partitioning(&self, sink: &SinkSpec) -> Result<()> {
        let name = match sink {
            _ if self.partition_by.is_empty() => return Ok(()),
            SinkSpec::Format { factory, .. } if factory.can_partition() => return Ok(()),
            SinkSpec::Format { format, .. } => format!("sink `{format}`"),
            SinkSpec::Open(_) => {
                let code = self.user_code.as_ref().map_or("the sink", UserCode::name);
                format!("`{code}`")
            }
        };
        Err(Error::unsupported(format!(
            "{name} does not keep rows apart by the values of columns; leave out PARTITIONED BY (in the builder `partition_by`), or write files"
        )))
    }

    /// Whether rows go to a function or a writer of the user's.
    pub(super) const fn has_user_code(&self) -> bool {
        self.user_code.is_some()
    }

    fn checkpoint(
        &self,
        given: Option<String>,
        sink: &SinkSpec,
    ) -> Result<(Location, Option<TempDir>)> {
        let storage = self.session.storage();
        if let Some(given) = given {
            return Ok((storage.open(&given)?, None));
        }
        let settings = self.session.settings();
        if let Some(root) = settings.checkpoint_root() {
            let folder = self.name.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            return Ok((storage.open(root)?.child(&folder), None));
        }
        if let SinkSpec::Format { format, factory, .. } = sink
            && factory.needs_checkpoint()
        {
            return Err(Error::MissingOption {
                owner: format!("a query that writes `{format}`"),
                option: CHECKPOINT_LOCATION.to_owned(),
                reason: "it names the folder in which the query keeps its progress and its state over a restart".to_owned(),
            });
        }
        let folder = tempfile::Builder::new().prefix("millstream-").tempdir().map_err(|error| {
            Error::Storage {
                action: "create",
                path: std::env::temp_dir().display().to_string(),
                source: Box::new(error),
            }
        })?;
        if outlives(sink) {
            tracing::warn!(
                "the query `{}` has no checkpointLocation; its progress and state are lost when it ends",
                self.name.as_deref().unwrap_or("without a name")
            );
        }
        let location = storage.open(&folder.path().display().to_string())?;
        Ok((location, Some(folder)))
    }
}

/// Whether the rows of a sink may outlive the query, so that a restart would write them again.
fn outlives(sink: &SinkSpec) -> bool {
    match sink {
        SinkSpec::Format { format, .. } => !builtin::keeps_nothing(format),
        SinkSpec::Open(sink) => sink.can_recover(OutputMode::Append),
    }
}

/// An option that no sink knows may be a slip of one of the writer's own.
pub(super) fn name_own_options(error: Error) -> Error {
    match error {
        Error::UnknownOption { owner, option, nearest: None } => {
            let own = nearest(&option, [CHECKPOINT_LOCATION, QUERY_NAME]).map(str::to_owned);
            Error::UnknownOption { owner, option, nearest: own }
        }
        other => other,
    }
}
