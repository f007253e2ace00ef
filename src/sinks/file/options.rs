//! From the options of a sink to the encoding of its files.

use std::sync::Arc;

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::OptionReader;
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::encode::arrow::ArrowEncoding;
use crate::formats::encode::charset::{Charset, Transcoded};
use crate::formats::encode::compress::{Compressed, FileCompression};
use crate::formats::encode::csv::CsvEncoding;
use crate::formats::encode::encoder::FileEncoding;
use crate::formats::encode::json::JsonEncoding;
use crate::formats::encode::parquet::{ParquetCompression, ParquetEncoding};
use crate::formats::encode::text::TextEncoding;
use crate::sinks::file::format_options::{csv_options, json_options, line_end};
use crate::sinks::file::option_docs::{ARROW, COMPRESSION, CSV, FILES, JSON, PARQUET, TEXT, TIMES};

/// A format of the file sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Arrow,
    Csv,
    Json,
    Parquet,
    Text,
}

impl Format {
    /// The name that users know the format by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Text => "text",
        }
    }

    /// The options of a sink of this format.
    pub(super) const fn options(self) -> OptionDocs {
        match self {
            Self::Arrow => &[FILES, ARROW],
            Self::Csv => &[FILES, COMPRESSION, TIMES, CSV],
            Self::Json => &[FILES, COMPRESSION, TIMES, JSON],
            Self::Parquet => &[FILES, PARQUET],
            Self::Text => &[FILES, COMPRESSION, TEXT],
        }
    }

    /// Reads the options of the format. Times are in `zone` unless the options say otherwise.
    ///
    /// # Errors
    /// `InvalidOption`.
    pub(super) fn encoding(
        self,
        reader: &mut OptionReader<'_>,
        zone: TimeZone,
    ) -> Result<Arc<dyn FileEncoding>> {
        match self {
            Self::Arrow => Ok(Arc::new(ArrowEncoding)),
            Self::Csv => {
                let options = csv_options(reader, zone)?;
                let charset = charset(reader, &["encoding", "charset"])?;
                compressed(reader, Transcoded::wrap(Arc::new(CsvEncoding::new(options)), charset))
            }
            Self::Json => {
                let options = json_options(reader, zone)?;
                let charset = charset(reader, &["encoding", "charset"])?;
                compressed(reader, Transcoded::wrap(Arc::new(JsonEncoding::new(options)), charset))
            }
            Self::Parquet => {
                let expected = "it must be `snappy`, `zstd` or `none`";
                let compression: Option<ParquetCompression> =
                    reader.parsed("compression", expected)?;
                Ok(Arc::new(ParquetEncoding::new(compression.unwrap_or_default())))
            }
            Self::Text => {
                let line_end = line_end(reader)?;
                compressed(reader, Arc::new(TextEncoding::new(line_end)))
            }
        }
    }
}

fn compressed(
    reader: &mut OptionReader<'_>,
    encoding: Arc<dyn FileEncoding>,
) -> Result<Arc<dyn FileEncoding>> {
    let expected = format!("it must be {}", FileCompression::NAMES);
    let alias: Option<FileCompression> = reader.parsed("codec", &expected)?;
    let compression = reader.parsed("compression", &expected)?.or(alias);
    Ok(Compressed::wrap(encoding, compression.unwrap_or_default()))
}

/// Of several names of one option the first counts.
fn charset(reader: &mut OptionReader<'_>, names: &[&'static str]) -> Result<Charset> {
    let expected = format!("it must be {}", Charset::NAMES);
    let mut found = None;
    for name in names {
        let charset: Option<Charset> = reader.parsed(name, &expected)?;
        found = found.or(charset);
    }
    Ok(found.unwrap_or_default())
}
