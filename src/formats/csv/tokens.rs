//! A record of CSV to its cells.
//!
//! A cell in quotes may hold separators and line ends. Inside, an escape before a quote makes the
//! quote part of the cell, and so do two quotes in a row. After the closing quote only blanks may
//! come; anything else means that a quote before it was not escaped, and the dialect says what
//! that makes of the cell. A cell whose quote is never closed goes on to the end of the text.

use std::borrow::Cow;

use memchr::memmem;

use crate::formats::csv::dialect::{Dialect, UnescapedQuotes};

/// A cell; `None` is null.
pub(super) type Cell<'t> = Option<Cow<'t, str>>;

/// Why a text cannot be cut into cells, whatever the parse mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// A quote that nothing escapes, where the dialect has none.
    UnescapedQuote,
    /// More cells than allowed.
    TooManyColumns(usize),
    /// A cell with more characters than allowed.
    TooLong(usize),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnescapedQuote => {
                f.write_str("it has a quote inside of a quoted value that is not escaped")
            }
            Self::TooManyColumns(most) => {
                write!(f, "it has more than {most} columns; the option `maxColumns` allows more")
            }
            Self::TooLong(most) => write!(
                f,
                "it has a value of more than {most} characters; the option `maxCharsPerColumn` allows more"
            ),
        }
    }
}

/// Finds what stands between two cells.
#[derive(Debug)]
enum Separator<'d> {
    Byte(u8),
    Bytes(Box<memmem::Finder<'d>>),
}

impl Separator<'_> {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Byte(byte) => memchr::memchr(*byte, bytes),
            Self::Bytes(finder) => finder.find(bytes),
        }
    }
}

/// Cuts records into cells.
#[derive(Debug)]
pub(super) struct Tokenizer<'d> {
    dialect: &'d Dialect,
    separator: Separator<'d>,
    /// What ends a record in a text of many.
    line_end: Option<char>,
}

impl<'d> Tokenizer<'d> {
    /// For texts of one record each, or of many when it is given what ends one.
    pub(super) fn new(dialect: &'d Dialect, line_end: Option<char>) -> Self {
        let separator = match dialect.separator.as_bytes() {
            [byte] => Separator::Byte(*byte),
            bytes => Separator::Bytes(Box::new(memmem::Finder::new(bytes))),
        };
        Self { dialect, separator, line_end }
    }

    /// Whether the text begins with what makes it no record.
    pub(super) fn is_comment(&self, text: &str) -> bool {
        self.dialect.comment.is_some_and(|comment| text.starts_with(comment))
    }

    /// Reads the record at the start of the text into `cells`, and gives where it ends.
    pub(super) fn record<'t>(
        &self,
        text: &'t str,
        cells: &mut Vec<Cell<'t>>,
    ) -> Result<usize, Refused> {
        cells.clear();
        let mut at = 0;
        loop {
            if self.dialect.trims_start {
                at = self.after_blanks(text, at);
            }
            let quote = self.dialect.quote.filter(|quote| text[at..].starts_with(*quote));
            let (cell, end) = match quote {
                Some(quote) => self.quoted(text, at, quote)?,
                None => self.plain(text, at),
            };
            if cells.len() == self.dialect.max_columns {
                return Err(Refused::TooManyColumns(self.dialect.max_columns));
            }
            if let (Some(most), Some(cell)) = (self.dialect.max_chars, &cell)
                && cell.len() > most
                && cell.chars().count() > most
            {
                return Err(Refused::TooLong(most));
            }
            cells.push(cell.filter(|cell| **cell != *self.dialect.null_value));
            if !self.is_separator(text, end) {
                return Ok(end);
            }
            at = end + self.dialect.separator.len();
        }
    }

    /// A cell that does not begin with a quote.
    fn plain<'t>(&self, text: &'t str, at: usize) -> (Cell<'t>, usize) {
        let end = self.cell_end(text, at);
        let cell = self.trimmed(&text[at..end]);
        ((!cell.is_empty()).then_some(Cow::Borrowed(cell)), end)
    }

    /// A cell whose opening quote stands at `at`.
    fn quoted<'t>(
        &self,
        text: &'t str,
        at: usize,
        quote: char,
    ) -> Result<(Cell<'t>, usize), Refused> {
        let start = at + quote.len_utf8();
        // Mostly the first quote closes the cell, and nothing before it is escaped.
        if let Some(close) = text[start..].find(quote).map(|close| start + close) {
            let inner = &text[start..close];
            let after = close + quote.len_utf8();
            let escapes = [self.dialect.escape, self.dialect.escape_of_escape];
            let is_plain = !escapes.iter().flatten().any(|c| *c != quote && inner.contains(*c));
            if is_plain && self.is_end(text, after) {
                return Ok((Some(self.or_empty(Cow::Borrowed(inner))), after));
            }
        }
        self.escaped(text, start, quote)
    }

    /// A cell after its opening quote, letter by letter.
    fn escaped<'t>(
        &self,
        text: &'t str,
        start: usize,
        quote: char,
    ) -> Result<(Cell<'t>, usize), Refused> {
        let mut cell = String::new();
        // A quote or an escape whose meaning hangs on what follows.
        let mut held: Option<char> = None;
        let mut at = start;
        while let Some(c) = text[at..].chars().next() {
            if held == Some(quote) && c != quote {
                let end = self.after_blanks(text, at);
                if self.is_end(text, end) {
                    return Ok((Some(self.or_empty(Cow::Owned(cell))), end));
                }
                match self.dialect.unescaped_quotes {
                    UnescapedQuotes::RaiseError => return Err(Refused::UnescapedQuote),
                    UnescapedQuotes::SkipValue => return Ok((None, self.cell_end(text, at))),
                    UnescapedQuotes::StopAtDelimiter => {
                        let end = self.cell_end(text, at);
                        let rest = self.trimmed(&text[at..end]);
                        return Ok((Some(format!("{quote}{cell}{quote}{rest}").into()), end));
                    }
                    UnescapedQuotes::StopAtClosingQuote => {
                        cell.push(quote);
                        held = None;
                    }
                }
            }
            held = self.take(&mut cell, held, c, quote);
            at += c.len_utf8();
        }
        if held != Some(quote) {
            // The quote was never closed; a lone one at the very end is no quote at all.
            cell.extend(held);
            if cell.is_empty() {
                cell.push(quote);
            }
        }
        Ok((Some(self.or_empty(Cow::Owned(cell))), at))
    }

    /// Takes one more letter of a quoted cell, and gives what is held back.
    fn take(&self, cell: &mut String, held: Option<char>, c: char, quote: char) -> Option<char> {
        let (escape, escape_of_escape) = (self.dialect.escape, self.dialect.escape_of_escape);
        let is_special = c == quote || Some(c) == escape || Some(c) == escape_of_escape;
        match held {
            Some(before) if before == quote => {
                cell.push(quote);
                // Of three quotes the second and the third still close the cell together, unless
                // a quote is its own escape.
                (escape != Some(quote)).then_some(quote)
            }
            Some(before) if Some(before) == escape && c == quote => {
                cell.push(quote);
                None
            }
            Some(before) if Some(before) == escape_of_escape && Some(c) == escape => {
                cell.push(c);
                None
            }
            before => {
                cell.extend(before);
                if !is_special {
                    cell.push(c);
                }
                is_special.then_some(c)
            }
        }
    }

    /// What quotes with this between them stand for.
    fn or_empty<'t>(&self, cell: Cow<'t, str>) -> Cow<'t, str> {
        if cell.is_empty() { Cow::Owned(self.dialect.empty_value.clone()) } else { cell }
    }

    fn trimmed<'t>(&self, cell: &'t str) -> &'t str {
        if self.dialect.trims_end { cell.trim_end_matches(is_blank) } else { cell }
    }

    /// Where the blanks at `at` end; a separator is none.
    fn after_blanks(&self, text: &str, mut at: usize) -> usize {
        while let Some(c) = text[at..].chars().next()
            && is_blank(c)
            && Some(c) != self.line_end
            && !self.is_separator(text, at)
        {
            at += c.len_utf8();
        }
        at
    }

    /// Where a cell that nothing quotes ends.
    fn cell_end(&self, text: &str, at: usize) -> usize {
        let rest = &text[at..];
        let rest = match self.line_end.and_then(|line_end| rest.find(line_end)) {
            Some(end) => &rest[..end],
            None => rest,
        };
        at + self.separator.find(rest.as_bytes()).unwrap_or(rest.len())
    }

    fn is_separator(&self, text: &str, at: usize) -> bool {
        text[at..].starts_with(self.dialect.separator.as_str())
    }

    /// Whether a cell may end here.
    fn is_end(&self, text: &str, at: usize) -> bool {
        at == text.len()
            || self.is_separator(text, at)
            || self.line_end.is_some_and(|line_end| text[at..].starts_with(line_end))
    }
}

/// What may be left out around a cell.
const fn is_blank(c: char) -> bool {
    c <= ' '
}
