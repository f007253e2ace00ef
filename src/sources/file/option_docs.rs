//! The options of the file source, format by format.

use crate::connector::option_doc::{OptionDoc, OptionDocs};

/// The options of a format.
pub fn of_format(format: &str) -> OptionDocs {
    match format.to_ascii_lowercase().as_str() {
        "csv" => &[FILES, RECORDS, CSV],
        "json" => &[FILES, RECORDS, JSON],
        "text" => &[FILES, TEXT],
        "parquet" => &[FILES, PARQUET],
        _ => &[FILES],
    }
}

/// Which files are read, and how many at a time.
const FILES: &[OptionDoc] = &[
    OptionDoc::honoured(
        "path",
        OptionDoc::REQUIRED,
        "<folder>",
        "the folder, or a pattern of paths, to read files from",
    ),
    OptionDoc::honoured("paths", "", "[\"<folder>\"]", "further paths, as a JSON array"),
    OptionDoc::honoured("maxFilesPerTrigger", "", "5", "the most files in an epoch"),
    OptionDoc::honoured(
        "maxBytesPerTrigger",
        "",
        "1000",
        "about the most bytes in an epoch, but one file at least",
    ),
    OptionDoc::honoured("latestFirst", "false", "true", "takes the newest files first"),
    OptionDoc::honoured(
        "maxFileAge",
        "7d",
        "12h",
        "how much older than the newest file taken a file may be; without effect when the newest come first within a limit",
    ),
    OptionDoc::honoured(
        "fileNameOnly",
        "false",
        "true",
        "tells files apart by their names alone, without the folders",
    ),
    OptionDoc::honoured(
        "maxCachedFiles",
        "10000",
        "0",
        "how many files that were listed and not taken are kept for the next epochs",
    ),
    OptionDoc::honoured(
        "discardCachedInputRatio",
        "0.2",
        "0.5",
        "below which share of an epoch the files that were kept are listed anew",
    ),
    OptionDoc::honoured("pathGlobFilter", "", "*.x", "a pattern for the names of files"),
    OptionDoc::honoured(
        "recursiveFileLookup",
        "false",
        "true",
        "reads folders inside of folders, whose names are no columns then",
    ),
    OptionDoc::honoured(
        "basePath",
        "the path",
        "<folder>",
        "the folder below which `name=value` folders are columns",
    ),
    OptionDoc::honoured(
        "cleanSource",
        "off",
        "delete",
        "what becomes of a file whose epoch is committed, when the next epoch begins: off, delete or archive",
    ),
    OptionDoc::honoured(
        "sourceArchiveDir",
        "",
        "<folder>",
        "the folder that files are archived in; it must lie outside of the path",
    )
    .with(&[("cleanSource", "archive")]),
    OptionDoc::honoured(
        "ignoreCorruptFiles",
        "false",
        "true",
        "leaves out files that cannot be read, from where they are broken, and counts them",
    ),
    OptionDoc::honoured(
        "ignoreMissingFiles",
        "false",
        "true",
        "leaves out files that are gone since they were listed, and counts them",
    ),
    OptionDoc::honoured(
        "verifyChecksums",
        "false",
        "true",
        "compares files that a file sink wrote with the checksums in its log, for which they are read twice; their lengths are always compared",
    ),
    OptionDoc::honoured(
        "modifiedAfter",
        "",
        "2024-01-31T12:00:00",
        "reads files that were written after this time; refused for a stream",
    ),
    OptionDoc::honoured(
        "modifiedBefore",
        "",
        "2024-01-31T12:00:00",
        "reads files that were written before this time; refused for a stream",
    ),
];

/// How records are read, whatever their format.
const RECORDS: &[OptionDoc] = &[
    OptionDoc::honoured(
        "mode",
        "PERMISSIVE",
        "FAILFAST",
        "what becomes of a malformed record: PERMISSIVE, DROPMALFORMED or FAILFAST",
    ),
    OptionDoc::honoured(
        "columnNameOfCorruptRecord",
        "_corrupt_record",
        "broken",
        "the column that holds the text of a malformed record, where the schema has it",
    ),
    OptionDoc::honoured(
        "multiLine",
        "false",
        "true",
        "reads each file as a whole, so that a record may have several lines",
    ),
    OptionDoc::honoured(
        "encoding",
        "UTF-8",
        "UTF-16",
        "UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16LE or UTF-16BE",
    ),
    OptionDoc::honoured(
        "charset",
        "UTF-8",
        "UTF-16",
        "the same as `encoding`, which counts where both are given",
    ),
    OptionDoc::honoured("lineSep", "any of \\n, \\r\\n, \\r", ";", "what ends a line"),
    OptionDoc::honoured(
        "dateFormat",
        "as a cast reads a DATE",
        "dd/MM/yyyy",
        "the pattern of dates",
    ),
    OptionDoc::honoured(
        "timestampFormat",
        "as a cast reads a TIMESTAMP",
        "dd/MM/yyyy HH:mm",
        "the pattern of points in time",
    ),
    OptionDoc::honoured(
        "timestampNTZFormat",
        "as a cast reads a TIMESTAMP_NTZ",
        "dd/MM/yyyy HH:mm",
        "the pattern of times on the wall",
    ),
    OptionDoc::honoured(
        "enableDateTimeParsingFallback",
        "false",
        "true",
        "reads what a pattern does not fit as a cast does",
    ),
    OptionDoc::honoured(
        "timeZone",
        "the zone of the session",
        "Europe/Oslo",
        "the zone of times that name none",
    ),
    OptionDoc::honoured(
        "locale",
        "en-US",
        "en-US",
        "the language of numbers and months; there is `en-US` only",
    ),
    OptionDoc::honoured(
        "samplingRatio",
        "1.0",
        "0.5",
        "which share of the records a schema is inferred from",
    ),
    OptionDoc::refused(
        "compression",
        "",
        "gzip",
        "when files are read, it is the ending of their names that says how they are compressed: `.gz` is gzip",
    ),
];

/// How the values of CSV are told apart and read.
const CSV: &[OptionDoc] = &[
    OptionDoc::honoured(
        "sep",
        ",",
        "|",
        "what stands between two values, of one character or several",
    ),
    OptionDoc::honoured(
        "delimiter",
        ",",
        "|",
        "the same as `sep`, which counts where both are given",
    ),
    OptionDoc::honoured(
        "quote",
        "\"",
        "'",
        "what a value stands in that may hold separators; empty for none",
    ),
    OptionDoc::honoured(
        "escape",
        "\\",
        "^",
        "what makes a quote inside of quotes part of the value; empty for none",
    ),
    OptionDoc::honoured(
        "charToEscapeQuoteEscaping",
        "the escape, unless it is the quote",
        "^",
        "what makes an escape before a quote part of the value",
    ),
    OptionDoc::honoured(
        "unescapedQuoteHandling",
        "STOP_AT_DELIMITER",
        "SKIP_VALUE",
        "what becomes of a value with a quote inside that nothing escapes: STOP_AT_DELIMITER, STOP_AT_CLOSING_QUOTE, SKIP_VALUE or RAISE_ERROR",
    ),
    OptionDoc::honoured("comment", "", "#", "what a line begins with that is no record"),
    OptionDoc::honoured(
        "header",
        "false",
        "true",
        "whether the first record of a file names its columns",
    ),
    OptionDoc::honoured(
        "enforceSchema",
        "true",
        "false",
        "`false` fails when the header of a file does not name the columns of the schema",
    ),
    OptionDoc::honoured(
        "inferSchema",
        "false",
        "true",
        "infers the types of columns, where a schema may be inferred; they are STRING otherwise",
    ),
    OptionDoc::honoured(
        "preferDate",
        "true",
        "false",
        "infers DATE rather than TIMESTAMP for dates",
    ),
    OptionDoc::honoured(
        "ignoreLeadingWhiteSpace",
        "false",
        "true",
        "leaves out blanks before a value",
    ),
    OptionDoc::honoured(
        "ignoreTrailingWhiteSpace",
        "false",
        "true",
        "leaves out blanks after a value",
    ),
    OptionDoc::honoured("nullValue", "", "-", "what stands for NULL, besides nothing at all"),
    OptionDoc::honoured(
        "emptyValue",
        "",
        "empty",
        "what quotes with nothing between them stand for",
    ),
    OptionDoc::honoured("nanValue", "NaN", "nan", "what stands for a double that is no number"),
    OptionDoc::honoured("positiveInf", "Inf", "inf", "what stands for infinity"),
    OptionDoc::honoured("negativeInf", "-Inf", "-inf", "what stands for negative infinity"),
    OptionDoc::honoured(
        "maxColumns",
        "20480",
        "100",
        "the most values of a record; more are an error",
    ),
    OptionDoc::honoured(
        "maxCharsPerColumn",
        "-1",
        "1000",
        "the most characters of a value, -1 for any number; more are an error",
    ),
    OptionDoc::refused("escapeQuotes", "true", "true", "it is for writing"),
    OptionDoc::refused("quoteAll", "false", "true", "it is for writing"),
    OptionDoc::refused("singleVariantColumn", "", "v", "there is no type VARIANT"),
];

/// How JSON is read.
const JSON: &[OptionDoc] = &[
    OptionDoc::honoured(
        "primitivesAsString",
        "false",
        "true",
        "infers STRING for numbers and booleans",
    ),
    OptionDoc::honoured(
        "prefersDecimal",
        "false",
        "true",
        "infers DECIMAL rather than DOUBLE for numbers with places",
    ),
    OptionDoc::honoured("inferTimestamp", "false", "true", "infers TIMESTAMP for text that is one"),
    OptionDoc::honoured(
        "dropFieldIfAllNull",
        "false",
        "true",
        "leaves out fields without any value when a schema is inferred",
    ),
    OptionDoc::honoured("allowComments", "false", "true", "passes over comments as in Java"),
    OptionDoc::honoured(
        "allowUnquotedFieldNames",
        "false",
        "true",
        "reads names of fields without quotes",
    ),
    OptionDoc::honoured("allowSingleQuotes", "true", "false", "reads strings in single quotes"),
    OptionDoc::honoured("allowNumericLeadingZeros", "false", "true", "reads numbers such as 007"),
    OptionDoc::honoured(
        "allowBackslashEscapingAnyCharacter",
        "false",
        "true",
        "reads a backslash before any character",
    ),
    OptionDoc::honoured(
        "allowUnquotedControlChars",
        "false",
        "true",
        "reads control characters in strings",
    ),
    OptionDoc::honoured(
        "allowNonNumericNumbers",
        "true",
        "false",
        "reads NaN and the infinities as numbers",
    ),
    OptionDoc::refused("ignoreNullFields", "true", "true", "it is for writing"),
    OptionDoc::refused("singleVariantColumn", "", "v", "there is no type VARIANT"),
];

/// How text is read.
const TEXT: &[OptionDoc] = &[
    OptionDoc::honoured("wholetext", "false", "true", "makes one row of each file"),
    OptionDoc::honoured("lineSep", "any of \\n, \\r\\n, \\r", ";", "what ends a line"),
    OptionDoc::honoured(
        "encoding",
        "UTF-8",
        "UTF-16",
        "UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16LE or UTF-16BE",
    ),
    OptionDoc::honoured(
        "charset",
        "UTF-8",
        "UTF-16",
        "the same as `encoding`, which counts where both are given",
    ),
    OptionDoc::refused(
        "compression",
        "",
        "gzip",
        "when files are read, it is the ending of their names that says how they are compressed: `.gz` is gzip",
    ),
];

/// How parquet is read.
const PARQUET: &[OptionDoc] = &[
    OptionDoc::honoured(
        "mergeSchema",
        "false",
        "true",
        "infers a schema from all files rather than the first",
    ),
    OptionDoc::refused(
        "datetimeRebaseMode",
        "CORRECTED",
        "CORRECTED",
        "times are read as they were written; those of Spark 2 before 1582 are to be written anew",
    ),
    OptionDoc::refused(
        "int96RebaseMode",
        "CORRECTED",
        "CORRECTED",
        "times are read as they were written; those of Spark 2 before 1582 are to be written anew",
    ),
    OptionDoc::refused(
        "compression",
        "",
        "gzip",
        "a parquet file says itself how it is compressed",
    ),
];
