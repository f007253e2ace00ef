//! Runs the statements that look at the catalog, and INSERT INTO.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::Column;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, lit};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::Query;

use crate::connector::options::nearest;
use crate::error::{Error, Result};
use crate::operators::scan::CatalogTable;
use crate::session::builtin::MemoryTable;
use crate::session::data_frame::{StreamingDataFrame, quoted_reference};
use crate::session::session::StreamSession;
use crate::session::statement::{Purpose, find_table, frame, table_names};
use crate::sql::catalog::{CatalogStatement, DATABASE, Listed};
use crate::sql::types::spark_type_name;

pub(crate) async fn run(
    session: &StreamSession,
    statement: CatalogStatement,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    match statement {
        CatalogStatement::Show { what, like } => show(session, what, like.as_deref()).await,
        CatalogStatement::ShowColumns { table } => {
            show_columns(session, &provider(session, &table).await?.schema())
        }
        CatalogStatement::ShowColumnsOfQuery(query) => {
            show_columns(session, &frame(session, &query).await?.schema())
        }
        CatalogStatement::Describe { table } => {
            describe(session, &provider(session, &table).await?.schema())
        }
        CatalogStatement::DescribeQuery(query) => {
            describe(session, &frame(session, &query).await?.schema())
        }
        // There is one, which is in use.
        CatalogStatement::UseDatabase => Ok(session.empty()),
        CatalogStatement::Insert { table, columns, query } => {
            insert(session, &table, &columns, &query, purpose).await
        }
    }
}

async fn show(
    session: &StreamSession,
    what: Listed,
    like: Option<&str>,
) -> Result<StreamingDataFrame> {
    let is_wanted = |name: &str| like.is_none_or(|like| matches(like, name));
    match what {
        Listed::Databases => {
            let names: StringArray =
                [DATABASE].into_iter().filter(|name| is_wanted(name)).map(Some).collect();
            rows(session, vec![("namespace", Arc::new(names))])
        }
        Listed::Functions => {
            let mut names = session.function_names();
            names.retain(|name| is_wanted(name));
            rows(session, vec![("function", Arc::new(StringArray::from(names)))])
        }
        Listed::Tables | Listed::Views => {
            let mut names = table_names(session);
            names.retain(|name| is_wanted(name));
            names.sort();
            let mut listed = vec![];
            for name in names {
                let is_view = provider(session, &name).await?.is::<ViewTable>();
                if is_view || what == Listed::Tables {
                    listed.push((name, is_view));
                }
            }
            // As in Spark, a view of the session is in no database.
            let database = |is_view: bool| if is_view { "" } else { DATABASE };
            let spaces: StringArray =
                listed.iter().map(|(_, view)| Some(database(*view))).collect();
            let names: StringArray = listed.iter().map(|(name, _)| Some(name)).collect();
            let views: BooleanArray = listed.iter().map(|(_, view)| Some(*view)).collect();
            let name = if what == Listed::Tables { "tableName" } else { "viewName" };
            rows(
                session,
                vec![
                    ("namespace", Arc::new(spaces)),
                    (name, Arc::new(names)),
                    ("isTemporary", Arc::new(views)),
                ],
            )
        }
    }
}

fn show_columns(session: &StreamSession, schema: &SchemaRef) -> Result<StreamingDataFrame> {
    let names = schema.fields().iter().map(|field| Some(field.name().as_str()));
    rows(session, vec![("col_name", Arc::new(names.collect::<StringArray>()))])
}

fn describe(session: &StreamSession, schema: &SchemaRef) -> Result<StreamingDataFrame> {
    let names: StringArray = schema.fields().iter().map(|field| Some(field.name())).collect();
    let types = schema.fields().iter().map(|field| Some(spark_type_name(field.data_type())));
    let types: StringArray = types.collect();
    let comments = StringArray::new_null(schema.fields().len());
    rows(
        session,
        vec![
            ("col_name", Arc::new(names)),
            ("data_type", Arc::new(types)),
            ("comment", Arc::new(comments)),
        ],
    )
}

/// Adds the rows of a query to a table in memory, cast to its types.
async fn insert(
    session: &StreamSession,
    name: &str,
    columns: &[String],
    query: &Query,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    let table = provider(session, name).await?;
    let memory = memory_of(&table).ok_or_else(|| {
            Error::unsupported(format!(
                "INSERT INTO `{name}` is not possible, rows can be added to tables in memory; put files into the folder of a table of files, or write them with CREATE STREAMING TABLE"
            ))
        })?;
    let schema = memory.schema();
    let given = frame(session, query).await?;
    let values = placed(name, &schema, columns, &given)?;
    let (_, plan) = given.into_parts();
    let plan = LogicalPlanBuilder::from(plan).project(values)?.build()?;
    let rows = session.data_frame(plan);
    if purpose == Purpose::Check {
        rows.check()?;
        return Ok(session.empty());
    }
    for batch in rows.collect().await? {
        // The table is nullable in every column, whatever the query says of its own.
        memory.add(&RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?)?;
    }
    Ok(session.empty())
}

/// The table in memory that a table of the catalog is.
pub(crate) fn memory_of(table: &Arc<dyn TableProvider>) -> Option<&MemoryTable> {
    let table = table.downcast_ref::<CatalogTable>()?;
    table.rows().downcast_ref()
}

/// For each column of the table the value that it gets: a column of the query, or null.
fn placed(
    name: &str,
    schema: &Schema,
    columns: &[String],
    given: &StreamingDataFrame,
) -> Result<Vec<Expr>> {
    let values: Vec<Column> = given.logical_plan().schema().columns();
    let known = || schema.fields().iter().map(|field| field.name().as_str());
    let wanted: Vec<String> =
        if columns.is_empty() { known().map(str::to_owned).collect() } else { columns.to_vec() };
    if wanted.len() != values.len() {
        return Err(Error::invalid(format!(
            "INSERT INTO `{name}` needs {} values in each row for {}, and was given {}",
            wanted.len(),
            wanted.join(", "),
            values.len()
        )));
    }
    if let Some(unknown) =
        wanted.iter().find(|name| !known().any(|known| known.eq_ignore_ascii_case(name)))
    {
        return Err(Error::NotFound {
            what: "column",
            name: unknown.clone(),
            nearest: nearest(unknown, known()).map(str::to_owned),
        });
    }
    let value = |field: &Arc<Field>| {
        let place = wanted.iter().position(|name| name.eq_ignore_ascii_case(field.name()));
        let value = match place.and_then(|place| values.get(place)) {
            Some(column) => Expr::Column(column.clone()),
            None => lit(ScalarValue::Null),
        };
        cast(value, field.data_type().clone()).alias(field.name())
    };
    Ok(schema.fields().iter().map(value).collect())
}

/// Whether a name is one of a pattern of Spark's SHOW: `*` is any text, `|` stands between
/// alternatives, case does not matter.
fn matches(pattern: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    pattern.to_lowercase().split('|').any(|one| {
        let parts: Vec<String> = one.trim().split('*').map(regex::escape).collect();
        regex::Regex::new(&format!("^{}$", parts.join(".*"))).is_ok_and(|one| one.is_match(&name))
    })
}

pub(crate) async fn provider(
    session: &StreamSession,
    name: &str,
) -> Result<Arc<dyn TableProvider>> {
    let known = find_table(session, name).ok_or_else(|| {
        let names = table_names(session);
        Error::NotFound {
            what: "table or view",
            name: name.to_owned(),
            nearest: nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        }
    })?;
    Ok(session.context().table_provider(quoted_reference(&known)).await?)
}

/// A frame of these columns.
pub(crate) fn rows(
    session: &StreamSession,
    columns: Vec<(&str, ArrayRef)>,
) -> Result<StreamingDataFrame> {
    let field =
        |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let values = columns.into_iter().map(|(_, values)| values).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), values)?;
    let table: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(schema, vec![vec![batch]])?);
    let plan = LogicalPlanBuilder::scan("result", provider_as_source(table), None)?.build()?;
    Ok(session.data_frame(plan))
}
