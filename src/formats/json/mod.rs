//! JSON: one object in each line or in each file, read with Spark's rules.
//!
//! ```text
//! file --lines--> text of whole lines --scan--> cells by column --convert--> arrays --rows--> batch
//! ```
//!
//! Text is cut into cells first, which settles what is JSON at all; then each column is converted
//! at once, which settles what fits its type. So a value of the wrong type costs its own field and
//! nothing else. What a line holds beyond its first value is ignored.

mod cells;
mod convert;
pub mod format;
mod infer;
mod rows;
pub mod scan;
pub mod text;

pub use format::{JsonFormat, JsonReadOptions};
pub use scan::Rules;

#[cfg(test)]
mod tests;
