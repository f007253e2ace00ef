//! The small traits that sources and sinks implement, their options, and the registry that finds
//! them by name. Nothing here knows a concrete source, a query or a plan.

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
pub mod offset;
pub mod one_file;
pub mod option_doc;
pub mod options;
pub mod output_mode;
pub mod registry;
pub mod sink;
pub mod source;
pub mod storage;
pub mod versioned;

pub use offset::Offset;
pub use option_doc::{OptionDoc, OptionDocs};
pub use options::{OptionReader, Options};
pub use output_mode::OutputMode;
pub use registry::Registry;
pub use sink::{
    CommitMessage, SinkBatch, SinkContext, SinkFactory, SinkSession, SinkState, SinkWriter,
    StreamSink,
};
pub use source::{
    DefineContext, Freshness, InputPartition, MicroBatchSource, ReadLimit, SourceContext,
    SourceDefinition, SourceFactory,
};
pub use storage::{Location, Storage};
pub use versioned::{RefreshedTable, TableContent, TableVersion, VersionedTable};
