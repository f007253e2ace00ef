//! An error says which expression has no value.
//!
//! `'' cannot be cast to INT` says nothing to those whose query has forty casts. So, as the last
//! step before the physical plan, each call and cast that can fail is put in a [`Told`] call: it
//! does what it did, and an error of it gets the text of the expression. Nothing is paid for it
//! unless there is an error, and a plan in which nothing can fail is left as it is.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an expression that is not named is left as it is, and spelled as DataFusion does"
)]

mod call;
mod text;

use std::collections::HashMap;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::logical::guards::fallible::{can_fail, is_safe};
use crate::logical::told::call::Told;
use crate::logical::told::text::{Spelling, is_sign};
use crate::operators::window_assign::WINDOW_COLUMN;

/// Lets what can fail in an optimized plan say where it failed.
///
/// # Errors
/// Those of DataFusion's schemas.
pub fn tell(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut made = Spelling::default();
    plan.transform_up_with_subqueries(|node| {
        if matches!(node, LogicalPlan::TableScan(_)) {
            return Ok(Transformed::no(node));
        }
        let mut schema = merge_schema(&node.inputs());
        schema.merge(node.schema());
        let expressions = node.expressions();
        made.learn(&expressions);
        if !expressions.iter().any(|expr| can_fail(expr, &schema)) {
            return Ok(Transformed::no(node));
        }
        let is_join = matches!(node, LogicalPlan::Join(_));
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(told(expr, &schema, &made, is_join)?.update_data(|expr| name.restore(expr)))
        })
    })
}

fn told(
    expr: Expr,
    schema: &DFSchema,
    spelling: &Spelling,
    is_key: bool,
) -> Result<Transformed<Expr>> {
    // From the top, so that the text is that of the expression as it was.
    expr.transform_down(|part| {
        if is_safe(&part, schema) || assigns_windows(&part) {
            return Ok(Transformed::no(part));
        }
        let text = spelling.text(&as_written(part.clone(), schema)?);
        Ok(Told::of(part, text, is_key))
    })
}

/// An expression without the casts that operators put around numbers to make them alike.
fn as_written(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let written = expr.transform_down(|part| {
        let Expr::ScalarFunction(mut call) = part else { return Ok(Transformed::no(part)) };
        if !is_sign(call.func.name()) {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        }
        for arg in &mut call.args {
            if let Expr::Cast(cast) = arg
                && cast.field.data_type().is_numeric()
                && is_safe(&Expr::Cast(cast.clone()), schema)
            {
                *arg = std::mem::take(&mut *cast.expr);
            }
        }
        Ok(Transformed::yes(Expr::ScalarFunction(call)))
    })?;
    Ok(written.data)
}

/// Whether a call is one that aggregations look for, to learn of their windows.
fn assigns_windows(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == WINDOW_COLUMN)
}

/// The texts of columns that the optimizer made, by their names.
type Texts = HashMap<String, String>;
