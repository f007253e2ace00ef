//! CSV, quoted as Spark quotes it.
//!
//! ```text
//! 1,plain,"a,b","say \"hi\"","",
//! ```
//!
//! A value stands in quotes when it has to: when it begins with a quote or holds a separator, an end
//! of a line or, unless that is switched off, a quote; so does one at the start of a line that looks
//! like a comment. An empty text is `""`, a missing value is nothing. A row whose only column is
//! missing is `""` too, since an empty line would be no row.

mod encoding;
mod options;
mod quoting;

#[cfg(test)]
mod tests;

pub use encoding::{CsvEncoding, records_of};
pub use options::CsvWriteOptions;
