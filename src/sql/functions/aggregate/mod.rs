//! Spark's aggregates that DataFusion lacks, or that give other values.
//!
//! What an aggregate keeps between batches is what the state of a streaming query stores, so its
//! partial state is part of the format of checkpoints.

mod by;
mod list;
mod moments;
mod sum;
mod sum_groups;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// Adds the aggregates here to a list; what is there under their names gives way.
pub(in crate::sql) fn add_to(aggregates: &mut Vec<Arc<AggregateUDF>>) {
    let ours =
        [by::functions(), list::functions(), moments::functions(), sum::functions()].concat();
    let is_ours = |name: &str| ours.iter().any(|function| function.name() == name);
    aggregates.retain(|known| !is_ours(known.name()));
    aggregates.extend(ours);
}
