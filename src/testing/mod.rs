//! What tests of queries, sources, sinks and state need: faults on demand.
//!
//! There only for tests of this crate and with the feature `test-util`.

pub mod fault;

pub use fault::{FaultMode, Faults, FaultyStorage, InjectedFault, Write, WriteKind};
