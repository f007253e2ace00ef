//! The format `csv`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::content::Content;
use crate::formats::csv::convert::is_supported;
use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::csv::header;
use crate::formats::csv::infer::Inference;
use crate::formats::csv::rows::{Origin, RowReader, Rows};
use crate::formats::csv::tokens::{Cell, Refused, Tokenizer};
use crate::formats::format::{BATCH_ROWS, FileFormat, InputFile, ReadRequest, boxed};
use crate::formats::lines::{Chunk, chunks};
use crate::formats::records::{check_corrupt_column, shortened};
use crate::formats::type_name::sql_type_name;

/// The format `csv`: one record in each line.
#[derive(Debug, Clone, Default)]
pub struct CsvFormat {
    options: CsvReadOptions,
}

impl CsvFormat {
    /// Reads CSV in this way.
    pub const fn new(options: CsvReadOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl FileFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn takes_filters(&self) -> bool {
        true
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        check_corrupt_column(schema, &self.options.corrupt_column)?;
        match schema.fields().iter().find(|field| !is_supported(field.data_type())) {
            None => Ok(()),
            Some(field) => Err(Error::unsupported(format!(
                "column `{}` of type {} cannot be read from CSV; read it as STRING and convert it, such as with `from_json`",
                field.name(),
                sql_type_name(field.data_type())
            ))),
        }
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let mut inference = Inference::new(&self.options);
        for file in files {
            if inference.is_settled() {
                break;
            }
            self.infer_file(file, &mut inference).await?;
        }
        inference.finish().ok_or_else(|| {
            Error::invalid("cannot infer a schema, since there is no CSV yet; give a schema")
        })
    }

    fn reads_parts(&self) -> bool {
        !self.options.multi_line && self.options.layout.can_be_cut()
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let reader = Arc::new(RowReader::new(&self.options, request));
        let output = reader.selection.schema();
        let mut parser = FileParser {
            reader,
            schema: Arc::clone(&request.schema),
            file: file.clone(),
            is_start: request.part.as_ref().is_none_or(|part| part.start == 0),
        };
        let batches = if self.options.multi_line {
            let content = Content::open(file, self.options.layout.encoding);
            let all = async move { parser.whole(content?.whole().await?) };
            stream::once(all).boxed()
        } else {
            chunks(file, &self.options.layout, request.part.as_ref())
                .and_then(move |chunk| futures::future::ready(parser.lines(&chunk)))
                .boxed()
        };
        let batches = batches
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .map_err(DataFusionError::from)
            .try_flatten();
        boxed(output, batches.boxed())
    }
}

impl CsvFormat {
    async fn infer_file(&self, file: &InputFile, inference: &mut Inference<'_>) -> Result<()> {
        let mut is_start = true;
        let mut look = |cells: &[Cell<'_>]| {
            if std::mem::replace(&mut is_start, false) {
                inference.first(cells);
            } else {
                inference.record(cells);
            }
        };
        let refused = |line: u64, why: Refused| file.data(format!("line {line}: {why}"));
        if self.options.multi_line {
            let content = Content::open(file.clone(), self.options.layout.encoding)?;
            let text = normalized(content.whole().await?, &self.options);
            let mut records = Records::new(&text, &self.options);
            let mut cells = vec![];
            while records.next(&mut cells).map_err(|(line, why)| refused(line, why))?.is_some() {
                look(&cells);
            }
            return Ok(());
        }
        let tokenizer = Tokenizer::new(&self.options.dialect, None);
        let mut chunks = Box::pin(chunks(file.clone(), &self.options.layout, None));
        while let Some(chunk) = chunks.try_next().await? {
            for line in chunk.lines().filter(|line| !line.is_blank()) {
                let text = line.text();
                if !tokenizer.is_comment(&text) {
                    let mut cells = vec![];
                    let read = tokenizer.record(&text, &mut cells);
                    read.map_err(|why| refused(line.number, why))?;
                    look(&cells);
                }
            }
        }
        Ok(())
    }
}

/// Reads the records of one file.
struct FileParser {
    reader: Arc<RowReader>,
    schema: SchemaRef,
    file: InputFile,
    /// Whether the header is still to come.
    is_start: bool,
}

impl FileParser {
    /// The rows of some lines, one record each.
    fn lines(&mut self, chunk: &Chunk) -> Result<Vec<RecordBatch>> {
        let reader = Arc::clone(&self.reader);
        let tokenizer = Tokenizer::new(&reader.options.dialect, None);
        let lines: Vec<(u64, Cow<'_, str>)> = chunk
            .lines()
            .filter(|line| !line.is_blank())
            .map(|line| (line.number, line.text()))
            .filter(|(_, text)| !tokenizer.is_comment(text))
            .collect();
        let mut batches = vec![];
        let mut cells = vec![];
        let mut rows = reader.rows(lines.len().min(BATCH_ROWS));
        for (number, text) in &lines {
            let origin = Origin { number: *number, text };
            let read = tokenizer.record(text, &mut cells);
            read.map_err(|why| self.refused(origin, &why))?;
            if !self.takes_header(origin, &cells)? {
                rows.add(origin, &mut cells);
                if rows.len() == BATCH_ROWS {
                    batches
                        .push(self.batch(std::mem::replace(&mut rows, reader.rows(BATCH_ROWS)))?);
                }
            }
        }
        batches.push(self.batch(rows)?);
        Ok(batches)
    }

    /// The rows of a whole file, whose records may span lines.
    fn whole(&mut self, text: String) -> Result<Vec<RecordBatch>> {
        let reader = Arc::clone(&self.reader);
        let text = normalized(text, &reader.options);
        let mut records = Records::new(&text, &reader.options);
        let mut batches = vec![];
        let mut cells = vec![];
        let mut rows = reader.rows(BATCH_ROWS);
        while let Some(origin) = records
            .next(&mut cells)
            .map_err(|(number, why)| self.refused(Origin { number, text: "" }, &why))?
        {
            if !self.takes_header(origin, &cells)? {
                rows.add(origin, &mut cells);
                if rows.len() == BATCH_ROWS {
                    batches
                        .push(self.batch(std::mem::replace(&mut rows, reader.rows(BATCH_ROWS)))?);
                }
            }
        }
        batches.push(self.batch(rows)?);
        Ok(batches)
    }

    fn batch(&self, rows: Rows<'_, '_>) -> Result<RecordBatch> {
        rows.batch()?.map_err(|why| {
            self.file.data(format!("{why}; with the option `mode` PERMISSIVE it would be null"))
        })
    }

    /// Whether a record is the header, which is checked then.
    fn takes_header(&mut self, origin: Origin<'_>, cells: &[Cell<'_>]) -> Result<bool> {
        let options = &self.reader.options;
        if !std::mem::replace(&mut self.is_start, false) || !options.header {
            return Ok(false);
        }
        if let Err(why) = header::check(cells, &self.schema, options) {
            if !options.enforce_schema {
                return Err(self.file.data(format!(
                    "line {}: {why}; with the option `enforceSchema` `true` the names would not count",
                    origin.number
                )));
            }
            tracing::warn!(file = self.file.url, "{why}; columns are taken by their places");
        }
        Ok(true)
    }

    fn refused(&self, origin: Origin<'_>, why: &Refused) -> Error {
        self.file.data(format!("line {}: {why}: `{}`", origin.number, shortened(origin.text)))
    }
}

/// What ends a record in a text that was [`normalized`].
fn line_end(options: &CsvReadOptions) -> char {
    let separator = options.layout.separator.as_deref().and_then(|text| text.chars().next());
    separator.unwrap_or('\n')
}

/// The text with one character where lines end: of the kinds of line ends the one that comes first
/// is that of the whole file, whether quoted or not.
fn normalized(text: String, options: &CsvReadOptions) -> String {
    match options.layout.separator.as_deref() {
        Some(separator) if separator.chars().nth(1).is_some() => {
            text.replace(separator, &line_end(options).to_string())
        }
        Some(_) => text,
        None => match memchr::memchr2(b'\n', b'\r', text.as_bytes()) {
            Some(first) if text[first..].starts_with("\r\n") => text.replace("\r\n", "\n"),
            Some(first) if text[first..].starts_with('\r') => text.replace('\r', "\n"),
            _ => text,
        },
    }
}

/// The records of a text that may span lines, one after another.
struct Records<'t, 'o> {
    text: &'t str,
    tokenizer: Tokenizer<'o>,
    line_end: char,
    at: usize,
    /// The number of the line at `at`.
    line: u64,
}

impl<'t, 'o> Records<'t, 'o> {
    fn new(text: &'t str, options: &'o CsvReadOptions) -> Self {
        let line_end = line_end(options);
        let tokenizer = Tokenizer::new(&options.dialect, Some(line_end));
        Self { text, tokenizer, line_end, at: 0, line: 1 }
    }

    /// The next record; empty lines and comments are none. An error comes with its line.
    fn next(&mut self, cells: &mut Vec<Cell<'t>>) -> Result<Option<Origin<'t>>, (u64, Refused)> {
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return Ok(None);
            }
            if rest.starts_with(self.line_end) {
                self.pass(self.line_end.len_utf8());
            } else if self.tokenizer.is_comment(rest) {
                self.pass(rest.find(self.line_end).unwrap_or(rest.len()));
            } else {
                let number = self.line;
                let end = self.tokenizer.record(rest, cells).map_err(|why| (number, why))?;
                self.pass(end);
                return Ok(Some(Origin { number, text: &rest[..end] }));
            }
        }
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.matches(self.line_end).count() as u64;
        self.at += bytes;
    }
}
