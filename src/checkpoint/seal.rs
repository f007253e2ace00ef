//! The seal of a log file: which file it is, and a checksum over what it says.
//!
//! ```text
//! offsets/12      v1
//!                 {"batchWatermarkMs":0,...,"seal":{"file":"12","crc32":774563022}}
//! ```
//!
//! A file of a log can be whole and yet be the wrong one: a copy of its neighbour. The seal is the
//! last field of the first entry, where readers that do not know it pass it over, and where a file
//! that lost its end still has it. The checksum is that of the text without the seal. Files of
//! releases that wrote none are read without; so is a file without entries, which has no place for
//! one.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// How a seal begins, in JSON.
const FIELD: &str = "\"seal\":{";

/// How the last field of a seal begins, and what follows its number at the end of the line.
const CHECKSUM: (&str, &str) = ("\"crc32\":", "}}");

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    /// The name of the file in its folder.
    file: String,
    /// The CRC-32 of the text without the seal.
    crc32: u32,
}

/// The text of a file with its seal, in the first line that is a JSON object; unchanged where there
/// is none.
pub(crate) fn sealed(text: String, file: &Location) -> String {
    let crc32 = crc32fast::hash(text.as_bytes());
    let seal = Seal { file: name(file).to_owned(), crc32 };
    let (Some(at), Ok(seal)) = (place(&text), serde_json::to_string(&seal)) else {
        return text;
    };
    let (before, after) = text.split_at(at);
    let comma = if before.ends_with('{') { "" } else { "," };
    format!("{before}{comma}\"seal\":{seal}{after}")
}

/// Where the first JSON object of a text ends: before its last brace.
fn place(text: &str) -> Option<usize> {
    let start = if text.starts_with('{') { 0 } else { text.find("\n{")? + 1 };
    let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    text[..end].ends_with('}').then_some(end - 1)
}

/// The text of a file without its seal.
///
/// # Errors
/// `Corrupt`, naming the file, where the seal is damaged, or is that of another file or of another
/// text.
pub(crate) fn opened<'a>(text: &'a str, file: &Location) -> Result<Cow<'a, str>> {
    let Some((field, seal)) = find(text) else {
        if has_traces(text) {
            return Err(Error::corrupt(
                &file.given,
                "its seal is damaged; bring it back from a copy of the folder",
            ));
        }
        return Ok(Cow::Borrowed(text));
    };
    let (before, after) = (&text[..field.start], &text[field.end..]);
    let plain = format!("{}{after}", before.strip_suffix(',').unwrap_or(before));
    if seal.file != name(file) {
        return Err(Error::corrupt(
            &file.given,
            format!(
                "its content is that of `{}` in the same log; bring the right file back from a \
                 copy of the folder",
                seal.file
            ),
        ));
    }
    if seal.crc32 != crc32fast::hash(plain.as_bytes()) {
        return Err(Error::corrupt(
            &file.given,
            "its content does not have the checksum that it was written with; bring it back from \
             a copy of the folder",
        ));
    }
    Ok(Cow::Owned(plain))
}

/// The seal of a text, and where its field stands.
fn find(text: &str) -> Option<(Range<usize>, Seal)> {
    let start = text.find(FIELD)?;
    let value = start + FIELD.len() - 1;
    let mut seals = serde_json::Deserializer::from_str(&text[value..]).into_iter();
    let seal = seals.next()?.ok()?;
    Some((start..value + seals.byte_offset(), seal))
}

/// Whether a text without a seal had one: of a seal that is damaged in one place, the beginning or
/// the end is still there. Neither can be part of a value, where quotes are written `\"`.
fn has_traces(text: &str) -> bool {
    let (field, end) = CHECKSUM;
    let has_end = |line: &str| {
        let number = line.strip_suffix(end).and_then(|line| line.rsplit_once(field));
        number.is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.contains(FIELD) || text.lines().any(has_end)
}

fn name(file: &Location) -> &str {
    file.path.filename().unwrap_or_default()
}
