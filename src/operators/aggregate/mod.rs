//! Aggregation over a stream, from DataFusion's own aggregates around a state store.
//!
//! ```text
//! input -> Aggregate(Partial)          rows to partial state, where that makes fewer of them
//!       -> ShuffleKey, Repartition     each key to the partition that owns its key group
//!       -> Merge(v -> v + 1)           finds the stored row of each key, merges, writes, evicts,
//!                                      emits by output mode
//! ```
//!
//! What is stored is DataFusion's partial state, so this works for every aggregate. A key is looked
//! up once in an epoch; its entry in the state is the group that the accumulators know.

pub mod emission;
pub mod emit;
pub mod groups;
pub mod merge;
pub mod operator;
pub mod plan;
pub mod shuffle;

pub use operator::AggregateOperator;
