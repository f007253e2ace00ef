//! Values as Spark spells them in JSON, where Arrow's own writer spells them otherwise.

use arrow::array::types::{Float32Type, Float64Type};
use arrow::array::{Array, AsArray, MapArray};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::formats::display::{Zone, push_float32, push_float64, write_value};
use crate::formats::encode::times::{Texts, TimeText};

/// Spells values where Arrow's own JSON differs from Spark's.
#[derive(Debug)]
pub(super) struct SparkText {
    pub(super) times: TimeText,
}

impl EncoderFactory for SparkText {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float32 | DataType::Float64 => Box::new(Float { array, text: String::new() }),
            other if TimeText::spells(other) => {
                let texts = Texts::of_times(&self.times, array).ok_or_else(|| {
                    let reason = "lies beyond the years that can be written";
                    ArrowError::CastError(format!("a {other} {reason}"))
                })?;
                Box::new(Time(texts))
            }
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Box::new(Base64 { array, text: String::new() }),
            DataType::Map(_, _) => Box::new(Map::try_new(field, array.as_map(), options)?),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Float<'a> {
    array: &'a dyn Array,
    text: String,
}

impl Encoder for Float<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.text.clear();
        let is_finite = if self.array.data_type() == &DataType::Float32 {
            let value = self.array.as_primitive::<Float32Type>().value(row);
            push_float32(&mut self.text, value);
            value.is_finite()
        } else {
            let value = self.array.as_primitive::<Float64Type>().value(row);
            push_float64(&mut self.text, value);
            value.is_finite()
        };
        let quote: &[u8] = if is_finite { b"" } else { b"\"" };
        out.extend_from_slice(quote);
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(quote);
    }
}

struct Time(Texts);

impl Encoder for Time {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        push_quoted(out, self.0.get(row));
    }
}

/// A text in quotes; a pattern of the user's may have put characters into it that JSON escapes.
fn push_quoted(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing to memory cannot fail; a null keeps the line whole.
        out.extend_from_slice(b"null");
    }
}

struct Base64<'a> {
    array: &'a dyn Array,
    text: String,
}

impl Encoder for Base64<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let bytes = match self.array.data_type() {
            DataType::Binary => self.array.as_binary::<i32>().value(row),
            DataType::LargeBinary => self.array.as_binary::<i64>().value(row),
            DataType::BinaryView => self.array.as_binary_view().value(row),
            _ => self.array.as_fixed_size_binary().value(row),
        };
        self.text.clear();
        STANDARD.encode_string(bytes, &mut self.text);
        out.push(b'"');
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'"');
    }
}

/// A map keeps its missing values, unlike a struct; its keys may be of any type.
struct Map<'a> {
    map: &'a MapArray,
    keys: Vec<Vec<u8>>,
    values: NullableEncoder<'a>,
}

impl<'a> Map<'a> {
    fn try_new(
        field: &'a FieldRef,
        map: &'a MapArray,
        options: &'a EncoderOptions,
    ) -> Result<Self, ArrowError> {
        let (zone, keys) = (Zone::default(), map.keys());
        let mut quoted = Vec::with_capacity(keys.len());
        let mut text = String::new();
        for row in 0..keys.len() {
            text.clear();
            write_value(&mut text, keys.as_ref(), row, &zone)
                .map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
            quoted.push(
                serde_json::to_vec(&text)
                    .map_err(|error| ArrowError::ExternalError(Box::new(error)))?,
            );
        }
        Ok(Self { map, keys: quoted, values: make_encoder(field, map.values(), options)? })
    }
}

impl Encoder for Map<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let offsets = self.map.value_offsets();
        // The offsets of an array are never negative.
        let bound = |at: usize| usize::try_from(offsets[at]).unwrap_or_default();
        let (start, end) = (bound(row), bound(row + 1));
        out.push(b'{');
        for entry in start..end {
            if entry > start {
                out.push(b',');
            }
            out.extend_from_slice(&self.keys[entry]);
            out.push(b':');
            if self.values.is_null(entry) {
                out.extend_from_slice(b"null");
            } else {
                self.values.encode(entry, out);
            }
        }
        out.push(b'}');
    }
}
