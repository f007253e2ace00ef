//! The seal of a log file: which file it is, and a checksum over what it says.
//!
//! ```text
//! offsets/12      v1
//!                 {"batchWatermarkMs":0,...,"seal":{"file":"12","crc32":774563022}}
//! ```
//!
//! A file of a log can be whole and yet be the wrong one: a copy of its neighbour. The seal is the
//! last field of the last entry, where readers that do not know it pass it over. The checksum is
//! that of the text without the seal. Files of releases that wrote none are read without; so are
//! files without entries, which have no place for one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// How a seal begins, in JSON.
const FIELD: &str = "\"seal\":{";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    /// The name of the file in its folder.
    file: String,
    /// The CRC-32 of the text without the seal.
    crc32: u32,
}

/// The text of a file with its seal; unchanged where its last line is no JSON object.
pub(crate) fn sealed(mut text: String, file: &Location) -> String {
    let crc32 = crc32fast::hash(text.as_bytes());
    let seal = Seal { file: name(file).to_owned(), crc32 };
    let (Some(body), Ok(seal)) = (text.strip_suffix('}'), serde_json::to_string(&seal)) else {
        return text;
    };
    let comma = if body.ends_with('{') { "" } else { "," };
    text.truncate(body.len());
    text.push_str(&format!("{comma}\"seal\":{seal}}}"));
    text
}

/// The text of a file without its seal.
///
/// # Errors
/// `Corrupt`, naming the file, where the seal is that of another file or of another text.
pub(crate) fn opened<'a>(text: &'a str, file: &Location) -> Result<Cow<'a, str>> {
    let Some((at, seal)) = find(text) else { return Ok(Cow::Borrowed(text)) };
    let body = &text[..at];
    let plain = format!("{}}}", body.strip_suffix(',').unwrap_or(body));
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

/// The seal at the end of a text, and where its field begins.
fn find(text: &str) -> Option<(usize, Seal)> {
    let at = text.rfind(FIELD)?;
    let json = text[at + FIELD.len() - 1..].strip_suffix('}')?;
    Some((at, serde_json::from_str(json).ok()?))
}

fn name(file: &Location) -> &str {
    file.path.filename().unwrap_or_default()
}
