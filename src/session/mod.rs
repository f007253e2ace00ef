//! What a user holds: a session, data frames over tables and streams, readers and writers.

pub mod builder;
pub mod builtin;
pub(crate) mod catalog;
mod columns;
mod create_table;
pub mod data_frame;
pub mod expression;
mod files;
pub mod generator;
pub mod grouped;
mod into_table;
pub mod reader;
mod relations;
pub mod script_check;
#[expect(clippy::module_inception, reason = "the session is what the module is named for")]
pub mod session;
pub mod statement;
pub mod writer;

pub use builder::StreamSessionBuilder;
pub use data_frame::StreamingDataFrame;
pub use expression::{asc, desc, sliding_window, window};
pub use generator::{explode, explode_outer, inline, inline_outer, posexplode, posexplode_outer};
pub use grouped::GroupedDataFrame;
pub use reader::{DataFrameReader, DataStreamReader};
pub use script_check::Checked;
pub use session::StreamSession;
pub use writer::DataStreamWriter;

#[cfg(test)]
mod tests;
