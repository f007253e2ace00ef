//! Keeps rules that move expressions away from plans with lambdas.
//!
//! DataFusion finds the parameters of a lambda by their places behind the columns of the input. A
//! rule that puts an expression over another input gives its columns new places, but not those
//! parameters.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::LambdaExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;

/// The rules that put expressions over other inputs.
const MOVING: &[&str] = &["ProjectionPushdown", "FilterPushdown"];

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Keeps the rules of `optimizer` that move expressions away from plans with lambdas.
pub fn keep_lambdas(optimizer: &mut PhysicalOptimizer) {
    for rule in &mut optimizer.rules {
        if MOVING.iter().any(|moving| rule.name().starts_with(moving)) {
            *rule = Arc::new(WithoutLambdas(Arc::clone(rule)));
        }
    }
}

/// A rule for plans without lambdas.
#[derive(Debug)]
struct WithoutLambdas(Rule);

impl PhysicalOptimizerRule for WithoutLambdas {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if has_lambda(&plan)? { Ok(plan) } else { self.0.optimize(plan, config) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_lambda(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| {
        let mut found = false;
        node.apply_expressions(&mut |expr| {
            found |= expr.exists(|part| Ok(part.is::<LambdaExpr>()))?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(found)
    })
}
