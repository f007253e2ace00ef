//! How a case ends.

use std::error::Error;

/// Why a case failed: the first line says what differed, the others show it.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The result of everything in a case that can fail.
pub(crate) type Fallible<T> = Result<T, Failure>;

/// The end of a case that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran, and all was as expected.
    Passed,
    /// It did not run.
    Skipped,
}

/// Fails with a message unless a condition holds.
pub(crate) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Fallible<()> {
    if holds { Ok(()) } else { Err(message().into()) }
}

/// Puts a place in front of the first line of a failure.
pub(crate) fn at(place: &str, failure: &Failure) -> Failure {
    format!("{place}: {failure}").into()
}
