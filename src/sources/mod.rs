//! Where rows come from: one file or folder for each source, none knowing another.

pub mod file;
pub mod memory;
