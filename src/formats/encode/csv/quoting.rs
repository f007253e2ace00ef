//! When a value stands in quotes, and how.

use crate::formats::encode::csv::options::CsvWriteOptions;

/// Appends a value, or what stands for none.
pub(super) fn push_value(
    out: &mut String,
    options: &CsvWriteOptions,
    value: Option<&str>,
    is_first: bool,
) {
    match value.map(|value| trimmed(value, options)) {
        Some(text) if !text.is_empty() => push_text(out, options, text, is_first),
        Some(_) => push_stand_in(out, options, &options.empty_value, is_first),
        None => push_stand_in(out, options, &options.null_value, is_first),
    }
}

/// Appends what stands for a missing or empty value: as it is where it has its quotes already.
fn push_stand_in(out: &mut String, options: &CsvWriteOptions, text: &str, is_first: bool) {
    let quote = options.quote;
    let text = trimmed(text, options);
    if text.chars().count() >= 2 && text.starts_with(quote) && text.ends_with(quote) {
        out.push_str(text);
    } else {
        push_text(out, options, text, is_first);
    }
}

fn push_text(out: &mut String, options: &CsvWriteOptions, text: &str, is_first: bool) {
    if needs_quotes(text, options, is_first) {
        push_quoted(out, options, text);
    } else {
        out.push_str(text);
    }
}

/// Blanks are what is not above a space, as in Java.
fn trimmed<'a>(text: &'a str, options: &CsvWriteOptions) -> &'a str {
    let is_blank = |c: char| c <= ' ';
    let text = if options.trims_start { text.trim_start_matches(is_blank) } else { text };
    if options.trims_end { text.trim_end_matches(is_blank) } else { text }
}

fn needs_quotes(text: &str, options: &CsvWriteOptions, is_first: bool) -> bool {
    options.quotes_all
        || text.starts_with(options.quote)
        || (is_first && text.starts_with(options.comment))
        || text.contains(['\n', '\r'])
        || text.contains(options.separator.as_str())
        || text.contains(options.line_end.as_str())
        || (options.escapes_quotes && text.contains(options.quote))
}

fn push_quoted(out: &mut String, options: &CsvWriteOptions, text: &str) {
    out.push(options.quote);
    for c in text.chars() {
        if c == options.quote {
            out.push(options.escape);
        } else if c == options.escape
            && let Some(before) = options.escape_of_escape
        {
            out.push(before);
        }
        out.push(c);
    }
    out.push(options.quote);
}
