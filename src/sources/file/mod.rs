//! A folder in which files appear, as an unbounded table and as a static one.
//!
//! ```text
//! options --> listing --> seen files --> log entry N --> partitions --> format --> rows
//!             which files  which are new  sources/<name>/N   which reads which
//! ```
//!
//! An offset is the number of an entry in the source's own log. The entry is durable before the
//! offset is handed out, and names the files with their lengths; so the range between two offsets
//! is the same rows for ever, whatever appears in the folder meanwhile.

mod cleaner;
mod entry;
pub mod factory;
mod folder_columns;
pub mod format_options;
mod glob;
mod listing;
pub mod option_docs;
pub mod options;
mod partition;
mod place;
mod reading;
mod seen;
pub mod source;
pub mod table;
mod verify;

pub use factory::{FileSourceDefinition, FileSourceFactory};
pub use options::FileOptions;
pub use source::FileSource;
pub use table::FileTable;

#[cfg(test)]
mod tests;
