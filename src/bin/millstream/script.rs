//! A text with statements, and where it came from.

use std::io::{self, Read};
use std::path::Path;

use millstream::Error;
use millstream::sql::statement::{Statement, parse};

use super::failure::Failure;

/// The statements of a text, in order.
#[derive(Debug)]
pub(crate) struct Script {
    /// Where the text came from, for messages.
    pub(crate) name: String,
    pub(crate) statements: Vec<Statement>,
}

impl Script {
    /// Reads a file; `-` is the standard input. A text with an error anywhere is refused whole.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let (name, text) = if path == Path::new("-") {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text).map(|_length| text);
            ("standard input".to_owned(), read)
        } else {
            (path.display().to_string(), std::fs::read_to_string(path))
        };
        let text = text.map_err(|error| Failure::io(format!("cannot read `{name}`"), error))?;
        Self::parse(name, &text)
    }

    pub(crate) fn parse(name: String, text: &str) -> Result<Self, Failure> {
        // Some editors of Windows put a mark before the text.
        match parse(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            Ok(statements) => Ok(Self { name, statements }),
            Err(error) => Err(Failure::Engine { place: Some(name), error: Box::new(error) }),
        }
    }

    /// The statements of several texts, each of which was given by `-c`.
    pub(crate) fn of_arguments(texts: &[String]) -> Result<Self, Failure> {
        let mut script = Self { name: "-c".to_owned(), statements: vec![] };
        for text in texts {
            script.statements.extend(Self::parse(script.name.clone(), text)?.statements);
        }
        Ok(script)
    }

    /// The failure of the statement with this number, counted from 1. An error that has a line
    /// and a column needs no number.
    pub(crate) fn failure(&self, number: usize, error: Error) -> Failure {
        let text = error.to_string();
        let place = if text.starts_with("line ") || self.statements.len() == 1 {
            self.name.clone()
        } else {
            format!("{}: statement {number}", self.name)
        };
        Failure::Engine { place: Some(place), error: Box::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(failure: Failure) -> String {
        match failure {
            Failure::Engine { place: Some(place), .. } => place,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_that_cannot_be_read_names_its_file() {
        let failure = Script::parse("job.sql".to_owned(), "SELECT 1;\nSELEKT 2").unwrap_err();
        let Failure::Engine { place, error } = failure else { panic!("not the engine's") };
        assert_eq!(place.as_deref(), Some("job.sql"));
        assert!(error.to_string().starts_with("line 2, column 1: "), "{error}");
    }

    #[test]
    fn an_error_without_a_line_names_its_statement() {
        let script = Script::parse("job.sql".to_owned(), "SELECT 1; SELECT 2").unwrap();
        assert_eq!(place(script.failure(2, Error::invalid("no"))), "job.sql: statement 2");
        assert_eq!(place(script.failure(2, Error::invalid("line 1, column 2: no"))), "job.sql");
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let script = Script::parse("job.sql".to_owned(), "\u{feff}SELECT 1").unwrap();
        assert_eq!(script.statements.len(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = Script::read(Path::new("no/such.sql")).unwrap_err();
        assert!(matches!(&failure, Failure::Io { action, .. } if action.contains("no/such.sql")));
        assert_eq!(failure.code(), 1);
    }
}
