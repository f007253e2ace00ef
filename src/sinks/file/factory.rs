//! The formats of the file sink and their options.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use async_trait::async_trait;

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::{OptionReader, Options};
use crate::connector::sink::{SinkContext, SinkFactory, StreamSink};
use crate::error::{Error, Result};
use crate::formats::encode::encoder::FileEncoding;
use crate::formats::encode::json::encoding::JsonEncoding;
use crate::formats::encode::parquet::{ParquetCompression, ParquetEncoding};
use crate::sinks::file::option_docs;
use crate::sinks::file::sink::FileSink;

/// Makes sinks that write files of one format into a folder.
#[derive(Debug, Clone, Copy)]
pub struct FileSinkFactory {
    format: Format,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Parquet,
}

impl FileSinkFactory {
    /// The format `json`: JSON lines.
    pub const fn json() -> Self {
        Self { format: Format::Json }
    }

    /// The format `parquet`.
    pub const fn parquet() -> Self {
        Self { format: Format::Parquet }
    }

    fn encoding(self, reader: &mut OptionReader<'_>) -> Result<Arc<dyn FileEncoding>> {
        let given = reader.text("compression").map(str::to_owned);
        match self.format {
            Format::Json => match given {
                Some(text) if !is_uncompressed(&text) => {
                    let expected = "JSON files are not compressed here; it must be `none`";
                    Err(reader.invalid("compression", &text, expected))
                }
                _ => Ok(Arc::new(JsonEncoding)),
            },
            Format::Parquet => {
                let expected = "it must be `snappy`, `zstd` or `none`";
                let compression: Option<ParquetCompression> =
                    reader.parsed("compression", expected)?;
                Ok(Arc::new(ParquetEncoding::new(compression.unwrap_or_default())))
            }
        }
    }
}

fn is_uncompressed(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "none" | "uncompressed")
}

#[async_trait]
impl SinkFactory for FileSinkFactory {
    fn options(&self) -> OptionDocs {
        match self.format {
            Format::Json => &[option_docs::FILES, option_docs::JSON],
            Format::Parquet => &[option_docs::FILES, option_docs::PARQUET],
        }
    }

    fn can_partition(&self) -> bool {
        false
    }

    fn needs_checkpoint(&self) -> bool {
        true
    }

    async fn open(&self, options: &Options, context: SinkContext) -> Result<Arc<dyn StreamSink>> {
        let name = match self.format {
            Format::Json => "json",
            Format::Parquet => "parquet",
        };
        let mut reader = options.reader(format!("sink `{name}`"), self.options());
        let path = reader.required("path", "it is the folder that the files go to")?.to_owned();
        let encoding = self.encoding(&mut reader)?;
        reader.finish()?;
        check_names(&context.schema)?;
        encoding.check(&context.schema)?;
        let folder = context.storage.open(&path)?;
        Ok(Arc::new(FileSink::new(folder, encoding, context.clock)))
    }
}

/// Names are looked up without regard to case, so two that differ in case only cannot be read
/// back.
fn check_names(schema: &Schema) -> Result<()> {
    let mut seen = BTreeSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().to_lowercase()) {
            return Err(Error::invalid(format!(
                "the rows have more than one column `{}`, which a file cannot tell apart; rename \
                 one with AS",
                field.name()
            )));
        }
    }
    Ok(())
}
