//! JSON lines, spelled as Spark spells them.
//!
//! ```text
//! {"user":"ann","at":"2024-01-01T00:00:00.000Z","price":1.20,"tags":{"a":null}}
//! ```
//!
//! A missing field is left out, a missing element of a list or map is `null`. Timestamps have
//! milliseconds, and microseconds where those would lose something. Binary is base64. A number that
//! JSON has no word for is the text `"NaN"`, `"Infinity"` or `"-Infinity"`. Keys of maps are text.

pub mod encoding;
mod value;

#[cfg(test)]
mod tests;

pub use encoding::{JsonEncoding, JsonWriteOptions, lines_of};
