//! Which columns of a plan hold event time.
//!
//! Event time survives being renamed or passed on, being put into a window or taken out of one with
//! `window_time`. Any other expression over it, `window.end` and casts included, is an ordinary
//! value, as in Spark.

use datafusion::common::JoinType;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Expr, GroupingSet, LogicalPlan};

use crate::operators::node::StreamingNode;
use crate::operators::window_assign::assigned_time;

/// The function that takes the time out of a window.
const WINDOW_TIME: &str = "window_time";

/// For each column of the plan whether it holds event time with a watermark.
pub fn event_time(plan: &LogicalPlan) -> Vec<bool> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = event_time(&projection.input);
            let schema = projection.input.schema();
            projection.expr.iter().map(|expr| carries(expr, schema, &input)).collect()
        }
        LogicalPlan::Aggregate(aggregate) => {
            let input = event_time(&aggregate.input);
            let schema = aggregate.input.schema();
            let keys = lasting_keys(&aggregate.group_expr).into_iter();
            let mut columns: Vec<bool> =
                keys.map(|key| key.is_some_and(|key| carries(key, schema, &input))).collect();
            columns.resize(aggregate.schema.fields().len(), false);
            columns
        }
        LogicalPlan::Extension(extension) => match StreamingNode::downcast(extension.node.as_ref())
        {
            Some(operator) => {
                let inputs: Vec<_> = operator.inputs().into_iter().map(event_time).collect();
                operator.event_time(&inputs)
            }
            None => none(plan),
        },
        LogicalPlan::Unnest(unnest) => {
            let input = event_time(&unnest.input);
            let of = |index: &usize| input.get(*index).copied().unwrap_or(false);
            unnest.dependency_indices.iter().map(of).collect()
        }
        LogicalPlan::Union(union) => {
            let inputs: Vec<_> = union.inputs.iter().map(|input| event_time(input)).collect();
            let all = |index: usize| inputs.iter().all(|tags| tags.get(index) == Some(&true));
            (0..union.schema.fields().len()).map(all).collect()
        }
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => event_time(&join.left),
            JoinType::RightSemi | JoinType::RightAnti => event_time(&join.right),
            JoinType::LeftMark | JoinType::RightMark => none(plan),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                event_time(&join.left).into_iter().chain(event_time(&join.right)).collect()
            }
        },
        LogicalPlan::Window(window) => {
            let mut columns = event_time(&window.input);
            columns.resize(window.schema.fields().len(), false);
            columns
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_) => {
            plan.inputs().first().map_or_else(|| none(plan), |input| event_time(input))
        }
        LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::RecursiveQuery(_) => none(plan),
    }
}

/// The keys of an aggregation, one for each column; `None` for one that is null in some of its
/// grouping sets, so that no watermark can pass it there.
fn lasting_keys(keys: &[Expr]) -> Vec<Option<&Expr>> {
    let ([Expr::GroupingSet(sets)], Ok(all)) = (keys, grouping_set_to_exprlist(keys)) else {
        return keys.iter().map(Some).collect();
    };
    let lasts = |key: &Expr| match sets {
        GroupingSet::GroupingSets(sets) => sets.iter().all(|set| set.contains(key)),
        GroupingSet::Rollup(_) | GroupingSet::Cube(_) => false,
    };
    all.into_iter().map(|key| Some(key).filter(|key| lasts(key))).collect()
}

fn none(plan: &LogicalPlan) -> Vec<bool> {
    vec![false; plan.schema().fields().len()]
}

/// Whether `expr` over columns of `schema`, of which `tags` says which hold event time, holds it.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other expression is an ordinary value")]
pub fn carries(expr: &Expr, schema: &datafusion::common::DFSchema, tags: &[bool]) -> bool {
    if let Some(time) = assigned_time(expr) {
        return carries(time, schema, tags);
    }
    match expr {
        Expr::Alias(alias) => carries(&alias.expr, schema, tags),
        Expr::Column(column) => {
            schema.maybe_index_of_column(column).is_some_and(|index| tags.get(index) == Some(&true))
        }
        Expr::ScalarFunction(call) if call.func.name() == WINDOW_TIME => {
            call.args.first().is_some_and(|window| carries(window, schema, tags))
        }
        _ => false,
    }
}
