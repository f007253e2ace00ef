//! Functions that give a text another form: its case, its length, its order.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Int32Builder, StringBuilder,
};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given, parameters, texts};

use DataType::{Binary, Boolean, Int32, Utf8};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("initcap", |given| texts(given, 1..=1, Utf8), |args| each(args, initcap)),
        Function::new(
            "upper",
            |given| texts(given, 1..=1, Utf8),
            |args| each(args, |text, out| out.push_str(&text.to_uppercase())),
        )
        .or(&["ucase"]),
        Function::new(
            "lower",
            |given| texts(given, 1..=1, Utf8),
            |args| each(args, |text, out| out.push_str(&text.to_lowercase())),
        )
        .or(&["lcase"]),
        Function::new("space", |given| parameters(given, 1, &[Int32], Utf8), space),
        Function::new("left", cut, |args| end(args, End::Left)),
        Function::new("right", cut, |args| end(args, End::Right)),
        Function::new("lpad", pad_types, |args| pad(args, End::Left)),
        Function::new("rpad", pad_types, |args| pad(args, End::Right)),
        Function::new("repeat", |given| parameters(given, 2, &[Utf8, Int32], Utf8), repeat),
        Function::new("replace", |given| texts(given, 2..=3, Utf8), replace),
        Function::new("translate", |given| texts(given, 3..=3, Utf8), translate),
        Function::new("mask", |given| texts(given, 1..=5, Utf8), mask),
        Function::new("encode", encode_types, encode),
        Function::new("decode", decode_types, decode),
        Function::new("levenshtein", levenshtein_types, levenshtein),
        Function::new("sentences", |given| texts(given, 1..=3, sentences_type()), sentences),
        Function::new("bit_length", length_types, |args| length(args, 8)),
        Function::new("octet_length", length_types, |args| length(args, 1)),
        Function::new("contains", search_types, |args| search(args, Search::Inside)),
        Function::new("startswith", search_types, |args| search(args, Search::Start)),
        Function::new("endswith", search_types, |args| search(args, Search::End)),
    ]
    .map(Function::udf)
    .to_vec()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

fn cut(given: &Given<'_>) -> Result<Call> {
    let text = if given.types.first() == Some(&Binary) { Binary } else { Utf8 };
    parameters(given, 2, &[text.clone(), Int32], text)
}

fn pad_types(given: &Given<'_>) -> Result<Call> {
    let text = if given.types.first() == Some(&Binary) { Binary } else { Utf8 };
    parameters(given, 2, &[text.clone(), Int32, text.clone()], text)
}

/// A text from each row where no argument is null.
fn rows(
    args: &Arguments,
    mut write: impl FnMut(usize, &mut String) -> Result<()>,
) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(args.rows, args.rows * 16);
    let mut text = String::new();
    for row in 0..args.rows {
        if args.all_valid(row) {
            text.clear();
            write(row, &mut text)?;
            if out.values_slice().len() + text.len() > MOST_OF_A_BATCH {
                return Err(args.fail("the texts of a batch are more than 2 GiB"));
            }
            out.append_value(&text);
        } else {
            out.append_null();
        }
    }
    Ok(Arc::new(out.finish()))
}

fn each(args: &Arguments, write: impl Fn(&str, &mut String)) -> Result<ArrayRef> {
    let text = args.text(0)?;
    rows(args, |row, out| {
        write(text.value(row), out);
        Ok(())
    })
}

/// Words are what stands between spaces.
fn initcap(text: &str, out: &mut String) {
    let mut starts = true;
    for letter in text.chars() {
        if starts {
            out.extend(letter.to_uppercase());
        } else {
            out.extend(letter.to_lowercase());
        }
        starts = letter == ' ';
    }
}

fn end(args: &Arguments, side: End) -> Result<ArrayRef> {
    let count = args.int(1)?;
    let length = |row| usize::try_from(count.value(row)).unwrap_or(0);
    if args.gives == Binary {
        let bytes = args.binary(0)?;
        let mut out = BinaryBuilder::new();
        for row in 0..args.rows {
            out.append_option(args.all_valid(row).then(|| {
                let value = bytes.value(row);
                let n = length(row).min(value.len());
                if side == End::Left { &value[..n] } else { &value[value.len() - n..] }
            }));
        }
        return Ok(Arc::new(out.finish()));
    }
    let text = args.text(0)?;
    rows(args, |row, out| {
        let value = text.value(row);
        out.push_str(match side {
            End::Left => &value[..byte_of(value, length(row))],
            End::Right => {
                let letters = value.chars().count();
                &value[byte_of(value, letters.saturating_sub(length(row)))..]
            }
        });
        Ok(())
    })
}

/// Where the letter at `index` begins, or the end.
fn byte_of(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

fn pad(args: &Arguments, side: End) -> Result<ArrayRef> {
    let count = args.int(1)?;
    let length = |row| usize::try_from(count.value(row)).unwrap_or(0);
    if args.gives == Binary {
        let bytes = args.binary(0)?;
        let with = (args.arrays.len() > 2).then(|| args.binary(2)).transpose()?;
        let mut out = BinaryBuilder::new();
        for row in 0..args.rows {
            check_length(args, if args.all_valid(row) { count.value(row) } else { 0 })?;
            out.append_option(args.all_valid(row).then(|| {
                let with = with.map_or(&[0][..], |with| with.value(row));
                padded(bytes.value(row), length(row), with, side)
            }));
        }
        return Ok(Arc::new(out.finish()));
    }
    let text = args.text(0)?;
    let with = (args.arrays.len() > 2).then(|| args.text(2)).transpose()?;
    rows(args, |row, out| {
        check_length(args, count.value(row))?;
        let letters: Vec<char> = text.value(row).chars().collect();
        let with: Vec<char> = with.map_or(" ", |with| with.value(row)).chars().collect();
        out.extend(padded(&letters, length(row), &with, side));
        Ok(())
    })
}

fn padded<T: Copy>(value: &[T], length: usize, with: &[T], side: End) -> Vec<T> {
    if value.len() >= length {
        return value[..length].to_vec();
    }
    let fill = with.iter().copied().cycle().take(length - value.len());
    match side {
        End::Left => fill.chain(value.iter().copied()).collect(),
        End::Right => value.iter().copied().chain(fill).collect(),
    }
}

/// Refuses a length that no text may have.
fn check_length(args: &Arguments, length: i32) -> Result<()> {
    if usize::try_from(length).is_ok_and(|length| length > LONGEST) {
        return Err(args
            .fail(format!("{length} is more than the {LONGEST} bytes that a text may have here")));
    }
    Ok(())
}

fn space(args: &Arguments) -> Result<ArrayRef> {
    let count = args.int(0)?;
    rows(args, |row, out| {
        check_length(args, count.value(row))?;
        out.extend(std::iter::repeat_n(' ', usize::try_from(count.value(row)).unwrap_or(0)));
        Ok(())
    })
}

fn repeat(args: &Arguments) -> Result<ArrayRef> {
    let (text, count) = (args.text(0)?, args.int(1)?);
    rows(args, |row, out| {
        let (text, count) = (text.value(row), usize::try_from(count.value(row)).unwrap_or(0));
        if text.len().saturating_mul(count) > LONGEST {
            return Err(args.fail(format!(
                "{count} times a text of {} bytes is more than the {LONGEST} bytes that a text \
                 may have here",
                text.len()
            )));
        }
        for _ in 0..count {
            out.push_str(text);
        }
        Ok(())
    })
}

/// The longest text that is made of a short one, in bytes.
const LONGEST: usize = 256 * 1024 * 1024;

/// How many bytes the texts of a batch can have.
const MOST_OF_A_BATCH: usize = i32::MAX as usize;

fn replace(args: &Arguments) -> Result<ArrayRef> {
    let (text, from) = (args.text(0)?, args.text(1)?);
    let to = (args.arrays.len() > 2).then(|| args.text(2)).transpose()?;
    rows(args, |row, out| {
        let (text, from) = (text.value(row), from.value(row));
        if from.is_empty() {
            out.push_str(text);
        } else {
            out.push_str(&text.replace(from, to.map_or("", |to| to.value(row))));
        }
        Ok(())
    })
}

/// The letters of the second argument become those at the same places of the third, or go.
fn translate(args: &Arguments) -> Result<ArrayRef> {
    let (text, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    rows(args, |row, out| {
        let from: Vec<char> = from.value(row).chars().collect();
        let to: Vec<char> = to.value(row).chars().collect();
        for letter in text.value(row).chars() {
            match from.iter().position(|known| *known == letter) {
                Some(at) => out.extend(to.get(at)),
                None => out.push(letter),
            }
        }
        Ok(())
    })
}

/// A NULL in place of a substitute leaves the letters of its kind as they are.
fn mask(args: &Arguments) -> Result<ArrayRef> {
    let text = args.text(0)?;
    let substitute = |index: usize, row: usize, default: Option<char>| -> Result<Option<char>> {
        if index >= args.arrays.len() {
            return Ok(default);
        }
        let array = args.text(index)?;
        if array.is_null(row) {
            return Ok(None);
        }
        let mut letters = array.value(row).chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(Some(letter)),
            _ => Err(args.fail("a substitute is one letter")),
        }
    };
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        if text.is_null(row) {
            out.append_null();
            continue;
        }
        let upper = substitute(1, row, Some('X'))?;
        let lower = substitute(2, row, Some('x'))?;
        let digit = substitute(3, row, Some('n'))?;
        let other = substitute(4, row, None)?;
        let masked: String = text
            .value(row)
            .chars()
            .map(|letter| {
                let with = if letter.is_uppercase() {
                    upper
                } else if letter.is_lowercase() {
                    lower
                } else if letter.is_numeric() {
                    digit
                } else {
                    other
                };
                with.unwrap_or(letter)
            })
            .collect();
        out.append_value(masked);
    }
    Ok(Arc::new(out.finish()))
}

fn encode_types(given: &Given<'_>) -> Result<Call> {
    texts(given, 2..=2, Binary)
}

fn decode_types(given: &Given<'_>) -> Result<Call> {
    parameters(given, 2, &[Binary, Utf8], Utf8)
}

/// How text is written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16 { little: bool, marked: bool },
    Utf32,
}

fn charset(args: &Arguments, name: &str) -> Result<Charset> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "us-ascii" => Charset::Ascii,
        "iso-8859-1" => Charset::Latin1,
        "utf-8" => Charset::Utf8,
        "utf-16" => Charset::Utf16 { little: false, marked: true },
        "utf-16be" => Charset::Utf16 { little: false, marked: false },
        "utf-16le" => Charset::Utf16 { little: true, marked: false },
        "utf-32" => Charset::Utf32,
        other => {
            return Err(args.fail(format!(
                "`{other}` is no known charset; use one of US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16, UTF-32"
            )));
        }
    })
}

fn encode(args: &Arguments) -> Result<ArrayRef> {
    let (text, names) = (args.text(0)?, args.text(1)?);
    let mut out = BinaryBuilder::new();
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let name = names.value(row);
        let bytes = bytes_of(text.value(row), charset(args, name)?);
        out.append_value(
            bytes.ok_or_else(|| args.fail(format!("a letter has no place in {name}")))?,
        );
    }
    Ok(Arc::new(out.finish()))
}

fn bytes_of(text: &str, charset: Charset) -> Option<Vec<u8>> {
    let below = |limit: u32| {
        text.chars().map(|c| u8::try_from(c).ok().filter(|b| u32::from(*b) < limit)).collect()
    };
    match charset {
        Charset::Ascii => below(0x80),
        Charset::Latin1 => below(0x100),
        Charset::Utf8 => Some(text.as_bytes().to_vec()),
        Charset::Utf16 { little, marked } => {
            let mark = marked.then_some(0xFEFF_u16);
            let units = mark.into_iter().chain(text.encode_utf16());
            Some(
                units
                    .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                    .collect(),
            )
        }
        Charset::Utf32 => Some(text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()),
    }
}

fn decode(args: &Arguments) -> Result<ArrayRef> {
    let (bytes, names) = (args.binary(0)?, args.text(1)?);
    rows(args, |row, out| {
        let name = names.value(row);
        let text = text_of(bytes.value(row), charset(args, name)?);
        out.push_str(&text.ok_or_else(|| args.fail(format!("the bytes are not {name}")))?);
        Ok(())
    })
}

fn text_of(bytes: &[u8], charset: Charset) -> Option<String> {
    match charset {
        Charset::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Latin1 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        Charset::Utf16 { little, marked } => {
            let (bytes, little) = match bytes {
                [0xFE, 0xFF, rest @ ..] if marked => (rest, false),
                [0xFF, 0xFE, rest @ ..] if marked => (rest, true),
                all => (all, little),
            };
            let (pairs, []) = bytes.as_chunks::<2>() else { return None };
            let unit = |pair: &[u8; 2]| {
                if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) }
            };
            char::decode_utf16(pairs.iter().map(unit)).collect::<Result<_, _>>().ok()
        }
        Charset::Utf32 => {
            let (units, []) = bytes.as_chunks::<4>() else { return None };
            units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect()
        }
    }
}

fn levenshtein_types(given: &Given<'_>) -> Result<Call> {
    parameters(given, 2, &[Utf8, Utf8, Int32], Int32)
}

/// How many letters have to change; -1 when they are more than the limit.
fn levenshtein(args: &Arguments) -> Result<ArrayRef> {
    let (left, right) = (args.text(0)?, args.text(1)?);
    let limit = (args.arrays.len() > 2).then(|| args.int(2)).transpose()?;
    let mut out = Int32Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        out.append_option(args.all_valid(row).then(|| {
            let far = strsim::levenshtein(left.value(row), right.value(row));
            let far = i32::try_from(far).unwrap_or(i32::MAX);
            match limit {
                Some(limit) if far > limit.value(row) => -1,
                _ => far,
            }
        }));
    }
    Ok(Arc::new(out.finish()))
}

fn sentences_type() -> DataType {
    DataType::new_list(DataType::new_list(Utf8, true), true)
}

/// Sentences end with a full stop, a question mark or an exclamation mark; words are letters,
/// digits and what joins them.
fn sentences(args: &Arguments) -> Result<ArrayRef> {
    use arrow::array::ListBuilder;
    let text = args.text(0)?;
    let mut out = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    for row in 0..args.rows {
        if text.is_null(row) {
            out.append_null();
            continue;
        }
        for sentence in text.value(row).split_inclusive(['.', '!', '?']) {
            let is_inside = |c: char| c.is_alphanumeric() || c == '\'' || c == '-' || c == '_';
            let mut words =
                sentence.split(|c| !is_inside(c)).filter(|word| !word.is_empty()).peekable();
            if words.peek().is_none() {
                continue;
            }
            for word in words {
                out.values().values().append_value(word);
            }
            out.values().append(true);
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

fn length_types(given: &Given<'_>) -> Result<Call> {
    let text = if given.types.first() == Some(&Binary) { Binary } else { Utf8 };
    parameters(given, 1, &[text], Int32)
}

fn length(args: &Arguments, factor: usize) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let offsets = match array.data_type() {
        Binary => array.as_binary::<i32>().offsets().clone(),
        _ => args.text(0)?.offsets().clone(),
    };
    let mut out = Int32Builder::with_capacity(args.rows);
    for (row, bytes) in offsets.lengths().enumerate() {
        let bits = i32::try_from(bytes * factor).map_err(|e| args.fail(e))?;
        out.append_option(array.is_valid(row).then_some(bits));
    }
    Ok(Arc::new(out.finish()))
}

#[derive(Debug, Clone, Copy)]
enum Search {
    Inside,
    Start,
    End,
}

fn search_types(given: &Given<'_>) -> Result<Call> {
    let both_binary = given.types.iter().all(|found| *found == Binary);
    let text = if both_binary && !given.types.is_empty() { Binary } else { Utf8 };
    parameters(given, 2, &[text.clone(), text], Boolean)
}

fn search(args: &Arguments, how: Search) -> Result<ArrayRef> {
    let is_binary = args.array(0)?.data_type() == &Binary;
    let mut out = BooleanBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let (text, part) = if is_binary {
            (args.binary(0)?.value(row), args.binary(1)?.value(row))
        } else {
            (args.text(0)?.value(row).as_bytes(), args.text(1)?.value(row).as_bytes())
        };
        out.append_value(match how {
            Search::Inside => memchr::memmem::find(text, part).is_some(),
            Search::Start => text.starts_with(part),
            Search::End => text.ends_with(part),
        });
    }
    Ok(Arc::new(out.finish()))
}
