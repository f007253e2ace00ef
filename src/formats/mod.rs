//! Bytes to record batches and back.

pub mod format;
pub mod json;
pub mod parquet;
