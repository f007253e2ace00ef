//! Wraps what can fail, before the optimizer sees it.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, merge_schema, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, ExprSchemable, Filter, LogicalPlan, Operator, binary_expr, lit,
};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::guards::conditions::{Guarded, OrderedCase};
use crate::logical::guards::fallible::can_fail;

/// The last rule of the analyzer: what can fail is wrapped.
#[derive(Debug)]
pub struct DeferErrors;

impl AnalyzerRule for DeferErrors {
    fn name(&self) -> &'static str {
        "defer_errors"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut rank = 0;
        let plan = plan.transform_up_with_subqueries(|node| {
            let mut schema = merge_schema(&node.inputs());
            schema.merge(node.schema());
            if let LogicalPlan::Filter(filter) = node {
                return guard(filter, &schema, &mut rank);
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(defer(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })
        })?;
        Ok(plan.data)
    }
}

/// Wraps the conditions of a filter that can fail, each with the columns of those that cannot.
fn guard(filter: Filter, schema: &DFSchema, rank: &mut usize) -> Result<Transformed<LogicalPlan>> {
    let is_guarded = |part: &Expr| {
        can_fail(part, schema) && !part.is_volatile() && !is_moved_by_rules(part, &filter.input)
    };
    let mut parts = split_conjunction_owned(filter.predicate.clone());
    if !parts.iter().any(|part| can_fail(part, schema)) {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    }
    for part in &mut parts {
        *part = deferred(std::mem::take(part), schema)?;
    }
    let (guarded, guards): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(is_guarded);
    let mut columns: Vec<Expr> = Vec::new();
    for column in guards.iter().flat_map(Expr::column_refs) {
        let column = Expr::Column(column.clone());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns.sort_by_key(Expr::to_string);
    // A guard below may see columns that cannot be named here.
    let fixed = has(&filter.input, |node| matches!(node, LogicalPlan::Filter(_)))
        && has(&filter.input, |node| matches!(node, LogicalPlan::Join(_)));
    let guarded = guarded.into_iter().map(|part| {
        *rank += 1;
        Guarded::wrap(part, columns.clone(), *rank, fixed)
    });
    let Some(predicate) = conjunction(guards.into_iter().chain(guarded.collect::<Vec<_>>())) else {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    };
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)))
}

/// Whether the optimizer makes a join of the condition: it has to see it as it is.
fn is_moved_by_rules(part: &Expr, input: &LogicalPlan) -> bool {
    if has_subquery(part) || part.contains_outer() {
        return true;
    }
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = part else { return false };
    let joins = |node: &LogicalPlan| matches!(node, LogicalPlan::Join(_));
    !left.column_refs().is_empty() && !right.column_refs().is_empty() && has(input, joins)
}

fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|part| {
        Ok(matches!(
            part,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ))
    })
    .unwrap_or(true)
}

fn has(plan: &LogicalPlan, is: impl Fn(&LogicalPlan) -> bool) -> bool {
    plan.exists(|node| Ok(is(node))).unwrap_or(true)
}

/// Makes of each AND, OR, CASE and COALESCE whose later parts can fail an [`OrderedCase`].
fn defer(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_down(|part| {
        let deferred = match &part {
            // The variables of lambdas have no types here.
            Expr::HigherOrderFunction(_) | Expr::Lambda(_) => {
                return Ok(Transformed::new(part, false, TreeNodeRecursion::Jump));
            }
            Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }) => {
                chain(&part, schema)?
            }
            Expr::Case(case) if case.expr.is_none() => boolean_case(case, schema)?,
            Expr::ScalarFunction(call) => choice(call, schema)?,
            _ => None,
        };
        Ok(match deferred {
            Some(deferred) => Transformed::new(deferred, true, TreeNodeRecursion::Jump),
            None => Transformed::no(part),
        })
    })
}

fn deferred(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(defer(expr, schema)?.data)
}

/// `a AND b`, where b can fail: `b` counts only where `a` is not false.
fn chain(expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { op, .. }) = expr else { return Ok(None) };
    let mut parts = Vec::new();
    flatten(expr, *op, &mut parts);
    if has_subquery(expr) || !parts.iter().skip(1).any(|part| can_fail(part, schema)) {
        return Ok(None);
    }
    let settles = *op == Operator::Or;
    let mut rest: Option<(Expr, bool)> = None;
    for part in parts.into_iter().rev() {
        let fails = can_fail(part, schema);
        let part = deferred(part.clone(), schema)?;
        rest = Some(match rest {
            None => (part, fails),
            Some((rest, rest_fails)) => {
                let is_settled =
                    if settles { part.clone().is_true() } else { part.clone().is_false() };
                let both = binary_expr(part, *op, rest);
                let both = if rest_fails {
                    OrderedCase::of(vec![(is_settled, lit(settles))], both)
                } else {
                    both
                };
                (both, fails || rest_fails)
            }
        });
    }
    Ok(rest.map(|(expr, _)| expr))
}

fn flatten<'a>(expr: &'a Expr, op: Operator, parts: &mut Vec<&'a Expr>) {
    match expr {
        Expr::BinaryExpr(binary) if binary.op == op => {
            flatten(&binary.left, op, parts);
            flatten(&binary.right, op, parts);
        }
        part => parts.push(part),
    }
}

/// A CASE of booleans, which the optimizer would make an OR of ANDs.
fn boolean_case(case: &Case, schema: &DFSchema) -> Result<Option<Expr>> {
    let expr = Expr::Case(case.clone());
    if has_subquery(&expr)
        || !can_fail(&expr, schema)
        || expr.get_type(schema)? != arrow::datatypes::DataType::Boolean
    {
        return Ok(None);
    }
    let mut branches = Vec::with_capacity(case.when_then_expr.len());
    for (when, then) in &case.when_then_expr {
        branches.push((deferred((**when).clone(), schema)?, deferred((**then).clone(), schema)?));
    }
    let otherwise = match &case.else_expr {
        Some(otherwise) => deferred((**otherwise).clone(), schema)?,
        None => lit(ScalarValue::Boolean(None)),
    };
    Ok(Some(OrderedCase::of(branches, otherwise)))
}

/// Functions that choose one of their arguments.
fn choice(call: &ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let is_if = call.func.name() == "if" && call.args.len() == 3;
    let is_nvl2 = call.func.name() == "nvl2" && call.args.len() == 3;
    let is_first = matches!(call.func.name(), "coalesce" | "nvl" | "ifnull");
    let fails = call.args.iter().skip(1).any(|arg| can_fail(arg, schema));
    if !(is_if || is_nvl2 || is_first) || !fails || call.args.iter().any(has_subquery) {
        return Ok(None);
    }
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        args.push(deferred(arg.clone(), schema)?);
    }
    let Some(otherwise) = args.pop() else { return Ok(None) };
    let branches = if is_if || is_nvl2 {
        let (Some(then), Some(when)) = (args.pop(), args.pop()) else { return Ok(None) };
        vec![(if is_if { when } else { when.is_not_null() }, then)]
    } else {
        args.into_iter().map(|arg| (arg.clone().is_not_null(), arg)).collect()
    };
    Ok(Some(OrderedCase::of(branches, otherwise)))
}
