//! Files of text that are compressed as a whole, some bytes at a time.

use std::io::{self, ErrorKind, Write};

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// How much room there is at least for what comes out.
const ROOM: usize = 64 * 1024;

/// Undoes a compression.
#[derive(Debug)]
pub(super) enum Decompressor {
    /// Of gzip: one member, or several in a row.
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// Of zlib, which Spark calls deflate. The decoder of `flate2` takes a file that was cut off
    /// for a whole one, hence this one.
    Deflate(Inflater),
}

impl Decompressor {
    /// What the end of a file's name, in lower case, says.
    pub(super) fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "gz" | "gzip" => Some(Self::Gzip(MultiGzDecoder::new(vec![]))),
            "deflate" => Some(Self::Deflate(Inflater::default())),
            _ => None,
        }
    }

    /// The name of the compression, for messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Gzip(_) => "gzip",
            Self::Deflate(_) => "deflate",
        }
    }

    /// Takes the next bytes, and gives those that come out.
    ///
    /// # Errors
    /// What is wrong with them; also when the last are not the end.
    pub(super) fn push(&mut self, bytes: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                if is_last {
                    decoder.try_finish()?;
                }
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(inflater) => inflater.push(bytes, is_last),
        }
    }
}

/// Undoes zlib.
#[derive(Debug)]
pub(super) struct Inflater {
    state: Decompress,
    is_ended: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { state: Decompress::new(true), is_ended: false }
    }
}

impl Inflater {
    fn push(&mut self, mut bytes: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
        let mut out = vec![];
        while !self.is_ended {
            out.reserve(ROOM);
            let before = (self.state.total_in(), out.len());
            let status = self.state.decompress_vec(bytes, &mut out, FlushDecompress::None)?;
            let taken = (self.state.total_in() - before.0) as usize;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.is_ended = status == Status::StreamEnd;
            // It goes on while it takes or gives something: there may be more to come out.
            if taken == 0 && out.len() == before.1 {
                break;
            }
        }
        if self.is_ended && !bytes.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, "something follows its end"));
        }
        if is_last && !self.is_ended {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "it ends too early"));
        }
        Ok(out)
    }
}
