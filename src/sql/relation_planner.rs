//! Plans the relations that the parser has no words for: streams, watermarks and windows; and VALUES.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, TableReference, plan_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sqlparser::ast::{
    Expr as SqlExpr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, SetExpr,
    TableFactor,
};

use crate::error::Error;
use crate::event_time::window::WindowSpec;
use crate::operators::scan::{CatalogTable, StreamTable};
use crate::operators::watermark::with_watermark;
use crate::operators::window_assign::{WINDOW_COLUMN, assign_windows};
use crate::sql::files::FILES_CATALOG;
use crate::sql::functions::generators::plan::{Call, Naming, generate};
use crate::sql::functions::widening::{as_type, common, types_of};
use crate::sql::marker::{self, GeneratorShape, Marker};
use crate::sql::types::spark_type_name;

/// What a column `window` of the input is called beside a new one.
pub(super) const INPUT_WINDOW_COLUMN: &str = "__window_of_input";

/// Plans the relations of [`marker`].
#[derive(Debug)]
pub(super) struct StreamRelations;

impl RelationPlanner for StreamRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> DfResult<RelationPlanning> {
        let Some(marked) = marker::read(&relation) else {
            return inline_table(relation, context);
        };
        let TableFactor::Pivot { table, alias, .. } = relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let plan = match marked {
            Marker::Stream => stream(*table, context)?,
            Marker::Watermark { event_time, name, delay } => {
                let input = context.plan(*table)?;
                watermark(input, *event_time, name, Duration::from_micros(delay), context)?
            }
            Marker::Window { time, spec } => {
                let input = context.plan(*table)?;
                window(input, *time, spec, context)?
            }
            Marker::Generator { call, qualifier, shape } => {
                let input = context.plan(*table)?;
                generator(input, &call, &qualifier, shape, context)?
            }
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// Plans VALUES, whose columns have the types that Spark finds for their values; DataFusion would
/// make decimals of doubles. Every other relation is left to it.
fn inline_table(
    relation: TableFactor,
    context: &mut dyn RelationPlannerContext,
) -> DfResult<RelationPlanning> {
    let TableFactor::Derived { subquery, alias, .. } = &relation else {
        return Ok(RelationPlanning::Original(Box::new(relation)));
    };
    let (SetExpr::Values(values), None, None, None) =
        (&*subquery.body, &subquery.with, &subquery.order_by, &subquery.limit_clause)
    else {
        return Ok(RelationPlanning::Original(Box::new(relation)));
    };
    let is_ansi = context.context_provider().options().execution.enable_ansi_mode;
    let schema = DFSchema::empty();
    let mut rows = vec![];
    for row in &values.rows {
        let row = row.iter().map(|value| context.sql_to_expr(value.clone(), &schema));
        rows.push(row.collect::<DfResult<Vec<Expr>>>()?);
    }
    let width = rows.first().map_or(0, Vec::len);
    // Rows of different lengths are an error that DataFusion tells.
    if rows.iter().all(|row| row.len() == width) {
        for at in 0..width {
            let column: Vec<&Expr> = rows.iter().map(|row| &row[at]).collect();
            check_texts(&column, &schema, at)?;
            let Some(common) = common(&column, &schema, is_ansi)? else { continue };
            for row in &mut rows {
                row[at] = as_type(row[at].clone(), &common, &schema)?;
            }
        }
    }
    let plan = LogicalPlanBuilder::values(rows)?.build()?;
    Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
}

/// Refuses texts beside other values, of which none stands for a column of both.
fn check_texts(column: &[&Expr], schema: &DFSchema, at: usize) -> DfResult<()> {
    let types = types_of(column, schema).unwrap_or_default();
    let text = types.iter().find(|of| of.is_string());
    let other = types.iter().find(|of| !of.is_string());
    match text.and(other) {
        None => Ok(()),
        Some(other) => plan_err!(
            "column {} of VALUES holds texts and values of the type {}; write it in one type",
            at + 1,
            spark_type_name(other)
        ),
    }
}

/// The unbounded form of a table.
fn stream(table: TableFactor, context: &mut dyn RelationPlannerContext) -> DfResult<LogicalPlan> {
    let TableFactor::Table { name, .. } = &table else {
        return Err(Error::invalid("STREAM takes the name of a table").into());
    };
    let reference = context.object_name_to_table_reference(name.clone())?;
    if let TableReference::Full { catalog, schema, table } = &reference
        && catalog.as_ref() == FILES_CATALOG
    {
        return Err(Error::invalid(format!(
            "files that a query names are read as a table; for a stream of them write CREATE TABLE t USING {schema} OPTIONS (path '{table}'), and FROM STREAM t"
        ))
        .into());
    }
    let Ok(source) = context.context_provider().get_table_source(reference.clone()) else {
        return Err(not_a_stream(&reference.to_string()).into());
    };
    let provider = source_as_provider(&source)?;
    let any: &dyn Any = provider.as_ref();
    if let Some(table) = any.downcast_ref::<CatalogTable>() {
        let stream: Arc<dyn TableProvider> = Arc::<StreamTable>::clone(table.stream());
        return LogicalPlanBuilder::scan(reference, provider_as_source(stream), None)?.build();
    }
    let is_stream = any.is::<StreamTable>()
        || match provider.get_logical_plan() {
            Some(view) => reads_stream(&view)?,
            None => false,
        };
    if is_stream { context.plan(table) } else { Err(not_a_stream(&reference.to_string()).into()) }
}

fn not_a_stream(name: &str) -> Error {
    Error::invalid(format!(
        "`{name}` cannot be read as a stream; take STREAM away, or create it with CREATE TABLE {name} (..) USING <format> OPTIONS (..)"
    ))
}

fn reads_stream(plan: &LogicalPlan) -> DfResult<bool> {
    let mut found = false;
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
        {
            let any: &dyn Any = provider.as_ref();
            found |= any.is::<StreamTable>();
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn watermark(
    input: LogicalPlan,
    event_time: SqlExpr,
    name: Option<Ident>,
    delay: Duration,
    context: &mut dyn RelationPlannerContext,
) -> DfResult<LogicalPlan> {
    let expr = context.sql_to_expr(event_time, input.schema())?;
    let Some(name) = name else {
        let Expr::Column(column) = expr else {
            return Err(Error::invalid(format!(
                "WATERMARK needs a column, `{expr}` is none; write WATERMARK <expression> AS <name> DELAY OF .."
            ))
            .into());
        };
        return Ok(with_watermark(input, &column.name, delay)?);
    };
    let mut columns = all_columns(input.schema());
    columns.push(expr.alias(&name.value));
    let input = LogicalPlanBuilder::from(input).project(columns)?.build()?;
    Ok(with_watermark(input, &name.value, delay)?)
}

fn window(
    input: LogicalPlan,
    time: SqlExpr,
    spec: WindowSpec,
    context: &mut dyn RelationPlannerContext,
) -> DfResult<LogicalPlan> {
    let input = make_room(input)?;
    let time = context.sql_to_expr(time, input.schema())?;
    Ok(assign_windows(input, time, spec)?)
}

fn generator(
    input: LogicalPlan,
    call: &Function,
    qualifier: &Ident,
    shape: GeneratorShape,
    context: &mut dyn RelationPlannerContext,
) -> DfResult<LogicalPlan> {
    let FunctionArguments::List(list) = &call.args else {
        return Err(Error::invalid(format!("`{call}` needs arguments")).into());
    };
    let argument = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
            context.sql_to_expr(expr.clone(), input.schema())
        }
        other => Err(Error::invalid(format!("`{}` cannot take `{other}`", call.name)).into()),
    };
    let arguments = list.args.iter().map(argument).collect::<DfResult<Vec<_>>>()?;
    let Some(planned) = Call::new(&call.name.to_string(), arguments)? else {
        return Err(Error::internal(format!("`{}` is no generator", call.name)).into());
    };
    let qualifier = Some(TableReference::bare(qualifier.value.as_str()));
    let naming = Naming { qualifier, names: shape.columns, alone: shape.alone };
    Ok(generate(input, planned.outer(shape.outer), &naming)?.0)
}

/// Gives a column `window` of the input another name, to make room for the new one.
fn make_room(input: LogicalPlan) -> DfResult<LogicalPlan> {
    let is_window = |name: &str| name.eq_ignore_ascii_case(WINDOW_COLUMN);
    if !input.schema().fields().iter().any(|field| is_window(field.name())) {
        return Ok(input);
    }
    let columns = input.schema().iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::from((qualifier, field)));
        if is_window(field.name()) {
            column.alias_qualified(qualifier.cloned(), INPUT_WINDOW_COLUMN)
        } else {
            column
        }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(input).project(columns)?.build()
}

fn all_columns(schema: &DFSchema) -> Vec<Expr> {
    schema.iter().map(|(qualifier, field)| Expr::Column(Column::from((qualifier, field)))).collect()
}
