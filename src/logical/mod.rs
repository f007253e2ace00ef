//! From a logical plan as DataFusion makes it to one for a stream: what is refused, where event
//! time flows, and which nodes become streaming operators.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod batch_time;
pub mod check;
pub mod event_time;
pub mod explain_mode;
pub mod expressions;
pub mod guards;
pub mod join_keys;
pub mod not_in;
pub mod push_down;
pub mod rewrite;
pub mod static_tables;
pub mod streams;
pub mod told;
