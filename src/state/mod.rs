//! Versioned keyed state: one store for each stateful operator and partition.
//!
//! A store is addressed, never held: by checkpoint, operator, partition and version. Version `v` is
//! the state after epoch `v - 1`; version 0 is empty. Whoever asks the [`registry`] for a version
//! gets it from memory where it is there, and from the files of the checkpoint where it is not.

mod changelog;
#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod file;
pub mod inspect;
mod key_hash;
mod loader;
mod memory;
mod purge;
pub mod registry;
mod row_codec;
pub mod schema;
mod snapshot;
pub mod store;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use key_hash::KeyHasher;
pub use registry::{StateRegistry, StateRequest};
pub use schema::{AggregateFormat, OperatorStateSchema, StateField, StateSchema, TimeColumn};
pub use store::{Absent, Found, Keys, NO_ENTRY, ScanCursor, StateMetrics, StateStore};
