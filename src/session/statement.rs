//! Runs the statements of SQL.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use datafusion::catalog::view::ViewTable;
use sqlparser::ast::Query;

use crate::column_names::refuse_twins;
use crate::config::SHUFFLE_PARTITIONS;
use crate::connector::options::nearest;
use crate::error::{Error, Result};
use crate::logical::check::check_subqueries;
use crate::logical::explain_mode::ExplainMode;
use crate::session::builtin;
use crate::session::catalog;
use crate::session::create_table::create_table;
use crate::session::data_frame::{StreamingDataFrame, quoted_reference};
use crate::session::session::StreamSession;
use crate::sql::planner::plan;
use crate::sql::statement::{CreateStreamingTable, Statement};

/// Why a statement is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is to have its effect.
    Run,
    /// What is wrong with it is to be found: tables are made known to the session, but no row is
    /// written, and no query is started or stopped.
    Check,
}

/// Carries out a statement; a query is planned only.
pub(crate) async fn run(
    session: &StreamSession,
    statement: Statement,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    match statement {
        Statement::Query(query) => {
            let frame = frame(session, &query).await?;
            if purpose == Purpose::Check {
                frame.check()?;
            }
            Ok(frame)
        }
        Statement::CreateTable(create) => create_table(session, create, purpose).await,
        Statement::CreateStreamingTable(create) => {
            create_streaming_table(session, create, purpose).await
        }
        Statement::CreateView { name, or_replace, query } => {
            create_view(session, &name, or_replace, &query).await
        }
        Statement::ShowStreamingQueries => show_queries(session),
        Statement::StopStreamingQuery { name, if_exists } => {
            stop_query(session, &name, if_exists, purpose).await
        }
        Statement::Explain { mode, statement } => explain(session, mode, *statement).await,
        Statement::Set { key, value } => set(session, &key, value.as_deref()),
        Statement::DropTable { name, if_exists } => {
            drop_table(session, Kind::Table, &name, if_exists).await
        }
        Statement::DropView { name, if_exists } => {
            drop_table(session, Kind::View, &name, if_exists).await
        }
        Statement::Catalog(statement) => catalog::run(session, statement, purpose).await,
    }
}

pub(crate) async fn frame(session: &StreamSession, query: &Query) -> Result<StreamingDataFrame> {
    let plan = plan(&session.state(), &session.files(), query).await?;
    check_subqueries(&plan)?;
    Ok(session.data_frame(plan))
}

async fn create_streaming_table(
    session: &StreamSession,
    create: CreateStreamingTable,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    if !claim_name(session, &create.name, create.if_not_exists, false)? {
        return Ok(session.empty());
    }
    let query = frame(session, &create.query).await?;
    let format = create.format.as_deref().unwrap_or(builtin::MEMORY);
    let writer = query
        .write_stream()
        .format(format)
        .output_mode(create.mode)
        .trigger(create.trigger)
        .query_name(&create.name)
        .partition_by(create.partition_by)
        .options(create.options.iter());
    let written = writer.written_table(&create.name).await?;
    let started = match purpose {
        Purpose::Run => Box::pin(writer.start()).await.map(|_query| ()),
        Purpose::Check => writer.check().await,
    };
    if let Err(error) = started {
        // A sink may have registered its table before the query was refused.
        session.context().deregister_table(quoted_reference(&create.name))?;
        return Err(error);
    }
    // A sink that keeps its rows in memory has registered its table itself.
    if let Some(table) = written {
        session.context().register_table(quoted_reference(&create.name), table)?;
    }
    Ok(session.empty())
}

/// Whether a table or view of this name is to be made; clears the place where it may be replaced.
pub(crate) fn claim_name(
    session: &StreamSession,
    name: &str,
    if_not_exists: bool,
    or_replace: bool,
) -> Result<bool> {
    let Some(taken) = find_table(session, name) else { return Ok(true) };
    if or_replace {
        check_unused(session, &taken)?;
        session.context().deregister_table(quoted_reference(&taken))?;
        return Ok(true);
    }
    if if_not_exists {
        return Ok(false);
    }
    Err(Error::invalid(format!(
        "a table or view `{taken}` exists already; drop it first, or say IF NOT EXISTS"
    )))
}

async fn create_view(
    session: &StreamSession,
    name: &str,
    or_replace: bool,
    query: &Query,
) -> Result<StreamingDataFrame> {
    // The view may read the one that it replaces, so it is planned first.
    let frame = frame(session, query).await?;
    refuse_twins(&frame.schema(), &format!("the view `{name}`"))?;
    let (_, plan) = frame.into_parts();
    let view = ViewTable::new(plan, None);
    claim_name(session, name, false, or_replace)?;
    session.context().register_table(quoted_reference(name), Arc::new(view))?;
    Ok(session.empty())
}

fn show_queries(session: &StreamSession) -> Result<StreamingDataFrame> {
    let queries = session.streams().active();
    let column = |of: &dyn Fn(&crate::query::handle::StreamingQuery) -> Option<String>| {
        queries.iter().map(of).collect::<StringArray>()
    };
    rows(
        session,
        &["name", "id", "runId", "status", "lastBatchId"],
        vec![
            column(&|query| query.name().map(str::to_owned)),
            column(&|query| Some(query.id().to_owned())),
            column(&|query| Some(query.run_id().to_owned())),
            column(&|query| Some(query.status().message)),
            column(&|query| Some(query.last_progress()?.last_epoch()?.to_string())),
        ],
    )
}

async fn stop_query(
    session: &StreamSession,
    name: &str,
    if_exists: bool,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    let active = session.streams().active();
    let found = active.iter().find(|query| {
        query.id() == name || query.name().is_some_and(|known| known.eq_ignore_ascii_case(name))
    });
    match found {
        Some(_) if purpose == Purpose::Check => (),
        Some(query) => query.stop().await?,
        None if if_exists => (),
        None => {
            let names = active.iter().filter_map(|query| query.name());
            return Err(Error::NotFound {
                what: "running streaming query",
                name: name.to_owned(),
                nearest: nearest(name, names).map(str::to_owned),
            });
        }
    }
    Ok(session.empty())
}

async fn explain(
    session: &StreamSession,
    mode: ExplainMode,
    statement: Statement,
) -> Result<StreamingDataFrame> {
    let text = match statement {
        Statement::Query(query) | Statement::CreateView { query, .. } => {
            frame(session, &query).await?.explain(mode).await?
        }
        Statement::CreateStreamingTable(create) => {
            frame(session, &create.query).await?.explain_as(create.mode, mode).await?
        }
        _ => {
            return Err(Error::unsupported(
                "EXPLAIN is possible for a query, CREATE STREAMING TABLE and CREATE VIEW",
            ));
        }
    };
    rows(session, &["plan"], vec![text.lines().collect::<Vec<_>>().into()])
}

fn set(session: &StreamSession, key: &str, value: Option<&str>) -> Result<StreamingDataFrame> {
    if let Some(value) = value {
        session.set(key, value)?;
    }
    let settings = session.settings();
    let value = match settings.get(key)? {
        // Where it is not set, it follows the machine.
        "" if key.eq_ignore_ascii_case(SHUFFLE_PARTITIONS) => {
            session.state().config().target_partitions().to_string()
        }
        value => value.to_owned(),
    };
    rows(session, &["key", "value"], vec![vec![key].into(), vec![value].into()])
}

/// What a name of the catalog stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    View,
}

async fn drop_table(
    session: &StreamSession,
    wanted: Kind,
    name: &str,
    if_exists: bool,
) -> Result<StreamingDataFrame> {
    let Some(found) = find_table(session, name) else {
        if if_exists {
            return Ok(session.empty());
        }
        let names = table_names(session);
        return Err(Error::NotFound {
            what: if wanted == Kind::Table { "table" } else { "view" },
            name: name.to_owned(),
            nearest: nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        });
    };
    let is_view = catalog::provider(session, &found).await?.is::<ViewTable>();
    match (wanted, is_view) {
        (Kind::Table, true) => {
            return Err(Error::invalid(format!("`{found}` is a view; write DROP VIEW {found}")));
        }
        (Kind::View, false) => {
            return Err(Error::invalid(format!("`{found}` is a table; write DROP TABLE {found}")));
        }
        (Kind::Table, false) | (Kind::View, true) => (),
    }
    check_unused(session, &found)?;
    session.context().deregister_table(quoted_reference(&found))?;
    Ok(session.empty())
}

/// Refuses to take away the table that a running query writes.
fn check_unused(session: &StreamSession, table: &str) -> Result<()> {
    let active = session.streams().active();
    let mut names = active.iter().filter_map(|query| query.name());
    match names.find(|name| name.eq_ignore_ascii_case(table)) {
        Some(query) => Err(Error::invalid(format!(
            "the streaming query `{query}` writes the table `{table}`; write STOP STREAMING QUERY {query} first"
        ))),
        None => Ok(()),
    }
}

/// The true spelling of a table or view, compared without regard to case.
pub(crate) fn find_table(session: &StreamSession, name: &str) -> Option<String> {
    table_names(session).into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

pub(crate) fn table_names(session: &StreamSession) -> Vec<String> {
    let state = session.state();
    let defaults = &state.config_options().catalog;
    state
        .catalog_list()
        .catalog(&defaults.default_catalog)
        .and_then(|catalog| catalog.schema(&defaults.default_schema))
        .map(|schema| schema.table_names())
        .unwrap_or_default()
}

fn rows(
    session: &StreamSession,
    names: &[&str],
    columns: Vec<StringArray>,
) -> Result<StreamingDataFrame> {
    let columns = columns.into_iter().map(|column| Arc::new(column) as ArrayRef);
    catalog::rows(session, names.iter().copied().zip(columns).collect())
}
