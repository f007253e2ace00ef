//! Turns the nodes of an optimized plan that only streams have into streaming operators.
//!
//! It runs after DataFusion's logical rules, which so work on nodes they know: they prune columns
//! and move filters through aggregations as they do in a batch query.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Aggregate, Join, LogicalPlan, TableScan};

use crate::checkpoint::id::OperatorId;
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::logical::event_time::event_time;
use crate::operators::aggregate::operator::{AggregateArgs, AggregateOperator};
use crate::operators::node::StreamingNode;
use crate::operators::scan::{NamedStream, is_streaming, scanned_stream};
use crate::operators::static_join::operator::{Side, StaticJoin};
use crate::operators::window_assign::is_window;
use crate::state::schema::TimeColumn;

/// What a rewrite needs to know of the query.
#[derive(Debug)]
pub struct RewriteArgs<'a> {
    /// The output mode.
    pub mode: OutputMode,
    /// The name of the source of each unbounded table, by the table's id.
    pub sources: &'a BTreeMap<u64, String>,
    /// How many partitions state has.
    pub state_partitions: usize,
    /// In how many partitions a source is read.
    pub scan_partitions: usize,
    /// What the checkpoint calls operators that it knows by another id.
    pub stored_ids: &'a BTreeMap<OperatorId, OperatorId>,
}

/// Turns what only streams have into streaming operators.
///
/// # Errors
/// `Internal` for a plan that the check should have refused.
pub fn rewrite(plan: LogicalPlan, args: &RewriteArgs<'_>) -> Result<LogicalPlan> {
    let mut ids = OperatorIds::default();
    let rewritten = plan.transform_up(|node| {
        if let LogicalPlan::Aggregate(aggregate) = &node
            && is_streaming_or_named(&aggregate.input)
        {
            let id = ids.next("aggregate");
            let id = args.stored_ids.get(&id).cloned().unwrap_or(id);
            return Ok(Transformed::yes(aggregation(aggregate.clone(), id, args)));
        }
        if let LogicalPlan::Join(join) = &node
            && let Some(side) = streaming_side(join)
        {
            return Ok(Transformed::yes(StaticJoin::of(join, side)?));
        }
        if let LogicalPlan::TableScan(scan) = &node {
            return name_stream(scan, args);
        }
        Ok(Transformed::no(node))
    })?;
    Ok(rewritten.data)
}

/// Which side of a join is a stream, if just one is.
fn streaming_side(join: &Join) -> Option<Side> {
    match (is_streaming_or_named(&join.left), is_streaming_or_named(&join.right)) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

/// Whether the plan reads a stream, before or after its scans were named.
fn is_streaming_or_named(plan: &LogicalPlan) -> bool {
    is_streaming(plan)
        || matches!(plan, LogicalPlan::TableScan(scan) if is_named(scan))
        || plan.inputs().into_iter().any(is_streaming_or_named)
}

fn is_named(scan: &TableScan) -> bool {
    datafusion::datasource::source_as_provider(&scan.source)
        .is_ok_and(|provider| provider.is::<NamedStream>())
}

fn aggregation(aggregate: Aggregate, id: OperatorId, args: &RewriteArgs<'_>) -> LogicalPlan {
    let time = time_column(&aggregate);
    StreamingNode::plan(Arc::new(AggregateOperator::new(AggregateArgs {
        id,
        aggregate,
        mode: args.mode,
        time,
        partitions: args.state_partitions,
    })))
}

/// The first key that holds event time.
fn time_column(aggregate: &Aggregate) -> Option<TimeColumn> {
    let tags = event_time(&LogicalPlan::Aggregate(aggregate.clone()));
    let key = tags.iter().position(|tag| *tag)?;
    let data_type = aggregate.schema.field(key).data_type();
    Some(if is_window(data_type) { TimeColumn::Window(key) } else { TimeColumn::Timestamp(key) })
}

fn name_stream(scan: &TableScan, args: &RewriteArgs<'_>) -> DfResult<Transformed<LogicalPlan>> {
    let mut scan = scan.clone();
    let Some(stream) = scanned_stream(&scan) else {
        return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
    };
    let name = args
        .sources
        .get(&stream.id())
        .ok_or_else(|| Error::internal("an unbounded table without a source"))?;
    let named = NamedStream::new(name.clone(), stream, args.scan_partitions);
    scan.source = provider_as_source(Arc::new(named));
    Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
}

/// Gives every stateful operator an id: its kind and its place among those that are alike. No name
/// or expression is in it, so that another spelling of the query finds its state.
#[derive(Debug, Default)]
struct OperatorIds(BTreeMap<&'static str, usize>);

impl OperatorIds {
    fn next(&mut self, kind: &'static str) -> OperatorId {
        let alike = self.0.entry(kind).or_default();
        *alike += 1;
        OperatorId(format!("{kind}-{}", *alike - 1))
    }
}
