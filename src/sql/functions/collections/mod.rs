//! Functions over arrays, maps and structs.

pub(super) mod concat;
pub(in crate::sql) mod elements;
pub(in crate::sql) mod fields;
pub(in crate::sql::functions) mod lists;
pub(in crate::sql) mod maps;
pub(super) mod sequence;
pub(super) mod sets;
pub(super) mod structs;
