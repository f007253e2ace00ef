//! Scalar functions of Spark that DataFusion lacks or types otherwise.

pub mod batch_time;

pub(super) mod builtin;

mod timestamps;
mod window_time;

pub use batch_time::BATCH_TIME_FUNCTIONS;
