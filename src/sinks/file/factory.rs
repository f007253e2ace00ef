//! The formats of the file sink.

use std::sync::Arc;

use async_trait::async_trait;

use crate::column_names::refuse_twins;
use crate::connector::option_doc::OptionDocs;
use crate::connector::options::{OptionReader, Options};
use crate::connector::sink::{SinkContext, SinkFactory, StreamSink};
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::display::Zone;
use crate::sinks::file::options::Format;
use crate::sinks::file::partition::Partitioning;
use crate::sinks::file::sink::FileSink;
use crate::sinks::file::writer::{Layout, MOST_HELD};

/// Makes sinks that write files of one format into a folder.
#[derive(Debug, Clone, Copy)]
pub struct FileSinkFactory {
    format: Format,
}

impl FileSinkFactory {
    /// The format `arrow`: Arrow IPC files.
    pub const fn arrow() -> Self {
        Self { format: Format::Arrow }
    }

    /// The format `csv`.
    pub const fn csv() -> Self {
        Self { format: Format::Csv }
    }

    /// The format `json`: JSON lines.
    pub const fn json() -> Self {
        Self { format: Format::Json }
    }

    /// The format `parquet`.
    pub const fn parquet() -> Self {
        Self { format: Format::Parquet }
    }

    /// The format `text`: one column of text, a line for each row.
    pub const fn text() -> Self {
        Self { format: Format::Text }
    }

    fn layout(self, reader: &mut OptionReader<'_>, context: &SinkContext) -> Result<Layout> {
        let config = context.session.0.copied_config();
        let zone = config.options().execution.time_zone.clone();
        let zone = zone.unwrap_or_else(|| "UTC".to_owned());
        let encoding = self.format.encoding(reader, TimeZone::parse(&zone)?)?;
        let expected = "it must be a whole number";
        let most_rows: Option<u64> = reader.parsed("maxRecordsPerFile", expected)?;
        let full_bytes = reader.positive("millstream.targetFileSize")?;
        // Names are looked up without regard to case, so two that differ in case only cannot be read
        // back.
        refuse_twins(&context.schema, "a file")?;
        let partitioning = match context.partition_by.as_slice() {
            [] => None,
            by => Some(Partitioning::try_new(&context.schema, by, Zone::parse(&zone)?)?),
        };
        Ok(Layout {
            encoding,
            schema: Arc::clone(&context.schema),
            partitioning,
            most_rows: most_rows.filter(|most| *most > 0),
            full_bytes,
            most_held: MOST_HELD,
        })
    }
}

#[async_trait]
impl SinkFactory for FileSinkFactory {
    fn options(&self) -> OptionDocs {
        self.format.options()
    }

    fn can_partition(&self) -> bool {
        true
    }

    fn needs_checkpoint(&self) -> bool {
        true
    }

    async fn open(&self, options: &Options, context: SinkContext) -> Result<Arc<dyn StreamSink>> {
        let owner = format!("sink `{}`", self.format.name());
        let mut reader = options.reader(owner, self.options());
        let path = reader.required("path", "it is the folder that the files go to")?.to_owned();
        let retention = reader.time("retention", 1_000)?.map(|micros| micros / 1_000);
        let layout = self.layout(&mut reader, &context)?;
        reader.finish()?;
        layout.encoding.check(layout.file_schema())?;
        let folder = context.storage.open(&path)?;
        Ok(Arc::new(FileSink::new(folder, layout, retention, context.clock)))
    }
}
