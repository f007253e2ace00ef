//! The writer: from a data frame and a sink to a running query.

use std::future::Future;
use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use tempfile::TempDir;

use crate::config::Trigger;
use crate::connector::options::{OptionValue, Options, nearest};
use crate::connector::sink::{SinkContext, SinkSession};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::query::handle::StreamingQuery;
use crate::query::start::{SinkSpec, StartArgs, start};
use crate::session::session::StreamSession;
use crate::sinks::foreach_batch::{ForeachBatchFn, ForeachBatchSink, UserError};

/// Where a query keeps what survives a crash.
const CHECKPOINT_LOCATION: &str = "checkpointLocation";

/// Writes an unbounded table as a streaming query; begun by
/// [`StreamingDataFrame::write_stream`](crate::session::StreamingDataFrame::write_stream).
/// Setters never fail, [`start`](Self::start) does.
#[must_use = "a query runs only when it is started"]
pub struct DataStreamWriter {
    session: StreamSession,
    plan: LogicalPlan,
    format: String,
    mode: String,
    trigger: Trigger,
    name: Option<String>,
    options: Options,
    function: Option<ForeachBatchFn>,
}

impl std::fmt::Debug for DataStreamWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataStreamWriter")
            .field("format", &self.format)
            .field("mode", &self.mode)
            .field("trigger", &self.trigger)
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl DataStreamWriter {
    pub(crate) fn new(session: StreamSession, plan: LogicalPlan) -> Self {
        Self {
            session,
            plan,
            format: "parquet".to_owned(),
            mode: "append".to_owned(),
            trigger: Trigger::default(),
            name: None,
            options: Options::default(),
            function: None,
        }
    }

    /// The format of the sink: `parquet`, `json`, `console`, `memory`, `noop`. The default is
    /// `parquet`.
    pub fn format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.format);
        self
    }

    /// What is written in each epoch: an [`OutputMode`](crate::connector::OutputMode), or its name.
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
        self.function = Some(Arc::new(move |rows, epoch| Box::pin(function(rows, epoch))));
        self
    }

    /// Starts the query.
    ///
    /// # Errors
    /// `Unsupported` for a query that cannot be a stream in this output mode, with the way out;
    /// those of the options; `Incompatible` for a query that does not fit its checkpoint.
    pub async fn start(mut self) -> Result<StreamingQuery> {
        let mode = self.mode.parse()?;
        if let Some(name) = &self.name {
            self.session.streams().check_name(name)?;
        }
        let checkpoint = self.options.remove(CHECKPOINT_LOCATION);
        let sink = self.sink()?;
        let (checkpoint, temporary) = self.checkpoint(checkpoint, &sink)?;
        let context = SinkContext {
            query_name: self.name.clone(),
            schema: Arc::new(self.plan.schema().as_arrow().clone()),
            partition_by: vec![],
            storage: Arc::clone(self.session.storage()),
            clock: Arc::clone(self.session.clock()),
            session: SinkSession(self.session.context().clone()),
        };
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
        let query = Box::pin(start(args, context)).await.map_err(name_own_options)?;
        self.session.streams().add(query.clone());
        Ok(query)
    }

    /// Starts the query with files in this folder: the option `path`, then [`start`](Self::start).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_path(self, path: &str) -> Result<StreamingQuery> {
        self.option("path", path).start().await
    }

    fn sink(&self) -> Result<SinkSpec> {
        let Some(function) = &self.function else {
            let factory = self.session.registry().sink(&self.format)?;
            let (format, options) = (self.format.clone(), self.options.clone());
            return Ok(SinkSpec::Format { format, factory, options });
        };
        self.options.reader("foreach_batch", &[]).finish().map_err(name_own_options)?;
        let session = SinkSession(self.session.context().clone());
        Ok(SinkSpec::Open(Arc::new(ForeachBatchSink::from_fn(session, Arc::clone(function)))))
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
        tracing::warn!(
            "the query `{}` has no checkpointLocation; its progress and state are lost when it ends",
            self.name.as_deref().unwrap_or("without a name")
        );
        let location = storage.open(&folder.path().display().to_string())?;
        Ok((location, Some(folder)))
    }
}

/// An option that no sink knows may be a slip of one of the writer's own.
fn name_own_options(error: Error) -> Error {
    match error {
        Error::UnknownOption { owner, option, nearest: None } => {
            let own = nearest(&option, [CHECKPOINT_LOCATION]).map(str::to_owned);
            Error::UnknownOption { owner, option, nearest: own }
        }
        other => other,
    }
}
