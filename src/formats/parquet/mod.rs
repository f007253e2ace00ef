//! Parquet files, read with the columns that were declared rather than those of each file.

pub(super) mod fit;
pub mod format;
mod reader;
pub(super) mod types;

pub use format::ParquetFormat;

#[cfg(test)]
mod tests;
