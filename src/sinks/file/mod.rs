//! A sink that writes files into a folder, exactly once for readers that follow its log.
//!
//! ```text
//! <path>/part-00000-<unique>-c000.snappy.parquet   the rows of a partition of an epoch
//! <path>/k=a/part-00000-<unique>.c000.parquet      those whose column k is `a`
//! <path>/_spark_metadata/<epoch>                   the files of the epoch: the commit
//! <path>/_spark_metadata/.query                    the query that owns the folder
//! ```
//!
//! | crash after              | what a reader sees | when the epoch comes again             |
//! |--------------------------|--------------------|----------------------------------------|
//! | files were written       | nothing of it      | new files; the old ones are never read |
//! | the log entry was added  | all of it          | it is done already                     |
//!
//! A file gets a new name on each attempt, so attempts never meet; what is removed after a failure
//! is only what the log does not name, since an addition that seemed to fail may have reached the
//! log. The log counts epochs of one query: that of another query would find its epochs done
//! already, so a folder has an owner, which is written before the first entry.

mod begun;
mod factory;
pub mod format_options;
mod log;
mod open_file;
pub mod option_docs;
mod options;
mod owner;
mod partition;
mod sink;
mod upload;
mod writer;

#[cfg(test)]
mod tests;

pub use factory::FileSinkFactory;
