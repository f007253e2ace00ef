//! Bytes to record batches and back.

pub mod datetime_pattern;
pub mod display;
pub mod encode;
pub mod format;
pub mod interval_text;
pub mod json;
pub mod parquet;
pub mod show;
