//! Aggregation over a stream, from DataFusion's own aggregates around a state store.
//!
//! ```text
//! input -> Aggregate(Partial)          rows to partial state
//!       -> Shuffle                     each key to the partition that owns its key group
//!       -> Aggregate(PartialReduce)    one row for each touched key
//!       -> LateFilter                  drops and counts what is behind the last watermark
//!       -> StateRestore(v)             puts the stored row of a key before its new one
//!       -> Aggregate(PartialReduce)    old and new to one row
//!       -> StateSave(v -> v + 1)       puts the rows, evicts, emits by output mode
//!       -> Aggregate(FinalPartitioned) partial state to values
//! ```
//!
//! What is stored is DataFusion's partial state, so this works for every aggregate.

pub mod emit;
pub mod operator;
pub mod plan;
pub mod restore;
pub mod save;
pub mod shuffle;

pub use operator::AggregateOperator;
