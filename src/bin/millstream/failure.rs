//! What ends a command with an exit code other than 0, and how it is told.

use std::error::Error as _;
use std::io;

use millstream::Error;

use super::screen::{Stream, print};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong arguments.
    Usage(String),
    /// The engine refused or failed.
    Engine {
        /// The file and the statement, where they are known.
        place: Option<String>,
        /// What it said.
        error: Box<Error>,
    },
    /// The engine refused a statement that was typed.
    Statement {
        /// What it said.
        error: Box<Error>,
        /// The line that it is about, with a mark below the place.
        mark: Option<String>,
    },
    /// A file, the terminal or the machine.
    Io {
        /// What was tried.
        action: String,
        /// What the system said.
        error: io::Error,
    },
    /// Nobody reads the standard output any more, which is no error of ours.
    NobodyReads,
    /// A streaming query failed; its own failure is told with those of the others.
    Query,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn engine(error: Error) -> Self {
        Self::Engine { place: None, error: Box::new(error) }
    }

    pub(crate) fn io(action: impl Into<String>, error: io::Error) -> Self {
        Self::Io { action: action.into(), error }
    }

    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NobodyReads => 0,
            Self::Engine { .. } | Self::Statement { .. } | Self::Io { .. } | Self::Query => 1,
        }
    }

    /// What is printed behind `error: `, with a line for each cause that was not told yet.
    fn text(&self) -> Option<String> {
        match self {
            Self::Usage(message) => Some(message.clone()),
            Self::Engine { place, error } => Some(engine_text(place.as_deref(), error)),
            Self::Statement { error, mark } => {
                let mark = mark.as_ref().map_or_else(String::new, |mark| format!("\n{mark}"));
                Some(engine_text(None, error) + &mark)
            }
            Self::Io { action, error } => Some(format!("{action}: {error}")),
            Self::NobodyReads | Self::Query => None,
        }
    }
}

fn engine_text(place: Option<&str>, error: &Error) -> String {
    let mut text = place.map_or_else(String::new, |place| format!("{place}: "));
    text.push_str(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        // Most errors name their cause in their own message.
        if !text.contains(&told) {
            text.push_str("\n  caused by: ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

/// Prints a failure on the standard error.
pub(crate) fn report(failure: &Failure) {
    if let Some(text) = failure.text() {
        say(&format!("error: {text}"));
    }
}

/// Prints a line on the standard error. Where that is closed, nobody is there to be told.
pub(crate) fn say(line: &str) {
    let _closed = print(Stream::Err, format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_file_and_each_cause_once() {
        let source = Box::new(io::Error::other("disk is full"));
        let error = Error::Storage { action: "write", path: "/out/a".to_owned(), source };
        let failure =
            Failure::Engine { place: Some("job.sql: statement 2".to_owned()), error: error.into() };
        let text = failure.text().unwrap();
        assert_eq!(text, "job.sql: statement 2: cannot write `/out/a`: disk is full");
    }

    #[test]
    fn only_wrong_usage_has_the_code_2() {
        assert_eq!(Failure::usage("no").code(), 2);
        assert_eq!(Failure::engine(Error::invalid("no")).code(), 1);
        assert_eq!(Failure::Query.code(), 1);
        assert_eq!(Failure::NobodyReads.code(), 0);
    }
}
