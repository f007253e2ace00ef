//! Records to batches, by the parse mode.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::csv::convert::{Reading, convert};
use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::csv::tokens::Cell;
use crate::formats::format::ReadRequest;
use crate::formats::records::{Malformed, Selection, shortened};
use crate::formats::type_name::sql_type_name;

/// A record that was cut into cells: where it came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'t> {
    /// Its number, or that of its first line.
    pub(super) number: u64,
    pub(super) text: &'t str,
}

/// Makes batches of some columns of a schema.
#[derive(Debug)]
pub(super) struct RowReader {
    pub(super) options: CsvReadOptions,
    pub(super) selection: Selection,
    zone: TimeZone,
}

impl RowReader {
    pub(super) fn new(options: &CsvReadOptions, request: &ReadRequest) -> Self {
        Self {
            selection: Selection::new(options.mode, &options.corrupt_column, request),
            options: options.clone(),
            zone: request.zone,
        }
    }

    /// No rows yet, with room for so many.
    pub(super) fn rows(&self, capacity: usize) -> Rows<'_, '_> {
        let columns = self.selection.fields().iter().map(|_| Vec::with_capacity(capacity));
        Rows {
            reader: self,
            columns: columns.collect(),
            origins: Vec::with_capacity(capacity),
            malformed: Malformed::new(),
        }
    }
}

/// The cells of some records, by column.
#[derive(Debug)]
pub(super) struct Rows<'r, 't> {
    reader: &'r RowReader,
    columns: Vec<Vec<Cell<'t>>>,
    origins: Vec<Origin<'t>>,
    malformed: Malformed,
}

impl<'t> Rows<'_, 't> {
    pub(super) fn len(&self) -> usize {
        self.origins.len()
    }

    /// Adds a record. One with too few or too many cells is malformed; what it has counts.
    pub(super) fn add(&mut self, origin: Origin<'t>, cells: &mut [Cell<'t>]) {
        let selection = &self.reader.selection;
        if cells.len() != selection.width() {
            let why = format!(
                "line {} has {} columns where {} are expected: `{}`",
                origin.number,
                cells.len(),
                selection.width(),
                shortened(origin.text)
            );
            self.malformed.insert(self.origins.len(), why);
        }
        for (column, place) in self.columns.iter_mut().zip(selection.places()) {
            column.push(cells.get_mut(*place).and_then(Option::take));
        }
        self.origins.push(origin);
    }

    /// The batch. `Err(why)` in `FAILFAST` when a record is malformed.
    pub(super) fn batch(self) -> Result<Result<RecordBatch, String>> {
        let Self { reader, columns, origins, mut malformed } = self;
        let how = Reading {
            times: reader.options.times.reader(reader.zone),
            non_finite: &reader.options.non_finite,
        };
        let mut arrays = Vec::with_capacity(columns.len());
        for (cells, field) in columns.iter().zip(reader.selection.fields()) {
            let converted = convert(cells, field.data_type(), how)?;
            for row in converted.misfits {
                malformed.entry(row).or_insert_with(|| {
                    format!(
                        "line {}: column `{}` of type {} cannot hold `{}`",
                        origins[row].number,
                        field.name(),
                        sql_type_name(field.data_type()),
                        shortened(cells[row].as_deref().unwrap_or_default())
                    )
                });
            }
            arrays.push(converted.array);
        }
        let rows: Vec<usize> = (0..origins.len()).collect();
        reader.selection.batch(&arrays, &rows, malformed, |row| origins[row].text)
    }
}
