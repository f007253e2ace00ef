//! Puts stateful operators in the place of their regions, after all of DataFusion's rules.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_plan::ExecutionPlan;

use crate::error::Result;
use crate::operators::region::{RegionExec, StatefulPlan};

/// A plan without regions, and the stateful operators in it, the one nearest to the root first.
#[derive(Debug)]
pub struct Expanded {
    /// The plan.
    pub plan: Arc<dyn ExecutionPlan>,
    /// Its stateful operators.
    pub operators: Vec<StatefulPlan>,
}

/// Expands all regions of a plan.
///
/// # Errors
/// Those of DataFusion's constructors.
pub fn expand(plan: Arc<dyn ExecutionPlan>) -> Result<Expanded> {
    let mut operators = Vec::new();
    let plan = plan
        .transform_up(|node| {
            let Some(region) = node.downcast_ref::<RegionExec>() else {
                return Ok(Transformed::no(node));
            };
            let expansion = region.expand()?;
            operators.push(expansion.operator);
            Ok(Transformed::yes(expansion.plan))
        })?
        .data;
    operators.reverse();
    Ok(Expanded { plan, operators })
}
