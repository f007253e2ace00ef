//! From the logical plan that a user wrote to the plan that a run executes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use crate::checkpoint::id::OperatorId;
use crate::config::Settings;
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::logical::batch_time::use_batch_time;
use crate::logical::check::check;
use crate::logical::guards::in_order;
use crate::logical::join_keys::drop_null_keys;
use crate::logical::rewrite::{RewriteArgs, rewrite};
use crate::logical::static_tables::{StaticTables, name_tables};
use crate::logical::streams::{streams, watermarks};
use crate::logical::told::tell;
use crate::operators::limit::place_limits;
use crate::operators::observe::metrics::Metrics;
use crate::operators::observe::rows::observed;
use crate::operators::region::StatefulPlan;
use crate::operators::report::WatermarkId;
use crate::operators::scan::{StreamTable, is_streaming};
use crate::physical::planner;
use crate::query::explain::Plans;

/// A query that is ready to run.
#[derive(Debug)]
pub struct QueryPlan {
    /// The plan that every epoch executes.
    pub physical: Arc<dyn ExecutionPlan>,
    /// How it came about, for EXPLAIN.
    pub plans: Arc<Plans>,
    /// The session to execute it in.
    pub state: SessionState,
    /// The stateful operators, the one nearest to the sink first.
    pub operators: Vec<StatefulPlan>,
    /// The metrics that it observes.
    pub observed: Vec<Arc<Metrics>>,
    /// The sources with their names, in the order of the plan.
    pub sources: Vec<(String, Arc<StreamTable>)>,
    /// The static tables that are refreshed between epochs.
    pub tables: StaticTables,
    /// The watermarks with their delays.
    pub watermarks: Vec<(WatermarkId, Duration)>,
}

/// Checks and plans a streaming query. Operators that the checkpoint knows by another id than their
/// own get that one from `stored_ids`.
///
/// # Errors
/// `Unsupported` or `Invalid` for a query that cannot be a stream in this output mode; those of
/// DataFusion's planner.
pub async fn plan_query(
    state: &SessionState,
    plan: LogicalPlan,
    mode: OutputMode,
    settings: &Settings,
    stored_ids: &BTreeMap<OperatorId, OperatorId>,
) -> Result<QueryPlan> {
    if !is_streaming(&plan) {
        return Err(Error::invalid(
            "the query reads no stream, so it cannot be started as one; read at least one table with FROM STREAM t, or with `read_stream()` in the builder",
        ));
    }
    let state = planner::streaming_session(state);
    let options = state.config_options();
    let parsed = plan.clone();
    let analyzed = state.analyzer().execute_and_check(plan, options, |_, _| ())?;
    check(&analyzed, mode)?;
    let sources = name_sources(streams(&analyzed)?)?;
    let watermarks = watermarks(&analyzed)?;
    let prepared = drop_null_keys(use_batch_time(analyzed.clone())?)?;
    let prepared = if mode == OutputMode::Complete { prepared } else { place_limits(prepared)? };
    let parallelism = state.config().target_partitions();
    let (prepared, tables) = name_tables(prepared, parallelism)?;
    let optimized = in_order(state.optimize(&prepared)?)?.data;
    let names: BTreeMap<u64, String> =
        sources.iter().map(|(name, table)| (table.id(), name.clone())).collect();
    let args = RewriteArgs {
        mode,
        sources: &names,
        state_partitions: settings.shuffle_partitions().unwrap_or(parallelism),
        scan_partitions: parallelism,
        stored_ids,
    };
    let optimized = rewrite(optimized, &args)?;
    let expanded = planner::plan(&state, &tell(optimized.clone())?.data).await?;
    let observed = observed(&expanded.plan);
    check_observed(&observed)?;
    let plans = Plans {
        parsed,
        analyzed,
        optimized,
        physical: Arc::clone(&expanded.plan),
        operators: expanded.operators.clone(),
    };
    Ok(QueryPlan {
        physical: expanded.plan,
        plans: Arc::new(plans),
        state,
        operators: expanded.operators,
        observed,
        sources,
        tables,
        watermarks,
    })
}

/// Refuses metrics that could not be told apart in a progress report.
fn check_observed(all: &[Arc<Metrics>]) -> Result<()> {
    for (at, metrics) in all.iter().enumerate() {
        if all[..at].iter().any(|known| known.name == metrics.name) {
            return Err(Error::invalid(format!(
                "two observations of the query have the name `{}`; give `observe` another name for one of them",
                metrics.name
            )));
        }
    }
    Ok(())
}

/// Names every source: as the user did, or by its format and its place among those without a name.
fn name_sources(tables: Vec<Arc<StreamTable>>) -> Result<Vec<(String, Arc<StreamTable>)>> {
    let mut named: Vec<(String, Arc<StreamTable>)> = Vec::with_capacity(tables.len());
    let mut unnamed = 0;
    for table in tables {
        let name = match table.name() {
            Some(name) => name.to_owned(),
            None => {
                unnamed += 1;
                format!("{}-{}", table.definition().format(), unnamed - 1)
            }
        };
        if named.iter().any(|(known, _)| *known == name) {
            return Err(Error::invalid(format!(
                "two sources of the query have the name `{name}`; give each its own with `.name()`"
            )));
        }
        named.push((name, table));
    }
    Ok(named)
}
