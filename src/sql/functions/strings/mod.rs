//! Functions over text.
//!
//! Characters are Unicode code points and positions begin at 1, as in Spark.

pub(super) mod binaries;
pub(super) mod likes;
pub(super) mod number_format;
pub(super) mod number_pattern;
pub(super) mod patterns;
pub(super) mod places;
pub(super) mod shapes;
