//! A table, bounded or not, that is computed when it is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::view::ViewTable;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use crate::column_names::{shown, shown_batch, shown_schema, twin};
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::event_time::interval::parse_interval;
use crate::logical::check::{check_subqueries, has_aggregation};
use crate::logical::explain_mode::ExplainMode;
use crate::operators::locate_exec::LocateExec;
use crate::operators::observe::metrics::Observation;
use crate::operators::observe::operator::observe;
use crate::operators::scan::is_streaming;
use crate::operators::watermark::with_watermark;
use crate::query::explain::Plans;
use crate::query::planning::plan_query;
use crate::runtime::stack::polled_with_room;
use crate::session::generator;
use crate::session::grouped::GroupedDataFrame;
use crate::session::session::{StreamSession, quote};
use crate::session::writer::DataStreamWriter;
use crate::sql;

/// How long a month is where a delay needs a length, as in Spark.
const MICROS_PER_MONTH: i64 = 31 * 86_400 * 1_000_000;

/// A table, bounded or not, that is computed when it is asked for: a bounded one by
/// [`collect`](Self::collect), an unbounded one by [`write_stream`](Self::write_stream).
#[derive(Debug, Clone)]
pub struct StreamingDataFrame {
    session: StreamSession,
    plan: LogicalPlan,
}

impl StreamingDataFrame {
    pub(crate) const fn new(session: StreamSession, plan: LogicalPlan) -> Self {
        Self { session, plan }
    }

    pub(crate) fn into_parts(self) -> (StreamSession, LogicalPlan) {
        (self.session, self.plan)
    }

    fn with_plan(&self, plan: LogicalPlan) -> Self {
        Self::new(self.session.clone(), plan)
    }

    /// These columns.
    ///
    /// # Errors
    /// Those of DataFusion's planner, such as a column that is not there.
    pub fn select(self, columns: Vec<Expr>) -> Result<Self> {
        let (plan, columns) = generator::place(self.plan, columns)?;
        let plan = LogicalPlanBuilder::from(plan).project(told_apart(columns))?.build()?;
        Ok(Self { plan, session: self.session })
    }

    /// These columns, as SQL: `select_expr(&["k", "v * 2 AS d"])`.
    ///
    /// # Errors
    /// Those of the text, and as [`select`](Self::select).
    pub async fn select_expr(self, columns: &[&str]) -> Result<Self> {
        self.query(|table| format!("SELECT {} FROM {table}", columns.join(", "))).await
    }

    /// The rows for which `predicate` is true.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    pub fn filter(self, predicate: Expr) -> Result<Self> {
        let plan = LogicalPlanBuilder::from(self.plan).filter(predicate)?.build()?;
        Ok(Self { plan, session: self.session })
    }

    /// The rows for which `predicate`, as SQL, is true.
    ///
    /// # Errors
    /// Those of the text, and as [`filter`](Self::filter).
    pub async fn filter_expr(self, predicate: &str) -> Result<Self> {
        self.query(|table| format!("SELECT * FROM {table} WHERE {predicate}")).await
    }

    /// Declares `column` the event time, of which rows may be late by `delay`, such as
    /// `10 minutes`. Has no effect on a bounded table.
    ///
    /// # Errors
    /// `NotFound` for a column that is not there; `Invalid` for one that is not a TIMESTAMP, or for
    /// a delay that cannot be read or is negative.
    pub fn with_watermark(self, column: &str, delay: &str) -> Result<Self> {
        let plan = with_watermark(self.plan, column, parse_delay(delay)?)?;
        Ok(Self { plan, session: self.session })
    }

    /// Computes metrics of all rows that pass here, such as `count(lit(1)).alias("rows")`: of a
    /// stream in each epoch, for the `observedMetrics` of the progress report; of a table when it
    /// is queried, for an [`Observation`]. The rows themselves do not change.
    ///
    /// # Errors
    /// `Invalid` for what is no metric: each has to be made of aggregates and constants, without
    /// DISTINCT, FILTER, window functions, or aggregates in aggregates.
    pub fn observe(self, name: impl Into<Observation>, metrics: Vec<Expr>) -> Result<Self> {
        let plan = observe(self.plan, name.into(), metrics)?;
        Ok(Self { plan, session: self.session })
    }

    /// Groups the rows by these keys, of which one may be a [`window`](crate::session::window).
    pub fn group_by(self, keys: Vec<Expr>) -> GroupedDataFrame {
        GroupedDataFrame::new(self, keys)
    }

    /// Gives the data frame a name that SQL can read it by.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn create_or_replace_temp_view(&self, name: &str) -> Result<()> {
        let context = self.session.context();
        let view = ViewTable::new(self.plan.clone(), None);
        context.deregister_table(quoted_reference(name))?;
        context.register_table(quoted_reference(name), Arc::new(view))?;
        Ok(())
    }

    /// Whether the table is unbounded.
    pub fn is_streaming(&self) -> bool {
        is_streaming(&self.plan)
    }

    /// The columns. Several may have one name, as in `SELECT a.k, b.k`.
    pub fn schema(&self) -> SchemaRef {
        shown_schema(self.plan.schema().as_arrow())
    }

    /// The plan, as DataFusion knows it; [`StreamSession::data_frame`] leads back.
    pub const fn logical_plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// The plan as text: of an unbounded table the one that its epochs would execute, in the first
    /// of the modes append, update and complete that is possible.
    ///
    /// # Errors
    /// Those of the planner; for an unbounded table that no mode allows, the refusal of the last.
    pub async fn explain(&self, mode: ExplainMode) -> Result<String> {
        if !self.is_streaming() {
            return self.explain_bounded(mode).await;
        }
        let mut explained = self.explain_as(OutputMode::Append, mode).await;
        let others = [OutputMode::Update, OutputMode::Complete];
        // Complete mode refuses what has no aggregation, whatever else may be wrong with it.
        let others = if has_aggregation(&self.plan) { &others[..] } else { &others[..1] };
        for output in others {
            if explained.is_err() {
                explained = self.explain_as(*output, mode).await;
            }
        }
        explained
    }

    /// The plan that the epochs of a query in this output mode would execute, as text.
    ///
    /// # Errors
    /// As [`DataStreamWriter::start`] for a query that is refused.
    pub async fn explain_as(&self, output: OutputMode, mode: ExplainMode) -> Result<String> {
        let state = self.session.state();
        let plan = plan_query(
            &state,
            self.plan.clone(),
            output,
            &self.session.settings(),
            &BTreeMap::new(),
        )
        .await?;
        Ok(plan.plans.text(mode))
    }

    async fn explain_bounded(&self, mode: ExplainMode) -> Result<String> {
        check_subqueries(&self.plan)?;
        let state = self.session.state();
        let options = state.config_options();
        let parsed = self.plan.clone();
        let analyzed = state.analyzer().execute_and_check(parsed.clone(), options, |_, _| ())?;
        let optimized = state.optimize(&parsed)?;
        let physical = state.query_planner().create_physical_plan(&optimized, &state).await?;
        let physical = LocateExec::inner(physical);
        let plans = Plans { parsed, analyzed, optimized, physical, operators: vec![] };
        Ok(plans.text(mode))
    }

    /// Finds what is wrong with a bounded table before it is computed.
    ///
    /// # Errors
    /// `Invalid` for an unbounded table; those of names and types.
    pub(crate) fn check(&self) -> Result<()> {
        self.to_data_frame()?;
        let state = self.session.state();
        let options = state.config_options();
        state.analyzer().execute_and_check(self.plan.clone(), options, |_, _| ())?;
        Ok(())
    }

    /// DataFusion's own data frame of a bounded table. Of columns that share a name, those behind
    /// the first one are called otherwise in it.
    ///
    /// # Errors
    /// `Invalid` for an unbounded table.
    pub fn to_data_frame(&self) -> Result<DataFrame> {
        check_subqueries(&self.plan)?;
        if self.is_streaming() {
            return Err(Error::invalid(
                "a query over a stream has no end and cannot be collected; start it with CREATE STREAMING TABLE, or with `write_stream()` in the builder",
            ));
        }
        Ok(DataFrame::new(self.session.state(), self.plan.clone()))
    }

    /// All rows of a bounded table.
    ///
    /// # Errors
    /// `Invalid` for an unbounded table; whatever fails when the query runs.
    pub async fn collect(&self) -> Result<Vec<RecordBatch>> {
        let frame = self.to_data_frame()?;
        let task = Arc::new(frame.task_ctx());
        // What is deep is planned, not run.
        let plan = polled_with_room(frame.create_physical_plan()).await?;
        let rows = datafusion::physical_plan::collect(plan, task).await?;
        Ok(rows.into_iter().map(shown_batch).collect::<std::result::Result<_, _>>()?)
    }

    /// The rows of a bounded table as they come.
    ///
    /// # Errors
    /// As [`collect`](Self::collect).
    pub async fn execute_stream(&self) -> Result<SendableRecordBatchStream> {
        let frame = self.to_data_frame()?;
        let rows = polled_with_room(frame.execute_stream()).await?;
        let rows = rows.map(|rows| Ok(shown_batch(rows?)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    /// Begins to write an unbounded table as a streaming query.
    pub fn write_stream(self) -> DataStreamWriter {
        DataStreamWriter::new(self.session, self.plan)
    }

    /// Plans a SQL text over this data frame, which it reads by a name of its own.
    async fn query(self, text: impl FnOnce(&str) -> String) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("__frame_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.create_or_replace_temp_view(&name)?;
        let planned = async {
            let query = sql::statement::parse_query(&text(&quote(&name)))?;
            sql::planner::plan(&self.session.state(), &self.session.files(), &query).await
        };
        let planned = planned.await;
        self.session.context().deregister_table(quoted_reference(&name))?;
        Ok(self.with_plan(planned?))
    }
}

/// Columns of which those that share a name are called otherwise in the plan.
fn told_apart(columns: Vec<Expr>) -> Vec<Expr> {
    let mut names: Vec<String> = Vec::new();
    let told = columns.into_iter().map(|column| {
        let (_, name) = column.qualified_name();
        let own = shown(&name).to_owned();
        let before = names.iter().filter(|known| shown(known) == own).count();
        let is_taken = names.contains(&name);
        let column = if is_taken { column.alias(twin(&own, before)) } else { column };
        names.push(if is_taken { twin(&own, before) } else { name });
        column
    });
    told.collect()
}

/// A name in the default schema, taken as it is.
pub(crate) fn quoted_reference(name: &str) -> datafusion::common::TableReference {
    datafusion::common::TableReference::bare(name)
}

/// A delay of a watermark; a month counts as 31 days.
fn parse_delay(text: &str) -> Result<Duration> {
    let interval = parse_interval(text)?;
    let micros = interval
        .months
        .checked_mul(MICROS_PER_MONTH)
        .and_then(|months| months.checked_add(interval.micros))
        .and_then(|micros| u64::try_from(micros).ok());
    micros.map(Duration::from_micros).ok_or_else(|| {
        Error::invalid(format!(
            "the delay of a watermark cannot be `{text}`: it must not be negative"
        ))
    })
}
