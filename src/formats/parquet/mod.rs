//! Parquet files, read with the columns that were declared rather than those of each file.

mod fit;
pub mod format;
mod reader;
mod types;

pub use format::ParquetFormat;

#[cfg(test)]
mod tests;
