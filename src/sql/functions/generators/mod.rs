//! Generators: functions that make rows of one row, such as `explode`.
//!
//! One function of ours makes of each row the list of its new rows, and DataFusion's Unnest takes
//! the list apart. So a generator has no state, and event time beside it goes through.

pub mod plan;

pub(in crate::sql) mod kind;
mod rows;
