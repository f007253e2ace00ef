//! The streaming operators: one file or folder for each, with its logical node, its execution plan
//! and its decisions.

pub mod scan;
pub mod watermark;
pub mod window_assign;
