//! From a streaming logical plan to an execution plan, once for a run.

pub mod expand;
pub mod extension;
pub mod lambdas;
pub mod planner;
pub mod recursion;
pub mod watermark_propagation;
