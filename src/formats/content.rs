//! The bytes of a text file as UTF-8: decompressed where its name says so, decoded from its
//! encoding, without a byte order mark.

use encoding_rs::{CoderResult, UTF_16BE, UTF_16LE};

use crate::error::{Error, Result};
use crate::formats::decompress::Decompressor;
use crate::formats::format::InputFile;

/// How much of a file is read at once.
pub(super) const CHUNK_BYTES: u64 = 2 * 1024 * 1024;

/// How much of a compressed file is read at once, since it may grow a thousandfold.
const COMPRESSED_CHUNK_BYTES: u64 = 128 * 1024;

/// The largest file that is read as a whole, after decompression. An array of strings holds less
/// than 2 GiB.
const MAX_WHOLE_BYTES: usize = 1024 * 1024 * 1024;

/// How the characters of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8; what is none becomes U+FFFD.
    #[default]
    Utf8,
    /// One byte for each of the first 256 characters.
    Latin1,
    /// One byte for each of the first 128 characters; what is none becomes U+FFFD.
    Ascii,
    /// UTF-16 by its byte order mark, big-endian without one.
    Utf16,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

impl Encoding {
    /// The names of all encodings.
    pub const NAMES: &'static str = "UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16LE and UTF-16BE";

    /// The encoding of this name, without regard to case.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_uppercase().as_str() {
            "UTF-8" => Self::Utf8,
            "ISO-8859-1" => Self::Latin1,
            "US-ASCII" => Self::Ascii,
            "UTF-16" => Self::Utf16,
            "UTF-16LE" => Self::Utf16Le,
            "UTF-16BE" => Self::Utf16Be,
            _ => return None,
        })
    }
}

/// Whether the name of a file says that it is compressed.
pub fn is_compressed(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| {
        Decompressor::of_extension(&extension).is_some() || is_foreign(&extension)
    })
}

/// Whether files with this extension are compressed in a way that nobody here reads.
fn is_foreign(extension: &str) -> bool {
    matches!(extension, "bz2" | "zst" | "zstd" | "lz4" | "snappy" | "xz")
}

/// Reads a file piece by piece.
#[derive(Debug)]
pub(super) struct Content {
    file: InputFile,
    /// How far the file has been read.
    at: u64,
    decompressor: Option<Decompressor>,
    decoder: Decoder,
}

impl Content {
    /// Starts at the beginning of a file, or at the byte `from` of one in UTF-8.
    ///
    /// # Errors
    /// `Unsupported` for a file whose name says that it is compressed in a way nobody reads: its
    /// bytes would be malformed records.
    pub(super) fn open_at(file: InputFile, encoding: Encoding, from: u64) -> Result<Self> {
        let extension = file.path.extension().unwrap_or_default().to_ascii_lowercase();
        let decompressor = Decompressor::of_extension(&extension);
        if is_foreign(&extension) {
            return Err(Error::unsupported(format!(
                "`{}` is compressed in a way that cannot be read; compress it with gzip, or leave it out with the option `pathGlobFilter`",
                file.url
            )));
        }
        let decoder = match from {
            0 => Decoder::new(encoding),
            _ => Decoder::Utf8 { is_start: false },
        };
        Ok(Self { file, at: from, decompressor, decoder })
    }

    /// Starts at the beginning of a file.
    ///
    /// # Errors
    /// Those of [`open_at`](Self::open_at).
    pub(super) fn open(file: InputFile, encoding: Encoding) -> Result<Self> {
        Self::open_at(file, encoding, 0)
    }

    /// How far the file has been read, in bytes.
    pub(super) const fn position(&self) -> u64 {
        self.at
    }

    pub(super) const fn file(&self) -> &InputFile {
        &self.file
    }

    /// The next piece; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while self.at < self.file.size {
            let is_compressed = self.decompressor.is_some();
            let step = if is_compressed { COMPRESSED_CHUNK_BYTES } else { CHUNK_BYTES };
            let end = self.file.size.min(self.at + step);
            let bytes = self.file.bytes(self.at..end).await?;
            self.at = end;
            let is_last = end == self.file.size;
            let piece = match &mut self.decompressor {
                None => self.decoder.decode(&bytes, is_last),
                Some(decompressor) => {
                    let unpacked = decompressor.push(&bytes, is_last).map_err(|error| {
                        let format = decompressor.name();
                        self.file.data(format!("it is no {format} file: {error}"))
                    })?;
                    self.decoder.decode(&unpacked, is_last)
                }
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The rest as one text; what is no UTF-8 becomes U+FFFD.
    pub(super) async fn whole(mut self) -> Result<String> {
        let mut all = vec![];
        while let Some(piece) = self.next().await? {
            if all.len() + piece.len() > MAX_WHOLE_BYTES {
                return Err(self.file.data(format!(
                    "it is longer than {MAX_WHOLE_BYTES} bytes, and must be read as a whole; split it, or write one record in each line"
                )));
            }
            all.extend_from_slice(&piece);
        }
        Ok(String::from_utf8(all)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

/// Bytes of an encoding to UTF-8, some at a time.
#[derive(Debug)]
enum Decoder {
    /// UTF-8 as it stands, after a byte order mark.
    Utf8 {
        is_start: bool,
    },
    Latin1,
    Ascii,
    Utf16(Box<encoding_rs::Decoder>),
    /// UTF-16 before its first two bytes.
    Unmarked(Vec<u8>),
}

impl Decoder {
    fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8 { is_start: true },
            Encoding::Latin1 => Self::Latin1,
            Encoding::Ascii => Self::Ascii,
            Encoding::Utf16 => Self::Unmarked(vec![]),
            Encoding::Utf16Le => Self::Utf16(Box::new(UTF_16LE.new_decoder_with_bom_removal())),
            Encoding::Utf16Be => Self::Utf16(Box::new(UTF_16BE.new_decoder_with_bom_removal())),
        }
    }

    fn decode(&mut self, bytes: &[u8], is_last: bool) -> Vec<u8> {
        match self {
            Self::Utf8 { is_start } => {
                let is_start = std::mem::replace(is_start, false);
                let mark = bytes.strip_prefix(b"\xEF\xBB\xBF").filter(|_| is_start);
                mark.unwrap_or(bytes).to_vec()
            }
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
            Self::Ascii => {
                let chars = bytes.iter().map(|byte| match byte.is_ascii() {
                    true => char::from(*byte),
                    false => char::REPLACEMENT_CHARACTER,
                });
                chars.collect::<String>().into()
            }
            Self::Utf16(decoder) => decode_all(decoder, bytes, is_last),
            Self::Unmarked(start) => {
                start.extend_from_slice(bytes);
                if start.len() < 2 && !is_last {
                    return vec![];
                }
                let encoding = if start.starts_with(b"\xFF\xFE") { UTF_16LE } else { UTF_16BE };
                let mut decoder = Box::new(encoding.new_decoder_with_bom_removal());
                let decoded = decode_all(&mut decoder, start, is_last);
                *self = Self::Utf16(decoder);
                decoded
            }
        }
    }
}

fn decode_all(decoder: &mut encoding_rs::Decoder, bytes: &[u8], is_last: bool) -> Vec<u8> {
    let mut out = String::new();
    let mut rest = bytes;
    loop {
        out.reserve(decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len()));
        let (result, read, _) = decoder.decode_to_string(rest, &mut out, is_last);
        rest = rest.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return out.into_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

    use super::*;

    async fn read(name: &str, bytes: &[u8], encoding: Encoding) -> Result<String> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from(name);
        store.put(&path, bytes.to_vec().into()).await.unwrap();
        let url = format!("memory:///{name}");
        let file = InputFile { store, path, size: bytes.len() as u64, url };
        Content::open(file, encoding)?.whole().await
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn each_encoding_reads_its_own_bytes() {
        let units = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let text = "a\u{e9}\u{1f600}";
        for (name, bytes) in [
            ("utf-8", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            ("UTF-16LE", units(text, false)),
            ("UTF-16BE", units(text, true)),
            ("UTF-16", units(text, true)),
            ("UTF-16", units(&format!("\u{feff}{text}"), false)),
            ("UTF-16", units(&format!("\u{feff}{text}"), true)),
        ] {
            let encoding = Encoding::find(name).unwrap();
            assert_eq!(read("f.csv", &bytes, encoding).await.unwrap(), text, "{name}");
        }
        assert_eq!(read("f", b"\x80\xE9", Encoding::Latin1).await.unwrap(), "\u{80}\u{e9}");
        assert_eq!(read("f", b"a\xE9", Encoding::Ascii).await.unwrap(), "a\u{fffd}");
        assert_eq!(read("f", b"a\xFFb", Encoding::Utf8).await.unwrap(), "a\u{fffd}b");
        assert_eq!(read("f", b"\0", Encoding::Utf16Le).await.unwrap(), "\u{fffd}");
        assert_eq!(Encoding::find("latin1"), None);
    }

    #[tokio::test]
    async fn gzip_is_known_by_the_name_and_must_be_whole() {
        let two = [gzip(b"a\n"), gzip(b"b\n")].concat();
        assert_eq!(read("f.csv.gz", &two, Encoding::Utf8).await.unwrap(), "a\nb\n");
        let long = "x".repeat(CHUNK_BYTES as usize + 1);
        let inflated = read("f.GZ", &gzip(long.as_bytes()), Encoding::Utf8).await.unwrap();
        assert_eq!(inflated.len(), long.len());
        for broken in [&b"a,b\n"[..], &two[..two.len() - 5]] {
            let error = read("f.gz", broken, Encoding::Utf8).await.unwrap_err();
            assert!(error.to_string().contains("memory:///f.gz"), "{error}");
        }
        assert!(matches!(read("f.bz2", b"", Encoding::Utf8).await, Err(Error::Unsupported { .. })));
    }

    #[tokio::test]
    async fn deflate_is_what_the_sink_writes_under_that_name() {
        let zlib = |text: &[u8]| {
            let mut encoder = ZlibEncoder::new(vec![], Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let long: Vec<u8> = (0..400_000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let packed = zlib(&long);
        assert!(packed.len() as u64 > 2 * COMPRESSED_CHUNK_BYTES, "{}", packed.len());
        let unpacked = read("f.csv.deflate", &packed, Encoding::Utf8).await.unwrap();
        assert!(unpacked.as_bytes() == long);
        let repeated = vec![b'x'; 10_000_000];
        let unpacked = read("f.DEFLATE", &zlib(&repeated), Encoding::Utf8).await.unwrap();
        assert_eq!(unpacked.len(), repeated.len());
        let two = [zlib(b"a"), zlib(b"b")].concat();
        for broken in [&b"a,b\n"[..], &packed[..packed.len() - 5], &packed[..1], &two] {
            let error = read("f.deflate", broken, Encoding::Utf8).await.unwrap_err();
            assert!(error.to_string().contains("no deflate file"), "{error}");
        }
    }
}
