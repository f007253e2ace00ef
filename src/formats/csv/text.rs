//! CSV in columns of text: one record in each value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder, StructArray};
use arrow::datatypes::{DataType, Fields, SchemaRef};

use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::csv::convert::{Reading, convert, is_supported};
use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::csv::infer::{Inference, kind as kind_of};
use crate::formats::csv::tokens::{Cell, Tokenizer};

/// Records as structs.
#[derive(Debug)]
pub struct Parsed {
    /// One for each text; null for a null.
    pub values: StructArray,
    /// The rows whose text is no record of these columns, in order. Cells that cannot be read are
    /// null in `values`, and the column for corrupt records shows the text.
    pub malformed: Vec<usize>,
}

/// Whether CSV can be read as a column of this type.
pub const fn is_readable(data_type: &DataType) -> bool {
    is_supported(data_type)
}

/// Reads each text as a record of these columns. What does not fit is null, whatever the mode.
///
/// # Errors
/// `Unsupported` for a type that CSV cannot be read as; `Data` for a text that the dialect refuses.
pub fn parse(
    texts: &StringArray,
    fields: &Fields,
    options: &CsvReadOptions,
    zone: TimeZone,
) -> Result<Parsed> {
    let is_corrupt = |name: &str| name == options.corrupt_column;
    let width = fields.iter().filter(|field| !is_corrupt(field.name())).count();
    let tokenizer = Tokenizer::new(&options.dialect, None);
    let mut columns: Vec<Vec<Cell<'_>>> = vec![Vec::with_capacity(texts.len()); width];
    let mut is_malformed = vec![false; texts.len()];
    let mut cells = vec![];
    for (row, is_malformed) in is_malformed.iter_mut().enumerate() {
        cells.clear();
        if texts.is_valid(row) {
            let text = texts.value(row);
            if !text.is_empty() && !tokenizer.is_comment(text) {
                let read = tokenizer.record(text, &mut cells);
                read.map_err(|why| Error::invalid(format!("`{text}` is no CSV: {why}")))?;
            }
            *is_malformed = cells.len() != width;
        }
        cells.resize(width, None);
        for (column, cell) in columns.iter_mut().zip(cells.drain(..)) {
            column.push(cell);
        }
    }
    let how = Reading { times: options.times.reader(zone), non_finite: &options.non_finite };
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len());
    let mut columns = columns.iter();
    for field in fields {
        if !is_corrupt(field.name())
            && let Some(column) = columns.next()
        {
            let converted = convert(column, field.data_type(), how)?;
            converted.misfits.iter().for_each(|row| is_malformed[*row] = true);
            arrays.push(converted.array);
        }
    }
    if let Some(at) = fields.iter().position(|field| is_corrupt(field.name())) {
        let mut shown = StringBuilder::new();
        for (row, is_malformed) in is_malformed.iter().enumerate() {
            shown.append_option(is_malformed.then(|| texts.value(row)));
        }
        arrays.insert(at, Arc::new(shown.finish()));
    }
    let nulls = texts.nulls().cloned();
    let values = StructArray::try_new_with_length(fields.clone(), arrays, nulls, texts.len())?;
    let malformed = (0..texts.len()).filter(|row| is_malformed[*row]).collect();
    Ok(Parsed { values, malformed })
}

/// The columns that one record has; the options say whether their types are inferred.
///
/// # Errors
/// `Invalid` for a text that the dialect refuses, or that is no record.
pub fn infer(text: &str, options: &CsvReadOptions) -> Result<SchemaRef> {
    let refused =
        |why: &dyn std::fmt::Display| Error::invalid(format!("`{text}` is no CSV: {why}"));
    let mut cells = vec![];
    let tokenizer = Tokenizer::new(&options.dialect, None);
    tokenizer.record(text, &mut cells).map_err(|why| refused(&why))?;
    let mut inference = Inference::new(options);
    inference.first(&cells);
    inference.finish().ok_or_else(|| refused(&"it has no columns"))
}

/// One value as a cell has it, in an array of one; `None` for a text that is no such value.
///
/// # Errors
/// `Unsupported` for a type that CSV cannot be read as.
pub fn value(text: &str, data_type: &DataType, zone: TimeZone) -> Result<Option<ArrayRef>> {
    let options = CsvReadOptions::default();
    let how = Reading { times: options.times.reader(zone), non_finite: &options.non_finite };
    let converted = convert(&[Some(text.into())], data_type, how)?;
    Ok(converted.misfits.is_empty().then_some(converted.array))
}

/// The type that a value would be inferred to have.
pub fn kind(text: &str) -> DataType {
    kind_of(text, &CsvReadOptions::default()).data_type()
}
