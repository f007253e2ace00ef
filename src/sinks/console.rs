//! A sink that prints the first rows of each epoch, laid out as Spark's console sink does:
//!
//! ```text
//! -------------------------------------------
//! Batch: 0
//! -------------------------------------------
//! +----+-----+
//! |user|count|
//! +----+-----+
//! | ann|    2|
//! +----+-----+
//!
//! ```

use std::fmt::{self, Debug};
use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use crate::column_names::shown_schema;
use crate::connector::option_doc::{OptionDoc, OptionDocs};
use crate::connector::options::{OptionReader, Options};
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{
    CommitMessage, SinkBatch, SinkContext, SinkFactory, SinkSession, SinkState, SinkWriter,
    StreamSink,
};
use crate::error::{Error, Result};
use crate::formats::display::Zone;
use crate::formats::show::{ShowOptions, show};
use crate::runtime::task;
use crate::sinks::gather::Gathered;

/// To how many characters `truncate = true` cuts a value.
const TRUNCATE: usize = 20;

/// How many rows are shown unless the options say otherwise.
const ROWS: usize = 20;

const OPTIONS: &[OptionDoc] = &[
    OptionDoc::honoured("numRows", "20", "5", "how many rows of an epoch are printed"),
    OptionDoc::honoured(
        "truncate",
        "true",
        "30",
        "to how many characters a value is cut: a number, `true` for 20, `false` for whole values",
    ),
];

/// Where the console sink prints.
pub trait ConsoleOutput: Debug + Send + Sync + 'static {
    /// Prints `text` as it is, and all of it.
    ///
    /// # Errors
    /// Those of writing.
    fn print(&self, text: &str) -> io::Result<()>;
}

/// The standard output of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdout;

impl ConsoleOutput for Stdout {
    fn print(&self, text: &str) -> io::Result<()> {
        // Unlike the print macros this does not panic when the reader of a pipe has gone.
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }
}

/// Makes sinks of the format `console`.
#[derive(Debug, Clone)]
pub struct ConsoleSinkFactory {
    output: Arc<dyn ConsoleOutput>,
}

impl ConsoleSinkFactory {
    /// Sinks that print to `output`.
    pub fn new(output: Arc<dyn ConsoleOutput>) -> Self {
        Self { output }
    }
}

impl Default for ConsoleSinkFactory {
    fn default() -> Self {
        Self::new(Arc::new(Stdout))
    }
}

#[async_trait]
impl SinkFactory for ConsoleSinkFactory {
    fn options(&self) -> OptionDocs {
        &[OPTIONS]
    }

    fn can_partition(&self) -> bool {
        false
    }

    fn needs_checkpoint(&self) -> bool {
        false
    }

    async fn open(&self, options: &Options, context: SinkContext) -> Result<Arc<dyn StreamSink>> {
        let mut reader = options.reader("sink `console`", self.options());
        let rows = reader.parsed("numRows", "it must be a whole number")?.unwrap_or(ROWS);
        let truncate = truncate(&mut reader)?;
        reader.finish()?;
        Ok(Arc::new(ConsoleSink {
            output: Arc::clone(&self.output),
            schema: context.schema,
            options: ShowOptions { rows, truncate, zone: zone(&context.session)? },
            gathered: Gathered::default(),
        }))
    }
}

fn truncate(reader: &mut OptionReader<'_>) -> Result<Option<usize>> {
    let Some(text) = reader.text("truncate").map(str::to_owned) else { return Ok(Some(TRUNCATE)) };
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(Some(TRUNCATE)),
        "false" => Ok(None),
        number => match number.parse() {
            Ok(0) => Ok(None),
            Ok(most) => Ok(Some(most)),
            Err(_) => {
                let expected = "it must be `true`, `false` or a number of characters";
                Err(reader.invalid("truncate", &text, expected))
            }
        },
    }
}

fn zone(session: &SinkSession) -> Result<Zone> {
    let config = session.0.copied_config();
    config.options().execution.time_zone.as_deref().map_or_else(|| Ok(Zone::default()), Zone::parse)
}

#[derive(Debug)]
struct ConsoleSink {
    output: Arc<dyn ConsoleOutput>,
    schema: SchemaRef,
    options: ShowOptions,
    gathered: Gathered,
}

impl fmt::Display for ConsoleSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleSink")
    }
}

#[async_trait]
impl StreamSink for ConsoleSink {
    fn supports(&self, _mode: OutputMode) -> bool {
        true
    }

    fn can_recover(&self, _mode: OutputMode) -> bool {
        true
    }

    fn counts_rows(&self) -> bool {
        true
    }

    async fn begin(&self, batch: &SinkBatch) -> Result<SinkState> {
        Ok(self.gathered.begin(batch))
    }

    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>> {
        // One row more than is shown, to know that there are more.
        self.gathered.writer(batch, partition, Some(self.options.rows.saturating_add(1)))
    }

    async fn commit(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()> {
        let Some(partitions) = self.gathered.rows(batch, &messages)? else { return Ok(()) };
        let table = show(&shown_schema(&self.schema), &partitions.concat(), &self.options)?;
        let rule = "-".repeat(43);
        let text = format!("{rule}\nBatch: {}\n{rule}\n{table}\n", batch.epoch);
        let output = Arc::clone(&self.output);
        task::block(move || output.print(&text).map_err(print_error)).await?;
        self.gathered.done(batch);
        Ok(())
    }

    async fn abort(&self, batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        self.gathered.abort(batch);
        Ok(())
    }
}

fn print_error(error: io::Error) -> Error {
    Error::Storage { action: "print to", path: "the console".to_owned(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;
    use crate::checkpoint::storage::LocalStorage;
    use crate::connector::conformance::{self, SinkHarness, batch, run_epoch, schema};
    use crate::runtime::clock::ManualClock;

    #[derive(Debug, Default)]
    struct Page(Mutex<String>);

    impl ConsoleOutput for Page {
        fn print(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    async fn open(
        page: &Arc<Page>,
        zone: Option<&str>,
        options: &[(&str, &str)],
    ) -> Result<Arc<dyn StreamSink>> {
        let mut config = SessionConfig::new();
        config.options_mut().execution.time_zone = zone.map(str::to_owned);
        let context = SinkContext {
            query_name: None,
            schema: schema(),
            partition_by: vec![],
            storage: Arc::new(LocalStorage::default()),
            clock: Arc::new(ManualClock::new(0)),
            session: SinkSession(SessionContext::new_with_config(config)),
        };
        let options = options.iter().copied().collect();
        ConsoleSinkFactory::new(Arc::clone(page) as _).open(&options, context).await
    }

    #[derive(Default)]
    struct Harness {
        page: Arc<Page>,
    }

    #[async_trait]
    impl SinkHarness for Harness {
        async fn sink(&self) -> Result<Arc<dyn StreamSink>> {
            open(&self.page, None, &[]).await
        }

        async fn visible(&self) -> Result<Vec<i64>> {
            let page = self.page.0.lock().unwrap();
            Ok(page.split(['|', '\n']).filter_map(|cell| cell.trim().parse().ok()).collect())
        }
    }

    #[tokio::test]
    async fn it_keeps_the_promises_of_a_sink() {
        conformance::rows_are_visible_once_after_commit(&Harness::default()).await.unwrap();
        conformance::a_repeated_epoch_has_no_effect(&Harness::default()).await.unwrap();
        conformance::an_aborted_epoch_leaves_nothing_visible(&Harness::default()).await.unwrap();
    }

    #[tokio::test]
    async fn an_epoch_is_printed_as_spark_prints_it() {
        let page = Arc::new(Page::default());
        let sink = open(&page, Some("Asia/Tokyo"), &[("numrows", "2")]).await.unwrap();
        let epoch = batch(12, 0, OutputMode::Complete);
        run_epoch(sink.as_ref(), &epoch, &[&[1], &[], &[20, 300]]).await.unwrap();
        run_epoch(sink.as_ref(), &batch(13, 0, OutputMode::Complete), &[]).await.unwrap();
        assert_eq!(
            *page.0.lock().unwrap(),
            "-------------------------------------------\n\
             Batch: 12\n\
             -------------------------------------------\n\
             +---+\n\
             |  v|\n\
             +---+\n\
             |  1|\n\
             | 20|\n\
             +---+\n\
             only showing top 2 rows\n\
             \n\
             -------------------------------------------\n\
             Batch: 13\n\
             -------------------------------------------\n\
             +---+\n\
             |  v|\n\
             +---+\n\
             +---+\n\
             \n"
        );
    }

    #[tokio::test]
    async fn options_that_cannot_be_used_are_refused() {
        let page = Arc::new(Page::default());
        for (option, value) in [("truncate", "long"), ("numRows", "-1"), ("rows", "2")] {
            let error = open(&page, None, &[(option, value)]).await.unwrap_err();
            assert!(error.to_string().contains(option), "{error}");
        }
        assert!(open(&page, Some("Mars"), &[]).await.is_err());
        for value in ["TRUE", "false", "0", "30"] {
            open(&page, None, &[("truncate", value)]).await.unwrap();
        }
    }
}
