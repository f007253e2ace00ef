//! Lines to record batches, by the parse mode.

use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::format::ReadRequest;
use crate::formats::json::cells::Cells;
use crate::formats::json::convert::{Reading, convert};
use crate::formats::json::format::JsonReadOptions;
use crate::formats::json::scan::Broken;
use crate::formats::lines::Line;
use crate::formats::records::{Malformed, Selection, shortened};
use crate::formats::type_name::sql_type_name;

/// Makes batches of some columns of a schema.
#[derive(Debug)]
pub(super) struct RowReader {
    options: JsonReadOptions,
    selection: Selection,
    zone: TimeZone,
}

impl RowReader {
    pub(super) fn new(options: &JsonReadOptions, request: &ReadRequest) -> Self {
        Self {
            selection: Selection::new(options.mode, &options.corrupt_column, request),
            options: options.clone(),
            zone: request.zone,
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.selection.schema()
    }

    /// The rows of some lines. `Err(why)` in `FAILFAST` when one is malformed.
    pub(super) fn batch(&self, lines: &[Line<'_>]) -> Result<Result<RecordBatch, String>> {
        let how =
            Reading { rules: self.options.rules, times: self.options.times.reader(self.zone) };
        let texts: Vec<Cow<'_, str>> = lines.iter().map(Line::text).collect();
        let fields = self.selection.fields();
        let mut cells = Cells::new(fields, lines.len(), how.rules);
        let mut origins = Vec::with_capacity(lines.len());
        // Malformed lines by their index among the lines.
        let mut malformed = Malformed::new();
        for (at, (line, text)) in lines.iter().zip(&texts).enumerate() {
            let is_utf8 = matches!(text, Cow::Borrowed(_));
            let added = if is_utf8 { cells.line(text) } else { Err(Broken(0)) };
            if let Err(broken) = added {
                cells.nulls();
                malformed.insert(at, broken_line(line.number, text, is_utf8, broken));
            }
            origins.resize(cells.rows(), at);
        }
        let mut arrays = Vec::with_capacity(fields.len());
        for (values, field) in cells.columns().iter().zip(fields) {
            let converted = convert(values, field.data_type(), how)?;
            for misfit in converted.misfits {
                let line = &lines[origins[misfit.row]];
                malformed.entry(origins[misfit.row]).or_insert_with(|| {
                    let value = values[misfit.row].as_text().unwrap_or_default();
                    format!(
                        "line {}: column `{}` of type {} cannot hold `{}`",
                        line.number,
                        field.name(),
                        sql_type_name(field.data_type()),
                        shortened(&value)
                    )
                });
            }
            arrays.push(converted.array);
        }
        self.selection.batch(&arrays, &origins, malformed, |at| &texts[at])
    }
}

fn broken_line(number: u64, text: &str, is_utf8: bool, broken: Broken) -> String {
    let text = shortened(text);
    if is_utf8 {
        format!("line {number} is no JSON object at byte {}: `{text}`", broken.0 + 1)
    } else {
        format!("line {number} is not UTF-8: `{text}`")
    }
}
