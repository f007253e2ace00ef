//! The one list of what is built in: sources, sinks, and how tables of their formats are read.

use std::sync::Arc;

use datafusion::catalog::TableProvider;

use crate::connector::options::Options;
use crate::connector::registry::Registry;
use crate::connector::source::DefineContext;
use crate::error::Result;
use crate::sinks::console::ConsoleSinkFactory;
use crate::sinks::file::FileSinkFactory;
use crate::sinks::memory::MemorySinkFactory;
use crate::sinks::noop::NoopSinkFactory;
use crate::sources::file::source::FileSourceFactory;
use crate::sources::memory::MemorySourceFactory;

/// The sink of a streaming table that names none.
pub(crate) const MEMORY: &str = "memory";

/// All built-in sources and sinks.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_source("json", Arc::new(FileSourceFactory::json()));
    registry.add_source("parquet", Arc::new(FileSourceFactory::parquet()));
    registry.add_source(MEMORY, Arc::new(MemorySourceFactory));
    registry.add_sink("json", Arc::new(FileSinkFactory::json()));
    registry.add_sink("parquet", Arc::new(FileSinkFactory::parquet()));
    registry.add_sink("console", Arc::new(ConsoleSinkFactory::default()));
    registry.add_sink(MEMORY, Arc::new(MemorySinkFactory));
    registry.add_sink("noop", Arc::new(NoopSinkFactory));
    registry
}
