//! Tests of the stores as their users see them.

mod files;
mod memory;
mod model;
mod promises;
