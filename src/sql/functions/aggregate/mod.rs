//! Spark's aggregates that DataFusion lacks, or that give other values.
//!
//! What an aggregate keeps between batches is what the state of a streaming query stores, so its
//! partial state is part of the format of checkpoints.

pub(in crate::sql) mod counted;
pub(in crate::sql) mod joined;
pub(in crate::sql) mod lenient;

pub(in crate::sql::functions) mod frame;

mod by;
mod define;
mod histogram;
mod list;
mod moments;
mod numbers;
mod pairs;
mod sketch;
mod sum;
mod sum_groups;
mod variances;
mod wrapped;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// Adds the aggregates here to a list; what is there under their names gives way.
pub(in crate::sql) fn add_to(aggregates: &mut Vec<Arc<AggregateUDF>>) {
    let ours = [
        by::functions(),
        counted::functions(),
        histogram::functions(),
        joined::functions(),
        lenient::functions(),
        list::functions(),
        moments::functions(),
        pairs::functions(),
        sketch::functions(),
        sum::functions(),
        variances::functions(),
        wrapped::functions(),
    ]
    .concat();
    let is_ours = |name: &str| ours.iter().any(|function| function.name() == name);
    aggregates.retain(|known| !is_ours(known.name()));
    aggregates.extend(ours);
}
