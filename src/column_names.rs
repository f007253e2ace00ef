//! Columns of one name. The result of a query may have them, `SELECT a.k, b.k`; a plan of
//! DataFusion may not, and no table, for nobody could ask for one of them.
//!
//! In a plan every column but the first of its name is called by a name of ours that tells which
//! one it is. What leaves the engine is called again as the user called it.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::error::internal_names::TWIN;
use crate::error::{Error, Result};

/// The name in a plan of the column that is called `name` and has so many of that name before it.
pub fn twin(name: &str, before: usize) -> String {
    if before == 0 { name.to_owned() } else { format!("{TWIN}{before}_{name}") }
}

/// Whether a name is that of a column that has others of its name before it.
pub fn is_twin(name: &str) -> bool {
    shown(name).len() < name.len()
}

/// What the user calls a column of a plan.
pub fn shown(name: &str) -> &str {
    let Some(rest) = name.strip_prefix(TWIN) else { return name };
    match rest.split_once('_') {
        Some((number, shown)) if number.bytes().all(|byte| byte.is_ascii_digit()) => shown,
        _ => name,
    }
}

/// The columns under the names that the user gave them.
pub fn shown_schema(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<arrow::datatypes::Field>| match is_twin(field.name()) {
        true => Arc::new(field.as_ref().clone().with_name(shown(field.name()))),
        false => Arc::clone(field),
    };
    let fields: Vec<_> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Rows whose columns have the names that the user gave them.
///
/// # Errors
/// None but those of Arrow, for rows that are not well formed.
pub fn shown_batch(rows: RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    if !rows.schema_ref().fields().iter().any(|field| is_twin(field.name())) {
        return Ok(rows);
    }
    let schema = shown_schema(rows.schema_ref());
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(schema, rows.columns().to_vec(), &count)
}

/// Refuses columns of one name where `place` would keep them. Case does not tell names apart.
///
/// # Errors
/// `Invalid`.
pub fn refuse_twins(schema: &Schema, place: &str) -> Result<()> {
    let names: Vec<String> =
        schema.fields().iter().map(|field| shown(field.name()).to_lowercase()).collect();
    let second = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    match second.and_then(|(at, _)| schema.fields().get(at)) {
        None => Ok(()),
        Some(field) => Err(Error::invalid(format!(
            "the rows have more than one column `{}`, which {place} cannot tell apart; rename one with AS",
            shown(field.name())
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_shown_as_it_was_called() {
        for (name, before) in [("k", 0), ("k", 1), ("a_b", 12), ("", 2), ("__millstream_twin_x", 1)]
        {
            assert_eq!(shown(&twin(name, before)), name);
            assert_eq!(is_twin(&twin(name, before)), before > 0);
        }
    }
}
