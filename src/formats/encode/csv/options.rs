//! What can be said of CSV that is written.

use crate::formats::encode::times::TimeText;

/// How CSV is written.
#[derive(Debug, Clone)]
pub struct CsvWriteOptions {
    /// Whether each file begins with the names of the columns.
    pub has_header: bool,
    /// What stands between values.
    pub separator: String,
    /// What stands around a value.
    pub quote: char,
    /// What stands before a quote inside of quotes.
    pub escape: char,
    /// What stands before an `escape` inside of quotes, if anything.
    pub escape_of_escape: Option<char>,
    /// What a line that is no row begins with, to readers.
    pub comment: char,
    /// What stands for a missing value.
    pub null_value: String,
    /// What stands for an empty text.
    pub empty_value: String,
    /// Whether each value stands in quotes.
    pub quotes_all: bool,
    /// Whether a value with a quote inside stands in quotes.
    pub escapes_quotes: bool,
    /// Whether blanks at the start of a value are left out.
    pub trims_start: bool,
    /// Whether blanks at the end of a value are left out.
    pub trims_end: bool,
    /// What ends a line.
    pub line_end: String,
    /// How dates and times are spelled.
    pub times: TimeText,
}

impl Default for CsvWriteOptions {
    fn default() -> Self {
        Self {
            has_header: false,
            separator: ",".to_owned(),
            quote: '"',
            escape: '\\',
            escape_of_escape: Some('\\'),
            comment: '#',
            null_value: String::new(),
            empty_value: "\"\"".to_owned(),
            quotes_all: false,
            escapes_quotes: true,
            trims_start: true,
            trims_end: true,
            line_end: "\n".to_owned(),
            times: TimeText::default(),
        }
    }
}
