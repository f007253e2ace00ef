//! Where rows come from: one file or folder for each source, none knowing another.

pub mod file;
mod generated;
pub mod memory;
pub mod rate;
pub mod rate_micro_batch;
pub mod socket;
mod stream_only;
