//! Metrics of the rows that pass a place in a plan: named aggregates over all rows of an epoch.
//!
//! ```text
//! operator   the logical node: what may be observed
//! rows       the execution plan: rows pass, accumulators see them
//! metrics    what the partitions saw together, as one row
//! ```

pub mod metrics;
pub mod operator;
pub mod rows;
