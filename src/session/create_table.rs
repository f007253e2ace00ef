//! CREATE TABLE: over what lies somewhere, in memory, and with the rows of a query.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::try_join_all;
use object_store::ObjectStoreExt;
use sqlparser::ast::Query;

use crate::connector::option_doc::find;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{SinkBatch, SinkContext, SinkSession, StreamSink};
use crate::connector::source::{DefineContext, Freshness, SourceDefinition};
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::operators::scan::{CatalogTable, StreamTable};
use crate::session::builtin;
use crate::session::catalog::memory_of;
use crate::session::data_frame::{StreamingDataFrame, quoted_reference};
use crate::session::session::StreamSession;
use crate::session::statement::{Purpose, claim_name, frame};
use crate::sql::statement::CreateTable;

/// The format of a table that has a path and names none.
const DEFAULT_FORMAT: &str = "parquet";

pub(crate) async fn create_table(
    session: &StreamSession,
    create: CreateTable,
    purpose: Purpose,
) -> Result<StreamingDataFrame> {
    // What is to be replaced is still read by the query.
    let is_free = || claim_name(session, &create.name, create.if_not_exists, false);
    if !create.or_replace && !is_free()? {
        return Ok(session.empty());
    }
    let format = match &create.format {
        Some(format) => format.as_str(),
        None if create.options.get("path").is_some() => DEFAULT_FORMAT,
        None => builtin::MEMORY,
    };
    check_place(&create, format)?;
    let table = match &create.query {
        Some(query) if format.eq_ignore_ascii_case(builtin::MEMORY) => {
            with_rows(session, &create, query, purpose).await?
        }
        Some(query) => with_files(session, (&create, format), query, purpose).await?,
        None => over_source(session, &create, format).await?,
    };
    if create.or_replace {
        claim_name(session, &create.name, false, true)?;
    }
    session.context().register_table(quoted_reference(&create.name), table)?;
    Ok(session.empty())
}

/// Files have a place, and nothing else has folders.
fn check_place(create: &CreateTable, format: &str) -> Result<()> {
    match builtin::writes_files(format) {
        true if create.options.get("path").is_none() => Err(Error::MissingOption {
            owner: format!("table `{}` USING {format}", create.name),
            option: "path".to_owned(),
            reason: "it is the folder of the files; say LOCATION '<folder>', or leave USING out for a table in memory".to_owned(),
        }),
        false if !create.partition_by.is_empty() => Err(Error::unsupported(format!(
            "a table USING {format} has no folders that PARTITIONED BY could name; leave it out"
        ))),
        _ => Ok(()),
    }
}

/// A table over what is there, or will be. Without columns, what is there tells them.
async fn over_source(
    session: &StreamSession,
    create: &CreateTable,
    format: &str,
) -> Result<Arc<dyn TableProvider>> {
    check_not_null(create, format)?;
    let by = &create.partition_by;
    if let Some(column) = by.first().filter(|_| create.schema.is_none()) {
        return Err(Error::invalid(format!(
            "table `{}` has no list of columns for PARTITIONED BY (`{column}`) to name; leave PARTITIONED BY out, the folders tell their columns",
            create.name
        )));
    }
    let mut context = context(session)?;
    context.infer_schema = true;
    context.folder_columns.clone_from(by);
    let factory = session.registry().source(format)?;
    let schema = create.schema.clone();
    let definition = factory.define(&create.options, schema, &context).await?;
    check_partitions(create, &definition.schema())?;
    catalog_table(session, definition).await
}

/// The table that a source gives, as table and as stream.
async fn catalog_table(
    session: &StreamSession,
    definition: Arc<dyn SourceDefinition>,
) -> Result<Arc<dyn TableProvider>> {
    let rows = definition.table(session.storage(), Freshness::Live).await?;
    let stream = Arc::new(StreamTable::new(None, definition));
    Ok(Arc::new(CatalogTable::new(rows, stream)))
}

fn context(session: &StreamSession) -> Result<DefineContext> {
    Ok(DefineContext {
        time_zone: TimeZone::parse(session.settings().time_zone())?,
        ..DefineContext::new(Arc::clone(session.storage()))
    })
}

/// Refuses what INSERT INTO would not keep.
fn check_not_null(create: &CreateTable, format: &str) -> Result<()> {
    if !format.eq_ignore_ascii_case(builtin::MEMORY) {
        return Ok(());
    }
    let fields = create.schema.iter().flat_map(|schema| schema.fields());
    match fields.into_iter().find(|field| !field.is_nullable()) {
        Some(field) => Err(Error::unsupported(format!(
            "the column `{}` of table `{}` cannot be NOT NULL: a table in memory takes NULL in every column; leave NOT NULL out",
            field.name(),
            create.name
        ))),
        None => Ok(()),
    }
}

/// Columns of folders come last, so they do when folders have the columns of PARTITIONED BY.
fn check_partitions(create: &CreateTable, schema: &Schema) -> Result<()> {
    let by = &create.partition_by;
    let given = create.schema.iter().flat_map(|schema| schema.fields());
    let given: Vec<&str> = given.into_iter().map(|field| field.name().as_str()).collect();
    if let Some(unknown) = by.iter().find(|name| !given.iter().any(|known| is_same(known, name))) {
        return Err(unknown_partition(&create.name, unknown, &given));
    }
    let last = schema.fields().iter().rev().take(by.len()).map(|field| field.name());
    if last.zip(by.iter().rev()).all(|(found, wanted)| is_same(found, wanted)) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the folders that table `{}` reads do not name the columns {}; leave PARTITIONED BY out, the folders tell their columns",
        create.name,
        by.join(", ")
    )))
}

fn unknown_partition(table: &str, name: &str, columns: &[&str]) -> Error {
    Error::invalid(format!(
        "PARTITIONED BY names `{name}`, which is no column of table `{table}`; there are {}",
        columns.join(", ")
    ))
}

fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// A table in memory with the rows of a query.
async fn with_rows(
    session: &StreamSession,
    create: &CreateTable,
    query: &Query,
    purpose: Purpose,
) -> Result<Arc<dyn TableProvider>> {
    let rows = frame(session, query).await?;
    check_names(create, &rows.schema())?;
    let factory = session.registry().source(builtin::MEMORY)?;
    let definition =
        factory.define(&create.options, Some(rows.schema()), &context(session)?).await?;
    let schema = definition.schema();
    let table = catalog_table(session, definition).await?;
    let memory = memory_of(&table)
        .ok_or_else(|| Error::internal("the source `memory` gave no table in memory"))?;
    if purpose == Purpose::Check {
        rows.check()?;
        return Ok(table);
    }
    for batch in rows.collect().await? {
        memory.add(&RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?)?;
    }
    Ok(table)
}

/// Names are looked up without regard to case, so two that differ in case only are one.
fn check_names(create: &CreateTable, schema: &Schema) -> Result<()> {
    let mut seen = BTreeSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().to_lowercase()) {
            return Err(Error::invalid(format!(
                "the query of table `{}` has more than one column `{}`; rename one with AS",
                create.name,
                field.name()
            )));
        }
    }
    Ok(())
}

/// A table over files into which the rows of a query were written.
async fn with_files(
    session: &StreamSession,
    (create, format): (&CreateTable, &str),
    query: &Query,
    purpose: Purpose,
) -> Result<Arc<dyn TableProvider>> {
    let source = session.registry().source(format)?;
    if !builtin::writes_files(format) {
        return Err(Error::unsupported(format!(
            "CREATE TABLE .. AS cannot write to `{format}`; write files, or leave USING out for a table in memory"
        )));
    }
    let rows = frame(session, query).await?;
    let schema = rows.schema();
    check_names(create, &schema)?;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let by = &create.partition_by;
    if let Some(unknown) = by.iter().find(|name| !names.iter().any(|known| is_same(known, name))) {
        return Err(unknown_partition(&create.name, unknown, &names));
    }
    let mut context = context(session)?;
    context.folder_columns.clone_from(by);
    // What was said of how files are written, such as their separator, holds for reading them.
    let is_read = |name: &str| find(source.options(), name).is_some_and(|o| o.refused.is_none());
    let options = create.options.iter().filter(|(name, _)| is_read(name)).collect();
    check_empty(session, &create.options).await?;
    let definition = source.define(&options, Some(schema), &context).await?;
    match purpose {
        Purpose::Run => write(session, create, format, &rows).await?,
        Purpose::Check => rows.check()?,
    }
    catalog_table(session, definition).await
}

/// Writes rows into files of a folder that is new or empty. All files count, so what was written
/// before something failed is taken away.
async fn write(
    session: &StreamSession,
    create: &CreateTable,
    format: &str,
    rows: &StreamingDataFrame,
) -> Result<()> {
    let schema: SchemaRef = rows.schema();
    if create.options.get("retention").is_some() {
        return Err(Error::unsupported(
            "the option `retention` is for what a streaming query writes; leave it out",
        ));
    }
    let context = SinkContext {
        query_name: Some(create.name.clone()),
        schema: Arc::clone(&schema),
        partition_by: create.partition_by.clone(),
        storage: Arc::clone(session.storage()),
        clock: Arc::clone(session.clock()),
        session: SinkSession(session.context().clone()),
    };
    let sink = session.registry().sink(format)?.open(&create.options, context).await?;
    let query_id = uuid::Uuid::new_v4().to_string();
    let mode = OutputMode::Append;
    let batch = SinkBatch { query_id, epoch: 0, run: 0, mode, schema };
    let partitions = rows.to_data_frame()?.execute_stream_partitioned().await?;
    let parts = partitions.into_iter().enumerate();
    let parts = parts.map(|(number, rows)| write_part(sink.as_ref(), &batch, number, rows));
    let written = try_join_all(parts).await;
    if let Err(error) = written {
        sink.abort(&batch, vec![]).await?;
        return Err(error);
    }
    Ok(())
}

async fn write_part(
    sink: &dyn StreamSink,
    batch: &SinkBatch,
    number: usize,
    mut rows: SendableRecordBatchStream,
) -> Result<()> {
    let mut writer = sink.writer(batch, number).await?;
    while let Some(part) = rows.next().await {
        let columns = part?.columns().to_vec();
        writer.write(RecordBatch::try_new(Arc::clone(&batch.schema), columns)?).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Refuses a folder in which something is.
async fn check_empty(session: &StreamSession, options: &Options) -> Result<()> {
    let Some(path) = options.get("path") else { return Ok(()) };
    let folder = session.storage().open(path)?;
    let storage_error = |source| Error::Storage {
        action: "list",
        path: folder.url.clone(),
        source: Box::new(source),
    };
    let first = match folder.store.list(Some(&folder.path)).next().await.transpose() {
        Err(object_store::Error::NotFound { .. }) => None,
        found => found.map_err(storage_error)?,
    };
    if first.is_none() && folder.store.head(&folder.path).await.is_err() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{}` is not empty, and CREATE TABLE .. AS writes into a new or empty folder; write to another, or make a table of what is there by leaving AS out",
        folder.url
    )))
}
