//! Interval literals in a run of tokens: `INTERVAL '10' SECOND`, `INTERVAL 1 HOUR 30 MINUTES`,
//! `INTERVAL '10 seconds'`.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Result;
use crate::event_time::interval::{Interval, parse_interval};
use crate::sql::cursor::is_word;
use crate::sql::dialect::at;

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
                length += taken + 1;
                if parts.is_empty()
                    && let Some(last) = range_end(&tokens[length..])
                {
                    let text =
                        ranged(&value, unit, last).map_err(|why| at(tokens[0].span.start, &why))?;
                    parts.push(text);
                    length += 2;
                    break;
                }
                parts.push(format!("{value} {unit}"));
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

/// The second unit of `DAY TO SECOND`, behind the first.
fn range_end(tokens: &[TokenWithSpan]) -> Option<&'static str> {
    match tokens {
        [to, unit, ..] if is_word(to, "TO") => unit_of(unit),
        _ => None,
    }
}

/// The units that a range may have, each with what stands behind its number.
const RANGES: [&str; 4] = ["day", "hour", "minute", "second"];

/// `1 02:03` DAY TO MINUTE as `1 day 02 hour 03 minute`.
fn ranged(text: &str, first: &str, last: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "the interval `{text}` does not fit {} TO {}",
            first.to_uppercase(),
            last.to_uppercase()
        )
    };
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let place = |unit: &str| RANGES.iter().position(|known| *known == unit);
    let (units, numbers): (&[&str], Vec<&str>) = if (first, last) == ("year", "month") {
        (&["year", "month"], unsigned.split('-').collect())
    } else {
        let (from, to) = place(first).zip(place(last)).ok_or_else(wrong)?;
        let units = RANGES.get(from..=to).filter(|units| units.len() > 1).ok_or_else(wrong)?;
        let split = |c: char| c == ':' || c.is_whitespace() || c == 'T';
        (units, unsigned.split(split).collect())
    };
    if units.len() != numbers.len() || numbers.iter().any(|number| number.is_empty()) {
        return Err(wrong());
    }
    let parts = units.iter().zip(&numbers).map(|(unit, number)| format!("{sign}{number} {unit}"));
    Ok(parts.collect::<Vec<_>>().join(" "))
}

/// What Spark calls an interval literal: `INTERVAL '1 02' DAY TO HOUR` for `1 day 2 hour`.
pub(super) fn spark_name(text: &str) -> String {
    let Ok(value) = parse_interval(text) else { return format!("INTERVAL '{text}'") };
    let has = |unit: &str| text.split_whitespace().any(|word| word.trim_end_matches('s') == unit);
    let units = ["year", "month"].into_iter().filter(|unit| has(unit)).collect::<Vec<_>>();
    let negative = value.months < 0 || value.micros < 0;
    let sign = if negative { "-" } else { "" };
    let months = value.months.unsigned_abs();
    match units.as_slice() {
        ["year"] => return format!("INTERVAL '{sign}{}' YEAR", months / 12),
        ["month"] => return format!("INTERVAL '{sign}{months}' MONTH"),
        [_, _] => {
            return format!("INTERVAL '{sign}{}-{}' YEAR TO MONTH", months / 12, months % 12);
        }
        _ => (),
    }
    let has_unit = |unit: &str| match unit {
        "day" => has("day") || has("week"),
        "second" => has("second") || has("millisecond") || has("microsecond"),
        other => has(other),
    };
    let first = RANGES.iter().position(|unit| has_unit(unit)).unwrap_or(3);
    let last = RANGES.iter().rposition(|unit| has_unit(unit)).unwrap_or(3);
    let micros = value.micros.unsigned_abs();
    let lengths = [86_400_000_000_u64, 3_600_000_000, 60_000_000, 1_000_000];
    let mut shown = String::new();
    for (place, length) in lengths.iter().enumerate().take(last + 1).skip(first) {
        let number =
            if place == first { micros / length } else { micros % lengths[place - 1] / length };
        let gap = match place {
            _ if place == first => "",
            1 => " ",
            _ => ":",
        };
        shown.push_str(gap);
        shown.push_str(&if place == 0 { number.to_string() } else { format!("{number:02}") });
    }
    let fraction = micros % 1_000_000;
    if last == 3 && fraction > 0 {
        shown.push('.');
        shown.push_str(format!("{fraction:06}").trim_end_matches('0'));
    }
    let range = if first == last {
        RANGES[first].to_uppercase()
    } else {
        format!("{} TO {}", RANGES[first].to_uppercase(), RANGES[last].to_uppercase())
    };
    format!("INTERVAL '{sign}{shown}' {range}")
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
    fn a_range_of_units_is_written_out() {
        let is = |text: &str, length| Some((text.to_owned(), length));
        assert_eq!(find("INTERVAL '1-2' YEAR TO MONTH"), is("1 year 2 month", 5));
        let all = "1 day 02 hour 03 minute 04.5 second";
        assert_eq!(find("INTERVAL '1 02:03:04.5' DAY TO SECOND"), is(all, 5));
        assert_eq!(find("INTERVAL -'10:20' MINUTE TO SECOND"), is("-10 minute -20 second", 6));
        let tokens = significant(tokenize("INTERVAL '1 2' HOUR TO DAY").unwrap());
        assert!(find_interval(&tokens).unwrap_err().to_string().contains("does not fit HOUR TO"));
    }

    #[test]
    fn a_literal_is_called_as_spark_calls_it() {
        for (text, name) in [
            ("1 day 2 hour", "INTERVAL '1 02' DAY TO HOUR"),
            ("1 week", "INTERVAL '7' DAY"),
            ("5 second", "INTERVAL '05' SECOND"),
            ("1.5 second", "INTERVAL '01.5' SECOND"),
            ("25 hour", "INTERVAL '25' HOUR"),
            ("-1 day", "INTERVAL '-1' DAY"),
            ("1 year 2 month", "INTERVAL '1-2' YEAR TO MONTH"),
            ("10 minute 20 second", "INTERVAL '10:20' MINUTE TO SECOND"),
            ("1 day 02 hour 03 minute 04.5 second", "INTERVAL '1 02:03:04.5' DAY TO SECOND"),
        ] {
            assert_eq!(spark_name(text), name, "{text}");
        }
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
