//! The options of the file sink, in groups that its formats share.

use crate::connector::option_doc::{OptionDoc, OptionDocs};

/// How the rows of a text format are written, wherever they go.
pub fn of_rows(format: &str) -> OptionDocs {
    match format {
        "csv" => &[TIMES, CSV],
        "json" => &[TIMES, JSON],
        _ => &[],
    }
}

/// What all formats have.
pub(super) const FILES: &[OptionDoc] = &[
    OptionDoc::honoured("path", OptionDoc::REQUIRED, "<folder>", "the folder that the files go to"),
    OptionDoc::honoured(
        "retention",
        "",
        "12h",
        "how long files stay in the log of the folder; older ones drop out of the table when the log is compacted, and are not deleted",
    ),
    OptionDoc::honoured(
        "maxRecordsPerFile",
        "0",
        "1000",
        "how many rows a file has at most; 0 for any number",
    ),
    OptionDoc::honoured(
        "millstream.targetFileSize",
        "",
        "1000000",
        "from about how many bytes on a file is full and the next is begun; without it an epoch writes one file for each partition and folder",
    ),
];

/// Files that are compressed as a whole.
pub(super) const COMPRESSION: &[OptionDoc] = &[
    OptionDoc::honoured("compression", "none", "gzip", "none, gzip or deflate"),
    OptionDoc::honoured("codec", "none", "deflate", "another name of `compression`"),
];

/// How dates and times are spelled.
pub(super) const TIMES: &[OptionDoc] = &[
    OptionDoc::honoured("dateFormat", "yyyy-MM-dd", "dd/MM/yyyy", "the pattern of dates"),
    OptionDoc::honoured(
        "timestampFormat",
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "yyyy/MM/dd HH:mm",
        "the pattern of timestamps; without it microseconds are written where milliseconds would lose something",
    ),
    OptionDoc::honoured(
        "timestampNTZFormat",
        "yyyy-MM-dd'T'HH:mm:ss.SSS",
        "HH:mm:ss",
        "the pattern of timestamps without zone; without it as for timestamps",
    ),
    OptionDoc::honoured(
        "timeZone",
        "",
        "Asia/Tokyo",
        "the zone of timestamps; without it the time zone of the session",
    ),
    OptionDoc::refused(
        "locale",
        "en-US",
        "de-DE",
        "the names of months and days are English; use a pattern of digits",
    ),
];

/// JSON lines.
pub(super) const JSON: &[OptionDoc] = &[
    OptionDoc::honoured("ignoreNullFields", "true", "false", "leaves out fields that are null"),
    OptionDoc::honoured("lineSep", "\\n", "|", "what ends a line"),
    ENCODING,
    CHARSET,
    OptionDoc::refused(
        "pretty",
        "false",
        "true",
        "each row is one line, so that readers can take files apart; leave it out",
    ),
    OptionDoc::refused(
        "writeNonAsciiCharacterAsCodePoint",
        "false",
        "true",
        "characters are written as they are; leave it out, or write the encoding `US-ASCII` where they do not matter",
    ),
];

/// CSV.
pub(super) const CSV: &[OptionDoc] = &[
    OptionDoc::honoured(
        "header",
        "false",
        "true",
        "begins each file with the names of the columns",
    ),
    OptionDoc::honoured("sep", ",", ";", "what stands between values, one or more characters"),
    OptionDoc::honoured("delimiter", ",", "\\t", "another name of `sep`"),
    OptionDoc::honoured("quote", "\"", "'", "the character around a value that needs it"),
    OptionDoc::honoured("escape", "\\", "\"", "the character before a quote inside of quotes"),
    OptionDoc::honoured(
        "charToEscapeQuoteEscaping",
        "",
        "!",
        "the character before an `escape` inside of quotes; without it the `escape` itself, where it is not the quote",
    ),
    OptionDoc::honoured(
        "comment",
        "#",
        ";",
        "the character that makes a line a comment: a first value that begins with it stands in quotes",
    ),
    OptionDoc::honoured("nullValue", "", "NULL", "what stands for a missing value"),
    OptionDoc::honoured("emptyValue", "\"\"", "EMPTY", "what stands for an empty text"),
    OptionDoc::honoured("quoteAll", "false", "true", "puts each value in quotes"),
    OptionDoc::honoured(
        "escapeQuotes",
        "true",
        "false",
        "puts a value with a quote inside in quotes",
    ),
    OptionDoc::honoured(
        "ignoreLeadingWhiteSpace",
        "true",
        "false",
        "leaves out blanks at the start of a value",
    ),
    OptionDoc::honoured(
        "ignoreTrailingWhiteSpace",
        "true",
        "false",
        "leaves out blanks at the end of a value",
    ),
    OptionDoc::honoured("lineSep", "\\n", "\r\n", "what ends a line"),
    ENCODING,
    CHARSET,
];

/// Text.
pub(super) const TEXT: &[OptionDoc] = &[
    OptionDoc::honoured("lineSep", "\\n", "|", "what ends a line"),
    OptionDoc::refused(
        "encoding",
        "UTF-8",
        "UTF-16",
        "text is written in UTF-8; write csv, which has other encodings",
    ),
];

/// Parquet.
pub(super) const PARQUET: &[OptionDoc] = &[OptionDoc::honoured(
    "compression",
    "snappy",
    "zstd",
    "how pages are compressed: snappy, zstd or none",
)];

/// Arrow IPC.
pub(super) const ARROW: &[OptionDoc] = &[OptionDoc::refused(
    "compression",
    "none",
    "zstd",
    "arrow files are not compressed; write parquet",
)];

const ENCODING: OptionDoc = OptionDoc::honoured(
    "encoding",
    "UTF-8",
    "UTF-16LE",
    "UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE or UTF-16LE; a character that it has not becomes `?`",
);

const CHARSET: OptionDoc =
    OptionDoc::honoured("charset", "UTF-8", "ISO-8859-1", "another name of `encoding`");
