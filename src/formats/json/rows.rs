//! Lines to record batches, by the parse mode.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Fields, Schema, SchemaRef};

use crate::error::Result;
use crate::formats::format::project;
use crate::formats::json::cells::Cells;
use crate::formats::json::convert::convert;
use crate::formats::json::format::{JsonReadOptions, ParseMode};
use crate::formats::json::lines::Line;
use crate::formats::json::scan::Broken;

/// Makes batches of some columns of a schema.
#[derive(Debug)]
pub(super) struct RowReader {
    mode: ParseMode,
    /// The columns that are looked at in each line.
    fields: Fields,
    output: SchemaRef,
    /// Where each column of the output comes from.
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Copy)]
enum Column {
    /// The field with this index.
    Field(usize),
    /// The text of malformed lines.
    Corrupt,
}

/// A malformed line: which row of the batch shows it, and why.
type Malformed = BTreeMap<usize, String>;

impl RowReader {
    /// Whether a line is malformed must not depend on the projection where that decides about
    /// rows, so all columns are looked at except where malformed fields are null and no more.
    pub(super) fn new(options: &JsonReadOptions, schema: &Schema, projection: &[usize]) -> Self {
        let is_corrupt = |at: usize| schema.field(at).name() == &options.corrupt_column;
        let shows_corrupt = projection.iter().any(|at| is_corrupt(*at));
        let looks_at_all = options.mode != ParseMode::Permissive || shows_corrupt;
        let looked_at: Vec<usize> = if looks_at_all {
            (0..schema.fields().len()).filter(|at| !is_corrupt(*at)).collect()
        } else {
            projection.to_vec()
        };
        let fields = looked_at.iter().map(|at| Arc::clone(&schema.fields()[*at])).collect();
        let columns = projection.iter().map(|at| {
            looked_at.iter().position(|field| field == at).map_or(Column::Corrupt, Column::Field)
        });
        Self {
            mode: options.mode,
            fields,
            output: project(schema, projection),
            columns: columns.collect(),
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }

    /// The rows of some lines. `Err(why)` in `FAILFAST` when one is malformed.
    pub(super) fn batch(&self, lines: &[Line<'_>]) -> Result<Result<RecordBatch, String>> {
        let mut cells = Cells::new(&self.fields, lines.len());
        let mut origins = Vec::with_capacity(lines.len());
        // Malformed lines by their index among the lines.
        let mut malformed = Malformed::new();
        for (at, line) in lines.iter().enumerate() {
            let added = if line.is_utf8 { cells.line(&line.text) } else { Err(Broken(0)) };
            if let Err(broken) = added {
                cells.nulls();
                malformed.insert(at, broken_line(line, broken));
            }
            origins.resize(cells.rows(), at);
        }
        let mut arrays = Vec::with_capacity(self.fields.len());
        for (values, field) in cells.columns().iter().zip(&self.fields) {
            let converted = convert(values, field.data_type())?;
            for misfit in converted.misfits {
                let line = &lines[origins[misfit.row]];
                malformed.entry(origins[misfit.row]).or_insert_with(|| {
                    let value = values[misfit.row].as_text().unwrap_or_default();
                    format!(
                        "line {}: column `{}` of type {} cannot hold `{}`",
                        line.number,
                        field.name(),
                        field.data_type(),
                        shortened(&value)
                    )
                });
            }
            arrays.push(converted.array);
        }
        if self.mode == ParseMode::FailFast
            && let Some((_, why)) = malformed.pop_first()
        {
            return Ok(Err(why));
        }
        let batch = self.assemble(&arrays, lines, &origins, &malformed)?;
        if self.mode == ParseMode::DropMalformed && !malformed.is_empty() {
            let keep = origins.iter().map(|at| Some(!malformed.contains_key(at)));
            return Ok(Ok(filter_record_batch(&batch, &keep.collect::<BooleanArray>())?));
        }
        Ok(Ok(batch))
    }

    fn assemble(
        &self,
        arrays: &[ArrayRef],
        lines: &[Line<'_>],
        origins: &[usize],
        malformed: &Malformed,
    ) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|column| match column {
            Column::Field(at) => Arc::clone(&arrays[*at]),
            Column::Corrupt => {
                let mut texts = StringBuilder::new();
                for at in origins {
                    let is_shown = malformed.contains_key(at) && self.mode == ParseMode::Permissive;
                    texts.append_option(is_shown.then(|| lines[*at].text.as_ref()));
                }
                Arc::new(texts.finish()) as ArrayRef
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(origins.len()));
        let schema = Arc::clone(&self.output);
        Ok(RecordBatch::try_new_with_options(schema, columns.collect(), &options)?)
    }
}

fn broken_line(line: &Line<'_>, broken: Broken) -> String {
    let number = line.number;
    let text = shortened(&line.text);
    if line.is_utf8 {
        format!("line {number} is no JSON object at byte {}: `{text}`", broken.0 + 1)
    } else {
        format!("line {number} is not UTF-8: `{text}`")
    }
}

/// The beginning of a text, short enough for a message.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
