//! Functions that look for a text inside another, and cut there.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Int32Builder, StringBuilder};
use arrow::datatypes::DataType::{Binary, Int32, Utf8};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given, parameters, texts};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("instr", |given| texts(given, 2..=2, Int32), instr),
        Function::new("locate", |given| parameters(given, 2, &[Utf8, Utf8, Int32], Int32), locate)
            .or(&["position"]),
        Function::new("find_in_set", |given| texts(given, 2..=2, Int32), find_in_set),
        Function::new(
            "split_part",
            |given| parameters(given, 3, &[Utf8, Utf8, Int32], Utf8),
            split_part,
        ),
        Function::new(
            "substring_index",
            |given| parameters(given, 3, &[Utf8, Utf8, Int32], Utf8),
            substring_index,
        ),
        Function::new("substring", substring_types, substring).or(&["substr"]),
        Function::new(
            "overlay",
            |given| parameters(given, 3, &[Utf8, Utf8, Int32, Int32], Utf8),
            overlay,
        ),
    ]
    .map(Function::udf)
    .to_vec()
}

fn numbers(args: &Arguments, find: impl Fn(usize) -> Result<usize>) -> Result<ArrayRef> {
    let mut out = Int32Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        if args.all_valid(row) {
            out.append_value(i32::try_from(find(row)?).unwrap_or(i32::MAX));
        } else {
            out.append_null();
        }
    }
    Ok(Arc::new(out.finish()))
}

fn parts(
    args: &Arguments,
    mut write: impl FnMut(usize, &mut StringBuilder) -> Result<()>,
) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(args.rows, args.rows * 16);
    for row in 0..args.rows {
        if args.all_valid(row) {
            write(row, &mut out)?;
        } else {
            out.append_null();
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The position of the first `part` in `text` that begins at the letter `from` or later, or 0.
fn position(text: &str, part: &str, from: usize) -> usize {
    let Some((skipped, _)) =
        text.char_indices().map(|(at, _)| (at, ())).chain([(text.len(), ())]).nth(from - 1)
    else {
        return 0;
    };
    text[skipped..].find(part).map_or(0, |at| text[..skipped + at].chars().count() + 1)
}

fn instr(args: &Arguments) -> Result<ArrayRef> {
    let (text, part) = (args.text(0)?, args.text(1)?);
    numbers(args, |row| Ok(position(text.value(row), part.value(row), 1)))
}

/// A start before the first letter finds nothing; an empty text is found at the first letter.
fn locate(args: &Arguments) -> Result<ArrayRef> {
    let (part, text) = (args.text(0)?, args.text(1)?);
    let start = (args.arrays.len() > 2).then(|| args.int(2)).transpose()?;
    numbers(args, |row| {
        let from = start.map_or(1, |start| start.value(row));
        Ok(match usize::try_from(from) {
            Ok(from @ 1..) if part.value(row).is_empty() && from > 0 => 1,
            Ok(from @ 1..) => position(text.value(row), part.value(row), from),
            _ => 0,
        })
    })
}

fn find_in_set(args: &Arguments) -> Result<ArrayRef> {
    let (word, set) = (args.text(0)?, args.text(1)?);
    numbers(args, |row| {
        let word = word.value(row);
        if word.contains(',') {
            return Ok(0);
        }
        Ok(set.value(row).split(',').position(|item| item == word).map_or(0, |at| at + 1))
    })
}

/// A part counted from the front, or from the back with a negative number.
fn split_part(args: &Arguments) -> Result<ArrayRef> {
    let (text, by, number) = (args.text(0)?, args.text(1)?, args.int(2)?);
    parts(args, |row, out| {
        let (text, by, number) = (text.value(row), by.value(row), number.value(row));
        if number == 0 {
            return Err(
                args.fail("the index 0 is invalid; the first part has index 1, the last -1")
            );
        }
        let nth = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX) - 1;
        let part = match (by.is_empty(), number > 0) {
            (true, _) => (nth == 0).then_some(text),
            (false, true) => text.split(by).nth(nth),
            (false, false) => {
                let all: Vec<_> = text.split(by).collect();
                all.len().checked_sub(nth + 1).and_then(|at| all.get(at).copied())
            }
        };
        out.append_value(part.unwrap_or(""));
        Ok(())
    })
}

/// What stands before the n-th delimiter from the front, or after it from the back.
fn substring_index(args: &Arguments) -> Result<ArrayRef> {
    let (text, by, count) = (args.text(0)?, args.text(1)?, args.int(2)?);
    parts(args, |row, out| {
        let (text, by, count) = (text.value(row), by.value(row), count.value(row));
        let nth = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if by.is_empty() || nth == 0 {
            out.append_value("");
            return Ok(());
        }
        out.append_value(if count > 0 {
            text.match_indices(by).nth(nth - 1).map_or(text, |(at, _)| &text[..at])
        } else {
            text.rmatch_indices(by).nth(nth - 1).map_or(text, |(at, _)| &text[at + by.len()..])
        });
        Ok(())
    })
}

fn substring_types(given: &Given<'_>) -> Result<Call> {
    let text = if given.types.first() == Some(&Binary) { Binary } else { Utf8 };
    parameters(given, 2, &[text.clone(), Int32, Int32], text)
}

/// The letters or bytes from a position on, which counts from the end when it is negative; what
/// lies before the beginning counts for the length.
fn substring(args: &Arguments) -> Result<ArrayRef> {
    let (from, length) = (args.int(1)?, args.arrays.get(2).map(|_| args.int(2)).transpose()?);
    let bounds = |row: usize, count: usize| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let start = match i64::from(from.value(row)) {
            0 => 0,
            from @ 1.. => from - 1,
            from => count + from,
        };
        let end = length.map_or(i64::MAX, |length| start + i64::from(length.value(row)));
        let inside = |at: i64| usize::try_from(at.clamp(0, count)).unwrap_or(0);
        (inside(start), inside(end).max(inside(start)))
    };
    if args.gives == Binary {
        let bytes = args.binary(0)?;
        let mut out = BinaryBuilder::new();
        for row in 0..args.rows {
            out.append_option(args.all_valid(row).then(|| {
                let (start, end) = bounds(row, bytes.value(row).len());
                &bytes.value(row)[start..end]
            }));
        }
        return Ok(Arc::new(out.finish()));
    }
    let text = args.text(0)?;
    parts(args, |row, out| {
        let text = text.value(row);
        let (start, end) = if text.is_ascii() {
            bounds(row, text.len())
        } else {
            let (start, end) = bounds(row, text.chars().count());
            let byte = |at| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
            (byte(start), byte(end))
        };
        out.append_value(&text[start..end]);
        Ok(())
    })
}

/// Puts the second text over the first from a position on, for as long as it is or as is said.
fn overlay(args: &Arguments) -> Result<ArrayRef> {
    let (text, with, from) = (args.text(0)?, args.text(1)?, args.int(2)?);
    let length = (args.arrays.len() > 3).then(|| args.int(3)).transpose()?;
    parts(args, |row, out| {
        let letters: Vec<char> = text.value(row).chars().collect();
        let with = with.value(row);
        let covered = match length.map(|length| length.value(row)) {
            Some(length) if length >= 0 => i64::from(length),
            _ => i64::try_from(with.chars().count()).unwrap_or(i64::MAX),
        };
        let from = i64::from(from.value(row));
        let place = |at: i64| usize::try_from(at).unwrap_or(0).min(letters.len());
        let mut result: String = letters[..place(from - 1)].iter().collect();
        result.push_str(with);
        // A start before the first letter counts from the end, and covers nothing that is there.
        let rest = if from < 0 { covered + from } else { from - 1 + covered };
        result.extend(&letters[place(rest)..]);
        out.append_value(result);
        Ok(())
    })
}
