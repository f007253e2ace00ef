//! Record batches to the bytes of a file: one file for each format.

pub mod arrow;
pub mod charset;
pub mod compress;
pub mod csv;
pub mod encoder;
pub mod json;
pub mod parquet;
pub mod text;
pub mod times;

pub use encoder::{FileEncoding, RowEncoder};
