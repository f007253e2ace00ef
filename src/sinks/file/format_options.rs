//! From options to how a format is written, for the sink and for functions over texts.

use crate::connector::options::OptionReader;
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::encode::csv::CsvWriteOptions;
use crate::formats::encode::json::JsonWriteOptions;
use crate::formats::encode::times::{TimeFormats, TimeText};

/// What ends a line.
pub(super) fn line_end(reader: &mut OptionReader<'_>) -> Result<String> {
    match reader.text("lineSep").map(str::to_owned) {
        Some(end) if end.is_empty() => Err(reader.invalid("lineSep", "", "it must not be empty")),
        Some(end) => Ok(end),
        None => Ok("\n".to_owned()),
    }
}

fn times(reader: &mut OptionReader<'_>, zone: TimeZone) -> Result<TimeText> {
    let zone = match reader.text("timeZone").map(str::to_owned) {
        None => zone,
        Some(name) => {
            TimeZone::parse(&name).map_err(|error| reader.invalid("timeZone", &name, error))?
        }
    };
    let mut pattern = |name: &'static str| -> Result<Option<String>> {
        let Some(text) = reader.text(name).map(str::to_owned) else { return Ok(None) };
        let alone = TimeFormats { date: Some(&text), ..TimeFormats::default() };
        match TimeText::try_new(&alone) {
            Ok(_) => Ok(Some(text)),
            Err(error) => Err(reader.invalid(name, &text, error)),
        }
    };
    let date = pattern("dateFormat")?;
    let timestamp = pattern("timestampFormat")?;
    let timestamp_ntz = pattern("timestampNTZFormat")?;
    TimeText::try_new(&TimeFormats {
        zone,
        date: date.as_deref(),
        timestamp: timestamp.as_deref(),
        timestamp_ntz: timestamp_ntz.as_deref(),
    })
}

/// How JSON is written. Times are in `zone` unless the options say otherwise.
///
/// # Errors
/// `InvalidOption`.
pub fn json_options(reader: &mut OptionReader<'_>, zone: TimeZone) -> Result<JsonWriteOptions> {
    Ok(JsonWriteOptions {
        ignores_null_fields: reader.flag("ignoreNullFields", true)?,
        line_end: line_end(reader)?,
        times: times(reader, zone)?,
    })
}

/// How CSV is written. Times are in `zone` unless the options say otherwise.
///
/// # Errors
/// `InvalidOption`.
pub fn csv_options(reader: &mut OptionReader<'_>, zone: TimeZone) -> Result<CsvWriteOptions> {
    let plain = CsvWriteOptions::default();
    let quote = character(reader, "quote")?.unwrap_or(plain.quote);
    let escape = character(reader, "escape")?.unwrap_or(plain.escape);
    let own = (escape != quote).then_some(escape);
    Ok(CsvWriteOptions {
        has_header: reader.flag("header", false)?,
        separator: separator(reader)?.unwrap_or(plain.separator),
        quote,
        escape,
        escape_of_escape: character(reader, "charToEscapeQuoteEscaping")?.or(own),
        comment: character(reader, "comment")?.unwrap_or(plain.comment),
        null_value: reader.text("nullValue").map_or(plain.null_value, str::to_owned),
        empty_value: reader.text("emptyValue").map_or(plain.empty_value, str::to_owned),
        quotes_all: reader.flag("quoteAll", false)?,
        escapes_quotes: reader.flag("escapeQuotes", true)?,
        trims_start: reader.flag("ignoreLeadingWhiteSpace", true)?,
        trims_end: reader.flag("ignoreTrailingWhiteSpace", true)?,
        line_end: line_end(reader)?,
        times: times(reader, zone)?,
    })
}

/// A single character; an empty text stands for the one with the number 0, as in Spark.
fn character(reader: &mut OptionReader<'_>, name: &'static str) -> Result<Option<char>> {
    let Some(text) = reader.text(name).map(str::to_owned) else { return Ok(None) };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Ok(Some('\0')),
        (Some(only), None) => Ok(Some(only)),
        _ => Err(reader.invalid(name, &text, "it must be one character")),
    }
}

fn separator(reader: &mut OptionReader<'_>) -> Result<Option<String>> {
    let mut found = None;
    for name in ["sep", "delimiter"] {
        let Some(text) = reader.text(name).map(str::to_owned) else { continue };
        let separator = unescaped(&text).filter(|separator| !separator.is_empty());
        let Some(separator) = separator else {
            let reason = "it must be some characters; of those behind a backslash there are \\t, \\r, \\n, \\b, \\f, \\\\, \\' and \\\"";
            return Err(reader.invalid(name, &text, reason));
        };
        found = found.or(Some(separator));
    }
    Ok(found)
}

/// A text in which a backslash begins the name of a character; `None` for one that has no name.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                't' => '\t',
                'r' => '\r',
                'n' => '\n',
                'b' => '\u{8}',
                'f' => '\u{c}',
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(out)
}
