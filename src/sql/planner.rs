//! From a parsed query to a logical plan.
//!
//! DataFusion's planner does the work; what is Spark's comes before it, as the AST pass, and into
//! it, as planners of relations, types and operators, and functions that [`configure`] adds.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as DfStatement;
use sqlparser::ast::{Query, Statement};

use crate::error::{Error, Result};
use crate::logical::guards::DeferErrors;
use crate::logical::not_in::NullsOfNotIn;
use crate::logical::push_down::guard_filters;
use crate::sql::ast::binder::{self, Rules};
use crate::sql::expr_planner::SparkOperators;
use crate::sql::files::{self, FileTables};
use crate::sql::functions::aggregate;
use crate::sql::functions::arithmetic::operators::NumberOperators;
use crate::sql::functions::builtin;
use crate::sql::functions::comparison::{MakeComparable, TruthOperators};
use crate::sql::functions::datetime::cast::UseTimeCasts;
use crate::sql::functions::datetime::operators::TimeOperators;
use crate::sql::functions::equal_floats::UseEqualKeys;
use crate::sql::functions::float_extremes::UseExtremes;
use crate::sql::functions::lambdas;
use crate::sql::functions::number_casts::UseNumberCasts;
use crate::sql::functions::widening::{WidenNumbers, widened};
use crate::sql::relation_planner::StreamRelations;
use crate::sql::set_counts::counted;
use crate::sql::set_types::unified;
use crate::sql::tables::Tables;
use crate::sql::types::SparkTypes;
use crate::sql::{casts, constants};

/// What a session says of `spark.sql.groupByAliases`, as an extension of DataFusion's settings.
#[derive(Debug, Clone, Copy)]
pub struct GroupByAliases(pub bool);

/// Adds all that the front end needs to a session: planners, functions and settings.
///
/// To be called after DataFusion's own features were added.
#[must_use]
pub fn configure(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let config = builder.config().get_or_insert_default();
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    "nulls_min".clone_into(&mut options.sql_parser.default_null_ordering);
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.enable_ansi_mode = true;
    options.catalog.information_schema = true;
    builtin::add_to(builder.scalar_functions().get_or_insert_default());
    aggregate::add_to(builder.aggregate_functions().get_or_insert_default());
    lambdas::add_to(builder.higher_order_functions().get_or_insert_default());
    builder.relation_planners().get_or_insert_default().insert(0, Arc::new(StreamRelations));
    let operators = builder.expr_planners().get_or_insert_default();
    operators.insert(0, Arc::new(TruthOperators));
    operators.insert(0, Arc::new(SparkOperators));
    operators.insert(0, Arc::new(NumberOperators::default()));
    operators.insert(0, Arc::new(TimeOperators::default()));
    let analyzer = builder.analyzer().get_or_insert_default();
    analyzer.rules.insert(0, Arc::new(MakeComparable));
    analyzer.rules.insert(0, Arc::new(WidenNumbers));
    guard_filters(builder.optimizer().get_or_insert_default());
    builder
        .with_analyzer_rule(Arc::new(UseExtremes))
        .with_analyzer_rule(Arc::new(UseEqualKeys))
        .with_analyzer_rule(Arc::new(UseTimeCasts))
        .with_analyzer_rule(Arc::new(UseNumberCasts))
        .with_analyzer_rule(Arc::new(NullsOfNotIn))
        .with_analyzer_rule(Arc::new(DeferErrors))
        .with_type_planner(Arc::new(SparkTypes))
}

/// Makes a logical plan of a query, over the tables and views of the session, and over `files`
/// where it names some.
///
/// # Errors
/// `Invalid` for a query that makes no sense, `NotFound` for a table or path that is not there,
/// `Unsupported` for what Spark has and this engine does not.
pub async fn plan(
    state: &SessionState,
    files: &dyn FileTables,
    query: &Query,
) -> Result<LogicalPlan> {
    let mut query = query.clone();
    let with_files = Box::pin(files::open(&mut query, state, files)).await?;
    let state = with_files.as_deref().unwrap_or(state);
    let tables = Tables::load(state, &query).await?;
    let is_aggregate = |name: &str| state.aggregate_functions().contains_key(name);
    let is_ansi = state.config_options().execution.enable_ansi_mode;
    let group_by_aliases =
        state.config().get_extension::<GroupByAliases>().is_none_or(|aliases| aliases.0);
    let rules = Rules { is_ansi, group_by_aliases };
    binder::bind(&mut query, &tables, &is_aggregate, rules)?;
    constants::evaluate(&mut query, state);
    run(state, Statement::Query(Box::new(query))).await
}

async fn run(state: &SessionState, statement: Statement) -> Result<LogicalPlan> {
    let statement = DfStatement::Statement(Box::new(statement));
    // DataFusion's future is large; callers should not have to carry it in theirs.
    let plan = Box::pin(state.statement_to_plan(statement)).await.map_err(unknown_function)?;
    let options = state.config_options();
    let is_ansi = options.execution.enable_ansi_mode;
    casts::check(&plan)?;
    Ok(counted(unified(widened(plan, options)?, is_ansi)?)?)
}

/// The error of a function that is not there says so.
fn unknown_function(error: DataFusionError) -> Error {
    let text = error.strip_backtrace();
    let found = text.split_once("Invalid function '").and_then(|(_, rest)| rest.split_once('\''));
    let Some((name, rest)) = found else { return Error::from(error) };
    let instead = INSTEAD.iter().find(|(known, _)| *known == name).map(|(_, instead)| *instead);
    let nearest = rest.split_once("Did you mean '").and_then(|(_, rest)| rest.split_once('\''));
    match (instead, nearest) {
        (Some(instead), _) => {
            Error::unsupported(format!("the function `{name}` is not known; {instead}"))
        }
        (None, Some((nearest, _))) => Error::invalid(format!(
            "the function `{name}` is not known; did you mean `{nearest}`? \
             docs/spark-differences.md lists those of Spark that are missing"
        )),
        (None, None) => Error::invalid(format!(
            "the function `{name}` is not known; \
             docs/spark-differences.md lists those of Spark that are missing"
        )),
    }
}

/// Functions of Spark that are not there, and what to use in their place.
const INSTEAD: &[(&str, &str)] = &[
    ("uniform", "use rand() * (high - low) + low"),
    ("collate", "texts are compared byte by byte"),
];
