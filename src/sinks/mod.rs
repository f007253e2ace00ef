//! Where rows go: one file or folder for each sink, none knowing another.

pub mod console;
pub mod file;
pub mod foreach;
pub mod foreach_batch;
mod gather;
pub mod memory;
pub mod noop;

pub use console::ConsoleSinkFactory;
pub use file::FileSinkFactory;
pub use foreach::{ForeachFn, ForeachSink, ForeachWriter};
pub use foreach_batch::{ForeachBatchFn, ForeachBatchSink};
pub use memory::MemorySinkFactory;
pub use noop::NoopSinkFactory;
