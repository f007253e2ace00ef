//! Tables for a terminal: no wider than it is, and in a pager where they are longer.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use console::Term;
use millstream::Result;
use millstream::formats::display::Zone;
use millstream::formats::show::{ShowOptions, show};
use unicode_width::UnicodeWidthStr;

use super::output::as_text;

/// To how many characters texts are cut, one try after the other.
const CUTS: [usize; 4] = [80, 40, 30, 20];

/// What stands for all that is left out.
const DOTS: &str = "…";

/// How results are shown at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Whether tables may be wider than the terminal.
    pub(crate) is_wide: bool,
    /// Whether what is longer than the terminal goes to a pager.
    pub(crate) has_pager: bool,
}

impl Screen {
    /// That of the standard output, where it is a terminal.
    pub(crate) fn of_stdout() -> Option<Self> {
        std::io::stdout().is_terminal().then_some(Self { is_wide: false, has_pager: true })
    }

    /// How many characters a line has, unless it may have any number.
    pub(crate) fn width(self) -> Option<usize> {
        let (_rows, columns) = Term::stdout().size_checked()?;
        (!self.is_wide).then_some(usize::from(columns))
    }

    /// Shows a text in a pager, if it is too long to be seen at once; whether it did.
    pub(crate) fn page(self, text: &[u8]) -> bool {
        let Some((rows, _columns)) = Term::stdout().size_checked() else { return false };
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        if !self.has_pager || lines < usize::from(rows) {
            return false;
        }
        let named = std::env::var("PAGER").ok().filter(|named| !named.trim().is_empty());
        let line = named.unwrap_or_else(|| "less -S".to_owned());
        let mut words = line.split_whitespace();
        let Some(program) = words.next() else { return false };
        let Ok(mut pager) = Command::new(program).args(words).stdin(Stdio::piped()).spawn() else {
            return false;
        };
        if let Some(mut stdin) = pager.stdin.take() {
            // Who leaves the pager early has seen enough.
            let _left_early = stdin.write_all(text);
        }
        pager.wait().is_ok_and(|status| status.success())
    }
}

/// Rows as a table of at most `width` characters a line, where that is possible: long texts are cut,
/// then columns in the middle are left out, and a line below says so.
pub(crate) fn table(
    schema: &SchemaRef,
    rows: &[RecordBatch],
    zone: Zone,
    width: Option<usize>,
) -> Result<String> {
    let options = ShowOptions { rows: usize::MAX, truncate: None, zone };
    let whole = show(schema, rows, &options)?;
    let fits = |table: &str| {
        let first = table.lines().next().unwrap_or_default();
        width.is_none_or(|width| first.width() <= width)
    };
    if fits(&whole) {
        return Ok(whole);
    }
    let texts = texts(schema, rows, zone)?;
    let mut last = whole;
    for most in CUTS {
        last = with_cut(&texts, most, &options)?;
        if fits(&last) {
            return Ok(last + "long texts are cut; `.wide on` shows them whole\n");
        }
    }
    let all = schema.fields().len();
    let shown = (2..all).rev().find_map(|kept| {
        let few = without_middle(&texts, kept)?;
        let table = with_cut(&few, CUTS[CUTS.len() - 1], &options).ok()?;
        let note = format!("{kept} of {all} columns are shown; `.wide on` shows all\n");
        fits(&table).then(|| table + &note)
    });
    Ok(shown.unwrap_or(last))
}

/// The columns as texts, null where they are null.
fn texts(
    schema: &SchemaRef,
    rows: &[RecordBatch],
    zone: Zone,
) -> Result<Vec<(String, Vec<ArrayRef>)>> {
    let column = |at: usize| -> Result<Vec<ArrayRef>> {
        rows.iter().map(|batch| as_text(batch.column(at), zone)).collect()
    };
    let fields = schema.fields().iter().enumerate();
    fields.map(|(at, field)| Ok((field.name().clone(), column(at)?))).collect()
}

fn with_cut(
    columns: &[(String, Vec<ArrayRef>)],
    most: usize,
    options: &ShowOptions,
) -> Result<String> {
    let fields = columns.iter().map(|(name, _)| Field::new(cut(name, most), DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = columns.first().map_or(0, |(_, batches)| batches.len());
    let batch = |at: usize| {
        let arrays: Vec<ArrayRef> = columns
            .iter()
            .map(|(_, batches)| {
                let texts = batches[at].as_string::<i32>().iter();
                let texts = texts.map(|text| text.map(|text| cut(text, most)));
                Arc::new(texts.collect::<StringArray>()) as ArrayRef
            })
            .collect();
        let rows = arrays.first().map_or(0, |array| array.len());
        let count = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &count)?)
    };
    let batches = (0..batches).map(batch).collect::<Result<Vec<_>>>()?;
    show(&schema, &batches, options)
}

/// The first and the last columns, so many of them, with dots in the place of all others.
fn without_middle(
    columns: &[(String, Vec<ArrayRef>)],
    kept: usize,
) -> Option<Vec<(String, Vec<ArrayRef>)>> {
    let first = columns.get(..kept.div_ceil(2))?;
    let last = columns.get(columns.len() - kept / 2..)?;
    let dots = columns
        .first()?
        .1
        .iter()
        .map(|batch| Arc::new(StringArray::from(vec![DOTS; batch.len()])) as ArrayRef);
    let middle = (DOTS.to_owned(), dots.collect());
    Some(first.iter().cloned().chain([middle]).chain(last.iter().cloned()).collect())
}

fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if kept.width() >= most {
            kept.pop();
            break;
        }
    }
    kept + DOTS
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    fn rows(columns: usize, text: &str) -> RecordBatch {
        let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(text), None]));
        let first = [("name".to_owned(), texts)];
        let others = (0..columns).map(|at| (format!("n{at}"), Arc::clone(&n)));
        let all = first.into_iter().chain(others).map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(all).unwrap()
    }

    fn shown(rows: &RecordBatch, width: Option<usize>) -> String {
        table(&rows.schema(), std::slice::from_ref(rows), Zone::default(), width).unwrap()
    }

    fn widest(table: &str) -> usize {
        table.lines().map(|line| line.width()).max().unwrap_or_default()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let rows = rows(2, "short");
        assert_eq!(shown(&rows, Some(80)), shown(&rows, None));
    }

    #[test]
    fn long_texts_are_cut_first() {
        let rows = rows(1, &"long ".repeat(40));
        assert!(widest(&shown(&rows, None)) > 200);
        let table = shown(&rows, Some(60));
        assert!(widest(&table) <= 60 && table.contains("n0") && table.contains(DOTS), "{table}");
        assert!(table.ends_with("`.wide on` shows them whole\n"), "{table}");
    }

    #[test]
    fn then_columns_in_the_middle_go() {
        let rows = rows(40, "x");
        let table = shown(&rows, Some(60));
        assert!(widest(&table) <= 60, "{table}");
        assert!(table.contains("| name |") || table.contains("|name|"), "{table}");
        assert!(table.contains("n39") && !table.contains("n20"), "{table}");
        assert!(table.contains("of 41 columns are shown"), "{table}");
    }

    #[test]
    fn no_rows_and_a_narrow_screen_are_no_reason_to_fail() {
        let rows = rows(40, "x");
        assert!(table(&rows.schema(), &[], Zone::default(), Some(60)).is_ok());
        assert!(!shown(&rows, Some(3)).is_empty());
    }
}
