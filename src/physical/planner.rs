//! Runs DataFusion's physical planner for a stream.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::error::Result as DfResult;
use datafusion::execution::SessionState;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};

use crate::error::Result;
use crate::physical::expand::{Expanded, expand};
use crate::physical::extension::StreamingExtensionPlanner;

/// After so many rows of an epoch an aggregation before the shuffle is given up when it does not
/// make fewer rows of them.
const SKIP_PARTIAL_AFTER_ROWS: usize = 8192;

/// A session like `state` that can plan streams and plans nothing that does not survive an epoch.
pub fn streaming_session(state: &SessionState) -> SessionState {
    let mut config = state.config().clone();
    let options = config.options_mut();
    // The catalogs are shared; a new session must not put an empty one in the place of the default.
    options.catalog.create_default_catalog_and_schema = false;
    // A plan is reset between epochs, which drops dynamic filters on one side only: rows vanish.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // Sources are read in as many partitions as there are; spreading small epochs further costs
    // more than it gains.
    options.optimizer.enable_round_robin_repartition = false;
    // An epoch is short: that its keys hardly repeat has to show within a batch.
    let probe = &mut options.execution.skip_partial_aggregation_probe_rows_threshold;
    *probe = (*probe).min(SKIP_PARTIAL_AFTER_ROWS);
    SessionStateBuilder::new_from_existing(state.clone())
        .with_config(config)
        .with_query_planner(Arc::new(StreamingQueryPlanner))
        .build()
}

/// Plans an optimized and rewritten plan, in a [`streaming_session`].
///
/// # Errors
/// Those of DataFusion's planner.
pub async fn plan(state: &SessionState, plan: &LogicalPlan) -> Result<Expanded> {
    expand(state.query_planner().create_physical_plan(plan, state).await?)
}

/// Plans the streaming operators that are possible over a table, too.
pub fn query_planner() -> Arc<dyn QueryPlanner + Send + Sync> {
    Arc::new(StreamingQueryPlanner)
}

#[derive(Debug)]
struct StreamingQueryPlanner;

#[async_trait]
impl QueryPlanner for StreamingQueryPlanner {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session_state: &dyn datafusion::catalog::Session,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(StreamingExtensionPlanner)])
            .create_physical_plan(logical_plan, session_state)
            .await
    }
}
