//! The type that values of several types have in common where one of them is chosen: in CASE,
//! `coalesce`, `greatest` and the like. DataFusion gives up digits that Spark keeps, and makes
//! numbers of texts where Spark, outside of ANSI mode, makes texts of numbers.

use arrow::datatypes::DataType::{self, Utf8};
use arrow::datatypes::{IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast, lit};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::expressions::{change_parts, change_parts_of_node};
use crate::sql::functions::collections::structs::named_zip;
use crate::sql::functions::common_type::common_type;
use crate::sql::functions::format_texts::with_texts;
use crate::sql::functions::relabel::relabelled;
use crate::sql::types::spark_type_name;

/// Functions that give one of their arguments, or an array of them, and how many of these come
/// before the choice.
const CHOICES: &[(&str, usize)] = &[
    ("array", 0),
    ("coalesce", 0),
    ("greatest", 0),
    ("if", 1),
    ("ifnull", 0),
    ("least", 0),
    ("make_array", 0),
    ("nvl", 0),
    ("nvl2", 1),
];

/// Casts the values that a choice is made of to the type that Spark gives it.
#[derive(Debug)]
pub(in crate::sql) struct WidenNumbers;

impl AnalyzerRule for WidenNumbers {
    fn name(&self) -> &'static str {
        "widen_numbers"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = widened(plan, config)?;
        let named = change_parts(plan, |expr, schema| match expr {
            Expr::ScalarFunction(call) if call.name() == "typeof" => Ok(type_name(call, schema)),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(named.data)
    }
}

/// A plan in which these choices have Spark's types, and what is above them too.
pub(in crate::sql) fn widened(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    let is_ansi = config.execution.enable_ansi_mode;
    let mut any = false;
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = change_parts_of_node(node, |expr, schema| widen(expr, schema, is_ansi))?;
        any |= node.transformed;
        if any { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })?;
    Ok(plan.data)
}

fn widen(expr: Expr, schema: &DFSchema, is_ansi: bool) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Case(case) => widen_case(case, schema, is_ansi),
        Expr::InList(mut list) => {
            let all: Vec<&Expr> = std::iter::once(&*list.expr).chain(&list.list).collect();
            let Some(common) = chosen("IN", &all, schema, is_ansi)? else {
                return Ok(Transformed::no(Expr::InList(list)));
            };
            *list.expr = as_type((*list.expr).clone(), &common, schema)?;
            for item in &mut list.list {
                *item = as_type(item.clone(), &common, schema)?;
            }
            Ok(Transformed::yes(Expr::InList(list)))
        }
        Expr::ScalarFunction(call) if call.name() == "arrays_zip" => {
            let (func, args) = (named_zip(), with_names(call.args));
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
        }
        Expr::ScalarFunction(call) if call.name() == "format_string" => {
            Ok(with_texts(call, schema))
        }
        Expr::ScalarFunction(call) => widen_call(call, schema, is_ansi),
        other => Ok(Transformed::no(other)),
    }
}

/// The name of a type, for which no value has to be computed.
fn type_name(call: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    match call.args.first().map(|arg| arg.get_type(schema)) {
        Some(Ok(of)) => Transformed::yes(lit(spark_type_name(&of))),
        _ => Transformed::no(Expr::ScalarFunction(call)),
    }
}

fn widen_case(mut case: Case, schema: &DFSchema, is_ansi: bool) -> Result<Transformed<Expr>> {
    for (when, _) in &case.when_then_expr {
        if case.expr.is_none() && when.get_type(schema).ok() == Some(DataType::Null) {
            return plan_err!("a condition of CASE is NULL; write a BOOLEAN, or leave it out");
        }
    }
    let results = case.when_then_expr.iter().map(|(_, then)| &**then);
    let results: Vec<&Expr> = results.chain(case.else_expr.as_deref()).collect();
    let Some(common) = chosen("CASE", &results, schema, is_ansi)? else {
        return Ok(Transformed::no(Expr::Case(case)));
    };
    for (_, then) in &mut case.when_then_expr {
        **then = as_type((**then).clone(), &common, schema)?;
    }
    if let Some(otherwise) = &mut case.else_expr {
        **otherwise = as_type((**otherwise).clone(), &common, schema)?;
    }
    Ok(Transformed::yes(Expr::Case(case)))
}

fn widen_call(
    mut call: ScalarFunction,
    schema: &DFSchema,
    is_ansi: bool,
) -> Result<Transformed<Expr>> {
    let mut changed = false;
    if matches!(call.name(), "greatest" | "least") {
        check_ordered(&call, schema)?;
    }
    let name = format!("`{}`", call.name());
    for places in choices(&call) {
        let choices: Vec<&Expr> = places.iter().filter_map(|at| call.args.get(*at)).collect();
        let Some(common) = chosen(&name, &choices, schema, is_ansi)? else { continue };
        for at in places {
            if let Some(choice) = call.args.get_mut(at) {
                *choice = as_type(choice.clone(), &common, schema)?;
            }
        }
        changed = true;
    }
    let call = Expr::ScalarFunction(call);
    Ok(if changed { Transformed::yes(call) } else { Transformed::no(call) })
}

/// Refuses texts beside other values, of which none is the greatest.
fn check_ordered(call: &ScalarFunction, schema: &DFSchema) -> Result<()> {
    let types = call.args.iter().filter_map(|arg| arg.get_type(schema).ok());
    let types: Vec<DataType> = types.filter(|of| !of.is_null()).collect();
    let texts = types.iter().filter(|of| of.is_string()).count();
    if texts == 0 || texts == types.len() {
        return Ok(());
    }
    let given: Vec<String> = types.iter().map(spark_type_name).collect();
    plan_err!("`{}` takes values of one type; it was given ({})", call.name(), given.join(", "))
}

/// The places of arguments that have one type: those that a choice is made of, the elements of an
/// array, and the keys and the values of a map.
fn choices(call: &ScalarFunction) -> Vec<Vec<usize>> {
    let count = call.args.len();
    if call.name() == "map" {
        return [0, 1].map(|first| (first..count).step_by(2).collect()).to_vec();
    }
    let known = CHOICES.iter().find(|(name, _)| *name == call.name());
    known.map(|(_, before)| (*before..count).collect()).into_iter().collect()
}

/// The arguments of `arrays_zip`, each with its name before it: that of a column or a field, or
/// else its place.
fn with_names(args: Vec<Expr>) -> Vec<Expr> {
    let named = args.into_iter().enumerate().flat_map(|(at, arg)| {
        let name = match &arg {
            Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => column.name.clone(),
            Expr::LambdaVariable(variable) => variable.name.clone(),
            Expr::ScalarFunction(call) => match (call.name(), call.args.as_slice()) {
                (
                    "get_field" | "array_item",
                    [_, Expr::Literal(ScalarValue::Utf8(Some(field)), _)],
                ) => field.clone(),
                _ => at.to_string(),
            },
            _ => at.to_string(),
        };
        [lit(name), arg]
    });
    named.collect()
}

/// An expression as a value of a type.
pub(in crate::sql) fn as_type(expr: Expr, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    let from = expr.get_type(schema)?;
    if from == *to || from == DataType::Null {
        return Ok(expr);
    }
    Ok(cast(relabelled(expr, &from, to), to.clone()))
}

/// The types of values without those that are null; `None` where one has no type yet: it is left to
/// the rules behind this one.
pub(in crate::sql) fn types_of(exprs: &[&Expr], schema: &DFSchema) -> Option<Vec<DataType>> {
    let types: Vec<DataType> =
        exprs.iter().map(|expr| expr.get_type(schema).ok()).collect::<Option<_>>()?;
    Some(types.into_iter().filter(|of| !of.is_null()).collect())
}

/// As [`common`], for values of which one is chosen: types that have nothing in common are refused.
fn chosen(
    name: &str,
    exprs: &[&Expr],
    schema: &DFSchema,
    is_ansi: bool,
) -> Result<Option<DataType>> {
    let common = common(exprs, schema, is_ansi)?;
    let Some(types) = types_of(exprs, schema).filter(|_| common.is_none()) else {
        return Ok(common);
    };
    let differ = types.iter().any(|of| Some(of) != types.first());
    if differ && types.iter().all(is_of_spark) {
        let given: Vec<String> = types.iter().map(spark_type_name).collect();
        return plan_err!(
            "{name} takes values of one type; it was given ({}); cast some of them",
            given.join(", ")
        );
    }
    Ok(None)
}

/// Whether a type is one that Spark has, in the one layout of it that tables have here.
fn is_of_spark(of: &DataType) -> bool {
    match of {
        DataType::List(field) => is_of_spark(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_of_spark(field.data_type())),
        DataType::Map(entries, _) => is_of_spark(entries.data_type()),
        DataType::Boolean
        | DataType::Binary
        | DataType::Date32
        | DataType::Timestamp(TimeUnit::Microsecond, _)
        | DataType::Duration(TimeUnit::Microsecond)
        | DataType::Interval(IntervalUnit::YearMonth)
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | Utf8 => true,
        whole => whole.is_signed_integer(),
    }
}

/// The type of several values; `None` where they have one, or where nothing is known of them here.
pub(in crate::sql) fn common(
    exprs: &[&Expr],
    schema: &DFSchema,
    is_ansi: bool,
) -> Result<Option<DataType>> {
    let Some(mut types) = types_of(exprs, schema) else { return Ok(None) };
    if !is_ansi {
        // A text comes first, wherever it stands: what it meets becomes a text.
        types.sort_by_key(|of| *of != Utf8);
    }
    let Some(first) = types.first().cloned() else { return Ok(None) };
    let differ = types.iter().any(|data_type| *data_type != first);
    let mut rest = types.iter();
    let common = rest.try_fold(first, |known, next| common_type(&known, next, is_ansi));
    Ok(common.filter(|_| differ))
}
