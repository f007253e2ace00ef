//! CSV, read with Spark's rules.
//!
//! ```text
//! file --lines--> text of records --tokens--> cells by column --convert--> arrays --rows--> batch
//! ```
//!
//! A record is cut into cells first, which settles how many there are; then each column is
//! converted at once, which settles what fits its type. What does not fit costs its own cell and
//! nothing else.

mod convert;
pub mod dialect;
pub mod format;
mod header;
mod infer;
mod rows;
pub mod text;
mod tokens;

pub use dialect::{CsvReadOptions, Dialect, UnescapedQuotes};
pub use format::CsvFormat;

#[cfg(test)]
mod tests;
