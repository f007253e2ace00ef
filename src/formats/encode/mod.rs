//! Record batches to the bytes of a file: one file for each format.

pub mod encoder;
pub mod json;
pub mod parquet;

pub use encoder::{FileEncoding, RowEncoder};
