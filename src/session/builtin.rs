//! The one list of what is built in: sources, sinks, and how tables of their formats are read.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;

use crate::connector::options::Options;
use crate::connector::registry::Registry;
use crate::connector::source::{DefineContext, Freshness};
use crate::connector::storage::Storage;
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::operators::scan::StreamTable;
use crate::sinks::console::ConsoleSinkFactory;
use crate::sinks::file::FileSinkFactory;
use crate::sinks::memory::MemorySinkFactory;
use crate::sinks::noop::NoopSinkFactory;
use crate::sources::file::factory::FileSourceFactory;
use crate::sources::file::format_options::FILE_FORMATS;
pub use crate::sources::memory::MemoryTable;
use crate::sources::memory::{MemorySourceDefinition, MemorySourceFactory};

/// The sink of a streaming table that names none.
pub(crate) const MEMORY: &str = "memory";

/// All built-in sources and sinks.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    for format in FILE_FORMATS {
        registry.add_source(format, Arc::new(FileSourceFactory::new(format)));
    }
    registry.add_source(MEMORY, Arc::new(MemorySourceFactory));
    registry.add_sink("json", Arc::new(FileSinkFactory::json()));
    registry.add_sink("parquet", Arc::new(FileSinkFactory::parquet()));
    registry.add_sink("console", Arc::new(ConsoleSinkFactory::default()));
    registry.add_sink(MEMORY, Arc::new(MemorySinkFactory));
    registry.add_sink("noop", Arc::new(NoopSinkFactory));
    registry
}

/// The table that a file sink of this format and with these options writes; `None` for a sink
/// that writes no files.
///
/// # Errors
/// Those of the options.
pub(crate) async fn written_table(
    registry: &Registry,
    format: &str,
    options: &Options,
    schema: SchemaRef,
    storage: &Arc<dyn Storage>,
) -> Result<Option<Arc<dyn TableProvider>>> {
    if !FILE_FORMATS.iter().any(|known| known.eq_ignore_ascii_case(format)) {
        return Ok(None);
    }
    // Without a path there is no table; the sink says what is missing.
    let Some(path) = options.get("path") else { return Ok(None) };
    let context = DefineContext {
        storage: Arc::clone(storage),
        infer_schema: false,
        must_exist: false,
        time_zone: TimeZone::UTC,
    };
    let factory = registry.source(format)?;
    let definition =
        factory.define(&[("path", path)].into_iter().collect(), Some(schema), &context).await?;
    definition.table(storage, Freshness::Live).await.map(Some)
}

/// A table in memory, to add rows to, and the unbounded table that a query reads them from.
pub(crate) fn memory_stream(schema: &Schema) -> (Arc<MemoryTable>, StreamTable) {
    let rows = MemoryTable::new(schema);
    let definition = MemorySourceDefinition::new(Arc::clone(&rows));
    (rows, StreamTable::new(None, Arc::new(definition)))
}
