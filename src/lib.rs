//! Structured streaming for Arrow.

pub mod checkpoint;
pub mod column_names;
pub mod config;
pub mod connector;
pub mod equality;
pub mod error;
pub mod event_time;
pub mod formats;
pub mod logical;
pub mod metrics;
pub mod operators;
pub mod physical;
pub mod prelude;
pub mod query;
pub mod runtime;
pub mod session;
pub mod sinks;
pub mod sources;
pub mod sql;
pub mod state;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

#[cfg(test)]
mod architecture;

/// The Rust example of the README, as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use error::{Error, ErrorKind, Result};
pub use operators::observe::metrics::Observation;
pub use query::handle::{QueryStatus, StreamingQuery};
pub use query::listener::StreamingQueryListener;
pub use query::manager::StreamingQueryManager;
pub use query::progress::StreamingQueryProgress;
pub use session::builder::StreamSessionBuilder;
pub use session::data_frame::StreamingDataFrame;
pub use session::session::StreamSession;
