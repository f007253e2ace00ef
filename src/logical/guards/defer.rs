//! Wraps what can fail, before the optimizer sees it.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, disjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, ExprSchemable, Filter, Join, LogicalPlan, Operator, binary_expr, lit,
};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::expressions::{change_parts, columns};
use crate::logical::guards::conditions::{Guarded, LateCast, OrderedCase};
use crate::logical::guards::fallible::{can_fail, is_safe};

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
            let schema = columns(&node);
            let node = match node {
                LogicalPlan::Filter(filter) => return guard(filter, &schema, &mut rank),
                LogicalPlan::Join(join) => guard_join(join, &schema, &mut rank)?,
                other => Transformed::no(other),
            };
            if node.transformed {
                return Ok(node);
            }
            let node = node.data;
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(defer(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })
        })?;
        late_casts(plan.data)
    }
}

/// Wraps the casts that can fail.
fn late_casts(plan: LogicalPlan) -> Result<LogicalPlan> {
    let wrapped = change_parts(plan, |part, schema| {
        let fails = matches!(part, Expr::Cast(_)) && !is_safe(&part, schema);
        Ok(match part {
            Expr::Cast(cast) if fails => Transformed::yes(LateCast::wrap(cast)),
            other => Transformed::no(other),
        })
    })?;
    Ok(wrapped.data)
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
    let columns = columns_of(guards.iter());
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

/// Wraps the conditions of a join that can fail. As in Spark, an equality of both sides is a key,
/// which is computed for all rows of its side that the other conditions leave; a condition on one
/// side goes to that side, with what guards it there.
fn guard_join(
    mut join: Join,
    schema: &DFSchema,
    rank: &mut usize,
) -> Result<Transformed<LogicalPlan>> {
    let fails = join.filter.as_ref().is_some_and(|filter| can_fail(filter, schema));
    let Some(filter) = join.filter.take_if(|_| fails) else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let is_of = |part: &Expr, side: &LogicalPlan| {
        part.column_refs().into_iter().all(|column| side.schema().has_column(column))
    };
    let is_key = |part: &Expr| match part {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            (is_of(left, &join.left) && is_of(right, &join.right))
                || (is_of(left, &join.right) && is_of(right, &join.left))
        }
        _ => false,
    };
    let parts = split_conjunction_owned(filter);
    let guards: Vec<Expr> = parts.iter().filter(|part| !can_fail(part, schema)).cloned().collect();
    let mut guarded = Vec::with_capacity(parts.len());
    for part in parts {
        let fails = can_fail(&part, schema);
        let part = deferred(part, schema)?;
        if !fails || is_key(&part) || part.is_volatile() || has_subquery(&part) {
            guarded.push(part);
            continue;
        }
        let side = [&join.left, &join.right].into_iter().find(|side| is_of(&part, side));
        let of_side = guards.iter().filter(|guard| side.is_some_and(|side| is_of(guard, side)));
        *rank += 1;
        guarded.push(Guarded::wrap(part, columns_of(of_side), *rank, false));
    }
    join.filter = conjunction(guarded);
    Ok(Transformed::yes(LogicalPlan::Join(join)))
}

/// The columns of these conditions, each once.
fn columns_of<'a>(conditions: impl Iterator<Item = &'a Expr>) -> Vec<Expr> {
    let mut columns: Vec<Expr> = Vec::new();
    for column in conditions.flat_map(Expr::column_refs) {
        let column = Expr::Column(column.clone());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns.sort_by_key(Expr::to_string);
    columns
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

/// Whether the optimizer makes a join of a subquery in the expression. One that gives a single value
/// whatever the row is a constant to it.
fn has_joined_subquery(expr: &Expr) -> bool {
    let is_joined = |part: &Expr| match part {
        Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
        part => matches!(
            part,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ),
    };
    expr.exists(|part| Ok(is_joined(part))).unwrap_or(true)
}

fn has(plan: &LogicalPlan, is: impl Fn(&LogicalPlan) -> bool) -> bool {
    plan.exists(|node| Ok(is(node))).unwrap_or(true)
}

/// Makes of each AND, OR, CASE and COALESCE whose later parts can fail an [`OrderedCase`].
fn defer(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_down(|part| {
        let deferred = match &part {
            Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }) => {
                chain(&part, schema)?
            }
            Expr::Case(case) if case.expr.is_none() => boolean_case(case, schema)?,
            Expr::ScalarFunction(call) => choice(call, schema)?,
            Expr::InList(list) => in_list(list, schema)?,
            Expr::AggregateFunction(call) => filtered(call, schema)?,
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
    if has_joined_subquery(expr) || !parts.iter().skip(1).any(|part| can_fail(part, schema)) {
        return Ok(None);
    }
    let mut rest: Option<(Expr, bool)> = None;
    for part in parts.into_iter().rev() {
        let fails = can_fail(part, schema);
        let part = deferred(part.clone(), schema)?;
        rest = Some(match rest {
            None => (part, fails),
            Some((rest, rest_fails)) => {
                let both = if rest_fails {
                    short_circuit(part, *op, rest)
                } else {
                    binary_expr(part, *op, rest)
                };
                (both, fails || rest_fails)
            }
        });
    }
    Ok(rest.map(|(expr, _)| expr))
}

/// `left AND right` or `left OR right`, whose right side counts only where the left does not settle
/// it. One side is written twice, the smaller one: chains in chains would grow without end.
fn short_circuit(left: Expr, op: Operator, right: Expr) -> Expr {
    let settles = lit(op == Operator::Or);
    if size(&left) <= size(&right) {
        let is_settled =
            if op == Operator::Or { left.clone().is_true() } else { left.clone().is_false() };
        return OrderedCase::of(vec![(is_settled, settles)], binary_expr(left, op, right));
    }
    let unknown = binary_expr(lit(ScalarValue::Boolean(None)), op, right.clone());
    let other = lit(op != Operator::Or);
    OrderedCase::over(left, vec![(settles.clone(), settles), (other, right)], unknown)
}

/// How many parts an expression has.
fn size(expr: &Expr) -> usize {
    let mut parts = 0_usize;
    let walked = expr.apply(|_| {
        parts += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    if walked.is_ok() { parts } else { usize::MAX }
}

/// `a IN (b, c)`, whose elements count one after the other until one is equal.
fn in_list(list: &InList, schema: &DFSchema) -> Result<Option<Expr>> {
    let fails = |element: &Expr| can_fail(element, schema);
    if !list.list.iter().skip(1).any(fails)
        || list.expr.is_volatile()
        || list.list.iter().any(has_joined_subquery)
    {
        return Ok(None);
    }
    let mut runs: Vec<Vec<Expr>> = Vec::new();
    for element in &list.list {
        match runs.last_mut() {
            Some(run) if !fails(element) && !run.iter().any(fails) => run.push(element.clone()),
            _ => runs.push(vec![element.clone()]),
        }
    }
    let runs = runs
        .into_iter()
        .map(|run| Expr::InList(InList { expr: list.expr.clone(), list: run, negated: false }));
    let Some(any) = disjunction(runs) else { return Ok(None) };
    let any = deferred(any, schema)?;
    Ok(Some(if list.negated { !any } else { any }))
}

/// An aggregate with a FILTER, whose arguments count only for the rows that it leaves.
fn filtered(call: &AggregateFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let Some(filter) = &call.params.filter else { return Ok(None) };
    let args = &call.params.args;
    if !args.iter().any(|arg| can_fail(arg, schema)) || has_joined_subquery(filter) {
        return Ok(None);
    }
    let mut params = call.params.clone();
    let filter = deferred((**filter).clone(), schema)?;
    for arg in &mut params.args {
        if can_fail(arg, schema) {
            let none = ScalarValue::try_from(&arg.get_type(schema)?)?;
            let value = deferred(std::mem::take(arg), schema)?;
            *arg = OrderedCase::of(vec![(filter.clone(), value)], lit(none));
        }
    }
    params.filter = Some(Box::new(filter));
    let call = AggregateFunction { func: Arc::clone(&call.func), params };
    Ok(Some(Expr::AggregateFunction(call)))
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
    if has_joined_subquery(&expr)
        || !can_fail(&expr, schema)
        // The variables of lambdas may have no types here.
        || expr.get_type(schema).ok() != Some(DataType::Boolean)
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
    if !(is_if || is_nvl2 || is_first) || !fails || call.args.iter().any(has_joined_subquery) {
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
