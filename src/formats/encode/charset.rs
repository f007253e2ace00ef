//! Text in other encodings than UTF-8: those that Spark writes and that can be read back here, which
//! UTF-32 cannot. A character that an encoding does not have becomes `?`.

use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};

/// How characters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-16 with a byte order mark, the high byte first.
    Utf16,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// UTF-16, the low byte first.
    Utf16Le,
}

impl FromStr for Charset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" => Ok(Self::Utf8),
            "us-ascii" => Ok(Self::Ascii),
            "iso-8859-1" => Ok(Self::Latin1),
            "utf-16" => Ok(Self::Utf16),
            "utf-16be" => Ok(Self::Utf16Be),
            "utf-16le" => Ok(Self::Utf16Le),
            _ => Err(Error::invalid(format!("there is no encoding `{name}`"))),
        }
    }
}

impl Charset {
    /// What [`FromStr`] takes, for messages.
    pub const NAMES: &'static str =
        "`UTF-8`, `US-ASCII`, `ISO-8859-1`, `UTF-16`, `UTF-16BE` or `UTF-16LE`";

    fn encode(self, text: &str) -> Vec<u8> {
        let narrow = |most: u32| text.chars().map(move |c| narrowed(c, most)).collect();
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Ascii => narrow(0x7F),
            Self::Latin1 => narrow(0xFF),
            Self::Utf16 | Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }
}

fn narrowed(c: char, most: u32) -> u8 {
    let code = u32::from(c);
    if code <= most { u8::try_from(code).unwrap_or(b'?') } else { b'?' }
}

/// Files of `inner`, which writes UTF-8, in another encoding.
#[derive(Debug)]
pub struct Transcoded {
    inner: Arc<dyn FileEncoding>,
    charset: Charset,
}

impl Transcoded {
    /// The files of `inner` in `charset`.
    pub fn wrap(inner: Arc<dyn FileEncoding>, charset: Charset) -> Arc<dyn FileEncoding> {
        match charset {
            Charset::Utf8 => inner,
            _ => Arc::new(Self { inner, charset }),
        }
    }
}

impl FileEncoding for Transcoded {
    fn extension(&self) -> &str {
        self.inner.extension()
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        self.inner.check(schema)
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        let bytes = if self.charset == Charset::Utf16 { vec![0xFE, 0xFF] } else { vec![] };
        Ok(Box::new(Transcoder { inner: self.inner.start(schema)?, charset: self.charset, bytes }))
    }
}

#[derive(Debug)]
struct Transcoder {
    inner: Box<dyn RowEncoder>,
    charset: Charset,
    bytes: Vec<u8>,
}

/// An encoder of text hands out whole characters.
fn as_text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Error::internal(format!("a file of text is no UTF-8: {error}")))
}

impl RowEncoder for Transcoder {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.inner.write(rows)?;
        let text = self.inner.take();
        self.bytes.extend(self.charset.encode(as_text(&text)?));
        Ok(())
    }

    fn ready(&self) -> usize {
        self.bytes.len()
    }

    fn held(&self) -> usize {
        self.bytes.len() + self.inner.held()
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let Self { inner, charset, mut bytes } = *self;
        bytes.extend(charset.encode(as_text(&inner.finish()?)?));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_the_bytes_that_java_gives_them() {
        let text = "a\u{e9}\u{2603}\u{1f600}";
        let bytes = |charset: &str| charset.parse::<Charset>().unwrap().encode(text);
        assert_eq!(bytes("UTF-8"), text.as_bytes());
        assert_eq!(bytes("us-ascii"), b"a???");
        assert_eq!(bytes("ISO-8859-1"), b"a\xe9??");
        let utf16 = [0, 0x61, 0, 0xE9, 0x26, 0x03, 0xD8, 0x3D, 0xDE, 0x00];
        assert_eq!(bytes("utf-16be"), utf16);
        let swapped: Vec<u8> = utf16.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        assert_eq!(bytes("UTF-16LE"), swapped);
        for none in ["nope", "UTF-32"] {
            assert!(none.parse::<Charset>().is_err());
        }
    }
}
