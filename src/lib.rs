//! Structured streaming for Arrow.

pub mod checkpoint;
pub mod config;
pub mod connector;
pub mod error;
pub mod event_time;
pub mod formats;
pub mod metrics;
pub mod operators;
pub mod runtime;
pub mod sinks;
pub mod sources;
pub mod sql;
pub mod state;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

#[cfg(test)]
mod architecture;

pub use error::{Error, ErrorKind, Result};
