//! The rows of a query as bytes: a table, CSV or JSON lines.

use std::io;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::StreamExt;
use millstream::formats::display::{Zone, write_value};
use millstream::formats::encode::encoder::{FileEncoding, RowEncoder};
use millstream::formats::encode::json::encoding::{JsonEncoding, JsonWriteOptions};
use millstream::{Result, StreamingDataFrame};

use super::args::Format;
use super::failure::Failure;
use super::fit::{self, Screen};
use super::screen::{Stream, print};

/// Prints the results of several queries, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    format: Format,
    /// What stands for NULL in CSV.
    null: String,
    /// Where tables are to fit; none where they are whole, as in a pipe.
    screen: Option<Screen>,
    results: usize,
}

impl Printer {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format, null: String::new(), screen: None, results: 0 }
    }

    /// The same with a text for NULL in CSV.
    pub(crate) fn with_null(self, null: &str) -> Self {
        Self { null: null.to_owned(), ..self }
    }

    /// The same for people who look at this screen.
    pub(crate) fn on_screen(self, screen: Option<Screen>) -> Self {
        Self { screen, ..self }
    }

    /// The screen that it prints to, if it is one.
    pub(crate) const fn screen(&mut self) -> Option<&mut Screen> {
        self.screen.as_mut()
    }

    /// Runs a bounded query and prints its rows as they come; for a table, when all are there.
    /// `wrap` gives an error of the engine its place.
    pub(crate) async fn print(
        &mut self,
        frame: &StreamingDataFrame,
        zone: Zone,
        wrap: &(dyn Fn(millstream::Error) -> Failure + Sync),
    ) -> Result<(), Failure> {
        let mut rows = Box::pin(frame.execute_stream()).await.map_err(wrap)?;
        let width = self.screen.and_then(Screen::width);
        let looks = Looks { zone, null: &self.null, width };
        let mut text = Text::start(self.format, &frame.schema(), looks).map_err(wrap)?;
        if matches!(self.format, Format::Csv | Format::Markdown) && self.results > 0 {
            emit(b"\n")?;
        }
        self.results += 1;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|error| wrap(error.into()))?;
            emit(&text.add(&batch).map_err(wrap)?)?;
        }
        let last = text.finish().map_err(wrap)?;
        // Of other formats the beginning has been printed already.
        let is_whole = self.format == Format::Table;
        if is_whole && self.screen.is_some_and(|screen| screen.page(&last)) {
            return Ok(());
        }
        emit(&last)
    }
}

/// How values look.
#[derive(Debug, Clone, Copy, Default)]
struct Looks<'a> {
    zone: Zone,
    /// What stands for NULL in CSV.
    null: &'a str,
    /// How wide a table may be.
    width: Option<usize>,
}

/// Writes to the standard output.
pub(crate) fn emit(bytes: &[u8]) -> Result<(), Failure> {
    if bytes.is_empty() {
        return Ok(());
    }
    print(Stream::Out, bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::NobodyReads
        } else {
            Failure::io("cannot write to the standard output", error)
        }
    })
}

/// The text of one result: batches in, bytes out.
#[derive(Debug)]
enum Text {
    Table { schema: SchemaRef, rows: Vec<RecordBatch>, zone: Zone, width: Option<usize> },
    Csv { schema: SchemaRef, zone: Zone, header: bool, null: String },
    Json(Box<dyn RowEncoder>),
    Markdown { schema: SchemaRef, zone: Zone, header: bool },
}

impl Text {
    fn start(format: Format, schema: &SchemaRef, looks: Looks<'_>) -> Result<Self> {
        let schema = Arc::clone(schema);
        let Looks { zone, null, width } = looks;
        Ok(match format {
            Format::Table => Self::Table { schema, rows: vec![], zone, width },
            Format::Csv => Self::Csv { schema, zone, header: true, null: null.to_owned() },
            Format::Json => Self::Json(JsonEncoding::default().start(&schema)?),
            Format::Jsonl => {
                let options =
                    JsonWriteOptions { ignores_null_fields: false, ..JsonWriteOptions::default() };
                Self::Json(JsonEncoding::new(options).start(&schema)?)
            }
            Format::Markdown => Self::Markdown { schema, zone, header: true },
        })
    }

    /// Takes rows; gives what can be printed already.
    fn add(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        match self {
            Self::Table { rows, .. } => {
                rows.push(batch.clone());
                Ok(vec![])
            }
            Self::Csv { zone, header, null, .. } => csv(batch, *zone, std::mem::take(header), null),
            Self::Markdown { zone, header, .. } => markdown(batch, *zone, std::mem::take(header)),
            Self::Json(encoder) => {
                encoder.write(batch)?;
                Ok(encoder.take())
            }
        }
    }

    /// What is left to be printed.
    fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Table { schema, rows, zone, width } => match plan_of(&rows) {
                Some(plan) => Ok(plan.into_bytes()),
                None => fit::table(&schema, &rows, zone, width).map(String::into_bytes),
            },
            Self::Csv { schema, zone, header: true, null } => {
                csv(&RecordBatch::new_empty(schema), zone, true, &null)
            }
            Self::Markdown { schema, zone, header: true } => {
                markdown(&RecordBatch::new_empty(schema), zone, true)
            }
            Self::Csv { .. } | Self::Markdown { .. } => Ok(vec![]),
            Self::Json(encoder) => encoder.finish(),
        }
    }
}

/// The text of EXPLAIN, which reads better without a frame around its long lines.
fn plan_of(rows: &[RecordBatch]) -> Option<String> {
    let mut text = String::new();
    for batch in rows {
        let [plan] = batch.columns() else { return None };
        if batch.schema().field(0).name() != "plan" {
            return None;
        }
        for line in plan.as_string_opt::<i32>()? {
            text.push_str(line?.trim_end());
            text.push('\n');
        }
    }
    text.starts_with("== ").then_some(text)
}

/// Every value as the text that it is shown as, quoted where it has to be: CSV knows no types, and
/// Arrow's writer no nested ones.
fn csv(batch: &RecordBatch, zone: Zone, header: bool, null: &str) -> Result<Vec<u8>> {
    let columns = batch.columns().iter().map(|column| as_text(column, zone));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter();
    let fields: Vec<Field> =
        fields.map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    let count = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let text = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &count)?;
    let mut out = Vec::new();
    let writer = WriterBuilder::new().with_header(header).with_null(null.to_owned());
    writer.build(&mut out).write(&text)?;
    Ok(out)
}

/// A table of Markdown, in which a row has a line, whatever is in it.
fn markdown(batch: &RecordBatch, zone: Zone, header: bool) -> Result<Vec<u8>> {
    let cell = |text: &str| text.replace('|', "\\|").replace("\r\n", "<br>").replace('\n', "<br>");
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = String::new();
    if header {
        let schema = batch.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| cell(field.name())).collect();
        out.push_str(&line(&names));
        out.push_str(&line(&vec!["---".to_owned(); names.len()]));
    }
    let columns: Vec<ArrayRef> =
        batch.columns().iter().map(|column| as_text(column, zone)).collect::<Result<_>>()?;
    for row in 0..batch.num_rows() {
        let cells = columns.iter().map(|column| {
            let column = column.as_string::<i32>();
            if column.is_null(row) { "NULL".to_owned() } else { cell(column.value(row)) }
        });
        out.push_str(&line(&cells.collect::<Vec<_>>()));
    }
    Ok(out.into_bytes())
}

pub(super) fn as_text(column: &ArrayRef, zone: Zone) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(column.len(), column.len() * 8);
    let mut value = String::new();
    // Also those that a column of type NULL or a dictionary implies.
    let nulls = column.logical_nulls();
    for row in 0..column.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.append_null();
            continue;
        }
        value.clear();
        write_value(&mut value, column.as_ref(), row, &zone)?;
        out.append_value(&value);
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, StructArray, TimestampMicrosecondArray};

    use super::*;

    fn batch() -> RecordBatch {
        let name: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a,b"), Some("say \"x\""), None]));
        let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let at = TimestampMicrosecondArray::from(vec![0, 1_500_000, 60_000_000]);
        let at: ArrayRef = Arc::new(at.with_timezone("UTC"));
        RecordBatch::try_from_iter_with_nullable([
            ("name", name, true),
            ("n", n, true),
            ("at", at, true),
        ])
        .unwrap()
    }

    fn text(format: Format, batches: &[RecordBatch], schema: &SchemaRef) -> String {
        let mut text = Text::start(format, schema, Looks::default()).unwrap();
        let mut out = Vec::new();
        for batch in batches {
            out.extend(text.add(batch).unwrap());
        }
        out.extend(text.finish().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_has_one_header_and_quotes_what_needs_it() {
        let batch = batch();
        let rows = [batch.slice(0, 1), batch.slice(1, 2)];
        assert_eq!(
            text(Format::Csv, &rows, &batch.schema()),
            "name,n,at\n\
             \"a,b\",1,1970-01-01 00:00:00\n\
             \"say \"\"x\"\"\",,1970-01-01 00:00:01.5\n\
             ,3,1970-01-01 00:01:00\n"
        );
    }

    #[test]
    fn csv_tells_null_from_an_empty_text_by_a_text_for_it() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None, Some("a")]));
        let batch = RecordBatch::try_from_iter_with_nullable([("a", texts, true)]).unwrap();
        let rows = csv(&batch, Zone::default(), true, "\\N").unwrap();
        assert_eq!(String::from_utf8(rows).unwrap(), "a\n\"\"\n\\N\na\n");
    }

    #[test]
    fn markdown_has_a_line_for_each_row() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a|b\nc"), None]));
        let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter_with_nullable([("t", texts, true), ("n", n, true)]);
        let batch = batch.unwrap();
        let rows = [batch.slice(0, 1), batch.slice(1, 1)];
        assert_eq!(
            text(Format::Markdown, &rows, &batch.schema()),
            "| t | n |\n| --- | --- |\n| a\\|b<br>c | 1 |\n| NULL | 2 |\n"
        );
        assert_eq!(text(Format::Markdown, &[], &batch.schema()), "| t | n |\n| --- | --- |\n");
    }

    #[test]
    fn jsonl_has_its_nulls() {
        let batch = batch();
        let text = text(Format::Jsonl, std::slice::from_ref(&batch), &batch.schema());
        let second: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert!(second.as_object().unwrap().contains_key("n"), "{text}");
    }

    #[test]
    fn csv_without_rows_is_a_header() {
        assert_eq!(text(Format::Csv, &[], &batch().schema()), "name,n,at\n");
    }

    #[test]
    fn csv_leaves_a_field_empty_for_null_of_any_type() {
        let nulls: ArrayRef = Arc::new(arrow::array::NullArray::new(2));
        let n: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(2)]));
        let batch = RecordBatch::try_from_iter([("a", nulls), ("n", n)]).unwrap();
        assert_eq!(
            text(Format::Csv, std::slice::from_ref(&batch), &batch.schema()),
            "a,n\n,\n,2\n"
        );
    }

    #[test]
    fn csv_shows_nested_values_as_a_table_does() {
        let fields = vec![(
            Arc::new(Field::new("x", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![7])) as ArrayRef,
        )];
        let nested: ArrayRef = Arc::new(StructArray::from(fields));
        let batch = RecordBatch::try_from_iter([("s", nested)]).unwrap();
        assert_eq!(text(Format::Csv, std::slice::from_ref(&batch), &batch.schema()), "s\n{7}\n");
    }

    #[test]
    fn json_is_one_object_on_each_line() {
        let batch = batch();
        let rows = [batch.slice(0, 2), batch.slice(2, 1)];
        let text = text(Format::Json, &rows, &batch.schema());
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["name"], "a,b");
        assert_eq!(lines[0]["at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(lines[1]["n"], serde_json::Value::Null);
        assert_eq!(lines[2]["n"], 3);
        assert!(self::text(Format::Json, &[], &batch.schema()).is_empty());
    }

    #[test]
    fn a_plan_has_no_frame() {
        let plan: ArrayRef = Arc::new(StringArray::from(vec!["== Physical Plan ==\nScan [k]"]));
        let batch = RecordBatch::try_from_iter([("plan", plan)]).unwrap();
        let text = text(Format::Table, std::slice::from_ref(&batch), &batch.schema());
        assert_eq!(text, "== Physical Plan ==\nScan [k]\n");
    }

    #[test]
    fn a_table_shows_all_rows_whole() {
        let batch = batch();
        let text = text(Format::Table, &[batch.clone(), batch.clone()], &batch.schema());
        assert_eq!(text.lines().count(), 4 + 6, "{text}");
        assert!(text.contains("|a,b    |1   |1970-01-01 00:00:00  |"), "{text}");
    }
}
