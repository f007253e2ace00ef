//! Bytes to record batches and back.

pub mod arrow;
pub mod content;
pub mod csv;
pub mod datetime_pattern;
mod decompress;
pub mod display;
pub mod encode;
pub mod format;
mod guard;
pub mod interval_text;
pub mod json;
pub mod lines;
mod number;
pub mod parquet;
pub mod records;
pub mod show;
pub mod text;
pub mod times;
pub mod type_name;
