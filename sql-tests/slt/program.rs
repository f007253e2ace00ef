//! What a test remembers of a streaming table: how it was made, and what was checked already.

use std::collections::BTreeMap;

use millstream::StreamingQueryProgress;
use millstream::connector::output_mode::OutputMode;
use millstream::sql::statement::{self, Statement};

use crate::outcome::Fallible;
use crate::slt::column_type::ColumnLetter;

/// A streaming table that a test made.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The statement that made it.
    pub(super) text: String,
    mode: OutputMode,
    /// How often each row was there at the last check.
    checked: BTreeMap<Vec<String>, usize>,
    /// The first epoch that was not checked.
    next_epoch: u64,
}

impl Program {
    /// Reads the name of the table and how it is made, if this is a CREATE STREAMING TABLE.
    pub(super) fn of(text: &str) -> Option<(String, Self)> {
        let statements = statement::parse(text).ok()?;
        let [Statement::CreateStreamingTable(create)] = statements.as_slice() else { return None };
        let program = Self {
            text: text.to_owned(),
            mode: create.mode,
            checked: BTreeMap::new(),
            next_epoch: 0,
        };
        Some((create.name.clone(), program))
    }

    /// The rows that came since the last check. In complete mode all are new.
    pub(super) fn new_rows(&mut self, rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
        let mut old = std::mem::take(&mut self.checked);
        for row in &rows {
            *self.checked.entry(row.clone()).or_default() += 1;
        }
        if self.mode == OutputMode::Complete {
            return rows;
        }
        let is_new = |row: &Vec<String>| match old.get_mut(row) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        rows.into_iter().filter(is_new).collect()
    }

    /// The epochs that ran since the last check.
    pub(super) fn new_epochs(
        &mut self,
        all: Vec<StreamingQueryProgress>,
    ) -> Vec<StreamingQueryProgress> {
        let first = self.next_epoch;
        self.next_epoch = all.last().map_or(first, |last| last.batch_id + 1);
        all.into_iter().filter(|progress| progress.batch_id >= first).collect()
    }
}

/// The letter of a field of a progress report.
pub(super) fn letter(name: &str) -> ColumnLetter {
    match name {
        "watermark" | "min" | "max" | "avg" | "timestamp" => ColumnLetter::Timestamp,
        _ => ColumnLetter::Integer,
    }
}

/// A field of a progress report, as text.
pub(super) fn field(progress: &StreamingQueryProgress, name: &str) -> Fallible<String> {
    let operators = &progress.state_operators;
    let number = match name {
        "epoch" => progress.batch_id,
        "input_rows" => progress.num_input_rows,
        "dropped_by_watermark" => {
            operators.iter().map(|operator| operator.num_rows_dropped_by_watermark).sum()
        }
        "state_rows" => operators.iter().map(|operator| operator.num_rows_total).sum(),
        "state_updated" => operators.iter().map(|operator| operator.num_rows_updated).sum(),
        "state_removed" => operators.iter().map(|operator| operator.num_rows_removed).sum(),
        "partitions" => operators.iter().map(|operator| operator.num_shuffle_partitions).sum(),
        "malformed" => source_metric(progress, "malformedRecords"),
        "dropped" => source_metric(progress, "droppedRecords"),
        "corrupt_files" => source_metric(progress, "ignoredCorruptFiles"),
        "missing_files" => source_metric(progress, "ignoredMissingFiles"),
        "output_rows" => return Ok(progress.sink.num_output_rows.to_string()),
        "timestamp" => return Ok(progress.timestamp.clone()),
        "watermark" | "min" | "max" | "avg" => {
            let time = progress.event_time.get(name);
            return Ok(time.map_or("NULL", String::as_str).to_owned());
        }
        _ => return Err(format!("a progress report has no field {name}; README.md has all").into()),
    };
    Ok(number.to_string())
}

/// What the sources of an epoch counted under this name, together.
fn source_metric(progress: &StreamingQueryProgress, name: &str) -> u64 {
    let counts = progress.sources.iter().filter_map(|source| source.metrics.get(name));
    counts.filter_map(|count| count.parse::<u64>().ok()).sum()
}
