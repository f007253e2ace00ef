//! The session: where everything begins.

use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::Schema;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{AggregateUDF, LogicalPlan, ScalarUDF};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionContext;

use crate::config::{Settings, TIME_ZONE};
use crate::connector::registry::Registry;
use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::formats::display::Zone;
use crate::logical::guards::GuardedPlanner;
use crate::physical::lambdas::keep_lambdas;
use crate::physical::planner::query_planner;
use crate::physical::recursion::{LimitRecursion, RecursionLimits};
use crate::query::manager::StreamingQueryManager;
use crate::runtime::clock::Clock;
use crate::runtime::stack::polled_with_room;
use crate::session::builder::StreamSessionBuilder;
use crate::session::builtin::{self, MemoryTable};
use crate::session::data_frame::StreamingDataFrame;
use crate::session::files::SessionFiles;
use crate::session::reader::{DataFrameReader, DataStreamReader, scan};
use crate::session::script_check::{Checked, check, own_catalogs};
use crate::session::statement::{self, Purpose};
use crate::sql;
use crate::sql::planner::GroupByAliases;

/// A session: tables, views, settings, and the streaming queries that were started in it.
///
/// Clones share it. Queries run on the tokio runtime in which they were started.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> millstream::Result<()> {
/// use millstream::prelude::*;
///
/// let session = StreamSession::new()?;
/// let one = session.sql("SELECT 1 AS one").await?.collect().await?;
/// assert_eq!(one[0].num_rows(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct StreamSession(Arc<Inner>);

struct Inner {
    context: SessionContext,
    settings: RwLock<Settings>,
    registry: Registry,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    queries: StreamingQueryManager,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("session_id", &self.context.session_id())
            .field("queries", &self.queries)
            .finish_non_exhaustive()
    }
}

/// The parts of a session: settings are data, components are traits.
pub(crate) struct Parts {
    pub(crate) state: SessionStateBuilder,
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl StreamSession {
    /// A session with default settings.
    ///
    /// # Errors
    /// Those of [`StreamSessionBuilder::build`].
    pub fn new() -> Result<Self> {
        StreamSessionBuilder::default().build()
    }

    /// Begins a session with settings and components of one's own.
    pub fn builder() -> StreamSessionBuilder {
        StreamSessionBuilder::default()
    }

    /// # Errors
    /// `InvalidOption` for a time zone that there is not.
    pub(crate) fn from_parts(parts: Parts) -> Result<Self> {
        let Parts { state, settings, registry, storage, clock } = parts;
        let mut state = sql::planner::configure(state);
        // Tables can be observed as streams can.
        let planner = state.query_planner().take().unwrap_or_else(query_planner);
        *state.query_planner() = Some(Arc::new(GuardedPlanner(planner)));
        keep_lambdas(state.physical_optimizers().get_or_insert_with(PhysicalOptimizer::new));
        let state = state.with_physical_optimizer_rule(Arc::new(LimitRecursion)).build();
        let context = SessionContext::new_with_state(state);
        apply_settings(&context, &settings)?;
        Ok(Self(Arc::new(Inner {
            context,
            settings: RwLock::new(settings),
            registry,
            storage,
            clock,
            queries: StreamingQueryManager::default(),
        })))
    }

    /// Runs a SQL text: a query gives its data frame, a statement an empty or a one-row frame. Of
    /// several statements the frame of the last is given.
    ///
    /// # Errors
    /// `Invalid` with line and column for a text that cannot be read; those of the statement.
    pub async fn sql(&self, text: &str) -> Result<StreamingDataFrame> {
        Box::pin(polled_with_room(async {
            let mut last = self.empty();
            for statement in sql::statement::parse(text)? {
                last = statement::run(self, statement, Purpose::Run).await?;
            }
            Ok(last)
        }))
        .await
    }

    /// Runs one statement that was parsed before, such as one that a program has changed; gives
    /// what [`sql`](Self::sql) gives for its text.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn run_statement(
        &self,
        statement: sql::statement::Statement,
    ) -> Result<StreamingDataFrame> {
        Box::pin(polled_with_room(statement::run(self, statement, Purpose::Run))).await
    }

    /// Finds what is wrong with a script before any of it is run: gives for each statement what
    /// [`run_statement`](Self::run_statement) would refuse. No row is written, no query is started,
    /// and the session stays as it is. What only the rows can tell is not found.
    ///
    /// # Errors
    /// Those of the catalogs of the session.
    pub async fn check(
        &self,
        statements: &[sql::statement::Statement],
    ) -> Result<Vec<Result<Checked>>> {
        Box::pin(polled_with_room(check(self, statements))).await
    }

    /// A session with the same tables and settings. What is changed in one is not in the other, but
    /// for the rows of tables in memory and the streaming queries.
    pub(super) async fn copy(&self) -> Result<Self> {
        let state = self.state();
        let catalogs = own_catalogs(&state).await?;
        let state = SessionStateBuilder::new_from_existing(state).with_catalog_list(catalogs);
        Ok(Self(Arc::new(Inner {
            context: SessionContext::new_with_state(state.build()),
            settings: RwLock::new(self.settings()),
            registry: self.registry().clone(),
            storage: Arc::clone(self.storage()),
            clock: Arc::clone(self.clock()),
            queries: self.streams().clone(),
        })))
    }

    /// Reads an unbounded table.
    pub fn read_stream(&self) -> DataStreamReader {
        DataStreamReader::new(self.clone())
    }

    /// Reads a table.
    pub fn read(&self) -> DataFrameReader {
        DataFrameReader::new(self.clone())
    }

    /// A table in memory that rows are added to, and the data frame of a stream over it; for tests
    /// and for rows that the program itself makes. The rows are lost with the process.
    ///
    /// # Errors
    /// Those of DataFusion's schemas.
    pub fn memory_stream(&self, schema: &Schema) -> Result<(Arc<MemoryTable>, StreamingDataFrame)> {
        let (rows, stream) = builtin::memory_stream(schema);
        Ok((rows, scan(self, Arc::new(stream))?))
    }

    /// A table or view of the session.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn table(&self, name: &str) -> Result<StreamingDataFrame> {
        let query = sql::statement::parse_query(&format!("SELECT * FROM {}", quote(name)))?;
        let plan = sql::planner::plan(&self.state(), &self.files(), &query).await?;
        Ok(self.data_frame(plan))
    }

    /// A data frame of a plan of DataFusion's.
    pub fn data_frame(&self, plan: LogicalPlan) -> StreamingDataFrame {
        StreamingDataFrame::new(self.clone(), plan)
    }

    /// Makes a scalar function known to SQL and to the builder; one of the same name gives way.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> millstream::Result<()> {
    /// use std::sync::Arc;
    ///
    /// use arrow::array::{ArrayRef, AsArray, Int64Array};
    /// use arrow::datatypes::{DataType, Int64Type};
    /// use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
    /// use millstream::StreamSession;
    ///
    /// let double = |arguments: &[ColumnarValue]| {
    ///     let values = ColumnarValue::values_to_arrays(arguments)?.remove(0);
    ///     let doubled: Int64Array = values.as_primitive::<Int64Type>().unary(|v| v * 2);
    ///     Ok(ColumnarValue::Array(Arc::new(doubled) as ArrayRef))
    /// };
    /// let types = (vec![DataType::Int64], DataType::Int64);
    /// let double = create_udf("double_it", types.0, types.1, Volatility::Immutable, Arc::new(double));
    ///
    /// let session = StreamSession::new()?;
    /// session.register_udf(double);
    /// let rows = session.sql("SELECT double_it(id) AS d FROM VALUES (CAST(4 AS BIGINT)) AS t(id)");
    /// let rows = rows.await?.collect().await?;
    /// assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_udf(&self, function: ScalarUDF) {
        self.0.context.register_udf(function);
    }

    /// Makes an aggregate function known to SQL and to the builder. A streaming query keeps the
    /// state of its accumulators in the checkpoint, so their `state()` and `merge_batch()` must be
    /// right; the state schema is checked when a query is started again.
    pub fn register_udaf(&self, function: AggregateUDF) {
        self.0.context.register_udaf(function);
    }

    /// The functions that can be called, in order: Spark's, and those that were registered.
    pub fn function_names(&self) -> Vec<String> {
        sql::function_list::functions(&self.state()).into_iter().collect()
    }

    /// The queries that were started in the session.
    pub fn streams(&self) -> &StreamingQueryManager {
        &self.0.queries
    }

    /// DataFusion's own session, with its tables, functions and runtime.
    pub fn context(&self) -> &SessionContext {
        &self.0.context
    }

    /// Changes a setting, for the queries that are started from now on. One that only Spark has is
    /// kept without effect, and a warning says so.
    ///
    /// # Errors
    /// `UnknownOption`, `InvalidOption`.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let mut settings = self.0.settings.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = settings.clone();
        changed.set(name, value)?;
        apply_settings(&self.0.context, &changed)?;
        *settings = changed;
        if let Some(note) = Settings::note(name) {
            tracing::warn!("{note}");
        }
        Ok(())
    }

    /// The settings of now.
    pub fn settings(&self) -> Settings {
        self.0.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn state(&self) -> SessionState {
        self.0.context.state()
    }

    /// Opens the files that queries name.
    pub(crate) fn files(&self) -> SessionFiles {
        SessionFiles(self.clone())
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.0.storage
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn empty(&self) -> StreamingDataFrame {
        self.data_frame(LogicalPlan::EmptyRelation(datafusion::logical_expr::EmptyRelation {
            produce_one_row: false,
            schema: Arc::new(datafusion::common::DFSchema::empty()),
        }))
    }
}

/// Hands the settings that functions follow to DataFusion, whose options functions are given.
fn apply_settings(context: &SessionContext, settings: &Settings) -> Result<()> {
    let zone = settings.time_zone();
    if let Err(error) = Zone::parse(zone) {
        return Err(Error::InvalidOption {
            owner: "the session".to_owned(),
            option: TIME_ZONE.to_owned(),
            value: zone.to_owned(),
            reason: error.to_string(),
        });
    }
    let state = context.state_ref();
    let mut state = state.write();
    let aliases = GroupByAliases(settings.group_by_aliases());
    state.config_mut().set_extension(Arc::new(aliases));
    let options = state.config_mut().options_mut();
    options.execution.time_zone = Some(zone.to_owned());
    options.execution.enable_ansi_mode = settings.is_ansi();
    options.extensions.insert(RecursionLimits {
        levels: settings.recursion_levels(),
        rows: settings.recursion_rows(),
    });
    Ok(())
}

/// A name as an identifier of SQL.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
