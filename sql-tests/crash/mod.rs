//! Crashes.
use crate::case::Case;
pub(crate) fn cases() -> Vec<Case> {
    vec![]
}
