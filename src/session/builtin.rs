//! The one list of what is built in: sources, sinks, and how tables of their formats are read.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;

use crate::connector::option_doc::find;
use crate::connector::options::Options;
use crate::connector::registry::Registry;
use crate::connector::source::{DefineContext, Freshness};
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::operators::scan::StreamTable;
use crate::session::session::StreamSession;
use crate::sinks::console::ConsoleSinkFactory;
use crate::sinks::file::FileSinkFactory;
use crate::sinks::memory::MemorySinkFactory;
use crate::sinks::noop::NoopSinkFactory;
use crate::sources::file::factory::FileSourceFactory;
use crate::sources::file::format_options::FILE_FORMATS;
pub use crate::sources::memory::MemoryTable;
use crate::sources::memory::{MemorySourceDefinition, MemorySourceFactory};
use crate::sources::rate::RateSourceFactory;
use crate::sources::rate_micro_batch::RateMicroBatchSourceFactory;
use crate::sources::socket::SocketSourceFactory;

/// The sink of a streaming table that names none.
pub(crate) const MEMORY: &str = "memory";

const CONSOLE: &str = "console";
const NOOP: &str = "noop";

/// All built-in sources and sinks.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    for format in FILE_FORMATS {
        registry.add_source(format, Arc::new(FileSourceFactory::new(format)));
    }
    registry.add_source(MEMORY, Arc::new(MemorySourceFactory));
    registry.add_source("rate", Arc::new(RateSourceFactory));
    registry.add_source("rate-micro-batch", Arc::new(RateMicroBatchSourceFactory));
    registry.add_source("socket", Arc::new(SocketSourceFactory));
    registry.add_sink("arrow", Arc::new(FileSinkFactory::arrow()));
    registry.add_sink("csv", Arc::new(FileSinkFactory::csv()));
    registry.add_sink("json", Arc::new(FileSinkFactory::json()));
    registry.add_sink("parquet", Arc::new(FileSinkFactory::parquet()));
    registry.add_sink("text", Arc::new(FileSinkFactory::text()));
    registry.add_sink(CONSOLE, Arc::new(ConsoleSinkFactory::default()));
    registry.add_sink(MEMORY, Arc::new(MemorySinkFactory));
    registry.add_sink(NOOP, Arc::new(NoopSinkFactory));
    registry
}

/// Whether a sink writes files that a source of the same name reads.
pub(crate) fn writes_files(format: &str) -> bool {
    FILE_FORMATS.iter().any(|known| known.eq_ignore_ascii_case(format))
}

/// Whether a sink keeps nothing that could outlive the query.
pub(crate) fn keeps_nothing(format: &str) -> bool {
    [CONSOLE, MEMORY, NOOP].iter().any(|known| known.eq_ignore_ascii_case(format))
}

/// What a file sink is about to write.
pub(crate) struct Written<'a> {
    pub(crate) format: &'a str,
    pub(crate) options: &'a Options,
    pub(crate) partition_by: &'a [String],
    pub(crate) schema: SchemaRef,
}

/// The table that a file sink writes; `None` for a sink that writes no files.
///
/// # Errors
/// Those of the options.
pub(crate) async fn written_table(
    session: &StreamSession,
    written: Written<'_>,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let Written { format, options, partition_by, schema } = written;
    // Without a path there is no table; the sink says what is missing.
    if !writes_files(format) || options.get("path").is_none() {
        return Ok(None);
    }
    let context = DefineContext {
        time_zone: TimeZone::parse(session.settings().time_zone())?,
        folder_columns: partition_by.to_vec(),
        ..DefineContext::new(Arc::clone(session.storage()))
    };
    let factory = session.registry().source(format)?;
    // What was said of how files are written, such as their separator, holds for reading them.
    let is_read = |name: &str| find(factory.options(), name).is_some_and(|o| o.refused.is_none());
    let options = options.iter().filter(|(name, _)| is_read(name)).collect();
    let definition = factory.define(&options, Some(schema), &context).await?;
    definition.table(&context.storage, Freshness::Live).await.map(Some)
}

/// A table in memory, to add rows to, and the unbounded table that a query reads them from.
pub(crate) fn memory_stream(schema: &Schema) -> (Arc<MemoryTable>, StreamTable) {
    let rows = MemoryTable::new(schema);
    let definition = MemorySourceDefinition::new(Arc::clone(&rows));
    (rows, StreamTable::new(None, Arc::new(definition)))
}
