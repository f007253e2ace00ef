//! Regular expressions.
//!
//! Patterns are Java's as far as the engine goes, which runs in linear time and so has neither
//! look-around nor back-references: these are refused with a message that says so.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Int32Builder, ListBuilder, StringBuilder};
use arrow::datatypes::DataType::{self, Boolean, Int32, Utf8};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use regex::{Captures, Regex};

use crate::sql::functions::define::{Arguments, Function, parameters, texts};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("rlike", |given| texts(given, 2..=2, Boolean), rlike)
            .or(&["regexp", "regexp_like"]),
        Function::new(
            "regexp_extract",
            |given| parameters(given, 2, &[Utf8, Utf8, Int32], Utf8),
            extract,
        ),
        Function::new(
            "regexp_extract_all",
            |given| parameters(given, 2, &[Utf8, Utf8, Int32], text_list()),
            extract_all,
        ),
        Function::new(
            "regexp_replace",
            |given| parameters(given, 3, &[Utf8, Utf8, Utf8, Int32], Utf8),
            replace,
        ),
        Function::new("regexp_count", |given| texts(given, 2..=2, Int32), count),
        Function::new(
            "regexp_instr",
            |given| parameters(given, 2, &[Utf8, Utf8, Int32], Int32),
            instr,
        ),
        Function::new("regexp_substr", |given| texts(given, 2..=2, Utf8), substr),
        Function::new(
            "split",
            |given| parameters(given, 2, &[Utf8, Utf8, Int32], text_list()),
            split,
        ),
    ]
    .map(Function::udf)
    .to_vec()
}

fn text_list() -> DataType {
    DataType::new_list(Utf8, true)
}

/// Compiles a pattern once for as long as it stays the same.
struct Patterns<'a> {
    args: &'a Arguments,
    last: Option<(String, Regex)>,
}

impl<'a> Patterns<'a> {
    const fn new(args: &'a Arguments) -> Self {
        Self { args, last: None }
    }

    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        if self.last.as_ref().is_none_or(|(known, _)| known != pattern) {
            let compiled = Regex::new(&from_java(pattern)).map_err(|error| {
                let cause = match error {
                    regex::Error::Syntax(text) => text
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ")
                        .to_owned(),
                    other => other.to_string(),
                };
                self.args.fail(format!("the pattern `{pattern}` cannot be used: {cause}"))
            })?;
            self.last = Some((pattern.to_owned(), compiled));
        }
        match &self.last {
            Some((_, compiled)) => Ok(compiled),
            None => Err(self.args.fail("no pattern")),
        }
    }
}

/// Java's classes are of ASCII letters, and `\Z` is the end but for a last line break.
fn from_java(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars().peekable();
    let mut in_class = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('d') => out.push_str(if in_class > 0 { "0-9" } else { "[0-9]" }),
                Some('w') => out.push_str(if in_class > 0 { "a-zA-Z0-9_" } else { "[a-zA-Z0-9_]" }),
                Some('D') if in_class == 0 => out.push_str("[^0-9]"),
                Some('W') if in_class == 0 => out.push_str("[^a-zA-Z0-9_]"),
                Some('s') => {
                    out.push_str(if in_class > 0 { r" \t\n\x0B\f\r" } else { r"[ \t\n\x0B\f\r]" });
                }
                Some('S') if in_class == 0 => out.push_str(r"[^ \t\n\x0B\f\r]"),
                Some('Z') => out.push_str(r"\n?\z"),
                Some('h') if in_class == 0 => out.push_str(r"[ \t\xA0]"),
                Some('R') if in_class == 0 => {
                    out.push_str(r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])")
                }
                Some('Q') => {
                    let mut quoted = String::new();
                    while let Some(letter) = letters.next() {
                        if letter == '\\' && letters.peek() == Some(&'E') {
                            letters.next();
                            break;
                        }
                        quoted.push(letter);
                    }
                    out.push_str(&regex::escape(&quoted));
                }
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' => {
                in_class += 1;
                out.push('[');
            }
            ']' => {
                in_class = in_class.saturating_sub(1);
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

/// Goes through the rows where no argument is null; `null` is called for the others.
fn rows<B>(
    args: &Arguments,
    out: &mut B,
    null: impl Fn(&mut B),
    mut each: impl FnMut(&mut B, &Regex, &str, usize) -> Result<()>,
) -> Result<()> {
    let (text, pattern) = (args.text(0)?, args.text(1)?);
    let mut patterns = Patterns::new(args);
    for row in 0..args.rows {
        if args.all_valid(row) {
            each(out, patterns.get(pattern.value(row))?, text.value(row), row)?;
        } else {
            null(out);
        }
    }
    Ok(())
}

fn rlike(args: &Arguments) -> Result<ArrayRef> {
    let mut out = BooleanBuilder::with_capacity(args.rows);
    rows(args, &mut out, BooleanBuilder::append_null, |out, pattern, text, _| {
        out.append_value(pattern.is_match(text));
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

/// The number of the group to take: the first unless another is given, 0 for the whole match.
fn group(args: &Arguments, pattern: &Regex, row: usize) -> Result<usize> {
    let wanted = if args.arrays.len() > 2 { args.int(2)?.value(row) } else { 1 };
    let groups = pattern.captures_len() - 1;
    usize::try_from(wanted).ok().filter(|wanted| *wanted <= groups).ok_or_else(|| {
        args.fail(format!("the group must be between 0 and {groups}, but it is {wanted}"))
    })
}

fn group_text<'t>(captures: &Captures<'t>, group: usize) -> &'t str {
    captures.get(group).map_or("", |found| found.as_str())
}

/// All matches, as Java finds them: an empty one may stand right behind another.
fn matches<'t>(pattern: &Regex, text: &'t str) -> impl Iterator<Item = Captures<'t>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let captures = pattern.captures_at(text, next?)?;
        let found = captures.get(0)?;
        // Behind an empty match the search goes on with the next letter.
        next = if found.is_empty() {
            text[found.end()..].chars().next().map(|letter| found.end() + letter.len_utf8())
        } else {
            Some(found.end())
        };
        Some(captures)
    })
}

fn extract(args: &Arguments) -> Result<ArrayRef> {
    let mut out = StringBuilder::new();
    rows(args, &mut out, StringBuilder::append_null, |out, pattern, text, row| {
        match pattern.captures(text) {
            Some(captures) => {
                out.append_value(group_text(&captures, group(args, pattern, row)?));
            }
            None => out.append_value(""),
        }
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn extract_all(args: &Arguments) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringBuilder::new());
    rows(args, &mut out, ListBuilder::append_null, |out, pattern, text, row| {
        for captures in matches(pattern, text) {
            out.values().append_value(group_text(&captures, group(args, pattern, row)?));
        }
        out.append(true);
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

/// All matches from a position on become the replacement, in which `$1` is a group and a
/// backslash takes the meaning from what follows.
fn replace(args: &Arguments) -> Result<ArrayRef> {
    let with = args.text(2)?;
    let mut out = StringBuilder::new();
    rows(args, &mut out, StringBuilder::append_null, |out, pattern, text, row| {
        let from = if args.arrays.len() > 3 { args.int(3)?.value(row) } else { 1 };
        let skipped =
            usize::try_from(from).ok().and_then(|from| from.checked_sub(1)).ok_or_else(|| {
                args.fail(format!("the position must be 1 or more, but it is {from}"))
            })?;
        let start = text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at);
        let mut result = text[..start].to_owned();
        let mut last = start;
        for captures in matches(pattern, &text[start..]) {
            let Some(whole) = captures.get(0) else { continue };
            result.push_str(&text[last..start + whole.start()]);
            substitute(args, with.value(row), &captures, &mut result)?;
            last = start + whole.end();
        }
        result.push_str(&text[last..]);
        out.append_value(result);
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn substitute(
    args: &Arguments,
    with: &str,
    captures: &Captures<'_>,
    out: &mut String,
) -> Result<()> {
    let mut letters = with.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped) => out.push(escaped),
                None => return Err(args.fail("the replacement ends with a backslash")),
            },
            '$' if letters.peek() == Some(&'{') => {
                letters.next();
                let name: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
                let found = captures.name(&name);
                out.push_str(found.map_or("", |found| found.as_str()));
            }
            '$' => {
                let Some(mut number) = letters.next().and_then(|digit| digit.to_digit(10)) else {
                    return Err(args.fail("a `$` in the replacement needs the number of a group"));
                };
                // More digits belong to the number as long as there is such a group.
                while let Some(digit) = letters.peek().and_then(|digit| digit.to_digit(10)) {
                    let longer = number * 10 + digit;
                    if longer as usize >= captures.len() {
                        break;
                    }
                    number = longer;
                    letters.next();
                }
                if number as usize >= captures.len() {
                    return Err(args.fail(format!("the pattern has no group {number}")));
                }
                out.push_str(group_text(captures, number as usize));
            }
            other => out.push(other),
        }
    }
    Ok(())
}

fn count(args: &Arguments) -> Result<ArrayRef> {
    let mut out = Int32Builder::new();
    rows(args, &mut out, Int32Builder::append_null, |out, pattern, text, _| {
        out.append_value(i32::try_from(matches(pattern, text).count()).unwrap_or(i32::MAX));
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn instr(args: &Arguments) -> Result<ArrayRef> {
    let mut out = Int32Builder::new();
    rows(args, &mut out, Int32Builder::append_null, |out, pattern, text, _| {
        let at = pattern.find(text).map_or(0, |found| text[..found.start()].chars().count() + 1);
        out.append_value(i32::try_from(at).unwrap_or(i32::MAX));
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn substr(args: &Arguments) -> Result<ArrayRef> {
    let mut out = StringBuilder::new();
    rows(args, &mut out, StringBuilder::append_null, |out, pattern, text, _| {
        out.append_option(pattern.find(text).map(|found| found.as_str()));
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

/// A positive limit is the most parts there may be; the last one has the rest.
fn split(args: &Arguments) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringBuilder::new());
    rows(args, &mut out, ListBuilder::append_null, |out, pattern, text, row| {
        let limit = if args.arrays.len() > 2 { args.int(2)?.value(row) } else { -1 };
        let most = usize::try_from(limit).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let (mut last, mut parts) = (0, 1);
        // No pattern at all parts the letters, and leaves nothing behind the last one.
        let parts_letters = pattern.as_str().is_empty();
        let found = matches(pattern, text).filter_map(|captures| captures.get(0));
        for found in found {
            if parts == most || (parts_letters && found.start() == text.len()) {
                break;
            }
            // As in Java, an empty match parts nothing at the start.
            if found.end() == 0 {
                continue;
            }
            out.values().append_value(&text[last..found.start()]);
            last = found.end();
            parts += 1;
        }
        out.values().append_value(&text[last..]);
        out.append(true);
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_classes_are_of_ascii_letters() {
        let matches =
            |pattern: &str, text: &str| Regex::new(&from_java(pattern)).unwrap().is_match(text);
        assert!(matches(r"^\d$", "7") && !matches(r"^\d$", "\u{663}"));
        assert!(matches(r"^[\w-]+$", "a-b") && !matches(r"^\w$", "\u{e4}"));
        assert!(matches(r"^\Qa.b\E$", "a.b") && !matches(r"^\Qa.b\E$", "axb"));
    }
}
