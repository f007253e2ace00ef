//! SQL with its expected results.
use crate::case::Case;
use crate::outcome::Fallible;
pub(crate) fn cases(_complete: bool) -> Fallible<Vec<Case>> { Ok(vec![]) }
