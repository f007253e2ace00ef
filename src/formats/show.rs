//! Rows as a table of text, laid out as Spark's `show` does: what the console sink prints for an
//! epoch and what the command line prints for a query.
//!
//! ```text
//! +----+-----+
//! |user|count|
//! +----+-----+
//! | ann|    2|
//! |NULL|    1|
//! +----+-----+
//! ```

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use unicode_width::UnicodeWidthStr;

use crate::error::Result;
use crate::formats::display::{Zone, write_value};

/// No column is narrower than this.
const LEAST_WIDTH: usize = 3;

/// How rows are shown.
#[derive(Debug, Clone, Copy)]
pub struct ShowOptions {
    /// How many rows at most; a line below the table says when there are more.
    pub rows: usize,
    /// To how many characters a value is cut. `None` shows values whole, and aligned to the left.
    pub truncate: Option<usize>,
    /// The time zone in which points in time are shown.
    pub zone: Zone,
}

/// The first rows of `batches` as a table, each line ended by a line feed.
///
/// # Errors
/// `Data` for a value that its type does not allow.
pub fn show(schema: &Schema, batches: &[RecordBatch], options: &ShowOptions) -> Result<String> {
    let mut lines = vec![schema.fields().iter().map(|field| escape(field.name())).collect()];
    let mut has_more = false;
    for batch in batches {
        let room = options.rows - (lines.len() - 1);
        has_more |= batch.num_rows() > room;
        for row in 0..batch.num_rows().min(room) {
            lines.push(cells(batch, row, options)?);
        }
    }
    let mut out = layout(&lines, options.truncate.is_some());
    if has_more {
        let noun = if options.rows == 1 { "row" } else { "rows" };
        out.push_str(&format!("only showing top {} {noun}\n", options.rows));
    }
    Ok(out)
}

fn cells(batch: &RecordBatch, row: usize, options: &ShowOptions) -> Result<Vec<String>> {
    let mut cells = Vec::with_capacity(batch.num_columns());
    for column in batch.columns() {
        let mut text = String::new();
        write_value(&mut text, column.as_ref(), row, &options.zone)?;
        let text = escape(&text);
        cells.push(options.truncate.map_or_else(|| text.clone(), |most| cut(&text, most)));
    }
    Ok(cells)
}

/// A cut value ends with three dots where there is room for them.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    if most < 4 {
        return text.chars().take(most).collect();
    }
    text.chars().take(most - 3).chain("...".chars()).collect()
}

/// Characters that would break the lines of the table are shown by their names.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0c}' => out.push_str("\\f"),
            '\u{08}' => out.push_str("\\b"),
            '\u{0b}' => out.push_str("\\v"),
            '\u{07}' => out.push_str("\\a"),
            // A terminal would obey the other control characters.
            other if other.is_control() => out.extend(other.escape_unicode()),
            other => out.push(other),
        }
    }
    out
}

fn layout(lines: &[Vec<String>], to_the_right: bool) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().map(|line| line[at].width()).fold(LEAST_WIDTH, usize::max))
        .collect();
    let rule = rule(&widths);
    let mut out = rule.clone();
    for (number, line) in lines.iter().enumerate() {
        out.push('|');
        for (cell, width) in line.iter().zip(&widths) {
            let blanks = " ".repeat(width - cell.width());
            let (before, after) = if to_the_right { (&*blanks, "") } else { ("", &*blanks) };
            out.extend([before, cell, after, "|"]);
        }
        // A table without columns still has both its borders.
        out.push_str(if columns == 0 { "|\n" } else { "\n" });
        if number == 0 {
            out.push_str(&rule);
        }
    }
    out.push_str(&rule);
    out
}

fn rule(widths: &[usize]) -> String {
    let mut out = "+".to_owned();
    for width in widths {
        out.push_str(&"-".repeat(*width));
        out.push('+');
    }
    out.push_str(if widths.is_empty() { "+\n" } else { "\n" });
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn options(rows: usize, truncate: Option<usize>) -> ShowOptions {
        ShowOptions { rows, truncate, zone: Zone::parse("UTC").unwrap() }
    }

    fn batch(names: &[Option<&str>]) -> RecordBatch {
        let counts: Int64Array = (1..).take(names.len()).map(Some).collect();
        let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        RecordBatch::try_from_iter_with_nullable([
            ("user", names, true),
            ("n", Arc::new(counts) as ArrayRef, true),
        ])
        .unwrap()
    }

    fn shown(names: &[Option<&str>], options: &ShowOptions) -> String {
        let batch = batch(names);
        show(&batch.schema(), &[batch], options).unwrap()
    }

    #[test]
    fn cells_stand_to_the_right_and_columns_are_three_wide() {
        let text = shown(&[Some("ann"), None], &options(20, Some(20)));
        assert_eq!(
            text,
            "+----+---+\n\
             |user|  n|\n\
             +----+---+\n\
             | ann|  1|\n\
             |NULL|  2|\n\
             +----+---+\n"
        );
    }

    #[test]
    fn long_values_end_in_dots_unless_there_is_no_room() {
        let long = "abcdefghijklmnopqrstuvwxyz";
        let text = shown(&[Some(long)], &options(20, Some(20)));
        assert!(text.contains("|abcdefghijklmnopq...|  1|\n"), "{text}");
        assert!(shown(&[Some(long)], &options(20, Some(3))).contains("| abc|"), "{text}");
    }

    #[test]
    fn whole_values_stand_to_the_left() {
        let text = shown(&[Some("ann"), Some("somebody else and more")], &options(20, None));
        assert!(text.contains("|ann                   |1  |\n"), "{text}");
        assert!(text.contains("|somebody else and more|2  |\n"), "{text}");
    }

    #[test]
    fn more_rows_than_asked_for_are_mentioned() {
        let names = [Some("a"), Some("b"), Some("c")];
        assert!(shown(&names, &options(2, None)).ends_with("+\nonly showing top 2 rows\n"));
        assert!(shown(&names, &options(1, None)).ends_with("+\nonly showing top 1 row\n"));
        assert!(shown(&names, &options(3, None)).ends_with("+\n"));
        let batch = batch(&names);
        let twice = [batch.clone(), batch.clone()];
        let text = show(&batch.schema(), &twice, &options(3, None)).unwrap();
        assert!(text.ends_with("only showing top 3 rows\n"), "{text}");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let text = shown(&[Some("\u{6771}\u{4eac}"), Some("x")], &options(20, Some(20)));
        assert!(text.contains("|\u{6771}\u{4eac}|  1|\n|   x|  2|\n"), "{text}");
    }

    #[test]
    fn line_feeds_and_escape_sequences_cannot_break_the_table() {
        let text = shown(&[Some("a\nb"), Some("\u{1b}[31m")], &options(20, Some(20)));
        assert!(text.contains("a\\nb|"), "{text}");
        assert!(text.contains("\\u{1b}[31m|"), "{text}");
    }

    #[test]
    fn a_table_without_rows_or_columns_has_its_borders() {
        assert_eq!(
            show(&Schema::empty(), &[], &options(20, Some(20))).unwrap(),
            "++\n||\n++\n++\n"
        );
        let text = shown(&[], &options(20, Some(20)));
        assert_eq!(text, "+----+---+\n|user|  n|\n+----+---+\n+----+---+\n");
    }
}
