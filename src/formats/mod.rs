//! Bytes to record batches and back.

pub mod display;
pub mod encode;
pub mod show;
