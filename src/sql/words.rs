//! Words and numbers of Spark that the parser would take for something else, as tokens that it takes
//! for what they are. Each is decided by what stands right behind it.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::sql::cursor::is_word;
use crate::sql::marker::{LIKE_ALL, LIKE_ANY};

/// Words that a query begins with.
const QUERY_WORDS: &[&str] = &["SELECT", "WITH", "VALUES", "FROM", "TABLE"];

/// What may stand right behind a number, and the type that it gives it.
const SUFFIXES: &[(&str, &str)] =
    &[("D", "DOUBLE"), ("F", "FLOAT"), ("S", "SMALLINT"), ("Y", "TINYINT"), ("BD", "DECIMAL")];

/// What to write for the first of `tokens`, and how many of them it stands for; `None` for what
/// stays as it is.
/// `before` is the token before them.
pub(super) fn respelled(
    before: Option<&TokenWithSpan>,
    tokens: &[TokenWithSpan],
) -> Option<(Vec<Token>, usize)> {
    let first = tokens.first()?;
    match &first.token {
        Token::Number(digits, _) => number(digits, tokens),
        Token::DoubleQuotedString(text) => Some((vec![Token::SingleQuotedString(text.clone())], 1)),
        Token::Word(word) if word.quote_style.is_none() => plain_word(before, tokens),
        _ => None,
    }
}

fn plain_word(
    before: Option<&TokenWithSpan>,
    tokens: &[TokenWithSpan],
) -> Option<(Vec<Token>, usize)> {
    let word = |text: &str| Token::make_word(text, None);
    let next = |at: usize, words: &[&str]| {
        tokens.get(at).is_some_and(|token| words.iter().any(|word| is_word(token, word)))
    };
    let first = tokens.first()?;
    // Elsewhere TOP says how many rows; here it is a name as any other.
    if is_word(first, "TOP")
        && let Token::Word(top) = &first.token
    {
        return Some((vec![Token::make_word(&top.value, Some('`'))], 1));
    }
    if is_word(first, "EXISTS") && calls_function(&tokens[1..]) {
        return Some((vec![Token::make_word("exists", Some('`'))], 1));
    }
    if is_word(first, "TIMESTAMP_LTZ")
        && tokens.get(1).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)))
    {
        return Some((vec![word("TIMESTAMP")], 1));
    }
    if (is_word(first, "LIKE") || is_word(first, "ILIKE")) && next(1, &["ANY", "SOME", "ALL"]) {
        let patterns = if next(1, &["ALL"]) { LIKE_ALL } else { LIKE_ANY };
        return Some((vec![first.token.clone(), word(patterns)], 2));
    }
    // What is not said is a blank. Elsewhere than in TRIM(BOTH FROM ..) they are names.
    let is_first = before.is_some_and(|token| token.token == Token::LParen);
    let is_side = ["LEADING", "TRAILING", "BOTH"].iter().any(|side| is_word(first, side));
    if is_side && is_first && next(1, &["FROM"]) {
        let blank = Token::SingleQuotedString(" ".to_owned());
        return Some((vec![first.token.clone(), blank], 1));
    }
    None
}

/// Whether what stands in parentheses is no query.
fn calls_function(tokens: &[TokenWithSpan]) -> bool {
    let mut inside = tokens.iter();
    if inside.next().is_none_or(|open| open.token != Token::LParen) {
        return false;
    }
    let first = inside.find(|token| token.token != Token::LParen);
    first.is_some_and(|first| !QUERY_WORDS.iter().any(|word| is_word(first, word)))
}

/// Numbers with a suffix, or an exponent, which the parser would take for an alias, or for a decimal.
fn number(digits: &str, tokens: &[TokenWithSpan]) -> Option<(Vec<Token>, usize)> {
    let end = tokens.first()?.span.end;
    let next = tokens.get(1).filter(|next| next.span.start == end);
    let suffix = SUFFIXES.iter().find(|(word, _)| next.is_some_and(|next| is_word(next, word)));
    let (sql_type, taken) = match suffix {
        Some((_, sql_type)) => (*sql_type, 2),
        None if digits.contains(['e', 'E']) => ("DOUBLE", 1),
        None => return None,
    };
    let mut out = vec![Token::make_word(sql_type, None)];
    let mut text = digits.to_owned();
    if sql_type == "DECIMAL" {
        let (precision, scale) = decimal_of(digits);
        text = without_exponent(digits, scale);
        let number = |number: usize| Token::Number(number.to_string(), false);
        out.extend([Token::LParen, number(precision), Token::Comma, number(scale), Token::RParen]);
    }
    out.push(Token::SingleQuotedString(text));
    Some((out, taken))
}

/// The precision and the scale of a number as it is written.
fn decimal_of(digits: &str) -> (usize, usize) {
    let (number, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let known = whole.trim_start_matches('0').len() + fraction.len();
    let scale = i64::try_from(fraction.len()).unwrap_or(0) - exponent;
    match usize::try_from(scale) {
        Ok(scale) => (known.max(scale).max(1), scale),
        Err(_) => (known + usize::try_from(-scale).unwrap_or(0), 0),
    }
}

/// A number in plain digits, of which `scale` stand behind the point.
fn without_exponent(digits: &str, scale: usize) -> String {
    let (number, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let zeros = usize::try_from(exponent - fraction.len() as i64).unwrap_or(0);
    let all = format!("{whole}{fraction}{}", "0".repeat(zeros));
    let all = format!("{all:0>width$}", width = scale + 1);
    let (whole, fraction) = all.split_at(all.len() - scale);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_the_digits_that_are_written() {
        for (digits, expected) in
            [("10", (2, 0)), ("0.05", (2, 2)), ("1.50", (3, 2)), ("1e3", (4, 0)), ("12e-3", (3, 3))]
        {
            assert_eq!(decimal_of(digits), expected, "{digits}");
        }
        for (digits, expected) in [
            ("10", "10"),
            ("1.50", "1.50"),
            ("1e3", "1000"),
            ("12e-3", "0.012"),
            ("1.25e1", "12.5"),
        ] {
            assert_eq!(without_exponent(digits, decimal_of(digits).1), expected, "{digits}");
        }
    }
}
