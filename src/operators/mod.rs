//! The streaming operators: one file or folder for each, with its logical node, its execution plan
//! and its decisions.
//!
//! Planners know only [`StreamingNode`](node::StreamingNode): an operator lowers itself.

pub mod aggregate;
pub mod context;
pub mod drain;
pub mod epoch_values;
pub mod exec;
pub mod late_rows;
pub mod limit;
pub mod locate;
pub mod locate_exec;
pub mod node;
pub mod observe;
pub mod region;
pub mod report;
pub mod scan;
pub mod scan_exec;
pub mod scan_filter;
pub mod state_task;
pub mod static_join;
pub mod table_scan;
pub mod watermark;
pub mod window_assign;
