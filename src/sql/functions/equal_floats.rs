//! Zeros of both signs are one key, as are all NaN and maps of the same entries, wherever a plan
//! compares values as bytes.
//!
//! DataFusion sees to single numbers in groups, joins and comparisons. What it leaves are maps and
//! numbers inside of arrays, structs and maps, the order of windows and of sorts, and aggregates
//! with DISTINCT: their values are brought into one form first. A map can be a key of groups, but
//! has no order and cannot be compared otherwise, which is said here too.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, DFSchemaRef, TableReference, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, ColumnarValue, Distinct, Expr, ExprSchemable, LogicalPlan, Projection,
    ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::equality::{has_forms, normalized};
use crate::error::Error;
use crate::sql::functions::comparison::is_comparison;
use crate::sql::types::spark_type_name;

/// Brings keys into one form, however the plan was made.
#[derive(Debug)]
pub(in crate::sql) struct UseEqualKeys;

impl AnalyzerRule for UseEqualKeys {
    fn name(&self) -> &'static str {
        "use_equal_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        with_equal_keys(plan)
    }
}

/// A plan in which equal keys have equal bytes.
fn with_equal_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let schema = Arc::new(merge_schema(&node.inputs()));
        let is_single = has_single_distinct(&node);
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_up(|expr| match expr {
                Expr::AggregateFunction(_) if is_single => Ok(Transformed::no(expr)),
                expr => in_expression(expr, &schema),
            })?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })?;
        node.transform_data(|node| in_node(node, &schema))
    })?;
    Ok(plan.data)
}

/// Whether the aggregates of a node are all of one DISTINCT value, of which DataFusion makes groups
/// if it finds them as they were written.
fn has_single_distinct(node: &LogicalPlan) -> bool {
    let LogicalPlan::Aggregate(aggregate) = node else { return false };
    let mut values = HashSet::new();
    let is_plain = aggregate.aggr_expr.iter().all(|expr| match expr {
        Expr::AggregateFunction(AggregateFunction { params, .. }) => {
            values.extend(&params.args);
            params.distinct && params.filter.is_none() && params.order_by.is_empty()
        }
        _ => false,
    });
    let schema = aggregate.input.schema();
    let is_number = |value: &&Expr| value.get_type(schema).is_ok_and(|of| !of.is_nested());
    is_plain && values.len() == 1 && values.iter().all(is_number)
}

fn in_expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            refuse_maps(&op.to_string(), [&*left, &*right], schema)?;
            let (left, right) = (nested_form(*left, schema), nested_form(*right, schema));
            let transformed = left.transformed || right.transformed;
            let (left, right) = (Box::new(left.data), Box::new(right.data));
            let compared = Expr::BinaryExpr(BinaryExpr { left, op, right });
            Ok(if transformed { Transformed::yes(compared) } else { Transformed::no(compared) })
        }
        Expr::InList(mut list) if type_of(&list.expr, schema).is_some_and(|of| of.is_nested()) => {
            refuse_maps("IN", [&*list.expr], schema)?;
            list.expr = Box::new(nested_form(*list.expr, schema).data);
            let items = list.list.into_iter();
            list.list = items.map(|item| nested_form(item, schema).data).collect();
            Ok(Transformed::yes(Expr::InList(list)))
        }
        Expr::InSubquery(asked) => {
            refuse_maps("IN", [&*asked.expr], schema)?;
            Ok(Transformed::no(Expr::InSubquery(asked)))
        }
        Expr::Case(case) if case.expr.is_some() => {
            refuse_maps("CASE", case.expr.as_deref(), schema)?;
            Ok(Transformed::no(Expr::Case(case)))
        }
        Expr::AggregateFunction(mut call) if call.params.distinct => {
            let changed = one_form_of(&mut call.params.args, schema);
            Ok(transformed(Expr::AggregateFunction(call), changed))
        }
        Expr::WindowFunction(mut call) => {
            refuse_maps("PARTITION BY", &call.params.partition_by, schema)?;
            let order = call.params.order_by.iter().map(|sort| &sort.expr);
            refuse_maps("ORDER BY", order, schema)?;
            let mut changed = one_form_of(&mut call.params.partition_by, schema);
            for sort in &mut call.params.order_by {
                changed |= to_one_form(&mut sort.expr, schema);
            }
            Ok(transformed(Expr::WindowFunction(call), changed))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn in_node(node: LogicalPlan, schema: &DFSchemaRef) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Aggregate(aggregate) => in_groups(aggregate, schema),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let Some(columns) = distinct_columns(input.schema())? else {
                return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::All(input))));
            };
            let input = LogicalPlan::Projection(Projection::try_new(columns, input)?);
            Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::All(Arc::new(input)))))
        }
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                refuse_maps("=", [&*left], join.left.schema())?;
                for (side, schema) in [(left, join.left.schema()), (right, join.right.schema())] {
                    let form = nested_form(std::mem::take(side), schema);
                    changed |= form.transformed;
                    *side = form.data;
                }
            }
            Ok(transformed(LogicalPlan::Join(join), changed))
        }
        LogicalPlan::Sort(mut sort) => {
            refuse_maps("ORDER BY", sort.expr.iter().map(|key| &key.expr), schema)?;
            let mut changed = false;
            for key in &mut sort.expr {
                changed |= to_one_form(&mut key.expr, schema);
            }
            Ok(transformed(LogicalPlan::Sort(sort), changed))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn in_groups(mut aggregate: Aggregate, schema: &DFSchema) -> Result<Transformed<LogicalPlan>> {
    let sets = aggregate.group_expr.iter().filter_map(|key| match key {
        Expr::GroupingSet(sets) => Some(sets.distinct_expr()),
        _ => None,
    });
    let in_sets: Vec<Column> = sets.flatten().filter_map(|key| key.try_as_col().cloned()).collect();
    if !in_sets.is_empty() {
        return of_sets(aggregate, schema, &in_sets);
    }
    let names = NamePreserver::new_for_projection();
    let mut changed = false;
    for key in &mut aggregate.group_expr {
        if !matches!(key, Expr::GroupingSet(_)) {
            let name = names.save(key);
            let form = nested_form(std::mem::take(key), schema);
            changed |= form.transformed;
            *key = name.restore(form.data);
        }
    }
    Ok(transformed(LogicalPlan::Aggregate(aggregate), changed))
}

/// The keys of grouping sets are found by their names, so they get their form below.
fn of_sets(
    aggregate: Aggregate,
    schema: &DFSchema,
    keys: &[Column],
) -> Result<Transformed<LogicalPlan>> {
    let done = |at: usize| match aggregate.input.as_ref() {
        LogicalPlan::Projection(below) => below.expr.get(at).is_some_and(is_call),
        _ => false,
    };
    let mut changed = false;
    let column = |(at, (qualifier, field)): (usize, (Option<&TableReference>, &FieldRef))| {
        let column = Column::from((qualifier, field));
        let is_key = keys.contains(&column) && !done(at);
        let form = match is_key {
            true => nested_form(Expr::Column(column), schema),
            false => Transformed::no(Expr::Column(column)),
        };
        changed |= form.transformed;
        match form.transformed {
            true => form.data.alias_qualified(qualifier.cloned(), field.name()),
            false => form.data,
        }
    };
    let columns: Vec<Expr> = schema.iter().enumerate().map(column).collect();
    if !changed {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
    let below = Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input)?));
    let aggregate = Aggregate::try_new_with_schema(below, group_expr, aggr_expr, schema)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

/// The columns of a DISTINCT in one form; `None` where they have it.
fn distinct_columns(schema: &DFSchema) -> Result<Option<Vec<Expr>>> {
    let mut changed = false;
    let mut columns = vec![];
    for (qualifier, field) in schema.iter() {
        if has_map(field.data_type()) {
            let (name, of) = (field.name(), spark_type_name(field.data_type()));
            return Err(Error::invalid(format!(
                "DISTINCT cannot compare the column `{name}` of the type {of}; leave it out, or \
                 select its map_entries"
            ))
            .into());
        }
        let column = Expr::from((qualifier, field));
        let form = nested_form(column, schema);
        changed |= form.transformed;
        columns.push(match form.transformed {
            true => form.data.alias_qualified(qualifier.cloned(), field.name()),
            false => form.data,
        });
    }
    Ok(Some(columns).filter(|_| changed))
}

fn refuse_maps<'a>(
    comparison: &str,
    sides: impl IntoIterator<Item = &'a Expr>,
    schema: &DFSchema,
) -> Result<()> {
    let mut types = sides.into_iter().filter_map(|side| type_of(side, schema));
    match types.find(has_map) {
        None => Ok(()),
        Some(of) => Err(Error::invalid(format!(
            "`{comparison}` cannot compare values of the type {}; compare their map_entries",
            spark_type_name(&of)
        ))
        .into()),
    }
}

/// Whether a type is or has a map.
pub(in crate::sql) fn has_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(_, _) => true,
        DataType::List(field) => has_map(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

/// The type of an expression, where it is known; rules behind this one complain about the others.
fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    expr.get_type(schema).ok()
}

fn transformed<T>(data: T, changed: bool) -> Transformed<T> {
    if changed { Transformed::yes(data) } else { Transformed::no(data) }
}

/// Numbers inside of arrays and the like in one form.
fn nested_form(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match type_of(&expr, schema) {
        Some(of) if of.is_nested() && has_forms(&of) && !is_call(&expr) => {
            Transformed::yes(call(expr))
        }
        _ => Transformed::no(expr),
    }
}

fn one_form_of(exprs: &mut [Expr], schema: &DFSchema) -> bool {
    exprs.iter_mut().fold(false, |changed, expr| to_one_form(expr, schema) | changed)
}

fn to_one_form(expr: &mut Expr, schema: &DFSchema) -> bool {
    let differs = !is_call(expr) && type_of(expr, schema).is_some_and(|of| has_forms(&of));
    if differs {
        *expr = call(std::mem::take(expr));
    }
    differs
}

/// Whether it has that form, since a plan may come by more than once.
fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_call(&alias.expr),
        Expr::ScalarFunction(call) => call.func.inner().is::<OneForm>(),
        _ => false,
    }
}

fn call(expr: Expr) -> Expr {
    static ONE_FORM: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(OneForm::default())));
    ONE_FORM.call(vec![expr])
}

/// Gives its argument with one form of each number.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OneForm {
    signature: Signature,
}

impl Default for OneForm {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OneForm {
    fn name(&self) -> &'static str {
        "one_form"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [of] => Ok(of.clone()),
            _ => internal_err!("one value has one form"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [field] => Ok(Arc::clone(field)),
            _ => internal_err!("one value has one form"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(normalized(values)?)),
            [ColumnarValue::Scalar(value)] => {
                let values = normalized(&value.to_array()?)?;
                let value = datafusion::common::ScalarValue::try_from_array(&values, 0)?;
                Ok(ColumnarValue::Scalar(value))
            }
            _ => internal_err!("one value has one form"),
        }
    }
}
