//! The unbounded tables of a plan.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;

use crate::error::Result;
use crate::operators::node::StreamingNode;
use crate::operators::report::WatermarkId;
use crate::operators::scan::{StreamTable, is_streaming, scanned_stream};

/// Whether a subquery in an expression of the plan reads an unbounded table.
///
/// # Errors
/// Those of walking the plan.
pub fn has_streaming_subquery(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_subqueries(|subquery| {
            found |= is_streaming(subquery);
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// The unbounded tables of a plan, each once, in the order of their first use.
///
/// # Errors
/// Those of walking the plan.
pub fn streams(plan: &LogicalPlan) -> Result<Vec<Arc<StreamTable>>> {
    let mut found: Vec<Arc<StreamTable>> = Vec::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(stream) = scanned_stream(scan)
            && found.iter().all(|known| known.id() != stream.id())
        {
            found.push(stream);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// The watermarks that a plan declares, each once, in the order of the plan.
///
/// # Errors
/// Those of walking the plan.
pub fn watermarks(plan: &LogicalPlan) -> Result<Vec<(WatermarkId, Duration)>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        let watermark = StreamingNode::of(node).and_then(|operator| operator.watermark());
        if let Some(watermark) = watermark.filter(|watermark| !found.contains(watermark))
            && is_streaming(node)
        {
            found.push(watermark);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}
