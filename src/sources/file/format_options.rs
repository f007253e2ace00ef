//! The options of each format, from their text to plain values.

use std::sync::Arc;

use crate::connector::options::OptionReader;
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::arrow::ArrowFormat;
use crate::formats::content::Encoding;
use crate::formats::csv::dialect::{CsvReadOptions, UnescapedQuotes};
use crate::formats::csv::format::CsvFormat;
use crate::formats::format::FileFormat;
use crate::formats::json::format::{JsonFormat, JsonReadOptions};
use crate::formats::lines::Layout;
use crate::formats::parquet::format::ParquetFormat;
use crate::formats::records::ParseMode;
use crate::formats::text::TextFormat;
use crate::formats::times::TimeFormats;

/// The formats that files can be read in.
pub const FILE_FORMATS: [&str; 5] = ["arrow", "csv", "json", "parquet", "text"];

/// The format of this name with its own options.
pub(super) fn format_by_name(
    name: &str,
    reader: &mut OptionReader<'_>,
) -> Result<Arc<dyn FileFormat>> {
    match name.to_ascii_lowercase().as_str() {
        "arrow" => Ok(Arc::new(ArrowFormat)),
        "csv" => Ok(Arc::new(CsvFormat::new(csv_options(reader)?))),
        "json" => Ok(Arc::new(JsonFormat::new(json_options(reader)?))),
        "parquet" => Ok(Arc::new(ParquetFormat::new(reader.flag("mergeSchema", false)?))),
        "text" => text_format(reader),
        other => Err(Error::unsupported(format!(
            "files cannot be read in the format `{other}`; there are {}",
            FILE_FORMATS.join(", ")
        ))),
    }
}

fn text_format(reader: &mut OptionReader<'_>) -> Result<Arc<dyn FileFormat>> {
    let layout = layout(reader)?;
    Ok(Arc::new(TextFormat::new(layout, reader.flag("wholetext", false)?)))
}

/// How CSV is read.
///
/// # Errors
/// `InvalidOption`.
pub fn csv_options(reader: &mut OptionReader<'_>) -> Result<CsvReadOptions> {
    let mut options = CsvReadOptions::default();
    dialect_options(reader, &mut options)?;
    options.layout = layout(reader)?;
    options.multi_line = reader.flag("multiLine", false)?;
    options.header = reader.flag("header", false)?;
    options.enforce_schema = reader.flag("enforceSchema", true)?;
    let (mode, corrupt_column) = malformed(reader)?;
    options.mode = mode;
    options.corrupt_column = corrupt_column;
    options.times = times(reader)?;
    let words = &mut options.non_finite;
    set_text(reader, "nanValue", &mut words.nan);
    set_text(reader, "positiveInf", &mut words.positive);
    set_text(reader, "negativeInf", &mut words.negative);
    options.infer.types = reader.flag("inferSchema", false)?;
    options.infer.prefers_date = reader.flag("preferDate", true)?;
    options.infer.sampling_ratio = sampling_ratio(reader)?;
    Ok(options)
}

fn dialect_options(reader: &mut OptionReader<'_>, options: &mut CsvReadOptions) -> Result<()> {
    let dialect = &mut options.dialect;
    for name in ["delimiter", "sep"] {
        if let Some(text) = reader.text(name).map(str::to_owned) {
            dialect.separator = unescaped(&text).map_err(|why| reader.invalid(name, &text, why))?;
        }
    }
    dialect.quote = letter(reader, "quote", Some('"'))?;
    dialect.escape = letter(reader, "escape", Some('\\'))?;
    // Where a quote is its own escape, nothing escapes it.
    let default = dialect.escape.filter(|escape| Some(*escape) != dialect.quote);
    dialect.escape_of_escape = letter(reader, "charToEscapeQuoteEscaping", default)?;
    dialect.comment = letter(reader, "comment", None)?;
    dialect.trims_start = reader.flag("ignoreLeadingWhiteSpace", false)?;
    dialect.trims_end = reader.flag("ignoreTrailingWhiteSpace", false)?;
    dialect.unescaped_quotes = unescaped_quotes(reader)?;
    if let Some(most) = reader.positive("maxColumns")? {
        dialect.max_columns = usize::try_from(most).unwrap_or(usize::MAX);
    }
    let expected = "it must be a whole number of characters, or -1 for any number";
    let max_chars: Option<i64> = reader.parsed("maxCharsPerColumn", expected)?;
    dialect.max_chars = max_chars.and_then(|most| usize::try_from(most).ok());
    set_text(reader, "nullValue", &mut dialect.null_value);
    set_text(reader, "emptyValue", &mut dialect.empty_value);
    Ok(())
}

fn unescaped_quotes(reader: &mut OptionReader<'_>) -> Result<UnescapedQuotes> {
    const NAME: &str = "unescapedQuoteHandling";
    let Some(text) = reader.text(NAME).map(str::to_owned) else {
        return Ok(UnescapedQuotes::default());
    };
    match text.to_ascii_uppercase().as_str() {
        "STOP_AT_DELIMITER" => Ok(UnescapedQuotes::StopAtDelimiter),
        "STOP_AT_CLOSING_QUOTE" => Ok(UnescapedQuotes::StopAtClosingQuote),
        "SKIP_VALUE" => Ok(UnescapedQuotes::SkipValue),
        "RAISE_ERROR" => Ok(UnescapedQuotes::RaiseError),
        "BACK_TO_DELIMITER" => {
            let reason =
                "it would leave out the quote that opens a value; STOP_AT_DELIMITER keeps it";
            Err(reader.invalid(NAME, &text, reason))
        }
        _ => {
            let reason =
                "there are STOP_AT_DELIMITER, STOP_AT_CLOSING_QUOTE, SKIP_VALUE and RAISE_ERROR";
            Err(reader.invalid(NAME, &text, reason))
        }
    }
}

/// How JSON is read.
///
/// # Errors
/// `InvalidOption`.
pub fn json_options(reader: &mut OptionReader<'_>) -> Result<JsonReadOptions> {
    let mut options = JsonReadOptions::default();
    let (mode, corrupt_column) = malformed(reader)?;
    options.mode = mode;
    options.corrupt_column = corrupt_column;
    options.layout = layout(reader)?;
    options.multi_line = reader.flag("multiLine", false)?;
    let rules = &mut options.rules;
    rules.comments = reader.flag("allowComments", false)?;
    rules.unquoted_names = reader.flag("allowUnquotedFieldNames", false)?;
    rules.single_quotes = reader.flag("allowSingleQuotes", true)?;
    rules.leading_zeros = reader.flag("allowNumericLeadingZeros", false)?;
    rules.any_escape = reader.flag("allowBackslashEscapingAnyCharacter", false)?;
    rules.control_chars = reader.flag("allowUnquotedControlChars", false)?;
    rules.non_finite = reader.flag("allowNonNumericNumbers", true)?;
    options.times = times(reader)?;
    let infer = &mut options.infer;
    infer.primitives_as_string = reader.flag("primitivesAsString", false)?;
    infer.prefers_decimal = reader.flag("prefersDecimal", false)?;
    infer.timestamps = reader.flag("inferTimestamp", false)?;
    infer.drops_null_fields = reader.flag("dropFieldIfAllNull", false)?;
    infer.sampling_ratio = sampling_ratio(reader)?;
    Ok(options)
}

fn malformed(reader: &mut OptionReader<'_>) -> Result<(ParseMode, String)> {
    let mode = match reader.text("mode").map(str::to_owned) {
        None => ParseMode::default(),
        Some(text) => ParseMode::find(&text).ok_or_else(|| {
            let reason = "the modes are PERMISSIVE, DROPMALFORMED and FAILFAST";
            reader.invalid("mode", &text, reason)
        })?,
    };
    let column = reader.text("columnNameOfCorruptRecord").unwrap_or("_corrupt_record").to_owned();
    Ok((mode, column))
}

fn layout(reader: &mut OptionReader<'_>) -> Result<Layout> {
    let mut layout = Layout::default();
    for name in ["charset", "encoding"] {
        if let Some(text) = reader.text(name).map(str::to_owned) {
            layout.encoding = Encoding::find(&text).ok_or_else(|| {
                reader.invalid(name, &text, format!("the encodings are {}", Encoding::NAMES))
            })?;
        }
    }
    layout.separator = reader.text("lineSep").map(str::to_owned);
    if layout.separator.as_deref() == Some("") {
        return Err(reader.invalid("lineSep", "", "it must not be empty"));
    }
    Ok(layout)
}

fn times(reader: &mut OptionReader<'_>) -> Result<TimeFormats> {
    let mut times = TimeFormats::default();
    for name in ["dateFormat", "timestampFormat", "timestampNTZFormat"] {
        if let Some(pattern) = reader.text(name).map(str::to_owned) {
            let set = match name {
                "dateFormat" => times.set_date(&pattern),
                "timestampFormat" => times.set_timestamp(&pattern),
                _ => times.set_timestamp_ntz(&pattern),
            };
            set.map_err(|why| reader.invalid(name, &pattern, why))?;
        }
    }
    times.fallback = reader.flag("enableDateTimeParsingFallback", false)?;
    if let Some(name) = reader.text("timeZone").map(str::to_owned) {
        let zone = TimeZone::parse(&name).map_err(|why| reader.invalid("timeZone", &name, why))?;
        times.zone = Some(zone);
    }
    if let Some(locale) = reader.text("locale").map(str::to_owned)
        && !["en-us", "en_us", "en"].contains(&locale.to_ascii_lowercase().as_str())
    {
        let reason = "numbers and the names of months are read as in `en-US` only";
        return Err(reader.invalid("locale", &locale, reason));
    }
    Ok(times)
}

fn sampling_ratio(reader: &mut OptionReader<'_>) -> Result<f64> {
    const NAME: &str = "samplingRatio";
    let expected = "it must be a number above 0, up to 1";
    let ratio: Option<f64> = reader.parsed(NAME, expected)?;
    match ratio {
        None => Ok(1.0),
        Some(ratio) if ratio > 0.0 && ratio <= 1.0 => Ok(ratio),
        Some(ratio) => Err(reader.invalid(NAME, &ratio.to_string(), expected)),
    }
}

fn set_text(reader: &mut OptionReader<'_>, name: &'static str, text: &mut String) {
    if let Some(given) = reader.text(name) {
        given.clone_into(text);
    }
}

/// One letter; none where the text is empty.
fn letter(
    reader: &mut OptionReader<'_>,
    name: &'static str,
    default: Option<char>,
) -> Result<Option<char>> {
    let Some(text) = reader.text(name).map(str::to_owned) else { return Ok(default) };
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (letter, None) => Ok(letter),
        _ => Err(reader.invalid(name, &text, "it must be one character, or empty for none")),
    }
}

/// A separator with its escapes resolved.
fn unescaped(text: &str) -> std::result::Result<String, String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('0') => out.push('\0'),
            Some(same @ ('\\' | '"' | '\'')) => out.push(same),
            Some(other) => return Err(format!("`\\{other}` means nothing in it")),
            None => return Err("a single backslash must be written as two".to_owned()),
        }
    }
    if out.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(out) }
}
