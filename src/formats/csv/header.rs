//! The names of columns in the first record of a file.

use arrow::datatypes::Schema;

use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::csv::tokens::Cell;

/// The names that columns get from a header: each its own, those of one name with their place
/// behind it, and `_c` and the place where there is none.
pub(super) fn names(cells: &[Cell<'_>]) -> Vec<String> {
    let lower: Vec<Option<String>> =
        cells.iter().map(|cell| cell.as_deref().map(str::to_lowercase)).collect();
    let name = |(at, cell): (usize, &Cell<'_>)| match cell.as_deref() {
        None | Some("") => format!("_c{at}"),
        Some(name) if lower.iter().filter(|other| **other == lower[at]).count() > 1 => {
            format!("{name}{at}")
        }
        Some(name) => name.to_owned(),
    };
    cells.iter().enumerate().map(name).collect()
}

/// Whether a header names the columns of a schema, in their order. `Err` says what differs.
pub(super) fn check(
    cells: &[Cell<'_>],
    schema: &Schema,
    options: &CsvReadOptions,
) -> Result<(), String> {
    let expected: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| *name != options.corrupt_column)
        .collect();
    let given: Vec<&str> = cells.iter().map(|cell| cell.as_deref().unwrap_or_default()).collect();
    let is_same = expected.len() == given.len()
        && expected.iter().zip(&given).all(|(a, b)| a.to_lowercase() == b.to_lowercase());
    if is_same {
        return Ok(());
    }
    Err(format!(
        "its header names the columns `{}`, and the schema has `{}`",
        given.join(", "),
        expected.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_distinct_without_regard_to_case() {
        let cells: Vec<Cell<'_>> =
            [Some("a"), Some("A"), Some("a"), None, Some("b")].map(|c| c.map(Into::into)).into();
        assert_eq!(names(&cells), ["a0", "A1", "a2", "_c3", "b"]);
    }
}
