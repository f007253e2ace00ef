//! How CSV is written, as options say it.

use crate::formats::lines::Layout;
use crate::formats::records::ParseMode;
use crate::formats::times::TimeFormats;

/// How the cells of a record are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between two cells; never empty.
    pub separator: String,
    /// What a cell stands in that may hold separators; none where that does not happen.
    pub quote: Option<char>,
    /// What makes a quote in such a cell part of it.
    pub escape: Option<char>,
    /// What makes an escape before a quote part of the cell.
    pub escape_of_escape: Option<char>,
    /// What a line begins with that is no record.
    pub comment: Option<char>,
    /// Whether blanks before a cell are left out.
    pub trims_start: bool,
    /// Whether blanks after a cell are left out.
    pub trims_end: bool,
    /// What becomes of a quoted cell with a quote inside that nothing escapes.
    pub unescaped_quotes: UnescapedQuotes,
    /// The most cells that a record may have.
    pub max_columns: usize,
    /// The most characters that a cell may have.
    pub max_chars: Option<usize>,
    /// What stands for null, besides an empty cell.
    pub null_value: String,
    /// What quotes with nothing between them stand for.
    pub empty_value: String,
}

/// What becomes of a quoted cell with a quote inside that nothing escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnescapedQuotes {
    /// The cell goes on to the next separator, as if it were not quoted.
    #[default]
    StopAtDelimiter,
    /// The quote is part of the cell, which goes on to the quote that closes it.
    StopAtClosingQuote,
    /// The cell is null.
    SkipValue,
    /// Reading fails.
    RaiseError,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            separator: ",".to_owned(),
            quote: Some('"'),
            escape: Some('\\'),
            escape_of_escape: Some('\\'),
            comment: None,
            trims_start: false,
            trims_end: false,
            unescaped_quotes: UnescapedQuotes::default(),
            max_columns: 20480,
            max_chars: None,
            null_value: String::new(),
            empty_value: String::new(),
        }
    }
}

/// How CSV is read.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvReadOptions {
    /// How cells are told apart.
    pub dialect: Dialect,
    /// How the text of a file is laid out.
    pub layout: Layout,
    /// Whether a cell may hold line ends, so that a file is read as a whole.
    pub multi_line: bool,
    /// Whether the first record of a file names its columns.
    pub header: bool,
    /// Whether those names do not count, since the schema says what the columns are.
    pub enforce_schema: bool,
    /// What becomes of malformed records.
    pub mode: ParseMode,
    /// The column that shows malformed records, where the schema has it.
    pub corrupt_column: String,
    /// How dates and times are written.
    pub times: TimeFormats,
    /// What stands for numbers that are none, and for what has no end.
    pub non_finite: NonFinite,
    /// How the types of columns are inferred.
    pub infer: Infer,
}

/// The words for doubles that no digits can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonFinite {
    /// No number.
    pub nan: String,
    /// More than any number.
    pub positive: String,
    /// Less than any number.
    pub negative: String,
}

/// How the types of columns are inferred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Infer {
    /// Whether they are; every column is a STRING otherwise.
    pub types: bool,
    /// Whether a column of dates is a DATE rather than a TIMESTAMP.
    pub prefers_date: bool,
    /// Which share of the records is looked at.
    pub sampling_ratio: f64,
}

impl Default for CsvReadOptions {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            layout: Layout::default(),
            multi_line: false,
            header: false,
            enforce_schema: true,
            mode: ParseMode::default(),
            corrupt_column: "_corrupt_record".to_owned(),
            times: TimeFormats::default(),
            non_finite: NonFinite {
                nan: "NaN".to_owned(),
                positive: "Inf".to_owned(),
                negative: "-Inf".to_owned(),
            },
            infer: Infer { types: false, prefers_date: true, sampling_ratio: 1.0 },
        }
    }
}
