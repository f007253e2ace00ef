//! Interval literals in a run of tokens: `INTERVAL '10' SECOND`, `INTERVAL 1 HOUR 30 MINUTES`,
//! `INTERVAL '10 seconds'`.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Result;
use crate::event_time::interval::{Interval, parse_interval};
use crate::sql::cursor::is_word;
use crate::sql::dialect::{at, unsupported_at};

/// An interval literal that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundInterval {
    /// Numbers and units, as in `1 hour 30 minutes`.
    pub(super) text: String,
    /// What it comes to.
    pub(super) value: Interval,
    /// How many tokens it takes, with the word INTERVAL.
    pub(super) length: usize,
}

const UNITS: &[&str] =
    &["year", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"];

/// Reads the interval literal that `tokens` begin with, if they begin with one: the word
/// INTERVAL alone may also be a name.
///
/// # Errors
/// `Invalid` for an interval that cannot be read.
pub(super) fn find_interval(tokens: &[TokenWithSpan]) -> Result<Option<FoundInterval>> {
    if !tokens.first().is_some_and(|token| is_word(token, "INTERVAL")) {
        return Ok(None);
    }
    let mut length = 1;
    let mut parts: Vec<String> = Vec::new();
    while let Some((value, taken)) = value_at(&tokens[length..]) {
        let unit = tokens.get(length + taken).and_then(unit_of);
        match unit {
            Some(unit) => {
                parts.push(format!("{value} {unit}"));
                length += taken + 1;
                refuse_range(tokens.get(length))?;
            }
            // A text with its units inside stands alone.
            None if parts.is_empty()
                && matches!(tokens[length].token, Token::SingleQuotedString(_)) =>
            {
                parts.push(value);
                length += taken;
                break;
            }
            None => break,
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let text = parts.join(" ").to_ascii_lowercase();
    let value =
        parse_interval(&text).map_err(|error| at(tokens[0].span.start, &error.to_string()))?;
    Ok(Some(FoundInterval { text, value, length }))
}

/// A number or a string with its sign, and how many tokens it takes.
fn value_at(tokens: &[TokenWithSpan]) -> Option<(String, usize)> {
    let (sign, taken) = match tokens.first()?.token {
        Token::Minus => ("-", 1),
        Token::Plus => ("", 1),
        _ => ("", 0),
    };
    let value = match &tokens.get(taken)?.token {
        Token::Number(digits, _) => digits,
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => text,
        _ => return None,
    };
    let value = match value.trim().strip_prefix('-') {
        Some(positive) if sign == "-" => positive.to_owned(),
        _ => format!("{sign}{}", value.trim()),
    };
    Some((value, taken + 1))
}

fn unit_of(token: &TokenWithSpan) -> Option<&'static str> {
    UNITS.iter().copied().find(|unit| {
        matches!(&token.token, Token::Word(word) if word.quote_style.is_none()
            && word.value.to_ascii_lowercase().trim_end_matches('s') == *unit)
    })
}

fn refuse_range(next: Option<&TokenWithSpan>) -> Result<()> {
    match next {
        Some(token) if is_word(token, "TO") => Err(unsupported_at(
            token.span.start,
            "intervals with a range of units are not supported; write each unit, as in INTERVAL 1 DAY 2 HOURS",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::cursor::significant;
    use crate::sql::dialect::tokenize;

    fn find(text: &str) -> Option<(String, usize)> {
        let tokens = significant(tokenize(text).unwrap());
        find_interval(&tokens).unwrap().map(|found| (found.text, found.length))
    }

    #[test]
    fn every_spelling_of_an_interval_is_read() {
        let is = |text: &str, length| Some((text.to_owned(), length));
        assert_eq!(find("INTERVAL 10 MINUTES"), is("10 minute", 3));
        assert_eq!(find("interval '1' day AS x"), is("1 day", 3));
        assert_eq!(find("INTERVAL '10 Seconds' AS x"), is("10 seconds", 2));
        assert_eq!(find("INTERVAL 1 HOUR 30 MINUTES, x"), is("1 hour 30 minute", 5));
        assert_eq!(find("INTERVAL -1.5 SECONDS"), is("-1.5 second", 4));
        assert_eq!(find("INTERVAL 1 HOUR - 5 MINUTES"), is("1 hour -5 minute", 6));
    }

    #[test]
    fn interval_may_be_a_name() {
        assert_eq!(find("interval + 1"), None);
        assert_eq!(find("interval FROM t"), None);
    }

    #[test]
    fn an_interval_that_cannot_be_read_says_where() {
        let tokens = significant(tokenize("INTERVAL 'soon'").unwrap());
        let error = find_interval(&tokens).unwrap_err().to_string();
        assert!(error.starts_with("line 1, column 1: cannot read the interval `soon`"), "{error}");
    }
}
