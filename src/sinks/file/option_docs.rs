//! The options of the file sink, format by format.

use crate::connector::option_doc::OptionDoc;

/// What all formats have.
pub(super) const FILES: &[OptionDoc] = &[OptionDoc::honoured(
    "path",
    OptionDoc::REQUIRED,
    "<folder>",
    "the folder that the files go to",
)];

/// JSON lines.
pub(super) const JSON: &[OptionDoc] = &[OptionDoc::honoured("compression", "none", "none", "none")];

/// Parquet.
pub(super) const PARQUET: &[OptionDoc] = &[OptionDoc::honoured(
    "compression",
    "snappy",
    "zstd",
    "how pages are compressed: snappy, zstd or none",
)];
