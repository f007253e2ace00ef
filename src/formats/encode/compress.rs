//! Files of text, compressed as a whole.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileCompression {
    /// Not at all.
    #[default]
    None,
    /// As gzip does.
    Gzip,
    /// As zlib does, which Spark calls deflate.
    Deflate,
}

impl FileCompression {
    /// What [`FromStr`] takes, for messages.
    pub const NAMES: &'static str = "`none`, `gzip` or `deflate`";
}

impl FromStr for FileCompression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            _ => Err(Error::invalid(format!("there is no compression `{text}`"))),
        }
    }
}

/// Files of `inner`, compressed.
#[derive(Debug)]
pub struct Compressed {
    inner: Arc<dyn FileEncoding>,
    compression: FileCompression,
    extension: String,
}

impl Compressed {
    /// The files of `inner`, compressed.
    pub fn wrap(
        inner: Arc<dyn FileEncoding>,
        compression: FileCompression,
    ) -> Arc<dyn FileEncoding> {
        let end = match compression {
            FileCompression::None => return inner,
            FileCompression::Gzip => ".gz",
            FileCompression::Deflate => ".deflate",
        };
        let extension = format!("{}{end}", inner.extension());
        Arc::new(Self { inner, compression, extension })
    }
}

impl FileEncoding for Compressed {
    fn extension(&self) -> &str {
        &self.extension
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        self.inner.check(schema)
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        let level = Compression::default();
        let packer = match self.compression {
            FileCompression::Deflate => Packer::Deflate(ZlibEncoder::new(vec![], level)),
            _ => Packer::Gzip(GzEncoder::new(vec![], level)),
        };
        Ok(Box::new(Compressor { inner: self.inner.start(schema)?, packer }))
    }
}

#[derive(Debug)]
enum Packer {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Packer {
    fn pack(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Gzip(packer) => packer.write_all(bytes),
            Self::Deflate(packer) => packer.write_all(bytes),
        }
        .map_err(|error| failed(&error))
    }

    fn packed(&self) -> &Vec<u8> {
        match self {
            Self::Gzip(packer) => packer.get_ref(),
            Self::Deflate(packer) => packer.get_ref(),
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Gzip(packer) => packer.finish(),
            Self::Deflate(packer) => packer.finish(),
        }
        .map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::internal(format!("bytes in memory cannot be compressed: {error}"))
}

#[derive(Debug)]
struct Compressor {
    inner: Box<dyn RowEncoder>,
    packer: Packer,
}

impl RowEncoder for Compressor {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.inner.write(rows)?;
        self.packer.pack(&self.inner.take())
    }

    fn ready(&self) -> usize {
        self.packer.packed().len()
    }

    fn held(&self) -> usize {
        self.ready() + self.inner.held()
    }

    fn take(&mut self) -> Vec<u8> {
        match &mut self.packer {
            Packer::Gzip(packer) => std::mem::take(packer.get_mut()),
            Packer::Deflate(packer) => std::mem::take(packer.get_mut()),
        }
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let Self { inner, mut packer } = *self;
        packer.pack(&inner.finish()?)?;
        packer.finish()
    }
}
