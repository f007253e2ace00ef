//! What all formats of malformed records share: the parse mode, which columns are looked at, and
//! the batch that comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Fields, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::formats::format::{ReadCounts, ReadRequest, project};

/// What becomes of a record that cannot be read as it was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParseMode {
    /// What cannot be read is null; the text of the record goes to the column for corrupt records.
    #[default]
    Permissive,
    /// The rows of the record are left out.
    DropMalformed,
    /// Reading fails.
    FailFast,
}

impl ParseMode {
    /// The mode of this name, without regard to case.
    pub fn find(name: &str) -> Option<Self> {
        match name.trim().to_ascii_uppercase().as_str() {
            "PERMISSIVE" => Some(Self::Permissive),
            "DROPMALFORMED" => Some(Self::DropMalformed),
            "FAILFAST" => Some(Self::FailFast),
            _ => None,
        }
    }
}

/// The malformed records of a batch by their index, and why.
pub(super) type Malformed = BTreeMap<usize, String>;

/// Which columns of a schema are looked at, and what is made of them.
#[derive(Debug)]
pub(super) struct Selection {
    mode: ParseMode,
    /// The columns that are looked at in each record.
    fields: Fields,
    /// Their places among the columns of records, the one for corrupt records not counted.
    places: Vec<usize>,
    output: SchemaRef,
    /// Where each column of the output comes from.
    columns: Vec<Column>,
    /// How many columns a record has.
    width: usize,
    counts: Arc<ReadCounts>,
}

#[derive(Debug, Clone, Copy)]
enum Column {
    /// The field with this index.
    Field(usize),
    /// The text of malformed records.
    Corrupt,
}

impl Selection {
    /// Whether a record is malformed must not depend on the projection where that decides about
    /// rows, so all columns are looked at except where malformed fields are null and no more.
    pub(super) fn new(mode: ParseMode, corrupt_column: &str, request: &ReadRequest) -> Self {
        let (schema, projection) = (&request.schema, &request.projection);
        let corrupt = schema.fields().iter().position(|field| field.name() == corrupt_column);
        let is_corrupt = |at: usize| Some(at) == corrupt;
        let shows_corrupt = projection.iter().any(|at| is_corrupt(*at));
        let looks_at_all = mode != ParseMode::Permissive || shows_corrupt;
        let looked_at: Vec<usize> = if looks_at_all {
            (0..schema.fields().len()).filter(|at| !is_corrupt(*at)).collect()
        } else {
            projection.clone()
        };
        let columns = projection.iter().map(|at| {
            looked_at.iter().position(|field| field == at).map_or(Column::Corrupt, Column::Field)
        });
        Self {
            mode,
            columns: columns.collect(),
            fields: looked_at.iter().map(|at| Arc::clone(&schema.fields()[*at])).collect(),
            places: looked_at
                .iter()
                .map(|at| at - usize::from(corrupt.is_some_and(|corrupt| corrupt < *at)))
                .collect(),
            output: project(schema, projection),
            width: schema.fields().len() - usize::from(corrupt.is_some()),
            counts: Arc::clone(&request.counts),
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.output)
    }

    /// The columns that are looked at.
    pub(super) const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Their places in a record.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// How many columns a record has.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// The batch of the columns that were looked at, one row for each of `origins`, which says of
    /// which record a row came. `Err(why)` in `FAILFAST` when a record is malformed.
    pub(super) fn batch<T: AsRef<str>>(
        &self,
        arrays: &[ArrayRef],
        origins: &[usize],
        mut malformed: Malformed,
        text: impl Fn(usize) -> T,
    ) -> Result<Result<RecordBatch, String>> {
        self.counts.add_malformed(malformed.len());
        if self.mode == ParseMode::FailFast
            && let Some((_, why)) = malformed.pop_first()
        {
            return Ok(Err(why));
        }
        let columns = self.columns.iter().map(|column| match column {
            Column::Field(at) => Arc::clone(&arrays[*at]),
            Column::Corrupt => {
                let mut texts = StringBuilder::new();
                for at in origins {
                    let is_shown = malformed.contains_key(at) && self.mode == ParseMode::Permissive;
                    texts.append_option(is_shown.then(|| text(*at)));
                }
                Arc::new(texts.finish()) as ArrayRef
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(origins.len()));
        let schema = Arc::clone(&self.output);
        let batch = RecordBatch::try_new_with_options(schema, columns.collect(), &options)?;
        if self.mode == ParseMode::DropMalformed && !malformed.is_empty() {
            self.counts.add_dropped(malformed.len());
            let keep = origins.iter().map(|at| Some(!malformed.contains_key(at)));
            return Ok(Ok(filter_record_batch(&batch, &keep.collect::<BooleanArray>())?));
        }
        Ok(Ok(batch))
    }
}

/// Checks the column for corrupt records, if the schema has it.
pub(super) fn check_corrupt_column(schema: &Schema, corrupt_column: &str) -> Result<()> {
    let column = schema.fields().iter().find(|field| field.name() == corrupt_column);
    match column {
        Some(field) if *field.data_type() != DataType::Utf8 => Err(Error::invalid(format!(
            "column `{corrupt_column}` takes the text of malformed records and must be a STRING, not {}",
            field.data_type()
        ))),
        _ => Ok(()),
    }
}

/// The beginning of a text, short enough for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Says which of the records a schema is inferred from: about so many of each hundred, always the
/// same ones.
#[derive(Debug)]
pub(super) struct Sample {
    ratio: f64,
    credit: f64,
}

impl Sample {
    /// The first record and then this share of all.
    pub(super) const fn new(ratio: f64) -> Self {
        Self { ratio, credit: 1.0 - ratio }
    }

    /// Whether the next record is one of them.
    pub(super) fn takes_next(&mut self) -> bool {
        self.credit += self.ratio;
        let takes = self.credit >= 1.0;
        if takes {
            self.credit -= 1.0;
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_first_record_and_its_share_of_the_rest() {
        let mut sample = Sample::new(0.25);
        let taken: Vec<bool> = (0..8).map(|_| sample.takes_next()).collect();
        assert_eq!(taken, [true, false, false, false, true, false, false, false]);
        let mut all = Sample::new(1.0);
        assert!((0..100).all(|_| all.takes_next()));
    }
}
