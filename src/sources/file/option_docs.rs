//! The options of the file source, format by format.

use crate::connector::option_doc::{OptionDoc, OptionDocs};

/// The options of a format.
pub(super) fn of_format(format: &str) -> OptionDocs {
    match format.to_ascii_lowercase().as_str() {
        "json" => &[FILES, JSON],
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
    OptionDoc::honoured("recursiveFileLookup", "false", "true", "reads folders inside of folders"),
];

/// How lines of JSON are read.
const JSON: &[OptionDoc] = &[
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
];
