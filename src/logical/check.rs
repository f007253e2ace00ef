//! What a streaming query may not do: all refusals, in one table.
//!
//! The plan is checked as DataFusion analyzed it, before the optimizer turns one shape into another.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, FetchType, Join, Limit, LogicalPlan, SkipType,
};

use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::logical::event_time::event_time;
use crate::logical::streams::has_streaming_subquery;
use crate::operators::node::StreamingNode;
use crate::operators::scan::is_streaming;
use crate::operators::static_join::operator::{is_possible, streaming_side};

/// One reason to refuse a query.
struct Rule {
    /// Whether a node of the plan, which reads a stream, breaks the rule.
    broken: fn(&LogicalPlan, OutputMode) -> bool,
    /// What to say: what is wrong, and the way out.
    message: &'static str,
}

/// The rules about single nodes. The first that is broken is reported, from the root down.
const NODE_RULES: &[Rule] = &[
    Rule {
        broken: |node, mode| {
            mode == OutputMode::Append && is_aggregation(node) && !has_event_time_key(node)
        },
        message: "append mode needs to know when a group is final: group by a column with a watermark, or by a window of it (WATERMARK ts DELAY OF INTERVAL ..; in the builder `with_watermark`), or use update or complete mode",
    },
    Rule {
        broken: |node, _mode| aggregates(node).iter().any(is_distinct_aggregate),
        message: "DISTINCT aggregates over a stream would have to keep every value; use approx_distinct, or group by the value first",
    },
    Rule {
        broken: |node, _mode| aggregates(node).iter().any(is_ordered_aggregate),
        message: "ORDER BY inside an aggregate over a stream is not supported; aggregate without it and sort the result",
    },
    Rule {
        broken: |node, mode| {
            mode != OutputMode::Append
                && is_aggregation(node)
                && node.inputs().into_iter().any(has_aggregation)
        },
        message: "an aggregation over the changing result of another is not supported in update and complete mode; use append mode with a watermark, or write the first result to a table and start a second query on it",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::Distinct(Distinct::On(_))),
        message: "DISTINCT ON over a stream is not supported; group by the columns and take first() of the others",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::Window(_)),
        message: "window functions (OVER) are not supported over a stream; group by window(time, duration) for windows of time",
    },
    Rule {
        broken: |node, mode| {
            matches!(node, LogicalPlan::Sort(_))
                && (mode != OutputMode::Complete || !has_aggregation(node))
        },
        message: "a stream has no end and cannot be sorted; ORDER BY is possible on an aggregated result in complete mode",
    },
    Rule {
        broken: |node, mode| {
            matches!(node, LogicalPlan::Limit(limit) if match mode {
                OutputMode::Append => !is_plain_limit(limit),
                OutputMode::Complete => !has_aggregation(node),
                OutputMode::Update => true,
            })
        },
        message: "over a stream LIMIT with a number is possible in append mode, LIMIT and OFFSET on an aggregated result in complete mode, and neither in update mode, which would have to take rows back",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::Join(join) if is_set_operation(join)),
        message: "INTERSECT and EXCEPT with a stream are not supported; use LEFT SEMI JOIN or LEFT ANTI JOIN with a table",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::Join(join) if is_streaming(&join.left) && is_streaming(&join.right)),
        message: "joins of two streams are not supported yet; write one of them to a table and join with the table, or join in a `foreach_batch` function",
    },
    Rule {
        broken: |node, _mode| {
            matches!(node, LogicalPlan::Join(join)
                if streaming_side(join).is_some_and(|side| !is_possible(join.join_type, side)))
        },
        message: "an outer, semi or anti join that keeps rows of a table by what a stream has not brought yet is not supported: a match may come later; keep the rows of the stream (stream LEFT JOIN table, table RIGHT JOIN stream, stream LEFT SEMI or LEFT ANTI JOIN table), or use an inner join",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::Union(union) if !union.inputs.iter().all(|i| is_streaming(i))),
        message: "a stream and a table cannot be united: the table would be read again in every epoch; read both as streams",
    },
    Rule {
        broken: |node, _mode| {
            declares_watermark(node) && node.inputs().into_iter().any(has_watermark)
        },
        message: "a watermark over rows that have a watermark already is not supported; declare it once, below all operators that use it",
    },
    Rule {
        broken: |node, _mode| {
            declares_watermark(node) && node.inputs().into_iter().any(has_aggregation)
        },
        message: "a watermark over an aggregated stream is not supported; declare it below the aggregation, window_time() carries it on",
    },
    Rule {
        broken: |node, _mode| matches!(node, LogicalPlan::RecursiveQuery(_)),
        message: "a recursive query over a stream would never end; read the stream into a table first",
    },
    Rule {
        broken: |node, _mode| {
            matches!(
                node,
                LogicalPlan::Dml(_)
                    | LogicalPlan::Ddl(_)
                    | LogicalPlan::Copy(_)
                    | LogicalPlan::Analyze(_)
                    | LogicalPlan::Statement(_)
            )
        },
        message: "a statement that ends cannot read a stream; start a query with CREATE STREAMING TABLE, or with `write_stream()` in the builder",
    },
];

/// Refuses what a streaming query of this output mode may not do.
///
/// # Errors
/// `Unsupported` with the reason and the way out; `Invalid` for a stream in a subquery.
pub fn check(plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    check_subqueries(plan)?;
    if mode == OutputMode::Complete && !has_aggregation(plan) {
        return Err(Error::unsupported(
            "complete mode writes the whole result in every epoch and needs an aggregation to keep it small; use append or update mode",
        ));
    }
    plan.apply(|node| {
        if !is_streaming(node) {
            return Ok(TreeNodeRecursion::Jump);
        }
        match NODE_RULES.iter().find(|rule| (rule.broken)(node, mode)) {
            Some(rule) => Err(Error::unsupported(rule.message).into()),
            None => Ok(TreeNodeRecursion::Continue),
        }
    })?;
    Ok(())
}

/// Refuses subqueries that no query may have: over a stream, or with an answer that nulls would
/// make wrong.
///
/// # Errors
/// `Invalid`; `Unsupported`.
pub fn check_subqueries(plan: &LogicalPlan) -> Result<()> {
    if has_streaming_subquery(plan)? {
        return Err(Error::invalid(
            "a stream cannot be read inside IN, EXISTS or a scalar subquery; join it instead",
        ));
    }
    if has_correlated_not_in(plan)? {
        // DataFusion would leave rows out whose value is null, also where the subquery is empty.
        return Err(Error::unsupported(
            "NOT IN cannot have a subquery that looks at the row around it; use NOT EXISTS",
        ));
    }
    Ok(())
}

fn has_correlated_not_in(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|part| {
                Ok(matches!(part, Expr::InSubquery(InSubquery { subquery, negated: true, .. })
                    if !subquery.outer_ref_columns.is_empty()))
            })?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// Whether a limit takes the first rows, and none away.
fn is_plain_limit(limit: &Limit) -> bool {
    matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)))
        && matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(_))))
}

/// INTERSECT and EXCEPT are planned as joins in which nulls are equal; `<=>` is still a condition
/// when the plan is checked.
fn is_set_operation(join: &Join) -> bool {
    join.null_equality == NullEquality::NullEqualsNull
        && matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
}

fn is_aggregation(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_))
}

pub(crate) fn has_aggregation(plan: &LogicalPlan) -> bool {
    (is_aggregation(plan) && is_streaming(plan)) || plan.inputs().into_iter().any(has_aggregation)
}

fn declares_watermark(node: &LogicalPlan) -> bool {
    StreamingNode::of(node).is_some_and(|operator| operator.watermark().is_some())
}

fn has_watermark(plan: &LogicalPlan) -> bool {
    declares_watermark(plan) || plan.inputs().into_iter().any(has_watermark)
}

/// Whether a key of the aggregation holds event time. The keys of DISTINCT are all its columns.
fn has_event_time_key(node: &LogicalPlan) -> bool {
    event_time(node).contains(&true)
}

fn aggregates(node: &LogicalPlan) -> &[Expr] {
    match node {
        LogicalPlan::Aggregate(Aggregate { aggr_expr, .. }) => aggr_expr,
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => &[],
    }
}

fn any_aggregate(
    expr: &Expr,
    test: fn(&datafusion::logical_expr::expr::AggregateFunctionParams) -> bool,
) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(call) if test(&call.params))))
        .unwrap_or(false)
}

fn is_distinct_aggregate(expr: &Expr) -> bool {
    any_aggregate(expr, |params| params.distinct)
}

fn is_ordered_aggregate(expr: &Expr) -> bool {
    any_aggregate(expr, |params| !params.order_by.is_empty())
}
