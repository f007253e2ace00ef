//! Versioned keyed state: one store for each stateful operator and partition.
//!
//! A store is addressed, never held: by checkpoint, operator, partition and version. Version `v` is
//! the state after epoch `v - 1`; version 0 is empty. Whoever asks the [`registry`] for a version
//! gets it from memory where it is there, and from the files of the checkpoint where it is not.

pub mod registry;
pub mod schema;
pub mod store;

pub use registry::{StateRegistry, StateRequest};
pub use schema::{OperatorStateSchema, StateSchema, TimeColumn};
pub use store::{Found, ScanCursor, StateMetrics, StateStore};
