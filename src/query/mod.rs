//! A running query: its plan, its epochs, its progress, and the handle that a user holds.
//!
//! ```text
//! trigger -> sources -> offsets/N -> plan -> state and sink -> commits/N -> progress
//! ```
#![warn(clippy::wildcard_enum_match_arm)]

pub mod checkpoint_check;
pub mod epoch_loop;
pub mod epoch_run;
pub mod explain;
pub mod handle;
mod idleness;
pub mod inspect;
pub mod listener;
pub mod manager;
pub mod next_epoch;
pub mod planning;
mod previous_run;
pub mod progress;
mod progress_report;
pub mod resume;
pub mod start;
pub mod static_tables;
pub mod trigger;
pub mod watermark_tracker;

pub use handle::{QueryStatus, StreamingQuery};
pub use manager::StreamingQueryManager;
pub use progress::StreamingQueryProgress;
